"""What a workspace keeps of a person in its own words: texts, whole numbers, true and false by key. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from core.errors import Invalid
from core.money import MAX_MINOR
from programs.condition_facts import ATTRIBUTE_KEY

MOST: Final = 50
LONGEST: Final = 200

_UNSTORABLE = re.compile("[\x00-\x1f\x7f\ud800-\udfff]")


def clean_attributes(given: Mapping[str, Any] | None, *, param: str = "attributes") -> dict[str, Any]:
    """Return attributes as they are kept; None stands for one that is taken away.

    At most `MOST` of them, keys of 40 letters, digits, `_` and `-`, texts of `LONGEST` characters, numbers
    that are whole. Raises Invalid naming the key, as in `attributes.plan`.
    """
    if given is None:
        return {}
    if len(given) > MOST:
        raise Invalid(f"A person has at most {MOST} attributes.", code="too_many", param=param)
    found = {}
    for key, value in given.items():
        where = f"{param}.{str(key)[:40].encode('utf-8', 'replace').decode()}"
        if not ATTRIBUTE_KEY.fullmatch(key):
            raise Invalid(
                "A key has at most 40 letters, digits, _ and -.", code="invalid_format", param=where
            )
        found[key] = _value(value, where)
    return found


def merged(
    known: Mapping[str, Any], given: Mapping[str, Any], *, param: str = "attributes"
) -> dict[str, Any]:
    """Return what is known after the given was learnt: its values replace, None takes away.

    Raises Invalid where that makes more than `MOST`.
    """
    found = {key: value for key, value in {**known, **given}.items() if value is not None}
    if len(found) > MOST:
        raise Invalid(f"A person has at most {MOST} attributes.", code="too_many", param=param)
    return found


def _value(value: Any, where: str) -> str | int | bool | None:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        if abs(value) > MAX_MINOR:
            raise Invalid(f"A number is at most {MAX_MINOR}.", code="out_of_range", param=where)
        return value
    if not isinstance(value, str):
        raise Invalid(
            "This is a text, a whole number, true or false; write other numbers as texts.",
            code="not_a_scalar",
            param=where,
        )
    text = value.strip()
    if len(text) > LONGEST:
        raise Invalid(f"A text has at most {LONGEST} characters.", code="too_long", param=where)
    if _UNSTORABLE.search(text):
        raise Invalid("This must not hold control characters.", code="invalid_characters", param=where)
    return text
