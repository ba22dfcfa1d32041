"""What the template filters show, and how regions write it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from django.http import HttpRequest, HttpResponse, JsonResponse
from hypothesis import given
from hypothesis import strategies as st

from core import clock, locales
from core.middleware import ReaderMiddleware
from core.money import UNITS
from core.templatetags.display import bps, day, exact, moment, money, number, relative, words

AT = datetime(2026, 11, 2, 13, 3, 5, tzinfo=UTC)


@dataclass
class Shop:
    """A workspace as far as the filters know one."""

    time_zone: str = "Europe/Berlin"
    ahead: timedelta = timedelta()

    def local_time(self, at: datetime) -> datetime:
        return at + self.ahead


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("below_minimum_order", "below minimum order"),
        ("bot", "bot"),
        ("", ""),
        ("Stolen card, case no_17", "Stolen card, case no_17"),
    ],
)
def test_a_code_is_shown_as_words_and_a_sentence_as_it_is(code: str, text: str) -> None:
    assert words(code) == text


@pytest.mark.parametrize(
    ("header", "dates", "numbers"),
    [
        ("", "en", "en"),
        ("*", "en", "en"),
        ("not a header;;q=,", "en", "en"),
        ("en", "en", "en"),
        ("en-GB,en;q=0.9", "en_GB", "en_GB"),
        ("de-DE,de;q=0.9,en;q=0.8", "en_DE", "en_DE"),
        ("de", "en_DE", "en_DE"),
        ("de-CH", "en_CH", "en_CH"),
        ("en;q=0.4,fr;q=0.8", "en_FR", "en_FR"),
        ("xx,sv", "en_SE", "en_SE"),
        ("pt-BR", "en_GB", "pt_BR"),
        ("ar-EG", "en_GB", "en_GB"),
        ("en-Shaw", "en", "en"),
    ],
)
def test_the_region_comes_from_the_first_known_language(header: str, dates: str, numbers: str) -> None:
    reader = locales.reader_of(header)

    assert (str(reader.dates), str(reader.numbers)) == (dates, numbers)


@pytest.mark.parametrize(
    ("header", "minor", "unit", "text"),
    [
        ("", 123456, "EUR", "€1,234.56"),
        ("", -300, "EUR", "-€3.00"),
        ("", 1200, "CHF", "CHF\xa012.00"),
        ("", 123456, "JPY", "¥123,456"),
        ("", 123456, "BHD", "BHD\xa0123.456"),
        ("", 123456, "IQD", "IQD\xa0123.456"),
        ("", 5, "CLF", "CLF\xa00.0005"),
        ("", 1, "PTS", "1 point"),
        ("", 1200, "PTS", "1,200 points"),
        ("de", 123456, "EUR", "1.234,56\xa0€"),
        ("de", 1200, "CHF", "12,00\xa0CHF"),
        ("pt-BR", 123456, "BRL", "R$\xa01.234,56"),
        ("en-IN", 12345678, "INR", "₹1,23,456.78"),
        ("en-AU", 1000, "AUD", "$10.00"),
    ],
)
def test_an_amount_is_written_as_its_reader_writes_money(
    header: str, minor: int, unit: str, text: str
) -> None:
    with locales.read_by(locales.reader_of(header)):
        assert money(minor, unit) == text


@given(minor=st.integers(-(10**18), 10**18), unit=st.sampled_from(sorted(UNITS)))
def test_no_digit_of_an_amount_is_lost(minor: int, unit: str) -> None:
    shown = "".join(character for character in money(minor, unit) if character.isdigit())

    assert int(shown) == abs(minor)
    assert money(minor, unit).startswith("-") == (minor < 0)


def test_no_amount_and_no_unit_show_nothing_and_a_plain_number() -> None:
    assert money(None, "EUR") == ""
    assert money(1234, "") == "1,234"


def test_numbers_and_shares_have_the_separators_of_the_region() -> None:
    assert (number(1234567), number(Decimal("0.25")), number(None)) == ("1,234,567", "0.25", "–")
    assert (bps(1000), bps(1250), bps(5)) == ("10 %", "12.5 %", "0.05 %")
    assert (locales.fixed(Decimal("1234.5"), 2), locales.fixed(Decimal(3), 0)) == ("1,234.50", "3")
    with locales.read_by(locales.reader_of("de")):
        assert (number(1234567), bps(1250)) == ("1.234.567", "12,5 %")
        assert locales.fixed(Decimal("1234.5"), 2) == "1.234,50"


@pytest.mark.parametrize(
    ("passed", "text"),
    [
        (timedelta(), "just now"),
        (timedelta(seconds=59), "just now"),
        (timedelta(seconds=60), "1 minute ago"),
        (timedelta(minutes=59, seconds=59), "59 minutes ago"),
        (timedelta(hours=1), "1 hour ago"),
        (timedelta(hours=23, minutes=59), "23 hours ago"),
        (timedelta(days=1), "1 day ago"),
        (timedelta(days=7), "7 days ago"),
        (timedelta(days=7, seconds=1), ""),
        (timedelta(seconds=-30), "in a moment"),
        (timedelta(hours=-3), "in 3 hours"),
        (timedelta(days=-6, hours=-23), "in 6 days"),
        (timedelta(days=-8), ""),
    ],
)
def test_an_instant_near_now_is_told_by_its_distance(passed: timedelta, text: str) -> None:
    assert relative(AT - passed, AT) == text


def test_a_moment_is_relative_and_exact_in_the_shops_zone_by_the_shops_clock(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(clock, "now", lambda: AT + timedelta(hours=3))

    assert moment(AT, Shop()) == (
        '<time datetime="2026-11-02T14:03:05+01:00" title="Nov 2, 2026, 2:03:05\u202fPM CET">'
        "3 hours ago</time>"
    )
    assert ">2 days ago<" in moment(AT, Shop(ahead=timedelta(days=2)))
    assert ">Nov 2, 2026<" in moment(AT, Shop(ahead=timedelta(days=30)))
    assert moment(None, Shop()) == "–"
    with locales.read_by(locales.reader_of("de-DE")):
        assert 'title="2 Nov 2026, 14:03:05 CET">2 Nov 2026<' in moment(AT, Shop(ahead=timedelta(days=30)))


def test_the_day_of_an_instant_is_the_day_in_the_zone() -> None:
    late = datetime(2026, 11, 2, 23, 30, tzinfo=UTC)

    assert day(late) == "Nov 2, 2026"
    assert day(late, Shop()) == "Nov 3, 2026"
    assert day(date(2026, 11, 2)) == "Nov 2, 2026"
    assert day(None) == "–"
    assert ">Nov 3, 2026, 12:30:00\u202fAM CET<" in exact(late, Shop())


@pytest.mark.parametrize(
    ("path", "answer", "text", "varies"),
    [
        ("/w/shop/", HttpResponse(), "1.234", "Accept-Language"),
        ("/w/shop/rewards.csv", HttpResponse(content_type="text/csv"), "1.234", None),
        ("/api/v1/rewards", JsonResponse({}), "1,234", None),
    ],
)
def test_a_page_is_written_for_its_reader_and_an_api_answer_for_nobody(
    path: str, answer: HttpResponse, text: str, varies: str | None
) -> None:
    seen: list[str] = []

    def view(request: HttpRequest) -> HttpResponse:
        seen.append(number(1234))
        return answer

    request = HttpRequest()
    request.path = path
    request.META["HTTP_ACCEPT_LANGUAGE"] = "de"
    response = ReaderMiddleware(view)(request)

    assert seen == [text]
    assert response.headers.get("Vary") == varies
    assert number(1234) == "1,234"
