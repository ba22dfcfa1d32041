"""Everything a program promises but its rewards, as a form, and how its fields are shared out among pages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from django import forms

from core.money import CURRENCIES
from programs.facts import MODELS, SOURCES
from programs.forms.conditions import Conditions, words_of
from programs.forms.values import (
    Entries,
    Numbers,
    Span,
    Weights,
    amount_input,
    percent_input,
    read_amount,
    read_percent,
)
from programs.models import Program
from programs.terms import KIND_WORDS, ProgramTerms, dump_conditions

_DIRECT: Final = (
    "currency",
    "destination_url",
    "hold_days",
    "approval",
    "allowed_hosts",
    "terms_text",
    "offer_text",
)
_ATTRIBUTION: Final = (
    "model",
    "click_window_hours",
    "signup_window_hours",
    "code_window_hours",
    "conversion_window_hours",
    "half_life_days",
    "position_weights",
    "custom_weights",
    "channel_weights",
    "precedence",
    "lifetime_months",
    "first_bind_wins",
)
_PLAIN: Final = ("approval_score", "tax_details_required")
_COUNTS: Final = ("expiry_warning_days", "redemption_minimum")
"""Numbers whose 0 is shown as nothing."""
_APPROVE: Final = tuple(f"approve_{kind}" for kind in KIND_WORDS)
"""A box for each kind of reward that a person approves."""

FIELD_OF: Final[Mapping[str, str]] = {
    **{name: name for name in _DIRECT},
    **{f"attribution.{name}": name for name in _ATTRIBUTION},
    "eligibility.minimum_order_minor": "minimum_order",
    "eligibility.new_customers_only": "new_customers_only",
    "eligibility.countries": "countries",
    "eligibility.conditions": "conditions",
    "payout_minimum_minor": "payout_minimum",
    "approval_above_minor": "approval_above",
    "approval_score": "approval_score",
    "assumed_margin_bps": "assumed_margin",
    "expiry_warning_days": "expiry_warning_days",
    "redemption_minimum": "redemption_minimum",
    "tax_details_required": "tax_details_required",
}
"""Path in the document -> field of the form."""

SECTIONS: Final[Mapping[str, tuple[str, ...]]] = {
    "rewards": ("currency",),
    "rules": (
        "new_customers_only",
        "minimum_order",
        "countries",
        "conditions",
        "assumed_margin",
        "hold_days",
        "approval",
        "approval_above",
        "approval_score",
        *_APPROVE,
        "payout_minimum",
        "tax_details_required",
        "expiry_warning_days",
        "redemption_minimum",
        *_ATTRIBUTION,
    ),
    "fraud": (),
    "look": ("name", "offer_text", "destination_url", "allowed_hosts", "terms_text"),
}
"""Part of the editor -> fields of this form on it.

