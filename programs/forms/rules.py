"""One reward rule as a sentence of the terms editor, with its tiers."""

from __future__ import annotations

from typing import Any, Final

from django import forms

from core.money import POINTS
from programs.forms.values import (
    Often,
    amount_input,
    count_of,
    percent_input,
    read_amount,
    read_measured,
)
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


MAX_TIERS: Final = 10
_AMOUNT: Final = {"inputmode": "decimal", "autocomplete": "off"}


class TierForm(forms.Form):
    """One rung of a reward: from how many friends on, and what it gives instead."""

    use_required_attribute = False

    friends = forms.IntegerField(label="From how many friends on", min_value=2)
    measure = forms.ChoiceField(
        label="Counted in", choices=[("percentage", "%"), ("fixed", "fixed")], required=False
    )
    value = forms.CharField(label="How much", max_length=20, widget=forms.TextInput(attrs=_AMOUNT))

    def __init__(self, *args: Any, unit: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _name_unit(self, unit)

    def entry(self, unit: str) -> dict[str, Any]:
        """Return the tier as it stands in the document; a fault is put on `value`. Call when it is valid."""
        return {"at_least": self.cleaned_data["friends"], "amount": read_measured(self, unit)}


class RuleForm(forms.Form):
    """A promise to one side: when, what and how much."""

    use_required_attribute = False

    key = forms.CharField(max_length=64, required=False, widget=forms.HiddenInput)
    side = forms.ChoiceField(
        label="Who gets it", choices=[("referrer", "the referrer"), ("referee", "the friend")]
    )
    event = forms.ChoiceField(
        label="When",
        choices=[("purchase", "purchase"), ("signup", "sign-up"), ("custom", "event called")],
    )
    event_name = forms.CharField(label="Name of the event", max_length=100, required=False)
    kind = forms.ChoiceField(
        label="What",
        choices=[
            ("cash", "in cash"),
            ("credit", "as store credit"),
            ("discount", "off as a discount"),
            ("points", "in points"),
            ("product", "as a product"),
        ],
    )
    measure = forms.ChoiceField(label="Counted in", choices=[("percentage", "%"), ("fixed", "fixed")])
    value = forms.CharField(
        label="How much", max_length=20, required=False, widget=forms.TextInput(attrs=_AMOUNT)
    )
    first_only = Often(label="How often")
    duration_months = forms.IntegerField(
        label="For how many months, left empty for ever",
        required=False,
        widget=forms.NumberInput(attrs={"placeholder": "all"}),
    )
    minimum_order = forms.CharField(
        label="For orders from", max_length=20, required=False, help_text="Left empty: any order."
    )
    maximum = forms.CharField(
        label="At most, each time", max_length=20, required=False, help_text="Left empty: no limit."
    )
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
        kind = self["kind"].value()
        unit = POINTS if kind == "points" else currency
        _name_unit(self, unit)
        given = self.initial.get("tiers", [])
        count = count_of(self.data, f"{self.prefix}-tiers", MAX_TIERS) if self.is_bound else len(given)
        self.tiers = [
            TierForm(
                self.data if self.is_bound else None,
                initial=None if self.is_bound else given[index],
                prefix=f"{self.prefix}-tier-{index}",
                unit=unit,
            )
            for index in range(min(count, MAX_TIERS))
        ]

    @property
    def has_errors(self) -> bool:
        """Whether anything of the row or of its tiers was found wrong."""
        return bool(self.errors) or any(tier.errors for tier in self.tiers)

    @property
    def has_limits(self) -> bool:
        """Whether something stands in the fields that are folded away."""
        names = ("minimum_order", "maximum", "worth")
        return any(self[name].value() or self[name].errors for name in names)

    def is_valid(self) -> bool:
        """Check the row and its tiers."""
        return super().is_valid() and not self.has_errors

    def typed(self) -> dict[str, Any]:
        """Return what stands in the fields, to show it again in another row."""
        return {name: self[name].value() for name in self.fields} | {
            "tiers": [{name: tier[name].value() for name in tier.fields} for tier in self.tiers]
        }

    def clean(self) -> dict[str, Any]:
        """Build the rule's entry of the document; the key is given by the editor."""
        given = self.cleaned_data
        kind = given.get("kind", "cash")
        unit = POINTS if kind == "points" else self._currency
        value = read_measured(self, unit)
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
            "tiers": [tier.entry(unit) for tier in self.tiers if tier.is_valid()],
        }
        return given

    def place_of(self, path: str) -> tuple[forms.Form, str | None]:
        """Return the form and the field that stand for a path of the rule's entry, None for no field."""
        group, _, rest = path.partition(".")
        number, _, name = rest.partition(".")
        if group == "tiers" and number.isdigit() and int(number) < len(self.tiers):
            return self.tiers[int(number)], "friends" if name == "at_least" else "value"
        return self, self._field_of(path)

    def _field_of(self, path: str) -> str | None:
        if path == "amount" or path.startswith("amount."):
            thing = self.entry.get("kind") in ("product", "discount")
            return "worth" if thing else "value"
        while path and path not in _FIELDS:
            path = path.rpartition(".")[0]
        return _FIELDS.get(path)

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
        "measure": _measure(value),
        "value": _typed(value, unit),
        "first_only": rule.first_only,
        "duration_months": rule.duration_months,
        "minimum_order": amount_input(rule.minimum_order_minor, currency),
        "maximum": amount_input(rule.max_minor, unit),
        "worth": _typed(rule.amount, currency) if thing else "",
        "product_sku": "" if product is None else product.sku,
        "product_name": "" if product is None else product.name,
        "tiers": [
            {
                "friends": tier.at_least,
                "measure": _measure(tier.amount),
                "value": _typed(tier.amount, unit),
            }
            for tier in rule.tiers
        ],
    }


def _name_unit(form: forms.Form, unit: str) -> None:
    field = form.fields["measure"]
    assert isinstance(field, forms.ChoiceField)
    field.choices = [("percentage", "%"), ("fixed", "points" if unit == POINTS else unit)]


def _measure(amount: Amount | None) -> str:
    return "percentage" if isinstance(amount, PercentageAmount) else "fixed"


def _typed(amount: Amount | None, unit: str) -> str:
    if amount is None:
        return ""
    if isinstance(amount, PercentageAmount):
        return percent_input(amount.bps)
    return amount_input(amount.minor, unit)
