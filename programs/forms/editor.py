"""The form of a program's terms: everything but the rewards, and one row for each reward rule."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from django import forms

from core.money import CURRENCIES, is_currency
from programs.facts import MODELS, SOURCES
from programs.forms.rules import RuleForm, rule_initial
from programs.forms.values import Entries, Numbers, Weights, amount_input, read_amount
from programs.models import Program
from programs.terms import FieldError, ProgramTerms, TermsInvalid

MAX_RULES: Final = 50

_DIRECT: Final = (
    "currency",
    "destination_url",
    "hold_days",
    "approval",
    "allowed_hosts",
    "terms_text",
)
_ATTRIBUTION: Final = (
    "model",
    "click_window_days",
    "code_window_days",
    "half_life_days",
    "position_weights",
    "custom_weights",
    "channel_weights",
    "precedence",
    "lifetime_months",
    "first_bind_wins",
)
_FIELDS: Final[Mapping[str, str]] = {
    **{name: name for name in _DIRECT},
    **{f"attribution.{name}": name for name in _ATTRIBUTION},
    "eligibility.minimum_order_minor": "minimum_order",
    "eligibility.new_customers_only": "new_customers_only",
    "eligibility.countries": "countries",
    "payout_minimum_minor": "payout_minimum",
}
"""Path in the document -> field of the form."""


class TermsForm(forms.Form):
    """Everything a program promises but its rewards."""

    name = forms.CharField(max_length=120)
    currency = forms.ChoiceField(choices=[(code, code) for code in sorted(CURRENCIES)])
    destination_url = forms.CharField(
        label="Destination",
        max_length=2048,
        required=False,
        help_text="The page links lead to, like https://shop.example/welcome.",
    )
    allowed_hosts = Entries(
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="Host names that links may lead to, one a line. Left empty: the destination's own.",
    )
    model = forms.ChoiceField(label="Attribution model", choices=list(MODELS.items()))
    click_window_days = forms.IntegerField(label="Clicks count for (days)")
    code_window_days = forms.IntegerField(label="Codes count for (days)")
    half_life_days = forms.IntegerField(label="Half-life (days)", help_text="For the time decay model.")
    position_weights = Numbers(
        label="First, middle, last (percent)",
        required=False,
        help_text="For the position based model; the three sum to 100.",
    )
    custom_weights = Numbers(
        label="Weights from the first touch to the last", required=False, help_text="For the custom model."
    )
    channel_weights = Weights(
        label="Weights of channels",
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="For the custom model: one “email = 150” a line; 100 leaves a touch as it is.",
    )
    precedence = Entries(
        label="Strongest source first",
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text=f"Out of {', '.join(SOURCES)}, one a line; a source left out earns nothing.",
    )
    lifetime_months = forms.IntegerField(
        label="A referral earns for (months)", required=False, help_text="Left empty: for ever."
    )
    first_bind_wins = forms.BooleanField(
        label="A friend stays with the first referrer",
        required=False,
        help_text="Unticked, a later referrer takes over.",
    )
    hold_days = forms.IntegerField(label="Rewards are held for (days)")
    approval = forms.ChoiceField(
        choices=[("automatic", "By itself after the hold"), ("manual", "A person approves each reward")]
    )
    minimum_order = forms.CharField(
        label="Orders count from", max_length=20, required=False, help_text="Like 25.00; empty: any order."
    )
    new_customers_only = forms.BooleanField(label="New customers only", required=False)
    countries = Entries(
        required=False,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text="Two-letter codes like DE, AT. Left empty: all.",
    )
    payout_minimum = forms.CharField(label="Paid out from", max_length=20, required=False)
    terms_text = forms.CharField(
        label="Terms and conditions",
        max_length=20_000,
        required=False,
        widget=forms.Textarea(attrs={"rows": 8}),
        help_text="Shown to participants below the promises.",
    )

    def clean(self) -> dict[str, Any]:
        """Read the amounts in the chosen currency."""
        given = self.cleaned_data
        currency = given.get("currency")
        if currency:
            for name in ("minimum_order", "payout_minimum"):
                if name in given:
                    given[f"{name}_minor"] = read_amount(self, name, currency) or 0
        return given

    def document(self) -> dict[str, Any]:
        """Return the terms document without its rewards."""
        given = self.cleaned_data
        # A browser ends lines with CR LF; kept, they would make a change of every text saved as it was.
        text = given["terms_text"].replace("\r\n", "\n").replace("\r", "\n")
        return {
            "schema": 1,
            **{name: given[name] for name in _DIRECT},
            "terms_text": text,
            "attribution": {name: given[name] for name in _ATTRIBUTION},
            "eligibility": {
                "minimum_order_minor": given["minimum_order_minor"],
                "new_customers_only": given["new_customers_only"],
                "countries": [country.upper() for country in given["countries"]],
            },
            "payout_minimum_minor": given["payout_minimum_minor"],
        }


class TermsEditor:
    """The whole page: `general` and the rows `rules`, bound when there is data.

    Rows are added and taken away by buttons that post the form as it stands (`add_rule`, `remove_rule` with
    the row's number), so it works without scripts.
    """

    def __init__(
        self, *, program: Program, terms: ProgramTerms, data: Mapping[str, Any] | None = None
    ) -> None:
        chosen = str((data or {}).get("currency", ""))
        self._currency = chosen if is_currency(chosen) else terms.currency
        if data is None:
            self.general = TermsForm(initial=_initial(program, terms))
            self.rules = self._rows(rule_initial(rule, terms.currency) for rule in terms.rewards)
        else:
            self.general = TermsForm(data)
            self.rules = [
                RuleForm(data, prefix=f"rule-{index}", currency=self._currency)
                for index in range(_row_count(data))
            ]

    def is_valid(self) -> bool:
        """Check every part, so that all faults show at once."""
        return all([self.general.is_valid(), *(rule.is_valid() for rule in self.rules)])

    @property
    def has_errors(self) -> bool:
        """Whether anything was found wrong."""
        return bool(self.general.errors) or any(rule.errors for rule in self.rules)

    def with_row_added(self) -> None:
        """Turn what was typed into an unchecked form with one more row."""
        rows: list[dict[str, Any]] = [_typed(rule) for rule in self.rules]
        self._unbind([*rows, {}][:MAX_RULES])

    def without_row(self, number: str) -> None:
        """Turn what was typed into an unchecked form without the row of this number."""
        self._unbind([_typed(rule) for index, rule in enumerate(self.rules) if str(index) != number])

    def document(self) -> dict[str, Any]:
        """Return the terms document; call only after `is_valid`."""
        taken = {rule.entry["key"] for rule in self.rules if rule.entry["key"]}
        rewards = []
        for rule in self.rules:
            entry = dict(rule.entry)
            if not entry["key"]:
                entry["key"] = _free_key(f"{entry['side']}-{entry['kind']}", taken)
                taken.add(entry["key"])
            rewards.append(entry)
        return {**self.general.document(), "rewards": rewards}

    def add_errors(self, error: TermsInvalid) -> None:
        """Put each fault on the field that it is about, or above the form."""
        for fault in error.errors:
            form, field = self._place(fault)
            form.add_error(field, fault.message)

    def _place(self, fault: FieldError) -> tuple[forms.Form, str | None]:
        group, _, rest = fault.param.partition(".")
        number, _, path = rest.partition(".")
        if group == "rewards" and number.isdigit() and int(number) < len(self.rules):
            rule = self.rules[int(number)]
            return rule, rule.field_of(path)
        param = fault.param
        while param and param not in _FIELDS:
            param = param.rpartition(".")[0]
        return self.general, _FIELDS.get(param)

    def _unbind(self, rows: Sequence[dict[str, Any]]) -> None:
        self.general = TermsForm(initial=_typed(self.general))
        self.rules = self._rows(rows)

    def _rows(self, values: Sequence[dict[str, Any]] | Iterator[dict[str, Any]]) -> list[RuleForm]:
        return [
            RuleForm(initial=initial, prefix=f"rule-{index}", currency=self._currency)
            for index, initial in enumerate(values)
        ]


def _initial(program: Program, terms: ProgramTerms) -> dict[str, Any]:
    attribution, eligibility = terms.attribution, terms.eligibility
    return {
        "name": program.name,
        **{name: getattr(terms, name) for name in _DIRECT},
        **{name: getattr(attribution, name) for name in _ATTRIBUTION},
        "channel_weights": dict(attribution.channel_weights),
        "minimum_order": amount_input(eligibility.minimum_order_minor, terms.currency),
        "new_customers_only": eligibility.new_customers_only,
        "countries": eligibility.countries,
        "payout_minimum": amount_input(terms.payout_minimum_minor, terms.currency),
    }


def _typed(form: forms.Form) -> dict[str, Any]:
    return {name: form[name].value() for name in form.fields}


def _row_count(data: Mapping[str, Any]) -> int:
    text = str(data.get("rules", "0"))
    return min(int(text), MAX_RULES) if text.isascii() and text.isdigit() and len(text) < 4 else 0


def _free_key(wanted: str, taken: set[str]) -> str:
    key, number = wanted, 1
    while key in taken:
        number += 1
        key = f"{wanted}-{number}"
    return key
