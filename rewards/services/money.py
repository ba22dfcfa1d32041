"""A workspace's own rules about money: payouts, adjustments, and the own system that gives rewards."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from accounts.models import Workspace
from accounts.services import Actor, record_audit
from core.errors import Invalid
from core.http import OutboundRefused, check_url
from core.money import MAX_MINOR
from core.outbound import outbound_policy
from core.text import clean_line
from core.transactions import all_or_nothing
from rewards.bank_files.iban import compact, valid_iban
from rewards.bank_files.pain001 import valid_bic
from rewards.models import MoneySettings, PayoutBatch
from rewards.services.routes import checked_deliverers

_FEE_NAMES: Final = frozenset({"fixed_minor", "bps", "max_minor"})
_FIELDS: Final = (
    "adjustment_limit_minor",
    "payout_cutoff_days",
    "payout_fees",
    "debtor_name",
    "debtor_iban",
    "debtor_bic",
    "give_url",
    "deliverers",
)


@all_or_nothing
def update_money_settings(
    *,
    workspace: Workspace,
    adjustment_limit_minor: int,
    payout_cutoff_days: int,
    payout_fees: Mapping[str, Mapping[str, int]],
    debtor_name: str,
    debtor_iban: str,
    debtor_bic: str,
    actor: Actor,
    give_url: str | None = None,
    deliverers: Mapping[str, str] | None = None,
) -> MoneySettings:
    """Set up to which amount one person adjusts alone, and how payouts are made; the same changes nothing.

    `give_url` is the own system's address (see `set_give_url`), `deliverers` who hands over what (see
    `set_deliverers`); None leaves them. Raises Invalid naming the field at fault, that of a fee as
    `{method}_{part}`.
    """
    if not 0 <= adjustment_limit_minor <= MAX_MINOR:
        raise Invalid("This is a whole number from 0.", code="out_of_range", param="adjustment_limit_minor")
    if not 0 <= payout_cutoff_days <= 365:
        raise Invalid("This is between 0 and 365 days.", param="payout_cutoff_days")
    name = clean_line(debtor_name, param="debtor_name", longest=70)
    iban, bic = compact(debtor_iban), debtor_bic.strip().upper()
    if iban and not valid_iban(iban):
        raise Invalid(
            "This is not an IBAN: its check digits do not fit.", code="invalid_iban", param="debtor_iban"
        )
    if bic and not valid_bic(bic):
        raise Invalid("A BIC has 8 or 11 letters and digits.", code="invalid_bic", param="debtor_bic")
    _check_fees(payout_fees)
    wanted: dict[str, Any] = {
        "adjustment_limit_minor": adjustment_limit_minor,
        "payout_cutoff_days": payout_cutoff_days,
        "payout_fees": {method: dict(rule) for method, rule in payout_fees.items()},
        "debtor_name": name,
        "debtor_iban": iban,
        "debtor_bic": bic,
    }
    if give_url is not None:
        wanted["give_url"] = _checked_url(give_url)
    if deliverers is not None:
        wanted["deliverers"] = checked_deliverers(workspace, deliverers)
    return _store(workspace, wanted, actor)


@all_or_nothing
def set_give_url(*, workspace: Workspace, url: str, actor: Actor) -> MoneySettings:
    """Say which of the workspace's own systems hands rewards over; an empty address leaves it to people.

    The same changes nothing. Raises Invalid naming `give_url`: it is a full https address that may be called.
    """
    return _store(workspace, {"give_url": _checked_url(url)}, actor)


@all_or_nothing
def set_deliverers(*, workspace: Workspace, deliverers: Mapping[str, str], actor: Actor) -> MoneySettings:
    """Say which connection hands over which kind, by its public id, or "person".

    A kind that is left out, or empty, goes to the oldest connection that can. What waits already is not
    moved, and the same changes nothing. Raises Invalid naming `deliverers`.
    """
    return _store(workspace, {"deliverers": checked_deliverers(workspace, deliverers)}, actor)


def _store(workspace: Workspace, wanted: dict[str, Any], actor: Actor) -> MoneySettings:
    MoneySettings.objects.bulk_create([MoneySettings(workspace=workspace)], ignore_conflicts=True)
    row: MoneySettings = MoneySettings.objects.for_workspace(workspace).select_for_update(no_key=True).get()
    before = {name: getattr(row, name) for name in _FIELDS}
    changed = [name for name in wanted if wanted[name] != before[name]]
    if changed:
        for name in changed:
            setattr(row, name, wanted[name])
        row.save(update_fields=changed)
        record_audit(
            workspace=workspace,
            actor=actor,
            action="money_settings.updated",
            subject=workspace.public_id,
            before={name: before[name] for name in changed},
            after={name: wanted[name] for name in changed},
        )
    return row


def _checked_url(given: str) -> str:
    url = clean_line(given, param="give_url", longest=2000)
    if not url:
        return ""
    try:
        check_url(url, policy=outbound_policy())
    except OutboundRefused as error:
        raise Invalid(error.message, code="bad_url", param="give_url") from error
    if not url.startswith("https://"):
        raise Invalid("The address begins with https://.", code="scheme", param="give_url")
    return url


def _check_fees(fees: Mapping[str, Mapping[str, int]]) -> None:
    for method, rule in fees.items():
        if method not in PayoutBatch.Method.values or set(rule) - _FEE_NAMES:
            raise Invalid("No such method or part of a fee.", code="not_a_choice", param="payout_fees")
        for name, value in rule.items():
            if type(value) is not int or not 0 <= value <= 10**9:
                raise Invalid("A fee is a whole number from 0.", param=f"{method}_{name}")
