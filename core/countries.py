"""Countries by their ISO 3166 codes, with the English names that Unicode's CLDR gives them."""

from __future__ import annotations

from functools import cache
from typing import Final

from babel import Locale

# Unions, made-up regions and exceptional reservations that CLDR names beside the countries.
_NONE: Final = frozenset({"AC", "CP", "CQ", "DG", "EA", "EU", "EZ", "IC", "QO", "TA", "UN", "XA", "XB", "ZZ"})


@cache
def countries() -> tuple[tuple[str, str], ...]:
    """Return code and name of each country, by name."""
    named = Locale.parse("en").territories
    found = [(code, name) for code, name in named.items() if len(code) == 2 and code not in _NONE]
    return tuple(sorted(((code, name) for code, name in found if code.isalpha()), key=lambda pair: pair[1]))


@cache
def country_codes() -> frozenset[str]:
    """Return the codes of all countries."""
    return frozenset(code for code, _ in countries())
