"""Made-up decisions as they are stored: the same ones in every run, of every model and kind of touch."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any, Final, get_args

from tracking import attribution
from tracking.attribution import AttributionRule, Bond, Model, Share, Touch, TouchKind

BEGAN: Final = datetime(2026, 1, 1, tzinfo=UTC)
DISTINCT: Final = 10_000
"""How many different records are made; a longer run takes them again."""
PEOPLE: Final = 500

_KINDS: Final[tuple[TouchKind, ...]] = ("click",) * 16 + ("code", "code", "email", "token", "manual")
_CHANNELS: Final = ("email", "whatsapp", "instagram", "link", "qr", "coupon_site")
_FAULTS: Final = (None,) * 19 + ("self_referral",)
_AMOUNTS: Final = (0, 4_900, 9_999, 12_345, 129_900)


@dataclass(frozen=True, slots=True)
class Record:
    """A decision as `tracking.models.Attribution` keeps it."""

    inputs: dict[str, Any]
    result: dict[str, Any]
    digest: str


def records(number: int = DISTINCT, *, people: int = PEOPLE) -> Iterator[Record]:
    """Make records of 1 to 8 touches of some of `people`, a fifth of them with a bond of one or two."""
    random = Random(20_260_101)
    rules = list(_rules())
    for index in range(number):
        at = BEGAN + timedelta(seconds=index * 37, microseconds=random.randrange(1_000_000))
        mine = [f"prt_{random.randrange(people):026d}" for _ in range(3)]
        touches = [
            Touch(
                id=f"tch_{index:020d}{position:06d}",
                participant=random.choice(mine),
                kind=random.choice(_KINDS),
                channel=random.choice(_CHANNELS),
                occurred_at=at - timedelta(seconds=random.randrange(60, 120 * 86_400)),
                disqualified=random.choice(_FAULTS),
            )
            for position in range(random.randint(1, 8))
        ]
        inputs = attribution.encode_inputs(
            conversion_at=at,
            amount_minor=random.choice(_AMOUNTS),
            currency="EUR",
            touches=touches,
            rule=random.choice(rules),
            bond=_bond(random, mine, at) if random.random() < 0.2 else None,
            kind="signup" if random.random() < 0.3 else "purchase",
        )
        result = attribution.encode_decision(attribution.replay(inputs))
        yield Record(inputs, result, attribution.digest(inputs, result))


def _bond(random: Random, people: list[str], at: datetime) -> Bond:
    names = sorted(set(people))[: random.choice((1, 1, 2))]
    shares = tuple(Share(name, attribution.WHOLE_PPM // len(names)) for name in names)
    return Bond(shares, at - timedelta(days=random.randrange(1, 500)))


def _rules() -> Iterator[AttributionRule]:
    """Every model twice; half of the rules are by the first or the last click, as most programs' are."""
    models: tuple[Model, ...] = (*get_args(Model), "last_click", "first_click")
    for model in models:
        for binding in ("first", "latest"):
            yield AttributionRule(
                model=model,
                click_window=timedelta(days=90 if binding == "first" else 30),
                code_window=timedelta(days=30),
                signup_window=timedelta(days=60),
                lifetime_months=12,
                binding=binding,
                custom_weights=(40, 20, 40),
                channel_weights=(("coupon_site", 50), ("email", 120)),
            )
