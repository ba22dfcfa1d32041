"""Reading a vendor's JSON with suspicion: every value is checked, and a bad one is named by its path."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from core.money import MAX_MINOR, MoneyInvalid, parse_major

MAX_ID: Final = 2**63 - 1
MAX_NAME_LENGTH: Final = 200
MAX_EMAIL_LENGTH: Final = 254

_EMAIL: Final = re.compile(r"[^@\s]+@[^@\s]+")
# Postgres stores neither NUL nor half of a surrogate pair.
_UNSTORABLE: Final = re.compile("[\x00\ud800-\udfff]")
_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}")


class Unreadable(Exception):
    """A payload that does not say what it should; `reason` is stable, `sentence` names the field."""

    def __init__(self, reason: str, sentence: str) -> None:
        super().__init__(sentence)
        self.reason = reason
        self.sentence = sentence


def parsed(body: bytes) -> object:
    """Return the JSON value in `body`, which must be UTF-8; raises Unreadable."""
    try:
        value: object = json.loads(body.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise Unreadable("not_json", "The body is not complete JSON in UTF-8.") from error
    return value


@dataclass(frozen=True, slots=True)
class Fields:
    """The members of one JSON object. Every method raises Unreadable and names the member by its path."""

    members: dict[str, object]
    path: str = ""

    @classmethod
    def of(cls, value: object) -> Fields:
        """Wrap the payload itself, which must be an object."""
        if not isinstance(value, dict):
            raise Unreadable("wrong_type", "The body must be a JSON object.")
        return cls(value)

    def named(self, name: str) -> str:
        """Return the path of a member, for sentences."""
        return f"{self.path}.{name}" if self.path else name

    def required(self, name: str) -> object:
        """Return a member that must be there, whatever its type."""
        if name not in self.members:
            raise Unreadable("missing_field", f"The field {self.named(name)} is missing.")
        return self.members[name]

    def identifier(self, name: str) -> int:
        """Return a whole number from 0 up that a bigint column can hold."""
        value = self.required(name)
        if isinstance(value, bool) or not isinstance(value, int):
            raise self._wrong_type(name, "a whole number")
        if not 0 <= value <= MAX_ID:
            raise self._bad_value(name, "out of range")
        return value

    def text(self, name: str) -> str:
        """Return a text without blanks around it; absent and null read as empty."""
        value = self.members.get(name)
        if value is None:
            return ""
        if not isinstance(value, str):
            raise self._wrong_type(name, "text")
        if _UNSTORABLE.search(value):
            raise self._bad_value(name, "text with characters that cannot be stored")
        return value.strip()

    def email(self, name: str) -> str | None:
        """Return an e-mail address, None for an empty one."""
        value = self.text(name)
        if not value:
            return None
        if len(value) > MAX_EMAIL_LENGTH or not _EMAIL.fullmatch(value):
            raise self._bad_value(name, "not an e-mail address")
        return value

    def country(self, name: str) -> str:
        """Return a two-letter country code in capitals; anything else is unknown and reads as empty."""
        value = self.text(name).upper()
        return value if re.fullmatch("[A-Z]{2}", value) else ""

    def person(self, *names: str) -> str:
        """Join the parts of a person's name."""
        return " ".join(" ".join(map(self.text, names)).split())[:MAX_NAME_LENGTH]

    def money(self, name: str, currency: str) -> int:
        """Return money written as text in minor units. Zeros beyond the currency's decimals are dropped."""
        value = self.required(name)
        if not isinstance(value, str):
            raise self._wrong_type(name, "an amount written as text")
        try:
            return parse_major(_without_surplus_zeros(value), currency)
        except MoneyInvalid as error:
            raise Unreadable(error.code, f"The field {self.named(name)}: {error.message}") from error

    def utc(self, name: str) -> datetime:
        """Return an instant written without a zone and meant as UTC."""
        value = self.required(name)
        if not isinstance(value, str):
            raise self._wrong_type(name, "a date and time written as text")
        try:
            if _DATE.fullmatch(value):
                return datetime.fromisoformat(value).replace(tzinfo=UTC)
        except ValueError:
            pass
        raise self._bad_value(name, "not a date and time")

    def utc_or_none(self, name: str) -> datetime | None:
        """Return an instant as `utc` does, None if it is null."""
        return None if self.required(name) is None else self.utc(name)

    def child(self, name: str) -> Fields:
        """Return the object under `name`; absent and null read as empty."""
        value = self.members.get(name)
        if value is None:
            value = {}
        if not isinstance(value, dict):
            raise self._wrong_type(name, "an object")
        return Fields(value, self.named(name))

    def children(self, name: str) -> list[Fields]:
        """Return the objects in the list under `name`, which must be there."""
        value = self.required(name)
        if not isinstance(value, list):
            raise self._wrong_type(name, "a list")
        found = []
        for position, entry in enumerate(value):
            path = f"{self.named(name)}[{position}]"
            if not isinstance(entry, dict):
                raise Unreadable("wrong_type", f"The field {path} must be an object.")
            found.append(Fields(entry, path))
        return found

    def _wrong_type(self, name: str, wanted: str) -> Unreadable:
        return Unreadable("wrong_type", f"The field {self.named(name)} must be {wanted}.")

    def _bad_value(self, name: str, fault: str) -> Unreadable:
        return Unreadable("bad_value", f"The field {self.named(name)} is {fault}.")


def _without_surplus_zeros(amount: str) -> str:
    whole, _, decimals = amount.partition(".")
    if not (decimals.isascii() and decimals.isdigit()):
        return amount
    kept = decimals.rstrip("0")
    return f"{whole}.{kept}" if kept else whole


def total_of(amounts: list[int], path: str) -> int:
    """Add amounts up; raises Unreadable if their sum is negative or too large to be kept."""
    total = sum(amounts)
    if not 0 <= total <= MAX_MINOR:
        raise Unreadable("bad_value", f"The amounts in {path} add up to less than nothing or to too much.")
    return total
