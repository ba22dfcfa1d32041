"""Parts that apps higher up add to an answer an app lower down gives, so that no import runs upward."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

Part = Callable[[Any], Any]
_parts: dict[str, dict[str, Part]] = {}


def configure(parts: Mapping[str, Mapping[str, Part]]) -> None:
    """Install the table: subject ("conversion") -> key in the answer -> function of the subject."""
    _parts.clear()
    _parts.update({subject: dict(by_key) for subject, by_key in parts.items()})


def parts_of(subject: str, thing: Any) -> dict[str, Any]:
    """Return every registered part for this thing, by key."""
    return {key: part(thing) for key, part in _parts.get(subject, {}).items()}
