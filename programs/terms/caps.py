"""A program's caps: the most that rewards may come to within a period, for one person or for all."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal, get_args

from core.money import MAX_MINOR
from programs.terms.reader import Reader

CapScope = Literal["participant", "program"]
CapPeriod = Literal["lifetime", "year", "month", "week", "day"]

MAX_CAPS: Final = 20
MAX_COUNT: Final = 1_000_000_000
KEY: Final = re.compile("[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?")
"""How the key of a reward rule and of a cap is written."""

BAD_KEY: Final = "A key is written in small letters, digits and -."


@dataclass(frozen=True, slots=True)
class CapTerms:
    """The most that a person or the whole program may earn within a calendar period.

    At least one limit is set: `limit_minor` is money in the program's minor unit and leaves points alone,
    `limit_count` a number of rewards. `rules` are the keys of the rewards that count, none for all. With
    `pause` the program is paused when its cap is used up.
    """

    key: str
    scope: CapScope
    period: CapPeriod
    limit_minor: int | None = None
    limit_count: int | None = None
    rules: tuple[str, ...] = ()
    pause: bool = False


def read_caps(reader: Reader) -> tuple[CapTerms, ...]:
    """Read the document's `caps`; none when absent, and faults go to the reader."""
    caps = tuple(_cap(entry) for entry in reader.children("caps", MAX_CAPS))
    if reader.sound("caps") and len({cap.key for cap in caps}) < len(caps):
        reader.fail("caps", "duplicate", "Each cap needs a key of its own.")
    return caps


def dump_cap(cap: CapTerms) -> dict[str, object]:
    """Write one cap as it stands in the document's `caps`."""
    return {
        "key": cap.key,
        "scope": cap.scope,
        "period": cap.period,
        "limit_minor": cap.limit_minor,
        "limit_count": cap.limit_count,
        "rules": list(cap.rules),
        "pause": cap.pause,
    }


def _cap(reader: Reader) -> CapTerms:
    key = reader.text("key", 64)
    if key and not KEY.fullmatch(key):
        reader.fail("key", "invalid_format", BAD_KEY)
    cap = CapTerms(
        key=key,
        scope=reader.choice("scope", get_args(CapScope)),
        period=reader.choice("period", get_args(CapPeriod)),
        limit_minor=reader.nullable_integer("limit_minor", 1, MAX_MINOR),
        limit_count=reader.nullable_integer("limit_count", 1, MAX_COUNT),
        rules=reader.names("rules", KEY, 50, BAD_KEY),
        pause=reader.boolean("pause", default=False),
    )
    if reader.sound():
        if cap.limit_minor is None and cap.limit_count is None:
            reader.fail("limit_minor", "required", "A cap limits the money, the number of rewards, or both.")
        if cap.pause and cap.scope == "participant":
            reader.fail("pause", "not_allowed", "Only a cap of the whole program can pause it.")
    reader.finish()
    return cap
