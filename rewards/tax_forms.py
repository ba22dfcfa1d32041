"""Which tax forms hold in which country, and the form of the numbers on them."""

from __future__ import annotations

import re
from typing import Final

from core.errors import Invalid
from core.text import clean_line

EUROPEAN_UNION: Final = frozenset({
    "AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GR", "HR", "HU",
    "IE", "IT", "LT", "LU", "LV", "MT", "NL", "PL", "PT", "RO", "SE", "SI", "SK",
})  # fmt: skip
_AMERICAN: Final = re.compile(r"\d{3}-?\d{2}-?\d{4}|\d{2}-?\d{7}")
_SHORTEST: Final = 4


def forms_for(country: str) -> tuple[str, ...]:
    """Return the forms that somebody of a country can give: W-9 at home in the United States, W-8 abroad.

    In the European Union a DAC7 self-declaration serves too; elsewhere a form of the country's own may.
    """
    if country == "US":
        return ("w9",)
    return ("dac7" if country in EUROPEAN_UNION else "other", "w8ben", "w8bene")


def checked_form(form: str, country: str) -> str:
    """Return the form if it holds in the country. Raises Invalid naming `form`."""
    if form not in forms_for(country):
        raise Invalid(
            f"This form does not serve for {country}; it takes one of {', '.join(forms_for(country))}.",
            code="not_for_country",
            param="form",
        )
    return form


def checked_number(text: str, form: str) -> str:
    """Return a tax number without blanks around it, nine digits on a W-9. Raises Invalid naming `number`."""
    number = clean_line(text, param="number", longest=40, required=True)
    if form == "w9" and not _AMERICAN.fullmatch(number):
        raise Invalid(
            "A W-9 takes a social security or employer number of nine digits.",
            code="invalid_format",
            param="number",
        )
    if len(number) < _SHORTEST:
        raise Invalid("This is too short for a tax number.", code="too_short", param="number")
    return number


def end_of(number: str) -> str:
    """Return the last letters and digits of a number that may be shown: four, or two of a short one."""
    letters = "".join(letter for letter in number if letter.isalnum())
    return letters[-4:] if len(letters) > 8 else letters[-2:]
