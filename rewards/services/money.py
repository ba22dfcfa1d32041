"""A workspace's own rules about payouts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from accounts.models import Workspace
from accounts.services import Actor, record_audit
from core.errors import Invalid
from core.text import clean_line
from core.transactions import all_or_nothing
from rewards.bank_files.iban import compact, valid_iban
from rewards.bank_files.pain001 import valid_bic
from rewards.models import MoneySettings, PayoutBatch

_FEE_NAMES: Final = frozenset({"fixed_minor", "bps", "max_minor"})


@all_or_nothing
def update_payout_settings(
    *,
    workspace: Workspace,
    cutoff_days: int,
    debtor_name: str,
    debtor_iban: str,
    debtor_bic: str,
    fees: Mapping[str, Mapping[str, int]],
    actor: Actor,
) -> MoneySettings:
    """Set when rewards count, whose account pays, and what each method charges; the same changes nothing.

    Raises Invalid naming the field at fault.
    """
    if not 0 <= cutoff_days <= 365:
        raise Invalid("This is between 0 and 365 days.", param="payout_cutoff_days")
    name = clean_line(debtor_name, param="debtor_name", longest=70)
    iban, bic = compact(debtor_iban), debtor_bic.strip().upper()
    if iban and not valid_iban(iban):
        raise Invalid(
            "This is not an IBAN: its check digits do not fit.", code="invalid_iban", param="debtor_iban"
        )
    if bic and not valid_bic(bic):
        raise Invalid("A BIC has 8 or 11 letters and digits.", code="invalid_bic", param="debtor_bic")
    _check_fees(fees)
    MoneySettings.objects.bulk_create([MoneySettings(workspace=workspace)], ignore_conflicts=True)
    row = MoneySettings.objects.for_workspace(workspace).select_for_update(no_key=True).get()
    before = _shown(row)
    row.payout_cutoff_days, row.debtor_name, row.debtor_iban, row.debtor_bic = cutoff_days, name, iban, bic
    row.payout_fees = {method: dict(rule) for method, rule in fees.items()}
    if _shown(row) != before:
        row.save(
            update_fields=["payout_cutoff_days", "debtor_name", "debtor_iban", "debtor_bic", "payout_fees"]
        )
        record_audit(
            workspace=workspace,
            actor=actor,
            action="payout_settings.updated",
            subject=workspace.public_id,
            before=before,
            after=_shown(row),
        )
    return row


def _check_fees(fees: Mapping[str, Mapping[str, int]]) -> None:
    for method, rule in fees.items():
        if method not in PayoutBatch.Method.values or set(rule) - _FEE_NAMES:
            raise Invalid("There is no such method or part of a fee.", code="not_a_choice", param="fees")
        for name, value in rule.items():
            if type(value) is not int or not 0 <= value <= 10**9:
                raise Invalid("A fee is a whole number from 0.", param=f"{method}_{name}")


def _shown(row: MoneySettings) -> dict[str, Any]:
    return {
        "payout_cutoff_days": row.payout_cutoff_days,
        "debtor_name": row.debtor_name,
        "debtor_iban": row.debtor_iban,
        "debtor_bic": row.debtor_bic,
        "payout_fees": row.payout_fees,
    }
