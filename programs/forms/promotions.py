"""The form of a promotion, and filters of their list."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

from django import forms

from core import lists
from core.money import POINTS
from programs.condition_facts import PERSON_FACTS
from programs.forms.conditions import Conditions, builder_facts, words_of
from programs.forms.values import amount_input, percent_input, read_amount, read_percent
from programs.models import Program, Promotion
from programs.promotions import ONE, instant, multiplier_text
from programs.terms import FixedAmount, PercentageAmount, ProgramTerms, RewardRule, reward_sentence

PREFIX = "amount_"
_TYPED = (FixedAmount, PercentageAmount)
"""Amounts that are one number."""


class PromotionForm(forms.Form):
    """A season: its days, and what it gives. Rules are replaced in `amount_<place>`, by their place."""

    name = forms.CharField(max_length=120, help_text="For you and your colleagues, like “Black Friday”.")
    starts_on = forms.DateField(label="First day", widget=forms.DateInput(attrs={"type": "date"}))
    ends_on = forms.DateField(label="Last day", widget=forms.DateInput(attrs={"type": "date"}))
    multiplier = forms.DecimalField(
        label="Multiply every reward by",
        required=False,
        max_digits=6,
        decimal_places=4,
        widget=forms.TextInput(attrs={"inputmode": "decimal"}),
        help_text="1.01 to 10; 2 doubles. Or leave it empty and write other amounts below.",
    )
    banner = forms.CharField(
        max_length=200,
        required=False,
        help_text="Shown in the portal and on invitations while it runs, like “Double rewards until Monday”.",
    )
    countries = forms.CharField(
        required=False,
        max_length=1000,
        help_text="Only for participants from these, like DE, AT. Empty: from everywhere.",
    )
    enrolled_from = forms.DateField(
        label="Only for those who joined on or after",
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}),
    )
    enrolled_until = forms.DateField(
        label="and on or before", required=False, widget=forms.DateInput(attrs={"type": "date"})
    )

    conditions = Conditions(label="Only if")
    announce = forms.BooleanField(
        label="Write to the participants at the start",
        required=False,
        help_text="One e-mail to each active participant it is for, with the banner and the last day.",
    )

    def __init__(
        self,
        *args: Any,
        program: Program,
        terms: ProgramTerms,
        promotion: Promotion | None = None,
        **kwargs: Any,
    ) -> None:
        self._terms = terms
        self._rules = [rule for rule in terms.rewards if isinstance(rule.amount, _TYPED)]
        if promotion is not None:
            kwargs["initial"] = _initial(promotion, program.workspace.time_zone)
        super().__init__(*args, **kwargs)
        kept = promotion.replacements if promotion is not None else {}
        for place, rule in enumerate(self._rules):
            self.fields[f"{PREFIX}{place}"] = forms.CharField(
                label=self._label(rule),
                required=False,
                max_length=20,
                initial=self._typed(rule, kept.get(rule.key)),
                help_text=f"Now: {reward_sentence(rule, terms.currency)}",
                widget=forms.TextInput(attrs={"inputmode": "decimal"}),
            )

    def condition_facts(self) -> str:
        """Return what the audience's conditions can ask for, as JSON for the builder on the page."""
        return builder_facts(self._terms.currency, PERSON_FACTS)

    def conditions_words(self) -> str:
        """Return what the audience's conditions ask for, as it stands after "if"."""
        return words_of(self["conditions"].value(), self._terms.currency)

    @property
    def amounts(self) -> list[forms.BoundField]:
        """The fields of the rules."""
        return [self[f"{PREFIX}{place}"] for place in range(len(self._rules))]

    def clean_multiplier(self) -> int:
        """Return the multiplier in basis points."""
        value = self.cleaned_data["multiplier"]
        return ONE if value is None else int(value * ONE)

    def clean_countries(self) -> list[str]:
        """Return the codes."""
        text: str = self.cleaned_data["countries"]
        return text.upper().replace(",", " ").replace(";", " ").split()

    def clean(self) -> dict[str, Any]:
        """Read the amounts of the rules."""
        cleaned: dict[str, Any] = super().clean() or {}
        found = {}
        for place, rule in enumerate(self._rules):
            name = f"{PREFIX}{place}"
            if isinstance(rule.amount, PercentageAmount):
                text = cleaned.get(name) or ""
                try:
                    amount = {"type": "percentage", "bps": read_percent(text)} if text else None
                except ValueError as error:
                    self.add_error(name, str(error))
                    continue
            else:
                minor = read_amount(self, name, rule.unit(self._terms.currency))
                amount = None if minor is None else {"type": "fixed", "minor": minor}
            if amount is not None:
                found[rule.key] = amount
        cleaned["replacements"] = found
        return cleaned

    def values(self) -> dict[str, Any]:
        """Return what the services take."""
        found = self.cleaned_data
        return {
            "name": found["name"],
            "starts_on": found["starts_on"],
            "ends_on": found["ends_on"],
            "multiplier_bps": found["multiplier"],
            "replacements": found["replacements"],
            "banner": found["banner"],
            "announce": found["announce"],
            "audience": {
                "countries": found["countries"],
                "enrolled_from": found["enrolled_from"],
                "enrolled_until": found["enrolled_until"],
                "conditions": found["conditions"],
            },
        }

    def field_of(self, param: str | None) -> str | None:
        """Return the name of the field that a service's parameter is typed in."""
        if param is None:
            return None
        first, _, rest = param.partition(".")
        if first == "replacements":
            keys = [rule.key for rule in self._rules]
            key = rest.partition(".")[0]
            return f"{PREFIX}{keys.index(key)}" if key in keys else None
        if first == "audience":
            return rest.partition(".")[0]
        return {"multiplier_bps": "multiplier"}.get(first, first)

    def _label(self, rule: RewardRule) -> str:
        side = "The referrer" if rule.side == "referrer" else "The friend"
        unit = rule.unit(self._terms.currency)
        counted = (
            "percent" if isinstance(rule.amount, PercentageAmount) else "points" if unit == POINTS else unit
        )
        return f"{side} gets instead, in {counted}"

    def _typed(self, rule: RewardRule, amount: Any) -> str:
        if not amount:
            return ""
        if isinstance(rule.amount, PercentageAmount):
            return percent_input(amount.get("bps", 0))
        return amount_input(amount.get("minor"), rule.unit(self._terms.currency))


