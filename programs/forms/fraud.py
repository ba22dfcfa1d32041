"""The terms editor's part about fraud: thresholds, a row for each rule, limits, and who confirms."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any, Final, NamedTuple

from django import forms

from core.mailbox import normalise_domain
from programs.forms.values import Entries
from programs.terms import FRAUD_RULES, FRAUD_WEIGHTS, FRAUD_WORDS, FraudRule, FraudTerms

LIMITS: Final = (
    "too_fast_seconds",
    "participant_per_hour",
    "address_per_hour",
    "device_per_hour",
    "refund_rate_percent",
    "refund_rate_least",
    "ring_size",
)
_DIRECT: Final = (
    "hold_at",
    "deny_at",
    *LIMITS,
    "banned_sources",
    "verify_email",
    "validation_url",
    "validate_orders",
)
_MODES: Final = [("on", "counts"), ("shadow", "on trial"), ("off", "off")]
_AROUND_HOST = re.compile(r"\A[a-z][a-z0-9+.-]*://|[/?#].*\Z", re.IGNORECASE)


class RuleRow(NamedTuple):
    """One rule of the table: its words, and its two fields; the allow list has no weight."""

    rule: FraudRule
    name: str
    sentence: str
    mode: forms.BoundField
    weight: forms.BoundField | None


class Sources(Entries):
    """Host names one a line; of a whole address the host is taken."""

    def to_python(self, value: Any) -> list[str]:  # type: ignore[override]
        return list(dict.fromkeys(map(_host, super().to_python(value))))


class FraudForm(forms.Form):
    """When referrals are held or refused, and by which rules."""

    prefix = "fraud"
    use_required_attribute = False

    hold_at = forms.IntegerField(
        label="Hold from",
        help_text="Findings that add up to this hold the reward until a person has looked.",
    )
    deny_at = forms.IntegerField(
        label="Refuse from",
        help_text="One finding as heavy as this refuses it. Several lighter ones never do.",
    )
    too_fast_seconds = forms.IntegerField(
        label="Seconds from click to conversion", help_text="Faster is a finding."
    )
    participant_per_hour = forms.IntegerField(
        label="Conversions an hour by one participant", help_text="More is a finding, here and below."
    )
    address_per_hour = forms.IntegerField(label="Conversions an hour from one network address")
    device_per_hour = forms.IntegerField(label="Conversions an hour on one device")
    refund_rate_percent = forms.IntegerField(
        label="Refunded purchases (percent)", help_text="This many or more is a finding."
    )
    refund_rate_least = forms.IntegerField(
        label="Purchases before refunds are looked at", help_text="A few purchases say nothing yet."
    )
    ring_size = forms.IntegerField(
        label="Other friends in a ring",
        help_text="Friends of one participant who share a device, payment or address with the new one.",
    )
    banned_sources = Sources(
        label="Sites that earn nothing",
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="Such as coupon sites, one a line: coupons.example means all below it, and * any text.",
    )
    verify_email = forms.BooleanField(
        label="Friends confirm their e-mail address",
        required=False,
        help_text="They get a link by e-mail, and the reward waits until it was followed.",
    )
    validation_url = forms.CharField(
        label="Ask your own system",
        max_length=2048,
        required=False,
        help_text="An https address that is asked whether a reward may be approved. Left empty: nobody.",
    )
    validate_orders = forms.BooleanField(
        label="Ask the shop about each order",
        required=False,
        help_text="The reward waits until the connected shop confirms that the order is paid as told.",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for rule in FRAUD_RULES:
            name = FRAUD_WORDS[rule][0]
            self.fields[f"{rule}_mode"] = forms.ChoiceField(label=f"{name}: in use", choices=_MODES)
            if rule != "allow_list":
                self.fields[f"{rule}_weight"] = forms.IntegerField(label=f"{name}: weight")

    def rows(self) -> Iterator[RuleRow]:
        """Yield the rules with their fields, the heaviest by default first."""
        for rule in FRAUD_RULES:
            weight = None if rule == "allow_list" else self[f"{rule}_weight"]
            yield RuleRow(rule, *FRAUD_WORDS[rule], self[f"{rule}_mode"], weight)

    def limits(self) -> list[forms.BoundField]:
        """Return the fields that say how much is too much."""
        return [self[name] for name in LIMITS]

    def typed(self) -> dict[str, Any]:
        """Return what stands in the fields, to show it again unchecked."""
        return {name: self[name].value() for name in self.fields}

    def document(self) -> dict[str, Any]:
        """Return the document's `fraud`; call it when the form is valid."""
        given = self.cleaned_data
        return {
            **{name: given[name] for name in _DIRECT},
            "weights": {
                rule: given[f"{rule}_weight"]
                for rule in FRAUD_RULES
                if rule != "allow_list" and given[f"{rule}_weight"] != FRAUD_WEIGHTS[rule]
            },
            **{
                mode: [rule for rule in FRAUD_RULES if given[f"{rule}_mode"] == mode]
                for mode in ("shadow", "off")
            },
        }

    def field_of(self, path: str) -> str | None:
        """Return the field that stands for a path of the document's `fraud`, None for no field."""
        group, _, rest = path.partition(".")
        name = f"{rest}_weight" if group == "weights" else group
        return name if name in self.fields else None


def fraud_initial(terms: FraudTerms) -> Mapping[str, Any]:
    """Return the form's values for terms that are there."""
    values = asdict(terms)
    shown = {name: values[name] for name in _DIRECT}
    for rule in FRAUD_RULES:
        shown[f"{rule}_mode"] = "shadow" if rule in terms.shadow else "off" if rule in terms.off else "on"
        shown[f"{rule}_weight"] = terms.weight(rule)
    return shown


def _host(text: str) -> str:
    host = _AROUND_HOST.sub("", text)
    try:
        return normalise_domain(host)
    except ValueError:
        return text
