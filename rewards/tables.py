"""Columns of the lists of rewards, payouts and the ledger."""

from __future__ import annotations

from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from core import lists
from core.money import display
from rewards.models import Account, Payout, PayoutBatch, Reward, Transfer

_UNDECIDED = (Reward.Status.PENDING, Reward.Status.HELD)


class RewardTable(lists.Table):
    """Rewards: who gets what, and how far each is."""

    customer = lists.Column(
        "For",
        sort=("customer__name", "customer__email"),
        link="reward_detail",
        note="customer__email",
        required=True,
    )
    amount_minor = lists.MoneyColumn("Amount", sort=("unit", "amount_minor"), required=True)
    reversed_minor = lists.MoneyColumn("Taken back", sort="reversed_minor", shown=False)
    net_minor = lists.MoneyColumn("Left", shown=False)
    status = lists.StatusColumn("Status", sort="status", note="reason", note_words=True, required=True)
    reason = lists.Column("Reason", shown=False)
    kind = lists.WordsColumn("Kind", sort="kind", width="md")
    side = lists.WordsColumn("Side", sort="side", width="lg")
    program = lists.Column("Program", "program__name", sort="program__name", width="xl")
    available_at = lists.MomentColumn("Available", sort="available_at", width="md")
    created_at = lists.MomentColumn(
        "Promised", sort="created_at", width="xl", initial_sort_descending=True, shown=False
    )
    sentence = lists.Column("How it came about", shown=False)

    def render_amount_minor(self, value: int, record: Reward) -> str:
        """Return the amount, or a dash for what has no value in money."""
        if record.fulfilment and not value:
            return "–"
        return str(self.all_columns["amount_minor"].text(value, record, self.workspace))

    def choosable(self, record: Reward) -> bool:
        """Only what nobody has decided about can be decided."""
        return record.status in _UNDECIDED

    def label_of(self, record: Reward) -> str:
        """Return the amount and who gets it."""
        return f"the reward of {display(record.amount_minor, record.unit)} for {record.customer}"


class BatchTable(lists.Table):
    """Payout batches."""

    created_at = lists.MomentColumn(
        "Batch",
        sort="created_at",
        link="batch_detail",
        note="public_id",
        initial_sort_descending=True,
        required=True,
    )
    status = lists.StatusColumn("Status", sort="status", note="discrepancy", required=True)
    method = lists.Column("Method", "get_method_display", sort="method", width="md")
    total_minor = lists.MoneyColumn("Total", unit="currency", sort=("currency", "total_minor"))
    payout_count = lists.NumberColumn("Payouts", sort="payout_count", width="md")
    paid_minor = lists.MoneyColumn("Paid", unit="currency", shown=False)
    failed_minor = lists.MoneyColumn("Failed", unit="currency", shown=False)
    fee_minor = lists.MoneyColumn("Expected fees", unit="currency", shown=False)
    discrepancy = lists.Column("What differs", shown=False)
    created_by = lists.Column("Made by", "created_by", width="lg")
    approved_by = lists.Column("Approved by", "approved_by", width="lg")
    approved_at = lists.MomentColumn("Approved", sort="approved_at", shown=False)
    completed_at = lists.MomentColumn("Finished", sort="completed_at", shown=False)
    note = lists.Column("Note", shown=False)

    def label_of(self, record: PayoutBatch) -> str:
        """Return the batch's id."""
        return record.public_id


class PayoutTable(lists.Table):
    """The payouts of one batch."""

    customer = lists.Column(
        "Person",
        sort=("customer__name", "customer__email"),
        link="customer_detail",
        link_id="customer__public_id",
        required=True,
    )
    amount_minor = lists.MoneyColumn("Amount", unit="currency", sort="amount_minor")
    status = lists.StatusColumn("Status", sort="status", note="failure", required=True)
    failure = lists.Column("Why it failed", shown=False)
    destination = lists.Column("Payout account", width="md")
    fee_minor = lists.MoneyColumn("Fee", unit="currency", sort="fee_minor", width="lg")
    provider_reference = lists.Column("Reference", width="lg")
    settled_at = lists.MomentColumn("Settled", sort="settled_at", shown=False)

    def label_of(self, record: Payout) -> str:
        """Return who is paid."""
        return str(record.customer)


class AccountTable(lists.Table):
    """The ledger's accounts."""

    kind = lists.WordsColumn("Account", sort="kind", link="account_detail", required=True)
    owner = lists.Column("Owner", "customer", sort=("customer__name", "customer__email"))
    unit = lists.Column("Unit", sort="unit", width="md")
    balance_minor = lists.MoneyColumn("Balance", sort=("unit", "balance_minor"), required=True)

    def render_owner(self, record: Account) -> str | SafeString:
        """Return the person, or the workspace."""
        if record.customer is None:
            return str(self.workspace.name)
        return _person(record, self.workspace.slug)

    def value_owner(self, record: Account) -> str:
        """Return the owner's name."""
        return str(record.customer or self.workspace.name)


def _person(account: Account, slug: str) -> SafeString:
    assert account.customer is not None
    address = reverse("customer_detail", args=[slug, account.customer.public_id])
    return format_html('<a href="{}">{}</a>', address, account.customer)


class TransferTable(lists.Table):
    """The transfers through one account; each row knows by how much it changed it (`change_minor`)."""

    at = lists.MomentColumn("When", sort="at", initial_sort_descending=True, required=True)
    change_minor = lists.MoneyColumn("Change", sort="change_minor", required=True)
    other = lists.Column("Other account", "public_id")
    memo = lists.Column("Why")
    about = lists.Column("About", "public_id", width="md")

    def _other(self, record: Transfer) -> Account:
        change: int = record.change_minor  # type: ignore[attr-defined]
        other: Account = record.debit if change > 0 else record.credit
        return other

    def render_other(self, record: Transfer) -> SafeString:
        """Return a link to the account on the other side, with its owner."""
        other = self._other(record)
        address = reverse("account_detail", args=[self.workspace.slug, other.public_id])
        return format_html(
            '<a href="{}">{}</a><span class="muted block text-xs">{}</span>',
            address,
            other.get_kind_display(),
            other.customer or self.workspace.name,
        )

    def value_other(self, record: Transfer) -> str:
        """Return the other account's id."""
        return self._other(record).public_id

    def render_about(self, record: Transfer) -> str | SafeString:
        """Return a link to the reward, or to the batch of the payout."""
        if record.reward is not None:
            return format_html(
                '<a href="{}">Reward</a>',
                reverse("reward_detail", args=[self.workspace.slug, record.reward.public_id]),
            )
        if record.payout is not None:
            address = reverse("batch_detail", args=[self.workspace.slug, record.payout.batch.public_id])
            return format_html('<a href="{}?q={}">Payout</a>', address, record.payout.public_id)
        return "–"

    def value_about(self, record: Transfer) -> str:
        """Return the reward's or the payout's id."""
        thing = record.reward or record.payout
        return thing.public_id if thing else ""
