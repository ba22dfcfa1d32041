from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.money import (
    CURRENCIES,
    MAX_MINOR,
    POINTS,
    UNITS,
    CurrencyMismatch,
    Money,
    MoneyInvalid,
    Weight,
    display,
    format_major,
    is_currency,
    is_unit,
    parse_major,
    percentage,
    prorate,
    split,
)

amounts = st.integers(-MAX_MINOR, MAX_MINOR)
currencies = st.sampled_from(sorted(CURRENCIES))
weights = st.lists(
    st.integers(0, 10**6)
    | st.fractions(0, 1000)
    | st.decimals(0, 1000, allow_nan=False, allow_infinity=False, places=6),
    min_size=1,
    max_size=12,
).filter(any)


def test_the_currency_list_is_complete_and_has_the_right_decimals() -> None:
    assert len(CURRENCIES) == 165
    assert all(len(code) == 3 and code.isupper() for code in CURRENCIES)
    exponents = [list(CURRENCIES.values()).count(exponent) for exponent in (0, 2, 3, 4)]
    assert exponents == [17, 139, 7, 2]
    some = {"EUR": 2, "JPY": 0, "KWD": 3, "ISK": 0, "CLF": 4, "HUF": 2, "XCG": 2}
    assert {code: CURRENCIES[code] for code in some} == some


@pytest.mark.parametrize("code", ["eur", "EU", "XAU", "XXX", "HRK", "BGN", POINTS, "", None, 978, ["EUR"]])
def test_what_is_no_active_currency(code: object) -> None:
    assert not is_currency(code)


def test_points_are_a_unit_but_no_currency() -> None:
    assert is_unit("PTS")
    assert is_unit("EUR")
    assert not is_unit("eur")
    assert UNITS["PTS"] == 0
    assert set(UNITS) - set(CURRENCIES) == {"PTS"}


def test_money_adds_subtracts_and_negates() -> None:
    assert Money(1234, "EUR") + Money(66, "EUR") == Money(1300, "EUR")
    assert Money(100, "JPY") - Money(250, "JPY") == Money(-150, "JPY")
    assert -Money(5, "PTS") == Money(-5, "PTS")
    assert str(Money(-300, "EUR")) == "-€3.00"


def test_money_of_two_currencies_never_mixes() -> None:
    with pytest.raises(CurrencyMismatch, match="EUR and USD cannot be combined"):
        Money(1, "EUR") + Money(1, "USD")
    with pytest.raises(CurrencyMismatch, match="PTS and EUR cannot be combined"):
        Money(1, "PTS") - Money(1, "EUR")


@pytest.mark.parametrize(
    ("minor", "currency", "code"),
    [
        (1.0, "EUR", "not_a_number"),
        (True, "EUR", "not_a_number"),
        (Decimal(1), "EUR", "not_a_number"),
        (1, "eur", "unknown_currency"),
        (1, None, "unknown_currency"),
        (MAX_MINOR + 1, "EUR", "too_large"),
        (-MAX_MINOR - 1, "EUR", "too_large"),
    ],
)
def test_money_refuses(minor: int, currency: str, code: str) -> None:
    with pytest.raises(MoneyInvalid) as caught:
        Money(minor, currency)
    assert caught.value.code == code


def test_a_sum_beyond_the_limit_is_refused() -> None:
    with pytest.raises(MoneyInvalid, match="too large"):
        Money(MAX_MINOR, "EUR") + Money(1, "EUR")


@pytest.mark.parametrize(
    ("amount", "bps", "result"),
    [
        (12345, 1000, 1234),  # 1234.5 to the even neighbour
        (12355, 1000, 1236),  # 1235.5 to the even neighbour
        (-12345, 1000, -1234),
        (-12355, 1000, -1236),
        (999, 1, 0),
        (5000, 1, 0),  # 0.5
        (5001, 1, 1),
        (15000, 1, 2),  # 1.5
        (777, 10_000, 777),
        (MAX_MINOR, 3333, 333_300_000_000_000),
        (100, 0, 0),
    ],
)
def test_percentage_rounds_half_even(amount: int, bps: int, result: int) -> None:
    assert percentage(amount, bps) == result


def test_prorate_by_hand() -> None:
    assert prorate(1000, 1, 3) == 333
    assert prorate(1000, 2, 3) == 667
    assert prorate(7, 1, 2) == 4
    assert prorate(5, 1, 2) == 2
    assert prorate(-5, 1, 2) == -2


@pytest.mark.parametrize("denominator", [0, -1])
def test_prorate_needs_a_positive_denominator(denominator: int) -> None:
    with pytest.raises(ValueError, match="must be positive"):
        prorate(1, 1, denominator)


@given(amounts, st.integers(-(10**9), 10**9), st.integers(1, 10**9))
def test_prorate_is_the_exact_value_rounded_half_even(amount: int, numerator: int, denominator: int) -> None:
    # round() on a Fraction is exact and half-even.
    assert prorate(amount, numerator, denominator) == round(Fraction(amount * numerator, denominator))
    assert prorate(-amount, numerator, denominator) == -prorate(amount, numerator, denominator)


