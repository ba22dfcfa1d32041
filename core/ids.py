"""Public identifiers: a short prefix that names the kind of thing, then a ULID that sorts by time."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Any, Final

from django.db import models

from core import clock

_PUBLIC_ID = re.compile(r"[a-z]{3}_[0-9a-hjkmnp-tv-z]{26}")


_LETTERS: Final = "0123456789abcdefghjkmnpqrstvwxyz"
_PAIRS: Final = tuple(high + low for high in _LETTERS for low in _LETTERS)
_SHIFTS: Final = tuple(range(120, -1, -10))


def new_public_id(prefix: str) -> str:
    """Return a fresh identifier such as `prg_01j…`: lower-case Crockford base32 of a ULID.

    That is 48 bits of Unix time in milliseconds, then 80 random ones (github.com/ulid/spec). Every click
    needs two; the ULID packages take ten times as long.
    """
    number = int(clock.now().timestamp() * 1000) << 80 | int.from_bytes(os.urandom(10))
    return f"{prefix}_{''.join([_PAIRS[number >> shift & 1023] for shift in _SHIFTS])}"


def instant_of(public_id: str) -> float:
    """Return when an identifier of this form was made, in seconds since 1970."""
    number = 0
    for letter in public_id[4:14]:
        number = number << 5 | _LETTERS.index(letter)
    return number / 1000


def is_public_id(text: str, prefix: str) -> bool:
    """Tell whether `text` has the form of an identifier with this prefix; says nothing about existence."""
    return text.startswith(f"{prefix}_") and _PUBLIC_ID.fullmatch(text) is not None


if TYPE_CHECKING:
    _TextField = models.CharField[str, str]
else:
    _TextField = models.CharField


class PublicIdField(_TextField):
    """A text column filled with a new public id of the given prefix when a row is made."""

    def __init__(self, *args: Any, prefix: str = "", **kwargs: Any) -> None:
        self.prefix = prefix
        kwargs["max_length"] = 40
        kwargs["editable"] = False
        super().__init__(*args, **kwargs)

    def deconstruct(self) -> Any:
        name, path, args, kwargs = super().deconstruct()
        kwargs["prefix"] = self.prefix
        del kwargs["max_length"], kwargs["editable"]
        return name, path, args, kwargs

    def has_default(self) -> bool:
        return True

    def get_default(self) -> str:
        return new_public_id(self.prefix)
