"""Reads about exchange rates, and the rewards that wait for one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Final

from django.db.models import Count, Max, OuterRef, QuerySet, Subquery

from accounts.models import Workspace
from rewards.exchange import EURO, Rate, across, same
from rewards.models import EnteredRate, ReferenceRate, Reward
from tracking.models import Conversion

Pair = tuple[str, str, date]
"""From a currency into another, on a day."""

REFERENCE_DAYS: Final = 7
"""How old the European Central Bank's last rate may be: over any holidays, and not much more."""


def rates_for(workspace: Workspace, pairs: Collection[Pair]) -> dict[Pair, Rate | None]:
    """Return the rate of each pair on its day: units of the second currency for one of the first.

    What the workspace entered comes first: the latest of that day or before, in either direction, however
    old. Then the European Central Bank's latest of at most seven days before, by way of the euro. Then two
    entered rates of the euro that are of one day. None: nothing is known. Two queries, however many pairs.
    """
    found: dict[Pair, Rate | None] = {pair: same(pair[2]) for pair in pairs if pair[0] == pair[1]}
    wanted = [pair for pair in pairs if pair not in found]
    if not wanted:
        return found
    entered, references = _entered(workspace, wanted), _references(wanted)
    for pair in wanted:
        found[pair] = _of_entered(pair, entered) or _of_bank(pair, references) or _of_euros(pair, entered)
    return found


Entered = dict[tuple[str, str], list[tuple[date, Decimal]]]


def _entered(workspace: Workspace, wanted: Iterable[Pair]) -> Entered:
    """Return what was entered for the currencies, newest first."""
    currencies = {code for pair in wanted for code in pair[:2]} | {EURO}
    rows = (
        EnteredRate.objects.for_workspace(workspace)
        .filter(base__in=currencies, quote__in=currencies, on__lte=max(pair[2] for pair in wanted))
        .order_by("-on")
    )
    found: Entered = defaultdict(list)
    for base, quote, on, rate in rows.values_list("base", "quote", "on", "rate"):
        found[base, quote].append((on, rate))
    return found


def _references(wanted: Iterable[Pair]) -> dict[tuple[str, date], Fraction]:
    """Return the bank's rates of the currencies in the days before each pair's, the euro's own included."""
    back = [timedelta(days=number) for number in range(REFERENCE_DAYS + 1)]
    days = {pair[2] - each for pair in wanted for each in back}
    currencies = {code for pair in wanted for code in pair[:2]} - {EURO}
    rows = ReferenceRate.objects.filter(currency__in=currencies, on__in=days)
    found = {(currency, on): Fraction(rate) for currency, on, rate in rows.values_list(*_COLUMNS)}
    return found | {(EURO, on): Fraction(1) for _, on in found}


_COLUMNS: Final = ("currency", "on", "per_euro")


def _of_entered(pair: Pair, entered: Entered) -> Rate | None:
    source, target, day = pair
    straight = _latest(entered.get((source, target), ()), day)
    turned = _latest(entered.get((target, source), ()), day)
    if straight is not None and (turned is None or straight.on >= turned.on):
        return straight
    return turned.inverse if turned is not None else None


def _of_bank(pair: Pair, references: dict[tuple[str, date], Fraction]) -> Rate | None:
    source, target, day = pair
    for number in range(REFERENCE_DAYS + 1):
        on = day - timedelta(days=number)
        per_source, per_target = references.get((source, on)), references.get((target, on))
        if per_source is not None and per_target is not None:
            return across(per_source, per_target, on)
    return None


def _of_euros(pair: Pair, entered: Entered) -> Rate | None:
    source, target, day = pair
    of_source = dict(entered.get((EURO, source), ()))
    for on, per_target in entered.get((EURO, target), ()):
        if on <= day and on in of_source:
            return Rate(Fraction(per_target) / Fraction(of_source[on]), "entered", on)
    return None


def _latest(rates: Iterable[tuple[date, Decimal]], day: date) -> Rate | None:
    for on, rate in rates:
        if on <= day:
            return Rate(Fraction(rate), "entered", on)
    return None


def entered_rates(workspace: Workspace) -> QuerySet[EnteredRate]:
    """Return what a workspace entered, newest day first."""
    rows = EnteredRate.objects.for_workspace(workspace).select_related("entered_by")
    return rows.order_by("-on", "base", "quote")


def latest_references() -> QuerySet[ReferenceRate]:
    """Return the bank's latest rate of each currency, by currency."""
    newest = ReferenceRate.objects.filter(currency=OuterRef("currency")).order_by("-on").values("on")[:1]
    return ReferenceRate.objects.filter(on=Subquery(newest)).order_by("currency")


def newest_reference() -> date | None:
    """Return the day of the bank's newest rates; None before the first."""
    newest: date | None = ReferenceRate.objects.aggregate(newest=Max("on"))["newest"]
    return newest


def waiting_for_rate(workspace: Workspace) -> QuerySet[Reward]:
    """Return the rewards that are held because no rate was known for their order."""
    return Reward.objects.for_workspace(workspace).filter(
        status=Reward.Status.HELD, reason="currency_differs"
    )


def currencies_waiting(workspace: Workspace) -> list[tuple[str, int]]:
    """Return the currencies of orders whose rewards wait for a rate, with how many, most first."""
    rows = waiting_for_rate(workspace).order_by().values_list("conversion__currency")
    return [(code, many) for code, many in rows.annotate(many=Count("pk")).order_by("-many", *_BY_CODE)]


_BY_CODE: Final = ("conversion__currency",)


def conversions_waiting(workspace: Workspace, *, after: str, many: int) -> list[Conversion]:
    """Return the next conversions whose rewards wait for a rate, oldest first, after the last one done."""
    rows = Conversion.objects.for_workspace(workspace)
    last = rows.filter(public_id=after).values("pk")
    waiting = rows.filter(pk__in=waiting_for_rate(workspace).values("conversion"))
    if after:
        waiting = waiting.filter(pk__gt=Subquery(last))
    return list(waiting.order_by("pk")[:many])
