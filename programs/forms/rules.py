"""One reward rule as a sentence of the terms editor, with its tiers."""

from __future__ import annotations

from typing import Any, Final

from django import forms

from core.money import POINTS
from programs.forms.conditions import Conditions, words_of
from programs.forms.tiers import (
    MAX_TIERS,
    NUMBER,
    TierForm,
    measure_of,
    name_unit,
    progress_input,
    read_progress,
    tier_initial,
    typed_amount,
)
from programs.forms.values import Lines, amount_input, count_of, read_amount, read_measured
from programs.terms import UNDIVIDED_KINDS, UNORDERED_EVENTS, Amount, RewardRule, dump_conditions

_FIELDS: Final = {
    "side": "side",
    "event": "event",
    "event_name": "event_name",
    "kind": "kind",
    "discount": "value",
    "duration_months": "duration_months",
    "first_only": "first_only",
    "nth": "nth",
    "new_customers_only": "new_customers_only",
    "minimum_order_minor": "minimum_order",
    "base": "base",
    "items": "skus",
    "items.skus": "skus",
    "items.categories": "categories",
    "max_minor": "maximum",
    "group": "group",
    "product": "product_sku",
    "product.sku": "product_sku",
    "product.name": "product_name",
    "custom": "custom_name",
    "milestone": "milestone_at_least",
    "expiry_days": "expiry_days",
    "conditions": "conditions",
}
"""Path in the document -> field of the form; `amount` depends on the kind."""

_FOLDED: Final = (
    "minimum_order",
    "maximum",
    "worth",
    "base",
    "items_mode",
    "new_customers_only",
    "group",
    "expiry_days",
    "conditions",
)
"""Fields that are folded away while they say nothing."""
_QUIET: Final = ("", "revenue", "all", False, None)


