"""Exact money: integer minor units, ISO 4217 currencies, half-even rounding and splits that add up."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from math import lcm
from types import MappingProxyType
from typing import Final, Literal

from core.errors import Invalid

MAX_MINOR: Final = 10**15
"""Largest magnitude of one amount; a bigint column still holds sums of thousands of them."""

POINTS: Final = "PTS"
"""The unit code of loyalty points: counted in the ledger like money, but no currency."""

# ISO 4217 "List One" as of 1 January 2026: every currency and fund code that has a minor unit. Metals, bond
# market units and the testing codes have none ("N.A.") and are left out.
_CODES_BY_EXPONENT: Final[Mapping[int, str]] = {
    0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF",
    2: (
        "AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD CDF CHE "
        "CHF CHW CNY COP COU CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD "
        "HKD HNL HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK "
        "MNT MOP MRU MUR MVR MWK MXN MXV MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD "
        "RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH "
        "USD USN UYU UZS VED VES WST XAD XCD XCG YER ZAR ZMW ZWG"
    ),
    3: "BHD IQD JOD KWD LYD OMR TND",
    4: "CLF UYW",
}

CURRENCIES: Final[Mapping[str, int]] = MappingProxyType(
    {code: exponent for exponent, codes in _CODES_BY_EXPONENT.items() for code in codes.split()}
)
"""Currency code -> number of decimals of its minor unit."""

UNITS: Final[Mapping[str, int]] = MappingProxyType({**CURRENCIES, POINTS: 0})
"""Everything the ledger can count: the currencies, and points."""

# Symbols that name one currency to most readers; a bare "$" or "¥" for others would mislead.
_SYMBOLS: Final[Mapping[str, str]] = {
    "BRL": "R$",
    "EUR": "€",
    "GBP": "£",
    "ILS": "₪",
    "INR": "₹",
    "JPY": "¥",
    "KRW": "₩",
    "NGN": "₦",
    "PHP": "₱",
    "TRY": "₺",
    "UAH": "₴",
    "USD": "$",
}

_MAJOR = re.compile(r"(-?)([0-9]+)(?:\.([0-9]+))?")

MoneyErrorCode = Literal["not_a_number", "too_many_decimals", "unknown_currency", "too_large"]
Weight = int | Fraction | Decimal


class MoneyInvalid(Invalid):
    """An amount or a currency that cannot be accepted; `code` says why."""

    def __init__(self, code: MoneyErrorCode, message: str, *, param: str | None = None) -> None:
        super().__init__(message, code=code, param=param)


class CurrencyMismatch(ValueError):
    """Two amounts of different units were added or subtracted."""


def is_currency(code: object) -> bool:
    """Say whether `code` is an active ISO 4217 currency, in capitals. Points are none."""
    return isinstance(code, str) and code in CURRENCIES


def is_unit(code: object) -> bool:
    """Say whether the ledger can count in `code`: a currency or points."""
    return isinstance(code, str) and code in UNITS


@dataclass(frozen=True, slots=True)
class Money:
    """An amount in the minor unit of `currency`, which may also be points."""

    minor: int
    currency: str

    def __post_init__(self) -> None:
        if isinstance(self.minor, bool) or not isinstance(self.minor, int):
            raise MoneyInvalid("not_a_number", "An amount is a whole number of minor units.")
        _exponent(self.currency)
        if abs(self.minor) > MAX_MINOR:
            raise MoneyInvalid("too_large", "The amount is too large.")

    def __add__(self, other: Money) -> Money:
        self._same_currency(other)
        return Money(self.minor + other.minor, self.currency)

    def __sub__(self, other: Money) -> Money:
        self._same_currency(other)
        return Money(self.minor - other.minor, self.currency)

    def __neg__(self) -> Money:
        return Money(-self.minor, self.currency)

    def __str__(self) -> str:
        return display(self.minor, self.currency)

    def _same_currency(self, other: Money) -> None:
        if self.currency != other.currency:
            raise CurrencyMismatch(f"{self.currency} and {other.currency} cannot be combined.")


def prorate(amount_minor: int, numerator: int, denominator: int) -> int:
    """Return `amount_minor * numerator / denominator`, rounded half-even.

    A negated amount gives the negated result. ValueError unless the denominator is positive.
    """
    if denominator <= 0:
        raise ValueError("The denominator must be positive.")
    quotient, remainder = divmod(amount_minor * numerator, denominator)
    doubled = 2 * remainder
    if doubled > denominator or (doubled == denominator and quotient % 2 == 1):
        return quotient + 1
    return quotient


def percentage(amount_minor: int, bps: int) -> int:
    """Return `bps` basis points (hundredths of a percent) of the amount, rounded half-even."""
    return prorate(amount_minor, bps, 10_000)


def split(amount_minor: int, weights: Sequence[Weight]) -> tuple[int, ...]:
    """Split an amount in proportion to `weights` into whole minor units that sum to it exactly.

    Largest remainder: every part is rounded towards zero, then the units left over go to the parts that lost
    most, the earlier position first among equals. A part of weight 0 is always 0, and a negated amount gives
    the negated parts. ValueError if there are no weights, one is negative or not finite, or all are 0.
    """
    shares = _whole_shares(weights)
    total = sum(shares)
    if total == 0 or min(shares) < 0:
        raise ValueError("Weights must be 0 or more, and at least one must be positive.")
    magnitude = abs(amount_minor)
    divided = [divmod(magnitude * share, total) for share in shares]
    parts = [part for part, _ in divided]
    left = magnitude - sum(parts)
    if left:
        by_loss = sorted(range(len(parts)), key=lambda index: -divided[index][1])
        for index in by_loss[:left]:
            parts[index] += 1
    return tuple(parts) if amount_minor >= 0 else tuple(-part for part in parts)


def parse_major(text: object, currency: str) -> int:
    """Read an amount written in major units ("12.34") into minor units (1234).

    Accepts digits with at most as many decimals as the currency has, and a leading minus. Anything else
    raises MoneyInvalid: no exponents, thousands separators, blanks, plus signs or digits of other scripts.
    """
    if not is_currency(currency):
        raise MoneyInvalid("unknown_currency", "The currency is not an active ISO 4217 code.")
    exponent = CURRENCIES[currency]
    match = _MAJOR.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        raise MoneyInvalid("not_a_number", 'The amount must be written like "12.34".')
    sign, whole, decimals = match[1], match[2], match[3] or ""
    if len(decimals) > exponent:
        raise MoneyInvalid("too_many_decimals", f"{currency} amounts have at most {exponent} decimals.")
    digits = (whole + decimals.ljust(exponent, "0")).lstrip("0") or "0"
    # Counted before it is converted: Python refuses to read integers of thousands of digits.
    if len(digits) > len(str(MAX_MINOR)) or int(digits) > MAX_MINOR:
        raise MoneyInvalid("too_large", "The amount is too large.")
    return -int(digits) if sign else int(digits)


def format_major(minor: int, currency: str) -> str:
    """Write minor units in major units with all decimals of the unit: 1234 EUR is "12.34"."""
    exponent = _exponent(currency)
    digits = str(abs(minor)).rjust(exponent + 1, "0")
    text = f"{digits[:-exponent]}.{digits[-exponent:]}" if exponent else digits
    return f"-{text}" if minor < 0 else text


def display(minor: int, currency: str) -> str:
    """Write an amount for people of any locale: "€12.34", "-€3.00", "12.34 CHF", "50 points"."""
    text = format_major(minor, currency)
    if currency == POINTS:
        return f"{text} point" if abs(minor) == 1 else f"{text} points"
    symbol = _SYMBOLS.get(currency)
    if symbol is None:
        return f"{text} {currency}"
    return f"-{symbol}{text[1:]}" if minor < 0 else f"{symbol}{text}"


def _exponent(unit: str) -> int:
    if not is_unit(unit):
        raise MoneyInvalid("unknown_currency", "The currency is not an active ISO 4217 code.")
    return UNITS[unit]


def _whole_shares(weights: Sequence[Weight]) -> list[int]:
    """Return integers in the same proportion as the weights: a division of integers is exact and fast."""
    whole = [weight for weight in weights if type(weight) is int]
    if len(whole) == len(weights):
        return whole
    fractions = [_fraction(weight) for weight in weights]
    common = lcm(*(fraction.denominator for fraction in fractions))
    return [fraction.numerator * (common // fraction.denominator) for fraction in fractions]


def _fraction(weight: Weight) -> Fraction:
    if isinstance(weight, bool) or not isinstance(weight, int | Fraction | Decimal):
        raise ValueError("Weights are integers, fractions or decimals.")
    if isinstance(weight, Decimal) and not weight.is_finite():
        raise ValueError("Weights must be finite.")
    return Fraction(weight)
