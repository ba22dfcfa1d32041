"""Facts of tracking and rewards that the mails and the portal tell of."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from accounts.models import User
from core.ids import new_public_id
from programs.models import Customer, Link, Participant, ProgramVersion
from rewards.models import Account, Payout, PayoutBatch, Reward
from tests.factories import AT, ConversionFactory, CustomerFactory
from tracking.models import Attribution, Click, Conversion, Credit, Referral


def version_of(participant: Participant) -> ProgramVersion:
    version: ProgramVersion = ProgramVersion.objects.for_workspace(participant.workspace_id).get(
        program=participant.program
    )
    return version


def referral(
    participant: Participant, friend: Customer | None = None, status: str = "started", at: datetime = AT
) -> Referral:
    made: Referral = Referral.objects.create(
        workspace=participant.workspace,
        program=participant.program,
        participant=participant,
        customer=friend or CustomerFactory.create(workspace=participant.workspace),
        status=status,
        started_at=at,
        converted_at=at if status == "converted" else None,
    )
    return made


def credit(
    bringing: Referral, kind: str = "signup", conversion: Conversion | None = None, **fields: Any
) -> Credit:
    """Credit the referral's participant with a conversion of its friend."""
    workspace = bringing.workspace
    conversion = conversion or ConversionFactory.create(
        workspace=workspace,
        customer=bringing.customer,
        kind=kind,
        amount_minor=10_000 if kind == "purchase" else 0,
        **fields,
    )
    attribution, _ = Attribution.objects.for_workspace(workspace).get_or_create(
        workspace=workspace,
        conversion=conversion,
        program=bringing.program,
        defaults={
            "version": version_of(bringing.participant),
            "model": "last_click",
            "reason": "credited",
            "inputs": {},
            "result": {},
            "digest": "",
            "decided_at": AT,
        },
    )
    made: Credit = Credit.objects.create(
        workspace=workspace,
        attribution=attribution,
        conversion=conversion,
        participant=bringing.participant,
        referral=bringing,
        weight_ppm=1_000_000,
        amount_minor=conversion.amount_minor,
        currency="EUR",
        confidence="certain",
        occurred_at=conversion.occurred_at,
    )
    return made


def reward(bringing: Referral, **fields: Any) -> Reward:
    """A reward of 10.00 EUR in cash for the referrer of a purchase, on hold for 30 days."""
    owner = bringing.customer if fields.get("side") == "referee" else bringing.participant.customer
    conversion = fields.pop("conversion", None) or ConversionFactory.create(
        workspace=bringing.workspace, customer=bringing.customer
    )
    given: dict[str, Any] = {
        "side": "referrer",
        "participant": bringing.participant,
        "rule_key": "referrer-purchase",
        "kind": "cash",
        "unit": "EUR",
        "base_minor": 10_000,
        "amount_minor": 1_000,
        "status": "pending",
        "available_at": AT + timedelta(days=30),
        **fields,
    }
    made: Reward = Reward.objects.create(
        workspace=bringing.workspace,
        program=bringing.program,
        version=version_of(bringing.participant),
        conversion=conversion,
        referral=bringing,
        customer=owner,
        created_at=AT,
        **given,
    )
    return made


def account(customer: Customer, kind: str, balance_minor: int, unit: str = "EUR") -> Account:
    made: Account = Account.objects.create(
        workspace=customer.workspace, customer=customer, kind=kind, unit=unit, balance_minor=balance_minor
    )
    return made


def colleague() -> User:
    return User.objects.create(email=f"{new_public_id('usr')}@acme.example")


def payout(customer: Customer, amount_minor: int = 2_500, status: str = "paid") -> Payout:
    """A payout of 25.00 EUR in an approved batch."""
    workspace = customer.workspace
    batch = PayoutBatch.objects.create(
        workspace=workspace,
        currency="EUR",
        status="completed",
        total_minor=amount_minor,
        payout_count=1,
        paid_minor=0 if status == "failed" else amount_minor,
        failed_minor=amount_minor if status == "failed" else 0,
        created_by=colleague(),
        approved_by=colleague(),
        created_at=AT,
    )
    made: Payout = Payout.objects.create(
        workspace=workspace,
        batch=batch,
        customer=customer,
        amount_minor=amount_minor,
        currency="EUR",
        status=status,
        provider_reference="REF-7",
        settled_at=AT if status == "paid" else None,
    )
    return made


def click(link: Link, counted: bool = True) -> Click:
    made: Click = Click.objects.create(
        workspace=link.workspace,
        link=link,
        participant=link.participant,
        program=link.participant.program,
        visitor_id="vis_1",
        occurred_at=AT,
        received_at=AT,
        counted=counted,
        reason="" if counted else "bot",
        channel="direct",
    )
    return made
