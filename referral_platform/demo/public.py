"""What customers and visitors do in the demo: join, click, sign up, buy, send back."""

from __future__ import annotations

from datetime import datetime, timedelta

from accounts.services import SYSTEM, Actor
from core import clock
from core.errors import DomainError
from programs import services as program_services
from programs.models import Participant, PromoCode
from referral_platform.demo import cast, shopfront
from referral_platform.demo.scenes import Action, Buy, Enrol, GiveBack, SignUp, Visit
from referral_platform.demo.stage import Stage, Waiting
from rewards import services as reward_services
from tracking import services as tracking_services
from tracking.classification import ClickFacts
from tracking.identifiers import Traces
from tracking.lines import Line
from tracking.models import Conversion


def act(stage: Stage, action: Action, at: datetime) -> None:
    """Play one action of the story."""
    match action:
        case Enrol():
            _enrol(stage, action, at)
        case Visit():
            _visit(stage, action, at)
        case SignUp() | Buy():
            # Kept back, because many are recorded as fast as a few.
            stage.waiting.append(Waiting(action, at))
        case GiveBack():
            _give_back(stage, action, at)


def _enrol(stage: Stage, action: Enrol, at: datetime) -> None:
    if any(each.action.person == action.person for each in stage.waiting):
        catch_up(stage)
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
        reward_services.choose_payout_account(
            customer=customer,
            method="bank",
            details={"holder": customer.name, "country": "DE", "iban": cast.iban(action.person)},
            actor=Actor(kind="participant", label=participant.public_id),
            at=at,
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


def catch_up(stage: Stage) -> None:
    """Store the visits that were kept back, then record the sign-ups and purchases that were."""
    stage.store_visits()
    waiting, stage.waiting = stage.waiting, []
    told = [each for each in waiting if isinstance(each.action, SignUp) or not each.action.shop]
    stage.identify(
        (each.action.person, each.at, each.action.country if isinstance(each.action, SignUp) else "DE")
        for each in told
    )
    facts = [_fact(stage, each) for each in told]
    results = tracking_services.record_conversions(workspace=stage.workspace, facts=facts)
    for each, result in zip(told, results, strict=True):
        if isinstance(result, DomainError):
            raise result
        if isinstance(each.action, Buy):
            stage.orders[each.action.order] = (each.action, result.conversion)
    for each in waiting:
        if isinstance(each.action, Buy) and each.action.shop:
            with clock.standing_at(each.at):
                order = shopfront.receive_order(stage, each.action, each.at)
            stage.orders[each.action.order] = (each.action, order)


def _fact(stage: Stage, waiting: Waiting) -> tracking_services.ConversionFact:
    customer, at = stage.customers[waiting.action.person], waiting.at
    match waiting.action:
        case SignUp(visit=visit):
            return tracking_services.ConversionFact(
                kind=Conversion.Kind.SIGNUP,
                customer=customer,
                source="api",
                source_key=f"signup:{customer.external_id}",
                event_name="Account created",
                click=stage.clicks[visit],
                metadata={"demo_label": "fine"},
                occurred_at=at,
                at=at,
            )
        case Buy() as buy:
            return tracking_services.ConversionFact(
                kind=Conversion.Kind.PURCHASE,
                customer=customer,
                source="api",
                source_key=f"LC-{buy.order}",
                amount_minor=buy.amount_minor,
                currency=cast.CURRENCY,
                lines=lines_of(buy.amount_minor),
                click=stage.clicks[buy.visit] if buy.visit else None,
                promo_codes=[stage.codes[buy.code_of]] if buy.code_of is not None else [],
                metadata={"order_number": f"LC-{buy.order}", "demo_label": buy.label},
                traces=Traces(**buy.traces),
                occurred_at=at,
                at=at,
            )


def lines_of(amount_minor: int) -> list[Line]:
    """Return what an order of this size was for: beans, and in larger ones something to make them with."""
    gear_minor = 2_900 if amount_minor > 5_000 else 0
    beans = Line(
        sku="BEANS-HOUSE",
        category="beans",
        amount_minor=amount_minor - gear_minor,
        cost_minor=(amount_minor - gear_minor) * 55 // 100,
    )
    if not gear_minor:
        return [beans]
    return [beans, Line(sku="FILTER-V60", category="gear", amount_minor=gear_minor, cost_minor=1_740)]


def _give_back(stage: Stage, action: GiveBack, at: datetime) -> None:
    if action.order not in stage.orders:
        catch_up(stage)
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
