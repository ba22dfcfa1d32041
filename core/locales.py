"""Numbers, money and dates as the reader's region writes them; the words around them stay English.

The region comes from the `Accept-Language` header.
What is stored, mailed or sent to programs never passes here.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from copy import copy
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Final

from babel import Locale, UnknownLocaleError
from babel.core import get_global
from babel.dates import format_date, format_time
from babel.numbers import format_decimal, get_currency_symbol
from django.utils.translation.trans_real import parse_accept_lang_header

from core import money

# Day before month and a clock of 24 hours: what most of the world writes.
_INTERNATIONAL: Final = Locale.parse("en_GB")
_NO_BREAK_SPACE: Final = "\N{NO-BREAK SPACE}"


@dataclass(frozen=True, slots=True)
class Reader:
    """Whose formats a page is written in: `dates` is always an English locale, `numbers` need not be."""

    dates: Locale
    numbers: Locale


DEFAULT: Final = Reader(dates=Locale.parse("en"), numbers=Locale.parse("en"))
_current: ContextVar[Reader] = ContextVar("reader", default=DEFAULT)


def current() -> Reader:
    """Return whose formats apply to the page being written."""
    return _current.get()


@contextmanager
def read_by(reader: Reader) -> Iterator[None]:
    """Write what is rendered inside in the formats of `reader`."""
    token = _current.set(reader)
    try:
        yield
    finally:
        _current.reset(token)


@lru_cache(maxsize=256)
def reader_of(accept_language: str) -> Reader:
    """Return the formats of the first known language of an `Accept-Language` header, or the default."""
    for tag, _ in parse_accept_lang_header(accept_language[:500]):
        found = _reader(tag)
        if found is not None:
            return found
    return DEFAULT


def _reader(tag: str) -> Reader | None:
    try:
        wanted = Locale.parse(tag, sep="-")
    except (ValueError, UnknownLocaleError):
        return None
    if wanted.language == "en" and wanted.territory is None:
        return DEFAULT
    territory = wanted.territory or _likely_territory(wanted.language)
    try:
        english = Locale.parse(f"en_{territory}")
    except (ValueError, UnknownLocaleError):
        # English has no formats of this region: its own ones for numbers, unless they run right to left.
        left_to_right = wanted.text_direction == "ltr"
        return Reader(dates=_INTERNATIONAL, numbers=wanted if left_to_right else _INTERNATIONAL)
    return Reader(dates=english, numbers=english)


def _likely_territory(language: str) -> str:
    return str(get_global("likely_subtags").get(language, "")).rpartition("_")[2]


def number(value: int | Decimal) -> str:
    """Write a number with the reader's separators and as many decimals as it has."""
    return format_decimal(value, locale=current().numbers, decimal_quantization=False)


def fixed(value: Decimal, places: int) -> str:
    """Write a number with the reader's separators and so many decimals, so that a column of them lines up."""
    locale = current().numbers
    pattern = copy(locale.decimal_formats[None])
    pattern.frac_prec = (places, places)
    return str(pattern.apply(value, locale))


def amount(minor: int, unit: str) -> str:
    """Write an amount of minor units exactly: "€1,234.50", "1.234,50 €", "1,200 points"."""
    if unit == money.POINTS:
        return f"{number(minor)} point{'' if abs(minor) == 1 else 's'}"
    exact = Decimal(money.format_major(minor, unit))
    locale = current().numbers
    pattern = copy(locale.currency_formats["standard"])
    # ISO 4217 says how many decimals there are; the locale's table says how many a shop there would show.
    places = money.UNITS[unit]
    pattern.frac_prec = (places, places)
    if get_currency_symbol(unit, locale)[-1:].isalpha():
        # "CHF 12.00": letters do not stand against digits.
        plus, minus = pattern.prefix
        pattern.prefix = (_spaced(plus), _spaced(minus))
    return str(pattern.apply(exact, locale, currency=unit, currency_digits=False))


def _spaced(prefix: str) -> str:
    return prefix.replace(f"¤{_NO_BREAK_SPACE}", "¤").replace("¤", f"¤{_NO_BREAK_SPACE}")


def day(value: date) -> str:
    """Write a day: "Nov 12, 2026", "12 Nov 2026"."""
    return format_date(value, format="medium", locale=current().dates)


def instant(local: datetime) -> str:
    """Write an instant to the second with the name of its time zone: "Nov 12, 2026, 2:03:05 PM UTC"."""
    time = format_time(local, format="medium", locale=current().dates)
    return f"{day(local.date())}, {time} {local.strftime('%Z')}"