class RuleForm(forms.Form):
    """A promise to one side: when, what and how much.

    What the chosen kind or event has no use for is left out of the entry, whatever stands in its field: those
    fields are put away on the page.
    """

    use_required_attribute = False

    key = forms.CharField(max_length=64, required=False, widget=forms.HiddenInput)
    side = forms.ChoiceField(
        label="Who gets it", choices=[("referrer", "the referrer"), ("referee", "the friend")]
    )
    event = forms.ChoiceField(
        label="When",
        choices=[
            ("purchase", "purchase"),
            ("renewal", "renewal or later purchase"),
            ("signup", "sign-up"),
            ("custom", "event called"),
            ("milestone", "milestone of"),
        ],
    )
    event_name = forms.CharField(label="Name of the event", max_length=100, required=False)
    kind = forms.ChoiceField(
        label="What",
        choices=[
            ("cash", "in cash"),
            ("credit", "as store credit"),
            ("gift_card", "as a gift card"),
            ("discount", "off as a discount"),
            ("points", "in points"),
            ("product", "as a product"),
            ("custom", "by your own system"),
        ],
    )
    measure = forms.ChoiceField(label="Counted in", choices=[("percentage", "%"), ("fixed", "fixed")])
    value = forms.CharField(
        label="How much", max_length=20, required=False, widget=forms.TextInput(attrs=NUMBER)
    )
    first_only = forms.ChoiceField(
        label="How often",
        choices=[("", "each"), ("on", "the first"), ("nth", "only number")],
        required=False,
    )
    nth = forms.IntegerField(label="Which one", required=False)
    duration_months = forms.IntegerField(
        label="For how many months, left empty for ever",
        required=False,
        widget=forms.NumberInput(attrs={"placeholder": "all"}),
    )
    milestone_at_least = forms.CharField(
        label="Milestone at", max_length=20, required=False, widget=forms.TextInput(attrs=NUMBER)
    )
    milestone_basis = forms.ChoiceField(
        label="Milestone counted in",
        choices=[
            ("friends", "friends who bought"),
            ("revenue", "spent by friends"),
            ("streak", "months in a row with such a friend"),
        ],
        required=False,
    )
    milestone_repeat = forms.ChoiceField(
        label="How often the milestone counts",
        choices=[("", "once"), ("on", "and each time as many again")],
        required=False,
    )
    base = forms.ChoiceField(
        label="A percentage is taken of",
        choices=[("revenue", "the order"), ("margin", "the margin: the order less its cost")],
        required=False,
    )
    items_mode = forms.ChoiceField(
        label="Which products count",
        choices=[("all", "everything"), ("only", "only what is listed"), ("but", "all but what is listed")],
        required=False,
    )
    skus = Lines(label="Product numbers", required=False, help_text="One a line.")
    categories = Lines(label="Categories", required=False, help_text="One a line, as the shop names them.")
    new_customers_only = forms.BooleanField(label="Only for friends who are new customers", required=False)
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
        help_text="What it costs you, where known.",
    )
    group = forms.CharField(
        label="Only the best of",
        max_length=60,
        required=False,
        help_text="Of rewards with the same word here, an event pays the one that gives most. "
        "Left empty: paid beside the others.",
    )
    expiry_days = forms.IntegerField(
        label="Lasts (days)", required=False, help_text="Counted from its issue. Left empty: for ever."
    )
    conditions = Conditions(label="Only if")
    product_sku = forms.CharField(label="Product number", max_length=100, required=False)
    product_name = forms.CharField(label="Product name", max_length=200, required=False)
    custom_name = forms.CharField(label="Name of the reward", max_length=200, required=False)
    tier_basis = forms.ChoiceField(
        label="Tiers count",
        choices=[("friends", "friends who bought"), ("revenue", "what friends spent")],
        required=False,
    )
    tier_period = forms.ChoiceField(
        label="Counted over",
        choices=[("lifetime", "all time"), ("year", "a calendar year"), ("month", "a calendar month")],
        required=False,
    )
    tier_mode = forms.ChoiceField(
        label="A tier applies to",
        choices=[("marginal", "what comes from there on"), ("retroactive", "everything before as well")],
        required=False,
    )

    def __init__(self, *args: Any, currency: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._currency = currency
        self.entry: dict[str, Any] = {}
        kind = self["kind"].value()
        unit = POINTS if kind == "points" else currency
        name_unit(self, unit)
        given = self.initial.get("tiers", [])
        count = count_of(self.data, f"{self.prefix}-tiers", MAX_TIERS) if self.is_bound else len(given)
        self.tiers = [
            TierForm(
                self.data if self.is_bound else None,
                initial=None if self.is_bound else given[index],
                prefix=f"{self.prefix}-tier-{index}",
                unit=unit,
                basis=str(self["tier_basis"].value() or "friends"),
                currency=currency,
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
        return any(self[name].value() not in _QUIET or self[name].errors for name in _FOLDED)

    def conditions_words(self) -> str:
        """Return what the conditions ask for, as it stands after "if"."""
        return words_of(self["conditions"].value(), self._currency)

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
        kind, event = given.get("kind", "cash"), given.get("event", "purchase")
        unit = POINTS if kind == "points" else self._currency
        value = read_measured(self, unit)
        worth = read_amount(self, "worth", self._currency)
        often = "" if event == "milestone" else given.get("first_only", "")
        if often == "nth" and not given.get("nth") and "nth" not in self.errors:
            self.add_error("nth", "Which one, the second, the third?")
        self.entry = {
            "key": given.get("key", ""),
            "side": given.get("side"),
            "event": event,
            "event_name": given.get("event_name") or None,
            "kind": kind,
            "amount": ({"type": "fixed", "minor": worth} if worth is not None else None)
            if kind in UNDIVIDED_KINDS
            else value,
            "duration_months": None if event == "milestone" else given.get("duration_months"),
            "first_only": often == "on",
            "nth": given.get("nth") if often == "nth" else None,
            "new_customers_only": event != "milestone" and given.get("new_customers_only", False),
            "minimum_order_minor": read_amount(self, "minimum_order", self._currency) or 0,
            "max_minor": read_amount(self, "maximum", unit),
            "group": (given.get("group") or None) if event != "milestone" else None,
            "product": self._product() if kind == "product" else None,
            "discount": value if kind == "discount" else None,
            "custom": {"name": given.get("custom_name", "")} if kind == "custom" else None,
            "tiers": [tier.entry(unit) for tier in self.tiers if tier.is_valid()],
            **{name: given.get(name) or first for name, first in _TIER_CHOICES},
            "milestone": self._milestone() if event == "milestone" else None,
            "expiry_days": None if kind == "cash" else given.get("expiry_days"),
            "conditions": None if event == "milestone" else given.get("conditions"),
        }
        if event not in UNORDERED_EVENTS:
            self.entry |= {"base": given.get("base") or "revenue", "items": self._items()}
        return given

    def place_of(self, path: str) -> tuple[forms.Form, str | None]:
        """Return the form and the field that stand for a path of the rule's entry, None for no field."""
        group, _, rest = path.partition(".")
        number, _, name = rest.partition(".")
        if group == "tiers" and number.isdigit() and int(number) < len(self.tiers):
            return self.tiers[int(number)], "at_least" if name == "at_least" else "value"
        return self, self._field_of(path)

    def _field_of(self, path: str) -> str | None:
        if path == "amount" or path.startswith("amount."):
            return "worth" if self.entry.get("kind") in UNDIVIDED_KINDS else "value"
        while path and path not in _FIELDS:
            path = path.rpartition(".")[0]
        return _FIELDS.get(path)

    def _product(self) -> dict[str, str]:
        given = self.cleaned_data
        return {"sku": given.get("product_sku", ""), "name": given.get("product_name", "")}

    def _items(self) -> dict[str, Any] | None:
        given = self.cleaned_data
        mode = given.get("items_mode") or "all"
        if mode == "all":
            return None
        return {
            "skus": given.get("skus", []),
            "categories": given.get("categories", []),
            "excluded": mode == "but",
        }

    def _milestone(self) -> dict[str, Any] | None:
        given = self.cleaned_data
        basis = given.get("milestone_basis") or "friends"
        at_least = read_progress(self, "milestone_at_least", basis, self._currency)
        if at_least is None:
            return None
        return {"basis": basis, "at_least": at_least, "repeat": given.get("milestone_repeat") == "on"}


_TIER_CHOICES: Final = (("tier_basis", "friends"), ("tier_period", "lifetime"), ("tier_mode", "marginal"))


def rule_initial(rule: RewardRule, currency: str) -> dict[str, Any]:
    """Return the form's values for a rule that is there."""
    unit = rule.unit(currency)
    thing = rule.kind in UNDIVIDED_KINDS
    value: Amount | None = rule.discount if thing else rule.amount
    product, items, milestone = rule.product, rule.items, rule.milestone
    shown: dict[str, Any] = {
        "key": rule.key,
        "side": rule.side,
        "event": rule.event,
        "event_name": rule.event_name or "",
        "kind": rule.kind,
        "measure": measure_of(value),
        "value": typed_amount(value, unit),
        "first_only": "nth" if rule.nth else "on" if rule.first_only else "",
        "nth": rule.nth,
        "duration_months": rule.duration_months,
        "base": rule.base,
        "items_mode": "all" if items is None else "but" if items.excluded else "only",
        "new_customers_only": rule.new_customers_only,
        "minimum_order": amount_input(rule.minimum_order_minor, currency),
        "maximum": amount_input(rule.max_minor, unit),
        "worth": typed_amount(rule.amount, currency) if thing else "",
        "group": rule.group or "",
        "expiry_days": rule.expiry_days,
        "conditions": dump_conditions(rule.conditions),
        "product_sku": "" if product is None else product.sku,
        "product_name": "" if product is None else product.name,
        "custom_name": "" if rule.custom is None else rule.custom.name,
        "tier_basis": rule.tier_basis,
        "tier_period": rule.tier_period,
        "tier_mode": rule.tier_mode,
        "tiers": [tier_initial(tier, rule.tier_basis, unit, currency) for tier in rule.tiers],
    }
    if items is not None:
        shown |= {"skus": items.skus, "categories": items.categories}
    if milestone is not None:
        shown |= {
            "milestone_basis": milestone.basis,
            "milestone_at_least": progress_input(milestone.at_least, milestone.basis, currency),
            "milestone_repeat": "on" if milestone.repeat else "",
        }
    return shown
