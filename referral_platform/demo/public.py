"""What customers and visitors do in the demo: join, click, sign up, buy, send back."""

from __future__ import annotations

from datetime import datetime, timedelta

from accounts.services import SYSTEM, Actor
from programs import services as program_services
from programs.models import Participant, PromoCode
from referral_platform.demo import cast, shopfront
from referral_platform.demo.scenes import Action, Buy, Enrol, GiveBack, SignUp, Visit
from referral_platform.demo.stage import Stage
from tracking import services as tracking_services
from tracking.classification import ClickFacts
from tracking.models import Conversion


def act(stage: Stage, action: Action, at: datetime) -> None:
    """Play one action of the story."""
    match action:
        case Enrol():
            _enrol(stage, action, at)
        case Visit():
            _visit(stage, action, at)
        case SignUp():
            _sign_up(stage, action, at)
        case Buy():
            _buy(stage, action, at)
        case GiveBack():
            _give_back(stage, action, at)


def _enrol(stage: Stage, action: Enrol, at: datetime) -> None:
    customer = stage.customer(action.person, at)
    participant, _ = program_services.enrol_participant(
        program=stage.programs[action.program],
        customer=customer,
        display_name=cast.channel_name(action.person) if action.program == "creators" else "",
        actor=SYSTEM,
        at=at,
    )
    stage.links[action.person] = stage.link_of(participant)
    if action.payout:
        program_services.update_participant(
            participant=participant,
            payout_reference=cast.iban(action.person),
            actor=Actor(kind="participant", label=customer.email),
        )
    if action.program == "creators":
        stage.codes[action.person] = program_services.create_promo_code(
            participant=participant, code=cast.promo_code(action.person), actor=stage.olga, at=at
        )
        _campaign(stage, participant, cast.promo_code(action.person), at)


def _campaign(stage: Stage, participant: Participant, code: str, at: datetime) -> None:
    """Give a creator a link and a code for a launch of two weeks, which is over by now."""
    program_services.create_link(
        participant=participant,
        campaign="Launch",
        utm={"source": "creator", "medium": "{channel}", "campaign": "{campaign}"},
        expires_at=at + timedelta(days=14),
        actor=stage.olga,
        at=at,
    )
    promo = program_services.create_promo_code(
        participant=participant, code=f"{code}-LAUNCH", actor=stage.olga, at=at
    )
    program_services.set_promo_code_status(
        promo=promo, status=PromoCode.Status.ARCHIVED.value, actor=stage.olga
    )


def _visit(stage: Stage, action: Visit, at: datetime) -> None:
    # Kept back until somebody needs one of them, because many are stored as fast as a few.
    stage.visits[action.key] = tracking_services.LinkRequest(
        link=stage.links[action.participant],
        visitor_id=f"vis_demo{action.visitor:05d}",
        facts=ClickFacts(**action.facts),
        at=at,
    )


def _sign_up(stage: Stage, action: SignUp, at: datetime) -> None:
    customer = stage.customer(action.person, at, action.country)
    tracking_services.record_conversion(
        workspace=stage.workspace,
        fact=tracking_services.ConversionFact(
            kind=Conversion.Kind.SIGNUP,
            customer=customer,
            source="api",
            source_key=f"signup:{customer.external_id}",
            event_name="Account created",
            click=stage.click(action.visit),
            occurred_at=at,
            at=at,
        ),
    )


def _buy(stage: Stage, action: Buy, at: datetime) -> None:
    if action.shop:
        stage.orders[action.order] = (action, shopfront.receive_order(stage, action, at))
        return
    recorded = tracking_services.record_conversion(
        workspace=stage.workspace,
        fact=tracking_services.ConversionFact(
            kind=Conversion.Kind.PURCHASE,
            customer=stage.customer(action.person, at),
            source="api",
            source_key=f"LC-{action.order}",
            amount_minor=action.amount_minor,
            currency=cast.CURRENCY,
            click=stage.click(action.visit) if action.visit else None,
            promo_codes=[stage.codes[action.code_of]] if action.code_of is not None else [],
            metadata={"order_number": f"LC-{action.order}"},
            occurred_at=at,
            at=at,
        ),
    )
    stage.orders[action.order] = (action, recorded.conversion)


def _give_back(stage: Stage, action: GiveBack, at: datetime) -> None:
    buy, conversion = stage.orders[action.order]
    amount_minor = buy.amount_minor * action.percent // 100
    if buy.shop:
        shopfront.receive_refund(stage, buy, conversion, amount_minor, at)
        return
    tracking_services.record_refund(
        conversion=conversion,
        source_key=f"return-{action.order}",
        amount_minor=amount_minor,
        occurred_at=at,
        at=at,
    )
