"""Exchange rates coming in: the European Central Bank's for everybody, a person's for one workspace."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Final
from zoneinfo import ZoneInfo

from django.db import transaction

from accounts.models import Workspace
from accounts.services import Actor, record_audit
from core.errors import Invalid
from core.events import emit
from core.money import is_currency
from core.transactions import all_or_nothing
from rewards.exchange import DECIMALS, EURO, MAX_RATE
from rewards.models import EnteredRate, ReferenceRate
from rewards.reference_files import FileRefused, read_references

MAX_OF_A_WORKSPACE: Final = 5_000
"""Rates in one file of a workspace: the bank's last 90 days have about 2,000."""
_AT_ONCE: Final = 2_000


@dataclass(frozen=True, slots=True)
class Imported:
    """What a file brought: rates that were new, that replaced another figure, and that were known already."""

    new: int
    changed: int
    known: int
    newest: date


@transaction.atomic
def import_reference_rates(*, content: bytes, at: datetime) -> Imported:
    """Store the rates of one of the European Central Bank's files, for every workspace.

    Repeating it changes nothing; a figure that the bank corrected replaces the earlier one, and what was
    reckoned with that keeps its own copy. Raises FileRefused naming the line, and then stores nothing.
    """
    references = read_references(content, today=at.date())
    days = [reference.on for reference in references]
    if not references:
        raise FileRefused("Line 1: there is no rate of a currency that is in use.")
    known = {
        (on, currency): per_euro
        for on, currency, per_euro in ReferenceRate.objects.filter(
            on__range=(min(days), max(days))
        ).values_list("on", "currency", "per_euro")
    }
    due = [each for each in references if known.get((each.on, each.currency)) != each.per_euro]
    # In one order everywhere, so that two imports at once do not wait for each other.
    due.sort(key=lambda each: (each.currency, each.on))
    ReferenceRate.objects.bulk_create(
        [ReferenceRate(on=e.on, currency=e.currency, per_euro=e.per_euro, imported_at=at) for e in due],
        update_conflicts=True,
        unique_fields=["currency", "on"],
        update_fields=["per_euro", "imported_at"],
        batch_size=_AT_ONCE,
    )
    changed = sum((each.on, each.currency) in known for each in due)
    return Imported(len(due) - changed, changed, len(references) - len(due), max(days))


@all_or_nothing
def enter_rate(
    *, workspace: Workspace, base: str, quote: str, on: date, rate: Decimal, actor: Actor, at: datetime
) -> EnteredRate:
    """Keep that one `base` is worth `rate` of `quote` from a day on, until another is entered.

    The same rate again changes nothing, another one for the same day replaces it: what was reckoned with the
    first keeps its own copy. Emits `rates.changed`. Raises Invalid naming the field.
    """
    _validate(base, quote, rate)
    _validate_day(on, workspace, at)
    entered, (row,) = _enter(workspace, [(base, quote, on, rate)], actor, at)
    for _, before in entered:
        record_audit(
            workspace=workspace,
            actor=actor,
            action="rate.entered",
            subject=row.public_id,
            before=None if before is None else {"rate": _text(before)},
            after={"base": base, "quote": quote, "on": str(on), "rate": _text(rate)},
        )
    return row


@all_or_nothing
def enter_reference_file(*, workspace: Workspace, content: bytes, actor: Actor, at: datetime) -> Imported:
    """Keep the rates of a file in the European Central Bank's form as a workspace's own entered ones.

    A file that somebody uploads proves nothing about the bank, so it counts for that workspace alone.
    Repeating it changes nothing. Raises FileRefused naming the line.
    """
    references = read_references(content, today=_today(workspace, at))
    if not references:
        raise FileRefused("Line 1: there is no rate of a currency that is in use.")
    if len(references) > MAX_OF_A_WORKSPACE:
        raise FileRefused(f"A file has at most {MAX_OF_A_WORKSPACE:,} rates; take the last 90 days.")
    wanted = [(EURO, each.currency, each.on, each.per_euro) for each in references]
    entered, _ = _enter(workspace, wanted, actor, at)
    changed = sum(before is not None for _, before in entered)
    newest = max(each.on for each in references)
    imported = Imported(len(entered) - changed, changed, len(references) - len(entered), newest)
    if entered:
        record_audit(
            workspace=workspace,
            actor=actor,
            action="rates.uploaded",
            subject=workspace.public_id,
            after={"new": imported.new, "changed": changed, "newest": str(newest)},
        )
    return imported


def tell_of_rates(*, workspace: Workspace, source: str, after: str = "", at: datetime) -> None:
    """Emit `rates.changed` in a workspace: for rates that came for everybody, or to go on after a group.

    `after` is the last conversion that was settled again already.
    """
    emit("rates.changed", at=at, source=source, workspace=workspace.public_id, after=after)


def _enter(
    workspace: Workspace, wanted: Sequence[tuple[str, str, date, Decimal]], actor: Actor, at: datetime
) -> tuple[list[tuple[EnteredRate, Decimal | None]], list[EnteredRate]]:
    """Store rates and tell of it where one is new or another.

    Returns those, each with the figure it replaces, and all that were wanted as they stand.
    """
    # The workspace stands for its rates: two who enter the same one at once come one after the other.
    Workspace.objects.for_workspace(workspace).select_for_update(no_key=True).get()
    known = {
        (row.base, row.quote, row.on): row
        for row in EnteredRate.objects.for_workspace(workspace).filter(
            base__in={each[0] for each in wanted},
            quote__in={each[1] for each in wanted},
            on__in={each[2] for each in wanted},
        )
    }
    standing: list[EnteredRate] = []
    entered: list[tuple[EnteredRate, Decimal | None]] = []
    for base, quote, on, rate in wanted:
        row = known.get((base, quote, on))
        before = row.rate if row is not None else None
        if row is None:
            row = EnteredRate(workspace=workspace, base=base, quote=quote, on=on)
        standing.append(row)
        if before != rate:
            row.rate, row.entered_by, row.entered_at = rate, actor.user, at
            entered.append((row, before))
    rows = EnteredRate.objects.for_workspace(workspace)
    EnteredRate.objects.bulk_create([row for row, before in entered if before is None], batch_size=_AT_ONCE)
    rows.bulk_update(
        [row for row, before in entered if before is not None],
        ["rate", "entered_by", "entered_at"],
        batch_size=_AT_ONCE,
    )
    if entered:
        tell_of_rates(workspace=workspace, source="entered", at=at)
    return entered, standing


def _text(rate: Decimal) -> str:
    return f"{rate.normalize():f}"


def _today(workspace: Workspace, at: datetime) -> date:
    return at.astimezone(ZoneInfo(workspace.time_zone)).date()


def _validate(base: str, quote: str, rate: Decimal) -> None:
    for param, code in (("base", base), ("quote", quote)):
        if not is_currency(code):
            raise Invalid(f"{code!r} is not an ISO 4217 currency code.", param=param)
    if base == quote:
        raise Invalid("A currency is always worth one of itself.", param="quote")
    if not rate.is_finite() or not 1 / MAX_RATE < rate < MAX_RATE:
        raise Invalid("The rate is a number above zero.", param="rate")
    exponent = rate.normalize().as_tuple().exponent
    if isinstance(exponent, int) and exponent < -DECIMALS:
        raise Invalid(f"The rate has at most {DECIMALS} decimals.", param="rate")


def _validate_day(on: date, workspace: Workspace, at: datetime) -> None:
    if on.year < 1999 or on > _today(workspace, at):
        raise Invalid("The rate holds from a day that has come already.", param="on")