@pytest.mark.parametrize(
    ("amount", "parts", "result"),
    [
        (100, [1, 1, 1], (34, 33, 33)),
        (-100, [1, 1, 1], (-34, -33, -33)),
        (1000, [40, 20, 40], (400, 200, 400)),
        (101, [40, 20, 40], (41, 20, 40)),  # 40.4, 20.2, 40.4: the first of the equals gets the cent
        (5, [1, 2, 4], (1, 1, 3)),  # 0.714, 1.428, 2.857
        (1, [0, 1, 1], (0, 1, 0)),
        (0, [3, 4], (0, 0)),
        (10, [Fraction(1, 3), Fraction(2, 3)], (3, 7)),
        (10, [Decimal("0.25"), Decimal("0.75")], (3, 7)),  # 2.5 and 7.5 lose the same: the earlier gains
    ],
)
def test_split_by_hand(amount: int, parts: list[Weight], result: tuple[int, ...]) -> None:
    assert split(amount, parts) == result


@pytest.mark.parametrize(
    "parts",
    [[], [0], [0, 0], [1, -1], [Decimal("NaN")], [Decimal("Infinity")], [0.5], [True], ["1"], [None]],
)
def test_split_refuses_weights(parts: list[Weight]) -> None:
    with pytest.raises(ValueError, match="Weights"):
        split(100, parts)


@given(amounts, weights)
def test_split_sums_exactly_and_stays_within_one_unit(amount: int, parts: list[Weight]) -> None:
    result = split(amount, parts)
    total = sum((Fraction(part) for part in parts), Fraction(0))
    assert sum(result) == amount
    assert len(result) == len(parts)
    for got, weight in zip(result, parts, strict=True):
        assert abs(got - amount * Fraction(weight) / total) < 1
        assert weight or got == 0
    assert split(-amount, parts) == tuple(-part for part in result)


@given(st.integers(0, MAX_MINOR), st.integers(1, 50))
def test_equal_weights_give_the_odd_units_to_the_earlier(amount: int, count: int) -> None:
    each, odd = divmod(amount, count)
    assert split(amount, [7] * count) == (each + 1,) * odd + (each,) * (count - odd)


@pytest.mark.parametrize(
    ("text", "currency", "minor"),
    [
        ("12.34", "EUR", 1234),
        ("12.3", "EUR", 1230),
        ("12", "EUR", 1200),
        ("-0.01", "EUR", -1),
        ("-0", "EUR", 0),
        ("007", "EUR", 700),
        ("1500", "JPY", 1500),
        ("1.234", "KWD", 1234),
        ("0.0001", "CLF", 1),
        ("10000000000000.00", "EUR", MAX_MINOR),
        ("0" * 5000 + "1", "JPY", 1),
    ],
)
def test_parse_major(text: str, currency: str, minor: int) -> None:
    assert parse_major(text, currency) == minor


@pytest.mark.parametrize(
    ("text", "currency", "code"),
    [
        ("12.345", "EUR", "too_many_decimals"),
        ("12.340", "EUR", "too_many_decimals"),
        ("1.0", "JPY", "too_many_decimals"),
        ("1e3", "EUR", "not_a_number"),
        ("1,000.00", "EUR", "not_a_number"),
        ("12,34", "EUR", "not_a_number"),
        (" 12", "EUR", "not_a_number"),
        ("12\n", "EUR", "not_a_number"),
        ("", "EUR", "not_a_number"),
        ("+1", "EUR", "not_a_number"),
        ("--1", "EUR", "not_a_number"),
        (".5", "EUR", "not_a_number"),
        ("5.", "EUR", "not_a_number"),
        ("NaN", "EUR", "not_a_number"),
        ("Infinity", "EUR", "not_a_number"),
        ("1_000", "EUR", "not_a_number"),
        ("١٢", "EUR", "not_a_number"),
        (12.34, "EUR", "not_a_number"),
        (None, "EUR", "not_a_number"),
        ("10000000000000.01", "EUR", "too_large"),
        ("9" * 5000, "EUR", "too_large"),
        ("1", "eur", "unknown_currency"),
        ("1", "PTS", "unknown_currency"),
    ],
)
def test_parse_major_refuses(text: object, currency: str, code: str) -> None:
    with pytest.raises(MoneyInvalid) as caught:
        parse_major(text, currency)
    assert caught.value.code == code


@given(st.text() | st.from_regex(r"-?[0-9., e+]{0,30}"), currencies | st.text(max_size=4))
def test_parse_major_raises_nothing_else(text: str, currency: str) -> None:
    try:
        minor = parse_major(text, currency)
    except MoneyInvalid:
        return
    assert abs(minor) <= MAX_MINOR


@given(amounts, currencies)
def test_format_and_parse_are_inverse(minor: int, currency: str) -> None:
    assert parse_major(format_major(minor, currency), currency) == minor


@pytest.mark.parametrize(
    ("minor", "currency", "plain", "shown"),
    [
        (1234, "EUR", "12.34", "€12.34"),
        (-300, "EUR", "-3.00", "-€3.00"),
        (1234, "CHF", "12.34", "12.34 CHF"),
        (-5, "CHF", "-0.05", "-0.05 CHF"),
        (1500, "JPY", "1500", "¥1500"),
        (-1500, "JPY", "-1500", "-¥1500"),
        (1, "KWD", "0.001", "0.001 KWD"),
        (123456789, "USD", "1234567.89", "$1234567.89"),
        (500, "CAD", "5.00", "5.00 CAD"),
        (0, "GBP", "0.00", "£0.00"),
        (50, "PTS", "50", "50 points"),
        (-1, "PTS", "-1", "-1 point"),
    ],
)
def test_writing_amounts(minor: int, currency: str, plain: str, shown: str) -> None:
    assert format_major(minor, currency) == plain
    assert display(minor, currency) == shown


def test_an_unknown_unit_is_not_written() -> None:
    with pytest.raises(MoneyInvalid, match="ISO 4217"):
        display(1, "EURO")
