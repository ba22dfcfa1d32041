"""The European Central Bank's files of exchange rates: XML, and CSV with or without a zip. Pure.

Formats: ecb.europa.eu, "Euro foreign exchange reference rates". A file may come from anybody, so nothing in
it is trusted: what does not fit is refused with the line it stands on.
"""

from __future__ import annotations

import csv
import io
import re
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final
from xml.sax import SAXException
from xml.sax.handler import ContentHandler

import defusedxml.sax
from defusedxml.common import DefusedXmlException

from core.errors import Invalid
from core.money import is_currency

MAX_BYTES: Final = 8_000_000
"""The whole history since 1999 has about 700,000 bytes."""
_FIRST: Final = date(1999, 1, 1)
_NUMBER: Final = re.compile(r"[0-9]{1,11}(?:\.[0-9]{1,12})?")
_CODE: Final = re.compile(r"[A-Z]{3}")
_MISSING: Final = frozenset({"", "N/A"})


@dataclass(frozen=True, slots=True)
class Reference:
    """What one euro was worth in a currency on a day."""

    on: date
    currency: str
    per_euro: Decimal


class FileRefused(Invalid):
    """A file of rates that cannot be taken; the message names the line."""

    def __init__(self, message: str) -> None:
        super().__init__(message, code="bad_file", param="file")


def read_references(content: bytes, *, today: date) -> list[Reference]:
    """Return the rates of a file in the order they stand in it.

    Takes `eurofxref-daily.xml` and the histories in XML, `eurofxref.csv`, `eurofxref-hist.csv`, and either of
    these in a zip. "N/A" and empty fields are left out, and so are currencies that exist no more. Raises
    FileRefused naming the line: for another format, a currency twice on a day, a rate that is no positive
    number, a day before 1999 or after `today`.
    """
    if len(content) > MAX_BYTES:
        raise FileRefused(f"The file has more than {MAX_BYTES} bytes.")
    if content.startswith(b"PK"):
        content = _unzipped(content)
    text = _text(content)
    start = text.lstrip("\ufeff \t\r\n")
    found = list(_of_xml(text) if start.startswith("<") else _of_csv(text))
    return _checked(found, today)


def _unzipped(content: bytes) -> bytes:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            names = [each for each in archive.infolist() if not each.is_dir()]
            if len(names) != 1:
                raise FileRefused("The zip must hold one file.")
            with archive.open(names[0]) as member:
                # What the zip says about its size is not believed.
                inner = member.read(MAX_BYTES + 1)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, OSError, ValueError) as error:
        raise FileRefused("The zip cannot be opened.") from error
    if len(inner) > MAX_BYTES:
        raise FileRefused(f"The zip holds more than {MAX_BYTES} bytes.")
    return inner


def _text(content: bytes) -> str:
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise FileRefused(f"Line {line}: this is not UTF-8 text.") from error


@dataclass(frozen=True, slots=True)
class _Found:
    line: int
    on: str
    currency: str
    rate: str


def _of_csv(text: str) -> Iterator[_Found]:
    rows = csv.reader(io.StringIO(text.removeprefix("\ufeff")), strict=True)
    try:
        header = [name.strip() for name in next(rows, [])]
        if not header or header[0] != "Date":
            raise FileRefused('Line 1: the first column must be "Date", then one for each currency.')
        while header[-1] == "":
            header.pop()
        for name in header[1:]:
            if not _CODE.fullmatch(name):
                raise FileRefused(f"Line 1: {name[:20]!a} is no currency code.")
        if len(set(header)) < len(header):
            raise FileRefused("Line 1: a currency stands twice.")
        for row in rows:
            if not any(field.strip() for field in row):
                continue
            fields = [field.strip() for field in row]
            if len(fields) < len(header) or any(fields[len(header) :]):
                raise FileRefused(f"Line {rows.line_num}: {len(header)} fields are needed.")
            for currency, rate in zip(header[1:], fields[1:], strict=False):
                yield _Found(rows.line_num, fields[0], currency, rate)
    except csv.Error as error:
        raise FileRefused(f"Line {max(1, rows.line_num)}: this is not CSV.") from error


class _Cubes(ContentHandler):
    """Collects the `Cube` elements: one with a `time` for a day, in it one for each currency."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[_Found] = []
        self._days: list[str | None] = []

    def startElement(self, name: str, attrs: Any) -> None:
        if name.rpartition(":")[2] != "Cube":
            return
        line = self._locator.getLineNumber() or 1  # type: ignore[attr-defined]
        day = self._days[-1] if self._days else None
        if "time" in attrs:
            day = attrs["time"]
        if "currency" in attrs or "rate" in attrs:
            if day is None or "currency" not in attrs or "rate" not in attrs:
                raise FileRefused(f"Line {line}: a rate needs its day, its currency and its value.")
            self.found.append(_Found(line, day, attrs["currency"], attrs["rate"]))
        self._days.append(day)

    def endElement(self, name: str) -> None:
        if name.rpartition(":")[2] == "Cube":
            self._days.pop()


def _of_xml(text: str) -> Sequence[_Found]:
    cubes = _Cubes()
    try:
        defusedxml.sax.parseString(text.encode(), cubes, forbid_dtd=True)
    except DefusedXmlException as error:
        raise FileRefused(
            "The file declares a document type or entities, which rates do not need."
        ) from error
    except SAXException as error:
        line = getattr(error, "getLineNumber", lambda: None)() or 1
        raise FileRefused(f"Line {line}: this is not well-formed XML.") from error
    return cubes.found


def _checked(found: Sequence[_Found], today: date) -> list[Reference]:
    references = []
    seen: set[tuple[date, str]] = set()
    for each in found:
        if each.rate in _MISSING:
            continue
        if not _CODE.fullmatch(each.currency):
            raise FileRefused(f"Line {each.line}: {each.currency[:20]!a} is no currency code.")
        on = _day(each)
        if not _FIRST <= on <= today:
            raise FileRefused(f"Line {each.line}: {on} is before 1999 or has not come yet.")
        if not _NUMBER.fullmatch(each.rate) or not Decimal(each.rate):
            raise FileRefused(
                f"Line {each.line}: {each.rate[:20]!a} for {each.currency} is no number above zero."
            )
        if (on, each.currency) in seen:
            raise FileRefused(f"Line {each.line}: {each.currency} stands twice on {on}.")
        seen.add((on, each.currency))
        # A Bulgarian lev has no rate any more; what it once was converts nothing here.
        if is_currency(each.currency) and each.currency != "EUR":
            references.append(Reference(on, each.currency, Decimal(each.rate)))
    if not seen:
        raise FileRefused("Line 1: there is no rate in this file.")
    return references


def _day(each: _Found) -> date:
    """Read 2026-11-20, or 20 November 2026 as the bank's daily CSV writes it."""
    for form in ("%Y-%m-%d", "%d %B %Y"):
        try:
            return datetime.strptime(each.on, form).date()  # noqa: DTZ007 - a day, no instant
        except ValueError:
            continue
    raise FileRefused(f"Line {each.line}: {each.on[:20]!a} is no day like 2026-11-20.")
