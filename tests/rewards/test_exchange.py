"""Conversion between currencies, and the files that rates come in."""

from __future__ import annotations

import io
import zipfile
from contextlib import suppress
from datetime import date
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.money import CURRENCIES
from rewards.exchange import Rate, across, convert, same, sentence, shown
from rewards.reference_files import FileRefused, Reference, read_references

FRIDAY = date(2026, 11, 20)
TODAY = date(2026, 11, 22)


def rate(value: str) -> Rate:
    return Rate(Fraction(value), "ecb", FRIDAY)


@pytest.mark.parametrize(
    ("minor", "source", "target", "value", "expected"),
    [
        (12_000, "USD", "EUR", "0.92131", 11_056),  # 110.5572
        (-12_000, "USD", "EUR", "0.92131", -11_056),
        (1, "EUR", "USD", "0.5", 0),  # half a cent goes to the even neighbour
        (3, "EUR", "USD", "0.5", 2),
        (5, "EUR", "USD", "0.5", 2),
        (1000, "EUR", "JPY", "163.45", 1634),  # 1634.5: 0 decimals
        (1, "JPY", "EUR", "0.0061", 1),  # 0.61 cents
        (1_000, "KWD", "EUR", "3.0125", 301),  # one dinar of 1,000 fils
        (100, "EUR", "KWD", "0.33195", 332),  # 331.95 fils
        (100, "EUR", "CLF", "0.0245", 245),  # 4 decimals
        (245, "CLF", "JPY", "6671", 163),  # 163.4395
        (0, "USD", "EUR", "0.92131", 0),
    ],
)
def test_amounts_of_any_decimals(minor: int, source: str, target: str, value: str, expected: int) -> None:
    assert convert(minor, source, target, rate(value)) == expected


def test_points_have_no_rate() -> None:
    with pytest.raises(ValueError, match="PTS is not a currency"):
        convert(100, "PTS", "EUR", rate("1"))
    with pytest.raises(ValueError, match="more than zero"):
        rate("0")


def test_a_cross_rate_is_exact() -> None:
    """Dollars to yen by way of the euro, without a rounding in between."""
    cross = across(Fraction("1.0854"), Fraction("163.45"), FRIDAY)
    assert cross.value == Fraction(163450, 1085) * Fraction(1085, 1085) * Fraction(10850, 10854)
    assert (shown(cross), cross.stored) == ("150.59", Decimal("150.589644370739"))
    assert cross.inverse.value == Fraction("1.0854") / Fraction("163.45")
    assert convert(12_000, "USD", "JPY", cross) == 18_071  # 18070.757


def test_the_sentence_names_rate_source_and_day() -> None:
    assert (
        sentence(12_000, "USD", "EUR", rate("0.92131"))
        == "$120.00 at 0.92131 EUR for 1 USD (ECB, 20 November 2026) is €110.56."
    )
    entered = Rate(Fraction(1, 25_000), "entered", date(2026, 1, 2))
    assert (
        sentence(50_000_000, "VND", "EUR", entered)
        == "50000000 VND at 0.00004 EUR for 1 VND (entered, 2 January 2026) is €2000.00."
    )
    assert shown(rate("163")) == "163"
    assert same(FRIDAY) == Rate(Fraction(1), "same", FRIDAY)


@given(
    st.integers(-(10**12), 10**12),
    st.sampled_from(sorted(CURRENCIES)),
    st.sampled_from(sorted(CURRENCIES)),
    st.fractions(min_value=Fraction(1, 10**6), max_value=10**6),
)
def test_one_rounding_to_the_nearest(minor: int, source: str, target: str, value: Fraction) -> None:
    exact = minor * value * Fraction(10 ** CURRENCIES[target], 10 ** CURRENCIES[source])
    found = convert(minor, source, target, Rate(value, "ecb", FRIDAY))
    assert abs(found - exact) <= Fraction(1, 2)
    assert found == round(exact)


DAILY = b"""<?xml version="1.0" encoding="UTF-8"?>
<gesmes:Envelope xmlns:gesmes="http://www.gesmes.org/xml/2002-08-01"
 xmlns="http://www.ecb.int/vocabulary/2002-08-01/eurofxref">
\t<gesmes:subject>Reference rates</gesmes:subject>
\t<gesmes:Sender><gesmes:name>European Central Bank</gesmes:name></gesmes:Sender>
\t<Cube>
\t\t<Cube time='2026-11-20'>
\t\t\t<Cube currency='USD' rate='1.0854'/>
\t\t\t<Cube currency='JPY' rate='163.45'/>
\t\t</Cube>
\t</Cube>
</gesmes:Envelope>"""
USD_AND_JPY = [
    Reference(FRIDAY, "USD", Decimal("1.0854")),
    Reference(FRIDAY, "JPY", Decimal("163.45")),
]
HISTORY = b"Date,USD,JPY,CYP,\n2026-11-20,1.0854,163.45,N/A,\n2026-11-19,1.09,N/A,N/A,\n2007-12-31,,,0.585,\n"


