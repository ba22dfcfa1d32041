import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracking.fraud import LIST_KINDS, ListKind, clean_pattern, expand_address, matches, source_matches


@pytest.mark.parametrize(
    ("pattern", "value"),
    [
        ("ana@bad.example", "Ana@BAD.example"),
        ("*@bad.example", "ana@bad.example"),
        ("203.0.113.*", "203.0.113.255"),
        ("*coupon*", "coupon"),
        ("*coupon*", "www.coupons.example"),
        ("a*b*c", "abc"),
        ("a*b*c", "a-b-b-c"),
        ("*ab*ab", "abab"),
        ("x**y", "xy"),
        ("straße", "STRASSE"),
    ],
)
def test_a_pattern_matches_the_whole_value(pattern: str, value: str) -> None:
    assert matches(pattern, value)


@pytest.mark.parametrize(
    ("pattern", "value"),
    [
        ("bad.example", "www.bad.example"),
        ("*@bad.example", "ana@bad.example.org"),
        ("203.0.113.*", "203.0.114.1"),
        ("a*a", "a"),
        ("ab*ba", "aba"),
        ("a*b*c", "acb"),
        ("*ab*ab", "ab"),
        ("a.c", "abc"),
        ("a?c", "abc"),
        ("", "a"),
    ],
)
def test_a_pattern_matches_nothing_else(pattern: str, value: str) -> None:
    assert not matches(pattern, value)


@given(st.text("ab*", max_size=8), st.text("ab", max_size=10))
def test_a_star_is_any_text(pattern: str, value: str) -> None:
    assert matches(pattern, value) == bool(re.fullmatch(pattern.replace("*", ".*"), value))


def test_many_stars_are_no_trap() -> None:
    assert not matches("a*" * 120 + "b", "a" * 100_000)
    assert not matches("*" + "a*" * 120 + "b*", "a" * 100_000)


def test_a_source_covers_the_hosts_below_it() -> None:
    assert source_matches("coupons.example", "www.coupons.example")
    assert source_matches("coupons.example", "coupons.example")
    assert not source_matches("coupons.example", "notcoupons.example")


@pytest.mark.parametrize(
    ("kind", "text", "clean"),
    [
        ("email", " Ana+x@GMail.com ", "ana@gmail.com"),
        ("email", "*@bad.example", "*@bad.example"),
        ("email", "*@googlemail.com", "*@gmail.com"),
        ("email", "a.n*@gmail.com", "an*@gmail.com"),
        ("email", "*@*.bad.example", "*@*.bad.example"),
        ("email", "*@bücher.example", "*@xn--bcher-kva.example"),
        ("domain", "Bad.Example.", "bad.example"),
        ("domain", "@bad.example", "bad.example"),
        ("domain", "*@bad.example", "bad.example"),
        ("domain", "*.bad.example", "*.bad.example"),
        ("source", "https://WWW.Coupons.example:8080/all?x=1", "www.coupons.example"),
        ("source", "coupons.example/", "coupons.example"),
        ("source", "*coupon*", "*coupon*"),
        ("source", "*.bücher.example", "*.xn--bcher-kva.example"),
        ("country", " de ", "DE"),
        ("customer", " C-100* ", "C-100*"),
        ("participant", "prt_01J9ABCDEFGHJKMNPQRSTVWXYZ", "prt_01j9abcdefghjkmnpqrstvwxyz"),
        ("address", "203.0.113.7", "203.0.113.7"),
        ("address", "203.0.113.*", "203.0.113.*"),
        ("address", "2001:DB8:0:0::7", "2001:db8::7"),
        ("address", "::ffff:203.0.113.7", "203.0.113.7"),
        ("device", "9F:aa-01_x", "9F:aa-01_x"),
    ],
)
def test_an_entry_has_one_spelling(kind: ListKind, text: str, clean: str) -> None:
    assert clean_pattern(kind, text) == clean
    assert clean_pattern(kind, clean) == clean


@pytest.mark.parametrize("kind", LIST_KINDS)
@pytest.mark.parametrize("text", ["", "  ", "*", "**", "*.*", "*@*", "*_*", "a" * 256])
def test_what_is_empty_too_wide_or_too_long_is_refused(kind: ListKind, text: str) -> None:
    with pytest.raises(ValueError, match=r"^[A-Z].*\.$"):
        clean_pattern(kind, text)


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("email", "bad.example"),
        ("email", "ana@*"),
        ("email", "ana@ex..ample"),
        ("email", "ana@bad example"),
        ("email", "ana@büch*.example"),
        ("domain", "bad/example"),
        ("domain", "bad example"),
        ("domain", "bü*er.example"),
        ("source", "https://"),
        ("source", "https:///path1"),
        ("source", "ex..ample"),
        ("source", "*büch.example"),
        ("country", "D*"),
        ("country", "DEU"),
        ("country", "ß1"),
        ("participant", "cus_01j9"),
        ("participant", "prt_*"),
        ("participant", "prt_"),
        ("address", "203.0.*"),
        ("address", "203.0.113.*.*"),
        ("address", "203.0.113.1*"),
        ("address", "300.0.113.*"),
        ("address", "2001:db8::*"),
        ("address", "fe80::1%eth0"),
        ("address", "203.0.113.0/24"),
        ("address", "shop.example"),
        ("device", "9f*"),
        ("device", "9f aa"),
    ],
)
def test_nonsense_is_refused_with_a_sentence(kind: ListKind, text: str) -> None:
    with pytest.raises(ValueError, match=r"^[A-Z].*\.$"):
        clean_pattern(kind, text)


def test_a_range_is_written_out() -> None:
    every = expand_address(" 203.0.113.* ")

    assert (len(every), every[0], every[255]) == (256, "203.0.113.0", "203.0.113.255")
    assert expand_address("203.0.113.7") == ("203.0.113.7",)
    assert expand_address("2001:DB8:0::7") == ("2001:db8::7",)
    assert expand_address("::FFFF:203.0.113.7") == ("203.0.113.7",)


@pytest.mark.parametrize("pattern", ["*", "203.0.*.*", "203.*", "", "2001:db8::*", "name"])
def test_what_is_no_range_is_refused(pattern: str) -> None:
    with pytest.raises(ValueError, match="network address"):
        expand_address(pattern)
