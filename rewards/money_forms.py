"""The form of the workspace's rules about money."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from django import forms

from accounts.forms import LockableForm
from rewards.fees import fee_rule
from rewards.models import MoneySettings, PayoutBatch

_PLAIN: Final = (
    "adjustment_limit_minor",
    "payout_cutoff_days",
    "debtor_name",
    "debtor_iban",
    "debtor_bic",
)


class MoneySettingsForm(LockableForm):
    """Who adjusts alone up to what, when rewards count, whose account pays, and what methods charge.

    Shares are typed in percent and stored in basis points; `settings` is what the service takes.
    """

    adjustment_limit_minor = forms.IntegerField(
        label="One person adjusts alone up to",
        min_value=0,
        help_text="In cents of any currency, or points. Above it, a second person decides.",
    )
    payout_cutoff_days = forms.IntegerField(
        label="Days before a batch",
        min_value=0,
        max_value=365,
        help_text="Rewards approved in these last days wait for the next batch. 0: none wait.",
    )
    debtor_name = forms.CharField(
        label="Name of the account's holder", max_length=70, required=False, help_text="As your bank has it."
    )
    debtor_iban = forms.CharField(label="IBAN", max_length=50, required=False)
    debtor_bic = forms.CharField(
        label="BIC", max_length=11, required=False, help_text="Only if your bank asks for it."
    )

    def __init__(self, *args: Any, own: MoneySettings, locked: bool, **kwargs: Any) -> None:
        kwargs["initial"] = {name: getattr(own, name) for name in _PLAIN}
        super().__init__(*args, **kwargs)
        for method in PayoutBatch.Method.values:
            rule = fee_rule(method, own.payout_fees)
            self.fields[f"{method}_fixed_minor"] = forms.IntegerField(
                label="Each payout, in cents", min_value=0, max_value=10**9, initial=rule.fixed_minor
            )
            self.fields[f"{method}_bps"] = forms.DecimalField(
                label="Share, in percent",
                min_value=0,
                max_value=100,
                decimal_places=2,
                initial=_percent(rule.bps),
            )
            self.fields[f"{method}_max_minor"] = forms.IntegerField(
                label="At most, in cents",
                min_value=0,
                max_value=10**9,
                initial=rule.max_minor,
            )
        for field in self.fields.values():
            field.disabled = locked

    @property
    def fee_fields(self) -> list[tuple[str, list[forms.BoundField]]]:
        """Each method's name with the fields of what it charges."""
        return [
            (str(label), [self[f"{method}_{part}"] for part in ("fixed_minor", "bps", "max_minor")])
            for method, label in PayoutBatch.Method.choices
        ]

    @property
    def settings(self) -> dict[str, Any]:
        """What was typed, as the service takes it."""
        given = self.cleaned_data
        fees: dict[str, Mapping[str, int]] = {
            method: {
                "fixed_minor": given[f"{method}_fixed_minor"],
                "bps": int(given[f"{method}_bps"] * 100),
                "max_minor": given[f"{method}_max_minor"],
            }
            for method in PayoutBatch.Method.values
        }
        return {**{name: given[name] for name in _PLAIN}, "payout_fees": fees}


def _percent(bps: int) -> Decimal:
    whole, rest = divmod(bps, 100)
    return Decimal(bps) / 100 if rest else Decimal(whole)
