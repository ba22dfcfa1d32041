"""One reward rule as a row of the terms form."""

from __future__ import annotations

from typing import Any, Final

from django import forms

from core.money import POINTS
from programs.forms.values import amount_input, percent_input, read_amount, read_percent
from programs.terms import Amount, PercentageAmount, RewardRule

_FIELDS: Final = {
    "side": "side",
    "event": "event",
    "event_name": "event_name",
    "kind": "kind",
    "discount": "value",
    "duration_months": "duration_months",
    "first_only": "first_only",
    "minimum_order_minor": "minimum_order",
    "max_minor": "maximum",
    "product": "product_sku",
    "product.sku": "product_sku",
    "product.name": "product_name",
}
"""Path in the document -> field of the form; `amount` depends on the kind."""


class RuleForm(forms.Form):
    """A promise to one side: when, what and how much."""

    use_required_attribute = False

    key = forms.CharField(max_length=64, required=False, widget=forms.HiddenInput)
    side = forms.ChoiceField(
        label="Who gets it", choices=[("referrer", "The referrer"), ("referee", "The friend")]
    )
    event = forms.ChoiceField(
        label="When",
        choices=[("purchase", "At a purchase"), ("signup", "At the sign-up"), ("custom", "At an event")],
    )
    event_name = forms.CharField(
        label="Name of the event", max_length=100, required=False, help_text="Only for “At an event”."
    )
    kind = forms.ChoiceField(
        label="What",
        choices=[
            ("cash", "Cash"),
            ("credit", "Store credit"),
            ("discount", "Discount"),
            ("product", "Product"),
            ("points", "Points"),
        ],
    )
    measure = forms.ChoiceField(
        label="How it is counted", choices=[("percentage", "Percent of the order"), ("fixed", "Fixed amount")]
    )
    value = forms.CharField(
        label="How much",
        max_length=20,
        required=False,
        help_text="10 for 10 %, or 10.00 in the program's currency; points are whole numbers.",
    )
    first_only = forms.BooleanField(label="First time only", required=False)
    duration_months = forms.IntegerField(
        label="For how many months", required=False, help_text="From the start of the referral."
    )
    minimum_order = forms.CharField(label="For orders from", max_length=20, required=False)
    maximum = forms.CharField(label="At most, each time", max_length=20, required=False)
    worth = forms.CharField(
        label="Worth",
        max_length=20,
        required=False,
        help_text="What a product or discount costs you, where known.",
    )
    product_sku = forms.CharField(label="Product number", max_length=100, required=False)
    product_name = forms.CharField(label="Product name", max_length=200, required=False)

    def __init__(self, *args: Any, currency: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._currency = currency
        self.entry: dict[str, Any] = {}

    def clean(self) -> dict[str, Any]:
        """Build the rule's entry of the document; the key is given by the editor."""
        given = self.cleaned_data
        kind = given.get("kind", "cash")
        unit = POINTS if kind == "points" else self._currency
        value = self._value(unit)
        worth = read_amount(self, "worth", self._currency)
        thing = kind in ("product", "discount")
        self.entry = {
            "key": given.get("key", ""),
            "side": given.get("side"),
            "event": given.get("event"),
            "event_name": given.get("event_name") or None,
            "kind": kind,
            "amount": ({"type": "fixed", "minor": worth} if worth is not None else None) if thing else value,
            "duration_months": given.get("duration_months"),
            "first_only": given.get("first_only", False),
            "minimum_order_minor": read_amount(self, "minimum_order", self._currency) or 0,
            "max_minor": read_amount(self, "maximum", unit),
            "product": self._product() if kind == "product" else None,
            "discount": value if kind == "discount" else None,
        }
        return given

    def field_of(self, path: str) -> str | None:
        """Return the field that stands for a path of the rule's entry, None for none."""
        if path == "amount" or path.startswith("amount."):
            thing = self.entry.get("kind") in ("product", "discount")
            return "worth" if thing else "value"
        while path and path not in _FIELDS:
            path = path.rpartition(".")[0]
        return _FIELDS.get(path)

    def _value(self, unit: str) -> dict[str, Any] | None:
        text = self.cleaned_data.get("value", "")
        if not text:
            return None
        if self.cleaned_data.get("measure") == "fixed":
            minor = read_amount(self, "value", unit)
            return None if minor is None else {"type": "fixed", "minor": minor}
        try:
            return {"type": "percentage", "bps": read_percent(text)}
        except ValueError as error:
            self.add_error("value", str(error))
            return None

    def _product(self) -> dict[str, str]:
        given = self.cleaned_data
        return {"sku": given.get("product_sku", ""), "name": given.get("product_name", "")}


def rule_initial(rule: RewardRule, currency: str) -> dict[str, Any]:
    """Return the form's values for a rule that is there."""
    unit = rule.unit(currency)
    thing = rule.kind in ("product", "discount")
    value: Amount | None = rule.discount if thing else rule.amount
    product = rule.product
    return {
        "key": rule.key,
        "side": rule.side,
        "event": rule.event,
        "event_name": rule.event_name or "",
        "kind": rule.kind,
        "measure": "percentage" if isinstance(value, PercentageAmount) else "fixed",
        "value": _typed(value, unit),
        "first_only": rule.first_only,
        "duration_months": rule.duration_months,
        "minimum_order": amount_input(rule.minimum_order_minor, currency),
        "maximum": amount_input(rule.max_minor, unit),
        "worth": _typed(rule.amount, currency) if thing else "",
        "product_sku": "" if product is None else product.sku,
        "product_name": "" if product is None else product.name,
    }


def _typed(amount: Amount | None, unit: str) -> str:
    if amount is None:
        return ""
    if isinstance(amount, PercentageAmount):
        return percent_input(amount.bps)
    return amount_input(amount.minor, unit)
