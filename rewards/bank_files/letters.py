"""Text in the letters that every bank takes: the Latin set of SEPA (EPC217-08)."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from functools import lru_cache
from typing import Final

_NOT_TAKEN: Final = re.compile(r"[^A-Za-z0-9/\-?:().,'+ ]")
_DOUBLE: Final = re.compile(r"/{2,}")

_CYRILLIC: Final = {
    "а": "a", "б": "b", "в": "v", "г": "g", "д": "d", "е": "e", "ж": "zh", "з": "z", "и": "i", "й": "y",
    "к": "k", "л": "l", "м": "m", "н": "n", "о": "o", "п": "p", "р": "r", "с": "s", "т": "t", "у": "u",
    "ф": "f", "х": "h", "ц": "ts", "ч": "ch", "ш": "sh", "щ": "sht", "ъ": "a", "ы": "y", "ь": "y", "э": "e",
    "ю": "yu", "я": "ya", "і": "i", "ї": "i", "є": "ie", "ґ": "g", "ђ": "dj", "ј": "j", "љ": "lj",
    "њ": "nj", "ћ": "c", "џ": "dz",
}  # fmt: skip
_GREEK: Final = {
    "α": "a", "β": "v", "γ": "g", "δ": "d", "ε": "e", "ζ": "z", "η": "i", "θ": "th", "ι": "i", "κ": "k",
    "λ": "l", "μ": "m", "ν": "n", "ξ": "x", "ο": "o", "π": "p", "ρ": "r", "σ": "s", "ς": "s", "τ": "t",
    "υ": "y", "φ": "f", "χ": "ch", "ψ": "ps", "ω": "o",
}  # fmt: skip
_LATIN: Final = {
    "ß": "ss", "æ": "ae", "œ": "oe", "ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "ħ": "h", "ı": "i",
    "ŋ": "n", "&": "+", "_": "-", "’": "'", "‘": "'", "`": "'", "´": "'", "–": "-", "—": "-",
    "“": "'", "”": "'", '"': "'", "@": "(at)",
}  # fmt: skip
_LETTERS: Final[Mapping[str, str]] = {**_CYRILLIC, **_GREEK, **_LATIN}


def latin(text: str, *, longest: int) -> str:
    """Return a text in SEPA's letters: accents dropped, Greek and Cyrillic written in Latin, others a dot.

    A text of which no letter or digit is left is NOTPROVIDED, for the field may not be empty.
    """
    written = "".join([_written(letter) for letter in unicodedata.normalize("NFC", text)])
    line = _DOUBLE.sub("/", " ".join(written.split())).strip("/ ")
    if not any(letter.isalnum() for letter in line):
        return "NOTPROVIDED"
    return line[:longest].rstrip("/ ")


@lru_cache(maxsize=4096)
def _written(letter: str) -> str:
    """Write one letter; the letters of one language are few, and come again with every name."""
    known = _known(letter)
    if known:
        return known
    if letter.isspace():
        return " "
    parts = [each for each in unicodedata.normalize("NFKD", letter) if not unicodedata.combining(each)]
    return "".join(_known(each) or _NOT_TAKEN.sub(".", each) for each in parts)


def _known(letter: str) -> str:
    small = letter.lower()
    written = _LETTERS.get(small, "")
    return written.capitalize() if letter != small else written
