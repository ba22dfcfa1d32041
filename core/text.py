"""Short texts from outside, cleaned the same way wherever they come in."""

from __future__ import annotations

import re

from core.errors import Invalid

# Postgres stores neither NUL nor half a surrogate pair; the other control characters forge lines and headers.
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")

# What makes spreadsheets read a cell as a formula; the wide forms are folded into these by some of them.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def spreadsheet_cell(text: str) -> str:
    """Return a text as a cell of a CSV file; what would be read as a formula gets an apostrophe before it."""
    return f"'{text}" if text.startswith(_FORMULA) else text


def clean_line(text: str, *, param: str, longest: int, required: bool = False) -> str:
    """Return one line of text without the blanks around it.

    Raises Invalid naming `param` for control characters and line breaks, for more than `longest` characters,
    and for nothing at all where it is `required`.
    """
    line = text.strip(" ")
    if _CONTROL.search(line):
        raise Invalid(
            "This may not contain control characters or line breaks.", code="invalid_characters", param=param
        )
    if len(line) > longest:
        raise Invalid(f"This may have at most {longest} characters.", code="too_long", param=param)
    if required and not line:
        raise Invalid("This field is required.", code="required", param=param)
    return line
