"""Plays a timeline: each entry at its time, with the clock standing there, and its consequences after it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby

from django.db import connection

from core import clock, events
from referral_platform.demo import public
from referral_platform.demo.stage import Stage

Tell = Callable[[int, int, str], None]
"""Hears of progress: steps done, steps in all, and what is being done."""


@dataclass(frozen=True, slots=True)
class Entry:
    """Something that is done some while after the start.

    Its consequences come before all else if it is `alone`; those of what was before it, if it `opens`.
    """

    after: timedelta
    do: Callable[[datetime], None]
    alone: bool = False
    opens: bool = False


def play(stage: Stage, timeline: Sequence[Entry], *, until: datetime, tell: Tell) -> None:
    """Play what everybody does up to an instant, in order, with the consequences after each stretch.

    A stretch ends before each deed of the staff and before what opens the next.
    """
    due = sorted(
        (entry for entry in timeline if stage.began + entry.after <= until), key=lambda entry: entry.after
    )
    days = due[-1].after.days + 1 if due else 0
    played = 0
    # A number of its own for every deed, so that it is a stretch by itself.
    for number, (_, stretch) in enumerate(groupby(due, key=_Stretches()), start=1):
        if number & (number - 1) == 0:
            _count_rows()
        with events.as_one():
            for entry in stretch:
                at = stage.began + entry.after
                with clock.standing_at(at):
                    entry.do(at)
                played += 1
                tell(played, len(due), f"day {entry.after.days + 1} of {days}")
            public.catch_up(stage)


def _count_rows() -> None:
    """Let Postgres count its rows: autovacuum sees nothing of this one long transaction.

    Unaware of what it holds, the planner walks whole tables for single rows. Only the tables' owner may
    count; for any other role this leaves them out.
    """
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


class _Stretches:
    """Numbers the stretches of a timeline as it goes by."""

    def __init__(self) -> None:
        self.number = 0
        self.alone = False

    def __call__(self, entry: Entry) -> int:
        if entry.alone or entry.opens or self.alone:
            self.number += 1
        self.alone = entry.alone
        return self.number
