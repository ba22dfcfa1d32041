"""Money's smaller scenes in the demo: orders from abroad, a batch that PayPal pays, what waits and lapses."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from core.queue import Claim
from integrations.models import Errand, PayoutRun
from integrations.payout_turns import Turn
from integrations.providers.payouts import ItemResult
from integrations.services import issuing, paying
from programs.models import Participant
from referral_platform.demo import cast
from referral_platform.demo.stage import Stage
from rewards import queries as reward_queries
from rewards import services as reward_services
from rewards.models import Account, PayoutBatch
from tracking import services as tracking_services
from tracking.models import Conversion

ABROAD: Final = 9_800
"""The number of the first who buys from abroad."""
CREATOR: Final = 7
"""The creator whose code they use."""
BOOKING: Final = "https://booking.lumen-coffee.example/seats"

_ORDERS: Final = (("US", "USD", 11_900), ("GB", "GBP", 6_400), ("NO", "NOK", 89_900))
"""Country, currency and amount; nobody has entered a rate of the krone."""
_BY_PAYPAL: Final = 3
_FEE_BPS: Final = 200


def sell_abroad(stage: Stage, at: datetime) -> None:
    """Sell in three currencies by a creator's code; for one of them there is no rate, so its rewards wait."""
    for number, (country, currency, amount_minor) in enumerate(_ORDERS):
        tracking_services.record_conversion(
            workspace=stage.workspace,
            fact=tracking_services.ConversionFact(
                kind=Conversion.Kind.PURCHASE,
                customer=stage.customer(ABROAD + number, at, country),
                source="api",
                source_key=f"LC-{country}-{ABROAD + number}",
                amount_minor=amount_minor,
                currency=currency,
                promo_codes=[stage.codes[CREATOR]],
                occurred_at=at,
                at=at,
            ),
        )


def choose_paypal(stage: Stage, at: datetime) -> None:
    """Let the creators who are owed most be paid by PayPal from now on."""
    creators = Participant.objects.for_workspace(stage.workspace).filter(program=stage.programs["creators"])
    owed = Account.objects.for_workspace(stage.workspace).filter(
        kind=Account.Kind.PAYABLE,
        unit=cast.CURRENCY,
        balance_minor__gte=1_000,
        customer__in=creators.values("customer"),
    )
    for account in owed.select_related("customer").order_by("-balance_minor", "pk")[:_BY_PAYPAL]:
        reward_services.choose_payout_account(
            customer=account.customer,
            method="paypal",
            details={"email": account.customer.email},
            actor=stage.finn,
            at=at,
        )


def prepare_by_paypal(stage: Stage, at: datetime) -> None:
    """Put those who are paid by PayPal into a batch of their own."""
    reward_services.prepare_batch(
        workspace=stage.workspace, currency=cast.CURRENCY, method="paypal", actor=stage.finn, at=at
    )


def approve_by_paypal(stage: Stage, at: datetime) -> None:
    """Approve that batch as the second person; a run for it is queued."""
    reward_services.approve_batch(batch=_batch(stage), actor=stage.olga, at=at)


def pay_by_paypal(stage: Stage, at: datetime) -> None:
    """Record what PayPal answered: it took the batch, and when it was asked, all of it had arrived."""
    batch = _batch(stage)
    payouts = list(reward_queries.payouts_of(batch).order_by("pk"))
    taken = Turn(provider_batch_id="5UXD2E8A7EBQJ", handed=payouts[-1].public_id, complete=True)
    arrived = Turn(
        results=tuple(
            ItemResult(
                payout.public_id,
                "paid",
                reference=f"8AELMXH8UB2P{number}",
                amount_minor=payout.amount_minor,
                fee_minor=payout.amount_minor * _FEE_BPS // 10_000,
            )
            for number, payout in enumerate(payouts)
        ),
        complete=True,
        paid_minor=sum(payout.amount_minor for payout in payouts),
    )
    run = PayoutRun.objects.for_workspace(stage.workspace).get(batch_id=batch.public_id)
    for turn in (taken, arrived):
        paying.record_turn(claimed=Claim(run.pk, stage.workspace.pk, 0), turn=turn, at=at)


def ask_booking(stage: Stage, at: datetime) -> None:
    """Name the system that books seats: the next one goes there by itself."""
    reward_services.set_give_url(workspace=stage.workspace, url=BOOKING, actor=stage.olga)


def warn_of_expiry(stage: Stage, at: datetime) -> None:
    """Remind people of credit that lapses soon."""
    reward_services.warn_of_expiry(workspace=stage.workspace, at=at)


def expire(stage: Stage, at: datetime) -> None:
    """End what was not used in time."""
    reward_services.expire_due_rewards(workspace=stage.workspace, at=at)


def answer_last(stage: Stage, at: datetime) -> None:
    """Find the system that books seats busy: what it has to give waits, and is asked for hours later."""
    for errand in Errand.objects.for_workspace(stage.workspace).filter(state=Errand.State.PENDING):
        issuing.record_outcome(
            claimed=Claim(errand.pk, stage.workspace.pk, errand.attempts),
            outcome=issuing.Outcome(sentence="Your system answered 503.", after=timedelta(hours=6)),
            at=at,
        )


def _batch(stage: Stage) -> PayoutBatch:
    return PayoutBatch.objects.for_workspace(stage.workspace).get(method="paypal")
