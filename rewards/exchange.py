"""Exchange rates: from one currency into another, to the minor unit, and the sentence that says how. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_EVEN, Context, Decimal
from fractions import Fraction
from typing import Final, Literal

from core.money import CURRENCIES, display, prorate

RateSource = Literal["ecb", "entered", "same"]

EURO: Final = "EUR"
DECIMALS: Final = 12
"""Decimals that a rate is stored with."""
MAX_RATE: Final = Decimal(10**12)
"""Rates are below it, and so are their inverses: more fits no column."""
_SHOWN_DIGITS: Final = 6
_WORDS: Final[dict[RateSource, str]] = {"ecb": "ECB", "entered": "entered", "same": "same currency"}


@dataclass(frozen=True, slots=True)
class Rate:
    """What one unit of a currency is worth in another: exact, with its source and the day it is of."""

    value: Fraction
    source: RateSource
    on: date

    def __post_init__(self) -> None:
        if self.value <= 0:
            raise ValueError("A rate is more than zero.")

    @property
    def stored(self) -> Decimal:
        """The rate with the 12 decimals of its column, half-even. A cross rate is exact in `value` only."""
        return _decimal(self.value, DECIMALS)

    @property
    def inverse(self) -> Rate:
        """The same rate the other way round, exact."""
        return Rate(1 / self.value, self.source, self.on)


def same(on: date) -> Rate:
    """Return the rate of a currency to itself."""
    return Rate(Fraction(1), "same", on)


def across(per_euro_from: Fraction, per_euro_to: Fraction, on: date) -> Rate:
    """Return the ECB's rate between two currencies, exact: units of the one for one of the other.

    Both are units for one euro on the day `on`; the euro's own is 1.
    """
    return Rate(per_euro_to / per_euro_from, "ecb", on)


def convert(amount_minor: int, source: str, target: str, rate: Rate) -> int:
    """Return an amount of `source` in the minor unit of `target`, rounded half-even once.

    `rate` is units of `target` for one of `source`. A negated amount gives the negated result. ValueError for
    what is no currency: points have no rate.
    """
    for code in (source, target):
        if code not in CURRENCIES:
            raise ValueError(f"{code} is not a currency.")
    value = rate.value
    return prorate(
        amount_minor,
        value.numerator * 10 ** CURRENCIES[target],
        value.denominator * 10 ** CURRENCIES[source],
    )


def sentence(amount_minor: int, source: str, target: str, rate: Rate) -> str:
    """Say how an amount was converted.

    "$120.00 at 0.92131 EUR for 1 USD (ECB, 20 November 2026) is €110.56."
    """
    became = display(convert(amount_minor, source, target, rate), target)
    of = f"{_WORDS[rate.source]}, {day(rate.on)}"
    return f"{display(amount_minor, source)} at {shown(rate)} {target} for 1 {source} ({of}) is {became}."


def shown(rate: Rate) -> str:
    """Write a rate for people: six significant digits, or all of a shorter one, without an exponent."""
    digits = Context(prec=_SHOWN_DIGITS, rounding=ROUND_HALF_EVEN)
    found = digits.divide(Decimal(rate.value.numerator), Decimal(rate.value.denominator))
    text = f"{found:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def day(on: date) -> str:
    """Write a day in words: 20 November 2026."""
    return f"{on.day} {on:%B %Y}"


def _decimal(value: Fraction, places: int) -> Decimal:
    scaled = prorate(10**places, value.numerator, value.denominator)
    return Decimal(scaled).scaleb(-places, Context(prec=60))
