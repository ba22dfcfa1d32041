"""Form fields of terms: amounts in major units, percentages, and lists written as text."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from django import forms

from core.errors import DomainError
from core.money import POINTS, format_major, parse_major
from programs.facts import hours_text

_PERCENT = re.compile(r"([0-9]{1,6})(?:\.([0-9]{1,2}))?")
_SPAN = re.compile(r"([0-9]{1,6})\s*(h|hours?|d|days?)?")
_DIGITS = re.compile(r"[0-9]{1,15}")


def read_amount(form: forms.Form, name: str, unit: str) -> int | None:
    """Return the amount typed in major units as minor ones; a fault is put on its field. None for nothing.

    Points have no decimals.
    """
    text = str(form.cleaned_data.get(name) or "")
    if not text:
        return None
    try:
        if unit == POINTS:
            return int(read_whole(text))
        return parse_major(text, unit)
    except DomainError as error:
        form.add_error(name, error.message)
    except ValueError as error:
        form.add_error(name, str(error))
    return None


def read_measured(form: forms.Form, unit: str) -> dict[str, Any] | None:
    """Return the form's `value` as an amount of the terms document, counted as its `measure` says.

    None for nothing; a fault is put on `value`.
    """
    text = form.cleaned_data.get("value", "")
    if not text:
        return None
    if form.cleaned_data.get("measure") == "fixed":
        minor = read_amount(form, "value", unit)
        return None if minor is None else {"type": "fixed", "minor": minor}
    try:
        return {"type": "percentage", "bps": read_percent(text)}
    except ValueError as error:
        form.add_error("value", str(error))
        return None


def count_of(data: Mapping[str, Any], name: str, most: int) -> int:
    """Return how many rows were posted: a number that anyone may forge, `most` at most."""
    text = str(data.get(name, "0"))
    return min(int(text), most) if text.isascii() and text.isdigit() and len(text) < 4 else 0


def read_whole(text: str) -> int:
    """Return a whole number; raises ValueError with a sentence."""
    if not _DIGITS.fullmatch(text):
        raise ValueError("This must be a whole number.")
    return int(text)


def read_percent(text: str) -> int:
    """Return a percentage such as "12.5" in basis points; raises ValueError with a sentence."""
    match = _PERCENT.fullmatch(text)
    if match is None:
        raise ValueError('A percentage is written like "12.5", with two decimals at most.')
    return int(match[1]) * 100 + int((match[2] or "").ljust(2, "0"))


def percent_input(bps: int) -> str:
    """Write basis points as they are typed: 1250 is "12.5"."""
    text = f"{bps // 100}.{bps % 100:02d}"
    return text.rstrip("0").rstrip(".")


def amount_input(minor: int | None, unit: str) -> str:
    """Write an amount as it is typed; nothing for None and for 0."""
    return format_major(minor, unit) if minor else ""


class Lines(forms.CharField):
    """A list typed one entry a line, each of which may hold blanks and commas."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(widget=forms.Textarea(attrs={"rows": 2}), **kwargs)

    def to_python(self, value: Any) -> list[str]:  # type: ignore[override]
        lines = (line.strip() for line in (super().to_python(value) or "").splitlines())
        return list(dict.fromkeys(line for line in lines if line))

    def prepare_value(self, value: Any) -> Any:
        return "\n".join(value) if isinstance(value, list | tuple) else value


class Entries(forms.CharField):
    """A list typed with commas, blanks or line breaks between its entries."""

    def to_python(self, value: Any) -> list[str]:  # type: ignore[override]
        return [entry for entry in re.split(r"[\s,;]+", super().to_python(value) or "") if entry]

    def prepare_value(self, value: Any) -> Any:
        if not isinstance(value, Sequence) or isinstance(value, str):
            return value
        # A field of one line would lose its line breaks.
        return ("\n" if isinstance(self.widget, forms.Textarea) else ", ").join(value)


class Span(forms.CharField):
    """A stretch of time typed as "90 days" or "36 hours"; a bare number is of days. Gives hours."""

    def to_python(self, value: Any) -> int | None:  # type: ignore[override]
        text = (super().to_python(value) or "").strip().lower()
        if not text:
            return None
        match = _SPAN.fullmatch(text)
        if match is None:
            raise forms.ValidationError('This is written like "90 days" or "36 hours".')
        return int(match[1]) * (1 if match[2] in ("h", "hour", "hours") else 24)

    def prepare_value(self, value: Any) -> Any:
        return hours_text(value) if isinstance(value, int) else value


class Numbers(Entries):
    """A list of whole numbers."""

    def to_python(self, value: Any) -> list[int]:  # type: ignore[override]
        try:
            return [read_whole(entry) for entry in super().to_python(value)]
        except ValueError:
            raise forms.ValidationError("These must be whole numbers, with commas between them.") from None

    def prepare_value(self, value: Any) -> Any:
        return ", ".join(map(str, value)) if isinstance(value, tuple | list) else value


class Weights(forms.CharField):
    """Pairs of channel and percent, one `email = 150` a line."""

    def to_python(self, value: Any) -> dict[str, int]:  # type: ignore[override]
        pairs: dict[str, int] = {}
        for line in (super().to_python(value) or "").splitlines():
            channel, _, weight = line.partition("=")
            if not line.strip():
                continue
            try:
                number = read_whole(weight.strip())
            except ValueError:
                raise forms.ValidationError('Write one "email = 150" a line.') from None
            if channel.strip() in pairs:
                raise forms.ValidationError("Each channel may stand here once.")
            pairs[channel.strip()] = number
        return pairs

    def prepare_value(self, value: Any) -> Any:
        if isinstance(value, dict):
            return "\n".join(f"{channel} = {weight}" for channel, weight in value.items())
        return value