The rows of rewards stand on `rewards`, and the whole form about fraud stands on `fraud`.
"""


class TermsForm(forms.Form):
    """Everything a program promises but its rewards."""

    name = forms.CharField(max_length=120, help_text="People see it in the portal and in e-mails.")
    currency = forms.ChoiceField(choices=[(code, code) for code in sorted(CURRENCIES)])
    offer_text = forms.CharField(
        label="Headline",
        max_length=120,
        required=False,
        help_text="The offer in a few words. Left empty, the rewards make one.",
    )
    destination_url = forms.CharField(
        label="Where links lead",
        max_length=2048,
        required=False,
        help_text="The page friends arrive at, like https://shop.example/welcome. Needed before publishing.",
    )
    allowed_hosts = Entries(
        required=False,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text="Host names that links may lead to, one a line. Left empty: the destination's own.",
    )
    model = forms.ChoiceField(label="Who gets the credit", choices=list(MODELS.items()))
    click_window_hours = Span(label="Clicks count for", help_text="Like “90 days” or “36 hours”.")
    signup_window_hours = Span(
        label="Clicks count for a sign-up for", required=False, help_text="Left empty: the same time."
    )
    code_window_hours = Span(label="Codes count for", help_text="Like “90 days” or “36 hours”.")
    conversion_window_hours = Span(
        label="First purchase within",
        required=False,
        help_text="Counted from the sign-up. Left empty: any time.",
    )
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
        widget=forms.Textarea(attrs={"rows": 2}),
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
        help_text="Unticked, a later click or code takes the friend over.",
    )
    hold_days = forms.IntegerField(
        label="Hold (days)",
        help_text="Time for returns and checks before a reward counts; 30 is usual in shops.",
    )
    approval = forms.ChoiceField(
        choices=[("automatic", "By itself after the hold"), ("manual", "By a person, one by one")]
    )
    approval_above = forms.CharField(
        label="Above this amount",
        max_length=20,
        required=False,
        help_text="A larger reward waits for a person. Left empty: none does.",
    )
    approval_score = forms.IntegerField(
        label="From this fraud score on",
        required=False,
        help_text="From 0 to 100: doubts that add up to this. Left empty: only held ones.",
    )
    assumed_margin = forms.CharField(
        label="Assumed margin (percent)",
        max_length=10,
        required=False,
        help_text="For rewards out of the margin, where an order says no cost. Left empty: nothing.",
    )
    tax_details_required = forms.BooleanField(
        label="Pay out only with tax details",
        required=False,
        help_text="Money waits until the person has given them in the portal.",
    )
    expiry_warning_days = forms.IntegerField(
        label="Warn before expiry (days)",
        required=False,
        help_text="By e-mail to whoever has the reward. Left empty: never.",
    )
    redemption_minimum = forms.IntegerField(
        label="Points are redeemed from", required=False, help_text="Left empty: any number of points."
    )
    minimum_order = forms.CharField(
        label="Orders count from", max_length=20, required=False, help_text="Like 25.00; empty: any order."
    )
    new_customers_only = forms.BooleanField(
        label="New customers only",
        required=False,
        help_text="Friends who bought before earn nothing for anybody.",
    )
    countries = Entries(
        required=False,
        help_text="Two-letter codes like DE, AT. Left empty: all.",
    )
    conditions = Conditions(label="Further conditions")
    payout_minimum = forms.CharField(
        label="Paid out from",
        max_length=20,
        required=False,
        help_text="Smaller sums wait until they add up. Left empty: any amount.",
    )
    terms_text = forms.CharField(
        label="Terms and conditions",
        max_length=20_000,
        required=False,
        widget=forms.Textarea(attrs={"rows": 6}),
        help_text="Shown to participants below the promises.",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for kind, words in KIND_WORDS.items():
            self.fields[f"approve_{kind}"] = forms.BooleanField(label=words.capitalize(), required=False)

    def approved_kinds(self) -> list[forms.BoundField]:
        """Return the boxes of the kinds that a person approves."""
        return [self[name] for name in _APPROVE]

    def conditions_words(self) -> str:
        """Return what the conditions ask for, as it stands after "if"."""
        return words_of(self["conditions"].value(), str(self["currency"].value()))

    def clean(self) -> dict[str, Any]:
        """Read the amounts in the chosen currency."""
        given = self.cleaned_data
        currency = given.get("currency")
        if currency:
            for name in ("minimum_order", "payout_minimum", "approval_above"):
                if name in given:
                    given[f"{name}_minor"] = read_amount(self, name, currency)
        try:
            margin = given.get("assumed_margin")
            given["assumed_margin_bps"] = read_percent(margin) if margin else None
        except ValueError as error:
            self.add_error("assumed_margin", str(error))
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
                "minimum_order_minor": given["minimum_order_minor"] or 0,
                "new_customers_only": given["new_customers_only"],
                "countries": [country.upper() for country in given["countries"]],
                "conditions": given["conditions"],
            },
            "payout_minimum_minor": given["payout_minimum_minor"] or 0,
            "approval_above_minor": given["approval_above_minor"],
            "approval_kinds": [kind for kind in KIND_WORDS if given[f"approve_{kind}"]],
            "assumed_margin_bps": given["assumed_margin_bps"],
            **{name: given[name] for name in _PLAIN},
            **{name: given[name] or 0 for name in _COUNTS},
        }


def terms_initial(program: Program, terms: ProgramTerms) -> dict[str, Any]:
    """Return the form's values for terms that are there."""
    attribution, eligibility, margin = terms.attribution, terms.eligibility, terms.assumed_margin_bps
    return {
        "name": program.name,
        **{name: getattr(terms, name) for name in _DIRECT},
        **{name: getattr(attribution, name) for name in _ATTRIBUTION},
        "channel_weights": dict(attribution.channel_weights),
        "minimum_order": amount_input(eligibility.minimum_order_minor, terms.currency),
        "new_customers_only": eligibility.new_customers_only,
        "countries": eligibility.countries,
        "conditions": dump_conditions(eligibility.conditions),
        "payout_minimum": amount_input(terms.payout_minimum_minor, terms.currency),
        "approval_above": amount_input(terms.approval_above_minor, terms.currency),
        **{f"approve_{kind}": True for kind in terms.approval_kinds},
        "assumed_margin": "" if margin is None else percent_input(margin),
        **{name: getattr(terms, name) for name in _PLAIN},
        **{name: getattr(terms, name) or "" for name in _COUNTS},
    }