def zipped(*members: bytes) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for number, member in enumerate(members):
            archive.writestr(f"{number}.csv", member)
    return made.getvalue()


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (DAILY, USD_AND_JPY),
        (b"Date, USD, JPY, \n20 November 2026, 1.0854, 163.45, \n", USD_AND_JPY),
        (HISTORY, [*USD_AND_JPY, Reference(date(2026, 11, 19), "USD", Decimal("1.09"))]),
        (b"\xef\xbb\xbf" + HISTORY.replace(b"\n", b"\r\n"), None),
        (zipped(HISTORY), None),
    ],
)
def test_the_banks_files(content: bytes, expected: list[Reference] | None) -> None:
    again = [*USD_AND_JPY, Reference(date(2026, 11, 19), "USD", Decimal("1.09"))]
    assert read_references(content, today=TODAY) == (expected or again)


ENTITIES = b"""<?xml version="1.0"?>
<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>
<Cube><Cube time='2026-11-20'><Cube currency='USD' rate='&b;'/></Cube></Cube>"""
EXTERNAL = b'<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><Cube>&a;</Cube>'


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", 'Line 1: the first column must be "Date", then one for each currency.'),
        (b"<html>\n<body>Not found</body></html>", "Line 1: there is no rate in this file."),
        (DAILY.replace(b"1.0854", b"abc"), "Line 8: 'abc' for USD is no number above zero."),
        (DAILY.replace(b"1.0854", b"-1"), "Line 8: '-1' for USD is no number above zero."),
        (DAILY.replace(b"1.0854", b"0.000"), "Line 8: '0.000' for USD is no number above zero."),
        (DAILY.replace(b"1.0854", b"1e5"), "Line 8: '1e5' for USD is no number above zero."),
        (DAILY.replace(b"163.45", b"NaN"), "Line 9: 'NaN' for JPY is no number above zero."),
        (DAILY.replace(b"'JPY'", b"'jpy'"), "Line 9: 'jpy' is no currency code."),
        (DAILY.replace(b"'JPY'", b"'USD'"), "Line 9: USD stands twice on 2026-11-20."),
        (DAILY.replace(b"2026-11-20", b"2026-02-30"), "Line 8: '2026-02-30' is no day like 2026-11-20."),
        (
            DAILY.replace(b"2026-11-20", b"2026-11-23"),
            "Line 8: 2026-11-23 is before 1999 or has not come yet.",
        ),
        (
            DAILY.replace(b" time='2026-11-20'", b""),
            "Line 8: a rate needs its day, its currency and its value.",
        ),
        (DAILY[:-10], "Line 12: this is not well-formed XML."),
        (ENTITIES, "The file declares a document type or entities, which rates do not need."),
        (EXTERNAL, "The file declares a document type or entities, which rates do not need."),
        (HISTORY.replace(b"N/A,N/A,\n", b"N/A\n"), "Line 3: 4 fields are needed."),
        (HISTORY.replace(b"1.09,", b"1,09,"), "Line 3: 4 fields are needed."),
        (HISTORY.replace(b"JPY", b"USD"), "Line 1: a currency stands twice."),
        (HISTORY.replace(b"JPY", b"J\xff"), "Line 1: this is not UTF-8 text."),
        (HISTORY.replace(b"JPY", b'"J"P'), "Line 1: this is not CSV."),
        (b"PK\x03\x04rubbish", "The zip cannot be opened."),
        (zipped(HISTORY, HISTORY), "The zip must hold one file."),
        (zipped(b"0" * 9_000_000), "The zip holds more than 8000000 bytes."),
        (b"0" * 9_000_000, "The file has more than 8000000 bytes."),
    ],
)
def test_hostile_files_are_refused_with_the_line(content: bytes, message: str) -> None:
    with pytest.raises(FileRefused) as refused:
        read_references(content, today=TODAY)
    assert (refused.value.message, refused.value.param) == (message, "file")


@given(st.binary(max_size=300))
def test_no_bytes_break_the_reader(content: bytes) -> None:
    for start in (b"", b"Date,USD\n2026-11-20,", b"<Cube ", b"PK\x03\x04", DAILY[:400]):
        with suppress(FileRefused):
            read_references(start + content, today=TODAY)
