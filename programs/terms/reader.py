"""Reads values out of an untrusted JSON object and collects every fault with its dotted path."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from core.money import MAX_MINOR

Choice = TypeVar("Choice", bound=str)
Item = TypeVar("Item")

# Postgres stores neither NUL nor half a surrogate pair, and no other control character belongs in a text.
_UNSTORABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class FieldError:
    """One fault: where (`rewards.0.amount.bps`), a stable code, and a sentence."""

    param: str
    code: str
    message: str


class Reader:
    """One JSON object, read key by key; `finish` reports the keys nobody read.

    A reading that fails adds to `errors` and returns a placeholder, so the caller must look at `errors`
    before it uses what it read. A key that is absent gives `default`; without a default that is a fault too.
    """

    def __init__(self, document: Mapping[str, object], errors: list[FieldError], path: str = "") -> None:
        self._document = document
        self._errors = errors
        self._path = path
        self._read: set[str] = set()

    def fail(self, key: str, code: str, message: str) -> None:
        """Report a fault at `key` of this object."""
        # An unknown key is the sender's own text: shortened, and without halves of surrogate pairs, which
        # no answer could carry.
        shown = key[:100].encode("utf-8", "replace").decode()
        self._errors.append(FieldError(self._at(shown), code, message))

    def sound(self, key: str = "") -> bool:
        """Say whether nothing at or below `key` has failed so far, so that rules across fields make sense."""
        return not any(fault.param.startswith(self._at(key)) for fault in self._errors)

    def integer(self, key: str, low: int, high: int, default: int | None = None) -> int:
        """Read a whole number from `low` to `high`."""
        if not self._present(key, required=default is None):
            return default or 0
        return self._integer(key, self._document[key], low, high)

    def nullable_integer(self, key: str, low: int, high: int) -> int | None:
        """Read a whole number from `low` to `high`, or None for null and for an absent key."""
        return None if self._is_null(key) else self._integer(key, self._document[key], low, high)

    def boolean(self, key: str, default: bool) -> bool:
        """Read true or false."""
        if not self._present(key, required=False):
            return default
        value = self._document[key]
        if not isinstance(value, bool):
            self.fail(key, "not_a_boolean", "This must be true or false.")
            return default
        return value

    def text(self, key: str, longest: int, default: str | None = None) -> str:
        """Read a text of at most `longest` characters; only a text with a default may be empty."""
        if not self._present(key, required=default is None):
            return default or ""
        text = self._text(key, self._document[key], longest)
        if default is None and text == "":
            self.fail(key, "blank", "This must not be empty.")
        return text or ""

    def nullable_text(self, key: str, longest: int) -> str | None:
        """Read a text that is not empty, or None for null and for an absent key."""
        return None if self._is_null(key) else self.text(key, longest)

    def choice(self, key: str, options: tuple[Choice, ...], default: Choice | None = None) -> Choice:
        """Read one of `options`."""
        fallback = options[0] if default is None else default
        if not self._present(key, required=default is None):
            return fallback
        return self._choice(key, self._document[key], options) or fallback

    def choices(
        self, key: str, options: tuple[Choice, ...], default: tuple[Choice, ...]
    ) -> tuple[Choice, ...]:
        """Read a list of different `options`."""
        read = self._items(key, len(options), default, lambda at, value: self._choice(at, value, options))
        return self._distinct(key, read)

    def integers(
        self, key: str, low: int, high: int, longest: int, default: tuple[int, ...]
    ) -> tuple[int, ...]:
        """Read a list of at most `longest` whole numbers from `low` to `high`."""
        return self._items(key, longest, default, lambda at, value: self._integer(at, value, low, high))

    def names(self, key: str, pattern: re.Pattern[str], longest: int, hint: str) -> tuple[str, ...]:
        """Read a list of at most `longest` different texts that match `pattern`; none when absent."""

        def name(at: str, value: object) -> str | None:
            if isinstance(value, str) and pattern.fullmatch(value):
                return value
            self.fail(at, "invalid_format", hint)
            return None

        return self._distinct(key, self._items(key, longest, (), name))

    def texts(self, key: str, longest: int, most: int) -> tuple[str, ...]:
        """Read a list of at most `most` different texts, none of them empty; none when absent."""

        def text(at: str, value: object) -> str | None:
            found = self._text(at, value, longest)
            if found == "":
                self.fail(at, "blank", "This must not be empty.")
            return found or None

        return self._distinct(key, self._items(key, most, (), text))

    def child(self, key: str) -> Reader | None:
        """Enter the object at `key`; None for null and for an absent key."""
        return None if self._is_null(key) else self._child(key, self._document[key])

    def children(self, key: str, longest: int) -> tuple[Reader, ...]:
        """Enter the objects of the list at `key`; none when absent."""
        return self._items(key, longest, (), self._child)

    def remaining(self) -> Mapping[str, object]:
        """Return all values of an object whose keys are free, and count them as read."""
        self._read.update(self._document)
        return self._document

    def has(self, key: str) -> bool:
        """Tell whether there is such a key, which may be null."""
        return key in self._document

    def scalar(self, key: str, longest: int) -> str | int | bool:
        """Read a text that is not empty, a whole number, or a truth value."""
        value = self._document.get(key)
        if isinstance(value, bool | int):
            self._read.add(key)
            return value if isinstance(value, bool) else self._integer(key, value, -MAX_MINOR, MAX_MINOR)
        return self.text(key, longest)

    def finish(self) -> None:
        """Report the keys that were not read."""
        for key in self._document:
            if key not in self._read:
                self.fail(str(key), "unknown_key", "This field is not known.")

    def _at(self, key: str) -> str:
        return f"{self._path}{key}"

    def _present(self, key: str, *, required: bool) -> bool:
        self._read.add(key)
        if key in self._document:
            return True
        if required:
            self.fail(key, "required", "This field is required.")
        return False

    def _is_null(self, key: str) -> bool:
        return not self._present(key, required=False) or self._document[key] is None

    def _integer(self, at: str, value: object, low: int, high: int) -> int:
        if isinstance(value, bool) or not isinstance(value, int):
            self.fail(at, "not_an_integer", "This must be a whole number.")
            return low
        if not low <= value <= high:
            self.fail(at, "out_of_range", f"This must be from {low} to {high}.")
            return low
        return value

    def _text(self, at: str, value: object, longest: int) -> str | None:
        if not isinstance(value, str):
            self.fail(at, "not_text", "This must be a text.")
        elif len(value) > longest:
            self.fail(at, "too_long", f"This must have at most {longest} characters.")
        elif _UNSTORABLE.search(value):
            self.fail(at, "invalid_characters", "This must not hold control characters.")
        else:
            return value
        return None

    def _choice(self, at: str, value: object, options: tuple[Choice, ...]) -> Choice | None:
        for option in options:
            if value == option:
                return option
        self.fail(at, "not_a_choice", f"This must be one of: {', '.join(options)}.")
        return None

    def _child(self, at: str, value: object) -> Reader | None:
        if isinstance(value, Mapping):
            return Reader(value, self._errors, f"{self._at(at)}.")
        self.fail(at, "not_an_object", "This must be an object.")
        return None

    def _items(
        self, key: str, longest: int, default: tuple[Item, ...], read: Callable[[str, object], Item | None]
    ) -> tuple[Item, ...]:
        if not self._present(key, required=False):
            return default
        value = self._document[key]
        if isinstance(value, str) or not isinstance(value, Sequence):
            self.fail(key, "not_a_list", "This must be a list.")
            return default
        if len(value) > longest:
            self.fail(key, "too_many", f"This must have at most {longest} entries.")
            return default
        items = [read(f"{key}.{index}", item) for index, item in enumerate(value)]
        return tuple(item for item in items if item is not None)

    def _distinct(self, key: str, items: tuple[Choice, ...]) -> tuple[Choice, ...]:
        if len(set(items)) < len(items):
            self.fail(key, "duplicate", "Each entry may stand here once.")
        return items
