"""A batch's sums from three sides: its payouts, the ledger, and the provider. They have to be the same."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Count, Q, Sum

from core.money import display
from rewards.models import Account, Payout, PayoutBatch, Transfer
from rewards.payability import PROVIDERS
from rewards.queries.payouts import OPEN, payouts_of


@dataclass(frozen=True, slots=True)
class BatchSums:
    """What each side says, in the batch's minor unit; `provider_paid_minor` is None while it is silent.

    The first three are kept on the batch, those of the payouts and of the ledger are added up.
    """

    currency: str
    from_provider: bool
    open_count: int
    total_minor: int
    paid_minor: int
    failed_minor: int
    payouts_minor: int
    payouts_paid_minor: int
    payouts_failed_minor: int
    ledger_minor: int
    ledger_paid_minor: int
    ledger_failed_minor: int
    provider_paid_minor: int | None

    @property
    def discrepancy(self) -> str:
        """Why the batch cannot be completed though every payout is settled; empty when all sides agree."""
        if self.paid_minor + self.failed_minor != self.total_minor:
            settled = self._shown(self.paid_minor + self.failed_minor)
            return f"Paid and failed are {settled} together, the batch is {self._shown(self.total_minor)}."
        kept = (self.total_minor, self.paid_minor, self.failed_minor)
        sides = {
            "the payouts": (self.payouts_minor, self.payouts_paid_minor, self.payouts_failed_minor),
            "the ledger": (self.ledger_minor, self.ledger_paid_minor, self.ledger_failed_minor),
        }
        for side, sums in sides.items():
            for word, ours, theirs in zip(("in all", "paid", "failed"), kept, sums, strict=True):
                if ours != theirs:
                    return f"The batch has {self._shown(ours)} {word}; by {side} it is {self._shown(theirs)}."
        return self._of_provider()

    def _of_provider(self) -> str:
        if self.provider_paid_minor is None:
            silent = self.from_provider and self.paid_minor
            return "The provider has not said yet how much it paid in all." if silent else ""
        if self.provider_paid_minor != self.paid_minor:
            theirs, ours = self._shown(self.provider_paid_minor), self._shown(self.paid_minor)
            return f"The provider says that it paid {theirs}, our payouts say {ours}."
        return ""

    def _shown(self, amount_minor: int) -> str:
        return display(amount_minor, self.currency)


def batch_sums(batch: PayoutBatch) -> BatchSums:
    """Add up a batch from all sides, in two queries."""
    payouts = (
        payouts_of(batch)
        .order_by()
        .aggregate(
            total=Sum("amount_minor", default=0),
            paid=Sum("amount_minor", filter=Q(status=Payout.Status.PAID), default=0),
            failed=Sum("amount_minor", filter=Q(status=Payout.Status.FAILED), default=0),
            unsettled=Count("pk", filter=Q(status__in=OPEN)),
        )
    )
    kind = Account.Kind
    prepared = Q(debit__kind=kind.PAYABLE, credit__kind=kind.IN_TRANSIT)
    paid = Q(debit__kind=kind.IN_TRANSIT, credit__kind=kind.PAID_OUT)
    failed = Q(debit__kind=kind.IN_TRANSIT, credit__kind=kind.PAYABLE)
    ledger = (
        Transfer.objects.for_workspace(batch.workspace_id)
        .filter(payout__batch=batch, payout__workspace_id=batch.workspace_id, unit=batch.currency)
        .aggregate(
            total=Sum("amount_minor", filter=prepared, default=0),
            paid=Sum("amount_minor", filter=paid, default=0),
            failed=Sum("amount_minor", filter=failed, default=0),
        )
    )
    return BatchSums(
        currency=batch.currency,
        from_provider=batch.method in PROVIDERS,
        open_count=payouts["unsettled"],
        total_minor=batch.total_minor,
        paid_minor=batch.paid_minor,
        failed_minor=batch.failed_minor,
        payouts_minor=payouts["total"],
        payouts_paid_minor=payouts["paid"],
        payouts_failed_minor=payouts["failed"],
        ledger_minor=ledger["total"],
        ledger_paid_minor=ledger["paid"],
        ledger_failed_minor=ledger["failed"],
        provider_paid_minor=batch.provider_paid_minor,
    )
