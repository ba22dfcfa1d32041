"""Columns of the lists of what is handed over, the catalogue, and what was spent."""

from __future__ import annotations

from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from core import lists
from rewards.models import CatalogueItem, Fulfilment, Redemption
from rewards.queries.giving import NEEDS_SOMEBODY


class FulfilmentTable(lists.Table):
    """What is handed over: to whom, how far it is, and what is in the way."""

    customer = lists.Column(
        "For",
        sort=("customer__name", "customer__email"),
        link="fulfilment_detail",
        note="customer__email",
        required=True,
    )
    kind = lists.WordsColumn("What", sort="kind", required=True)
    status = lists.StatusColumn("Status", sort="status", note="failure", required=True)
    failure = lists.Column("What is in the way", shown=False)
    amount_minor = lists.MoneyColumn("Worth", unit="currency", sort=("currency", "amount_minor"), width="md")
    reference = lists.Column("Reference", width="lg")
    about = lists.Column("For what", "public_id", width="md")
    created_at = lists.MomentColumn("Begun", sort="created_at", width="xl", initial_sort_descending=True)
    updated_at = lists.MomentColumn("Changed", sort="updated_at", shown=False)

    def render_amount_minor(self, value: int, record: Fulfilment) -> str:
        """Return what it is worth, or a dash for what has no value in money."""
        if not value:
            return "–"
        return str(self.all_columns["amount_minor"].text(value, record, self.workspace))

    def render_about(self, record: Fulfilment) -> SafeString:
        """Return a link to the reward, or to what was spent."""
        slug = self.workspace.slug
        if record.reward is not None:
            address = reverse("reward_detail", args=[slug, record.reward.public_id])
            return format_html('<a href="{}">Reward</a>', address)
        assert record.redemption is not None
        address = reverse("redemption_detail", args=[slug, record.redemption.public_id])
        return format_html('<a href="{}">{}</a>', address, record.redemption.item or "Redemption")

    def value_about(self, record: Fulfilment) -> str:
        """Return the id of the reward or of the redemption."""
        thing = record.reward or record.redemption
        return thing.public_id if thing else ""

    def choosable(self, record: Fulfilment) -> bool:
        """Only what does not go on by itself can be chosen."""
        return record.status in NEEDS_SOMEBODY

    def label_of(self, record: Fulfilment) -> str:
        """Return what it is and who gets it."""
        return f"{record.get_kind_display()} for {record.customer}"


class CatalogueTable(lists.Table):
    """The catalogue: what points can be spent on."""

    name = lists.Column("Item", sort="name", link="catalogue_edit", required=True)
    kind = lists.WordsColumn("Kind", sort="kind", width="md")
    points = lists.NumberColumn("Points", sort="points", required=True)
    stock = lists.Column("Left", sort="stock")
    value_minor = lists.MoneyColumn("Worth", unit="currency", sort=("currency", "value_minor"), width="lg")
    status = lists.StatusColumn("Status", sort="status", required=True)
    redeemed = lists.Column("Redeemed", "public_id", width="md")
    created_at = lists.MomentColumn("Added", sort="created_at", shown=False, initial_sort_descending=True)

    def render_stock(self, value: int | None) -> str:
        """Return how many are left; any number where nobody counts."""
        return "Any number" if value is None else str(value)

    def render_value_minor(self, value: int, record: CatalogueItem) -> str:
        """Return what it is worth, or a dash."""
        if not value:
            return "–"
        return str(self.all_columns["value_minor"].text(value, record, self.workspace))

    def render_redeemed(self, record: CatalogueItem) -> SafeString:
        """Return a link to who redeemed it."""
        address = reverse("redemption_list", args=[self.workspace.slug])
        return format_html('<a href="{}?item={}">Who redeemed it</a>', address, record.public_id)

    def label_of(self, record: CatalogueItem) -> str:
        """Return the item's name."""
        return record.name


class RedemptionTable(lists.Table):
    """What was spent: by whom, how much, on what."""

    customer = lists.Column(
        "By",
        sort=("customer__name", "customer__email"),
        link="redemption_detail",
        note="customer__email",
        required=True,
    )
    amount_minor = lists.MoneyColumn("Spent", sort=("unit", "amount_minor"), required=True)
    item = lists.Column("On", "public_id")
    order_reference = lists.Column("Order", shown=False)
    status = lists.StatusColumn("Status", sort="status", note="note", required=True)
    created_at = lists.MomentColumn("When", sort="created_at", width="md", initial_sort_descending=True)
    key = lists.Column("Key", shown=False)

    def render_item(self, record: Redemption) -> str:
        """Return the item, or the order."""
        return self.value_item(record)

    def value_item(self, record: Redemption) -> str:
        """Return the item's name, or the order's number."""
        if record.item is not None:
            return str(record.item.name)
        return f"Order {record.order_reference}" if record.order_reference else "–"

    def label_of(self, record: Redemption) -> str:
        """Return who spent it."""
        return f"what {record.customer} spent"