def _initial(promotion: Promotion, time_zone: str) -> dict[str, Any]:
    """Return what the form shows of a promotion; the audience's instants as days."""
    zone = ZoneInfo(time_zone)
    audience = promotion.audience
    first, after = instant(audience.get("enrolled_from")), instant(audience.get("enrolled_until"))
    last: datetime | None = None if after is None else after - timedelta(microseconds=1)
    multiplier = promotion.multiplier_bps
    return {
        "name": promotion.name,
        "starts_on": promotion.starts_on,
        "ends_on": promotion.ends_on,
        "multiplier": "" if multiplier == ONE else multiplier_text(multiplier).removesuffix("×"),
        "banner": promotion.banner,
        "announce": promotion.announce,
        "countries": ", ".join(audience.get("countries", [])),
        "enrolled_from": None if first is None else first.astimezone(zone).date(),
        "conditions": audience.get("conditions"),
        "enrolled_until": None if last is None else last.astimezone(zone).date(),
    }


class StopForm(forms.Form):
    """Why a promotion is stopped."""

    reason = forms.CharField(max_length=200, required=False, help_text="Kept in the audit log.")


class PromotionFilterForm(lists.FilterForm):
    """Narrows the list of a program's promotions."""

    search: ClassVar[tuple[str, ...]] = ("name", "banner", "public_id")
    placeholder = "Name or banner"
    quick = "status"

    status = forms.ChoiceField(choices=lists.choices(Promotion.Status.choices))
