"""Conversions with the decisions behind them, as tracking leaves them for rewards."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from accounts.models import User, Workspace
from accounts.services import Actor
from core.money import split
from programs.models import Customer, Participant, Program, ProgramVersion
from rewards import queries, services
from rewards.models import PayoutAccount, PayoutBatch, Reward
from tests import factories
from tests.factories import AT
from tracking.models import Attribution, Conversion, Credit, FraudCase, FraudJudgement, Referral

IBAN = "DE02120300000000202051"
IBAN_LABEL = "DE…2051"


def person(email: str = "olga@acme.example") -> Actor:
    """Return somebody who acts in the console; the same address is the same person."""
    user = User.objects.filter(email=email).first() or factories.UserFactory.create(email=email)
    return Actor(kind="user", label=user.email, user=user)


def rule(**changes: Any) -> dict[str, Any]:
    """Return a reward rule's document: 10 % of a purchase in cash for the referrer, with changes."""
    return {
        "key": "commission",
        "side": "referrer",
        "event": "purchase",
        "kind": "cash",
        "amount": {"type": "percentage", "bps": 1000},
        **changes,
    }


def program(workspace: Workspace, *rules: dict[str, Any], **terms: Any) -> Program:
    """Return an active program with these rules, without a hold unless the terms say so."""
    document = factories.terms(
        **{
            "rewards": list(rules) or [rule()],
            "hold_days": 0,
            "eligibility": {},
            **terms,
        }
    )
    return factories.ProgramFactory.create(workspace=workspace, draft=document)


def participant(in_program: Program, *, account: str = IBAN, **changes: Any) -> Participant:
    """Return an enrolled participant with a bank account; with none where `account` is empty."""
    found = factories.ParticipantFactory.create(workspace=in_program.workspace, program=in_program, **changes)
    if account:
        bank(found.customer, account)
    return found


def bank(customer: Customer, account: str = IBAN, *, at: datetime = AT) -> PayoutAccount:
    """Pay somebody to this bank account from now on."""
    number = {"iban": account} if account[2:4].isdigit() else {"account": account}
    return services.choose_payout_account(
        customer=customer,
        method="bank",
        details={"holder": "Ana Kos", "country": "DE", **number},
        actor=person(),
        at=at,
    )


def conversion(
    *participants: Participant,
    weights: Sequence[int] = (),
    customer: Customer | None = None,
    referral: dict[str, Any] | None = None,
    **changes: Any,
) -> Conversion:
    """Return a purchase credited to these participants, equally unless `weights` (in ppm) differ."""
    workspace = participants[0].workspace
    friend = customer or factories.CustomerFactory.create(workspace=workspace)
    fact = factories.ConversionFactory.create(workspace=workspace, customer=friend, **changes)
    credit(fact, *participants, weights=weights, referral=referral)
    return fact


def credit(
    fact: Conversion,
    *participants: Participant,
    weights: Sequence[int] = (),
    referral: dict[str, Any] | None = None,
) -> None:
    """Store one program's decision that credits these participants with a conversion."""
    first, workspace = participants[0], fact.workspace
    version = ProgramVersion.objects.for_workspace(workspace).get(
        program=first.program, number=first.program.live_version
    )
    earlier = Attribution.objects.for_workspace(workspace).filter(conversion=fact, program=first.program)
    decision = Attribution.objects.create(
        workspace=workspace,
        conversion=fact,
        program=first.program,
        version=version,
        revision=earlier.count() + 1,
        model="last_click",
        reason="credited",
        inputs={},
        result={},
        digest="",
        decided_at=AT,
    )
    ppm = weights or split(1_000_000, [1] * len(participants))
    parts = split(fact.amount_minor, ppm)
    for each, weight, part in zip(participants, ppm, parts, strict=True):
        bond, _ = Referral.objects.for_workspace(workspace).get_or_create(
            workspace=workspace,
            program=each.program,
            participant=each,
            customer=fact.customer,
            defaults={
                "status": Referral.Status.CONVERTED,
                "started_at": fact.occurred_at,
                "converted_at": fact.occurred_at,
                **(referral or {}),
            },
        )
        Credit.objects.create(
            workspace=workspace,
            attribution=decision,
            conversion=fact,
            participant=each,
            referral=bond,
            weight_ppm=weight,
            amount_minor=part,
            currency=fact.currency,
            confidence="deterministic",
            occurred_at=fact.occurred_at,
        )


def credit_anew(fact: Conversion, *participants: Participant, weights: Sequence[int] = ()) -> None:
    """Credit these participants instead, as a decision made anew leaves it; does not settle."""
    Credit.objects.for_workspace(fact.workspace_id).filter(conversion=fact).delete()
    credit(fact, *participants, weights=weights)


def doubt(fact: Conversion, by: Participant, *, name: str, outcome: str) -> FraudCase:
    """Store a fraud case about a participant's part in a conversion, as the rules open it."""
    version = ProgramVersion.objects.for_workspace(fact.workspace).get(
        program=by.program, number=by.program.live_version
    )
    judgement = FraudJudgement.objects.create(
        workspace=fact.workspace,
        conversion=fact,
        participant=by,
        version=version,
        outcome=outcome,
        shadow_outcome=outcome,
        score=60,
        reason=name,
        inputs={},
        result={},
        digest="",
        at=AT,
    )
    return FraudCase.objects.create(
        workspace=fact.workspace,
        conversion=fact,
        participant=by,
        program=by.program,
        judgement=judgement,
        status=FraudCase.Status.REJECTED if outcome == "deny" else FraudCase.Status.OPEN,
        outcome=outcome,
        score=60,
        reason=name,
        opened_at=AT,
    )


def refund(fact: Conversion, amount_minor: int) -> Conversion:
    """Refund a part of an order, as tracking records it; does not settle."""
    fact.refresh_from_db()
    fact.refunded_minor += amount_minor
    full = fact.refunded_minor == fact.amount_minor
    fact.status = Conversion.Status.REFUNDED if full else Conversion.Status.PARTLY_REFUNDED
    fact.save()
    return fact


def reinstate(fact: Conversion) -> Conversion:
    """Undo a conversion's refunds, as tracking records it; does not settle."""
    fact.refresh_from_db()
    fact.refunded_minor, fact.status = 0, Conversion.Status.RECORDED
    fact.save()
    return fact


def reject(fact: Conversion) -> Conversion:
    """Reject a conversion, as tracking records it; does not settle."""
    fact.refresh_from_db()
    fact.status = Conversion.Status.REJECTED
    fact.save()
    return fact


def settled(*participants: Participant, at: datetime = AT, **changes: Any) -> Reward:
    """Return the one reward of a new conversion."""
    (reward,) = services.settle_conversion(conversion=conversion(*participants, **changes), at=at)
    return reward


def approved(*participants: Participant, **changes: Any) -> Reward:
    """Return the one reward of a new conversion, approved."""
    return services.approve_reward(reward=settled(*participants, **changes), actor=person(), at=AT)


def paid_batch(workspace: Workspace, *, at: datetime = AT) -> PayoutBatch:
    """Prepare, approve and pay everything payable in EUR."""
    batch = services.prepare_batch(workspace=workspace, currency="EUR", actor=person(), at=at)
    services.approve_batch(batch=batch, actor=person("second@acme.example"), at=at)
    rows = [
        services.ResultRow(index, payout.public_id, "paid", reference=f"bank-{index}")
        for index, payout in enumerate(queries.payouts_of(batch), start=2)
    ]
    services.import_results(batch=batch, rows=rows, actor=person(), at=at)
    batch.refresh_from_db()
    return batch
