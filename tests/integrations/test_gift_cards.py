"""Gift cards by Tremendous against a fake of it over real HTTP."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from integrations.providers import Refused
from integrations.providers.issuing import Gift
from integrations.providers.tremendous import gifts
from tests.contracts.fakes.server import running
from tests.contracts.fakes.tremendous import Tremendous
from tests.integrations.wires import access_to, wire_to

CARD = Gift(
    reference="ful_1",
    kind="gift_card",
    amount_minor=1000,
    currency="USD",
    email="ana@example.com",
    name="Ana",
)


@pytest.fixture
def tremendous() -> Iterator[Tremendous]:
    with running(Tremendous()) as vendor:
        yield vendor


@pytest.mark.parametrize("repeated", [200, 201, 409])
def test_a_card_is_ordered_once_however_often_it_is_asked_for(tremendous: Tremendous, repeated: int) -> None:
    tremendous.repeated = repeated
    first, second = (gifts.issue(wire_to(tremendous), access_to(tremendous), CARD) for _ in range(2))
    assert first == second
    assert first.details == {"note": "It comes to you by e-mail."}
    assert [order["id"] for order in tremendous.orders] == [first.reference]


@pytest.mark.parametrize("email", ["", "invalid@example.com"])
def test_an_address_that_cannot_be_written_to_is_refused(tremendous: Tremendous, email: str) -> None:
    card = Gift(reference="ful_2", kind="gift_card", amount_minor=500, currency="USD", email=email)
    with pytest.raises(Refused):
        gifts.issue(wire_to(tremendous), access_to(tremendous), card)
    assert tremendous.orders == []
