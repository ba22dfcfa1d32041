"""What all payout providers have in common: figures compared, one shape, addresses of their own."""

from __future__ import annotations

import pytest

from integrations.providers.payout_registry import PAYOUT_PROVIDERS
from integrations.providers.payouts import ItemResult, PayoutAccess, differences, members, part, parts, text
from tests.integrations.wires import item


def test_figures_that_agree_raise_no_doubt() -> None:
    results = [ItemResult("pyt_0001", "paid", amount_minor=1234), ItemResult("pyt_0002", "sent")]
    assert differences([item(1), item(2, 500)], results, 1734) == []
    assert differences([item(1), item(2, 500)], results, None) == []
    assert differences([item(1), item(2, 500)], results[:1], 1234) == []


def test_figures_that_differ_are_named() -> None:
    results = [ItemResult("pyt_0001", "paid", amount_minor=1235), ItemResult("pyt_0009", "paid")]
    assert differences([item(1)], results, 1235) == [
        "pyt_0001: the provider pays 12.35, not 12.34 USD.",
        "The provider has an item pyt_0009 that is not ours.",
        "The provider's total is 12.35, ours 12.34 USD.",
    ]


@pytest.mark.parametrize("raw", [b"", b"\xff", b"3", b"[1]", b"nul", b"[" * 100_000, b'{"a":' * 100_000])
def test_what_is_no_object_has_no_members(raw: bytes) -> None:
    assert members(raw) == {}


def test_members_are_read_with_suspicion() -> None:
    found = members(b'{"a": {"b": " x\\u0000y "}, "c": [1, {"d": 2}], "e": 5}')
    assert text(part(found, "a"), "b") == "xy"
    assert parts(found, "c") == [{"d": 2}]
    assert (part(found, "e"), parts(found, "e"), text(found, "e")) == ({}, [], "")


def test_every_provider_is_reached_over_https_only() -> None:
    assert sorted(PAYOUT_PROVIDERS) == ["paypal", "stripe", "tremendous"]
    for name, provider in PAYOUT_PROVIDERS.items():
        assert provider.name == name
        assert all(url.startswith("https://") for url in provider.addresses.values())
    assert PayoutAccess("https://x.example/", "", "").url("/v1") == "https://x.example/v1"
