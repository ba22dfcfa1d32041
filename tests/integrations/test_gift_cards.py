"""Gift cards by Tremendous against a fake of it over real HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from accounts.models import Workspace
from integrations.models import Connection
from integrations.providers import Reauthorise, Refused, Retry
from integrations.providers.issuing import Gift, Given
from integrations.providers.tremendous import gifts
from integrations.services import payout_connections
from rewards import services
from rewards.models import Reward
from tests.conftest import AT
from tests.contracts.fakes.server import Fault, Reply, running
from tests.contracts.fakes.tremendous import FUNDING, KEY, Tremendous
from tests.integrations.test_asking import open_to
from tests.integrations.test_issuing import errands, of, ran, status
from tests.integrations.test_product_orders import history, taken_back
from tests.integrations.wires import access_to, wire_to
from tests.rewards.builders import approved, participant, person, program, rule

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


# Called off


CANCEL = "POST /api/v2/rewards/{id}/cancel"
GONE = Given(reference="ORDER000001", told="The gift card was cancelled at Tremendous.")


def test_a_card_is_cancelled_once_however_often_it_is_asked_for(tremendous: Tremendous) -> None:
    gifts.issue(wire_to(tremendous), access_to(tremendous), CARD)
    for _ in range(2):
        assert gifts.cancel(wire_to(tremendous), access_to(tremendous), CARD) == GONE
    assert [request.ids for request in tremendous.calls(CANCEL)] == [("REWARD000001",)]
    assert tremendous.balance == 1_000_000


def test_a_card_that_was_never_ordered_needs_no_cancelling(tremendous: Tremendous) -> None:
    assert gifts.cancel(wire_to(tremendous), access_to(tremendous), CARD) == Given()


def test_an_answer_lost_after_the_cancellation_is_found_out(tremendous: Tremendous) -> None:
    gifts.issue(wire_to(tremendous), access_to(tremendous), CARD)
    tremendous.faults = [Fault(CANCEL, Reply(503), after=True)]
    with pytest.raises(Retry):
        gifts.cancel(wire_to(tremendous), access_to(tremendous), CARD)
    assert gifts.cancel(wire_to(tremendous), access_to(tremendous), CARD) == GONE
    # Nor does it matter that a repetition within one turn is refused.
    second = replace(CARD, reference="ful_2")
    gifts.issue(wire_to(tremendous), access_to(tremendous), second)
    tremendous.faults = [Fault(CANCEL, Reply(422, {"errors": {"message": "No."}}), after=True)]
    assert gifts.cancel(wire_to(tremendous), access_to(tremendous), second).told == GONE.told


@pytest.mark.parametrize("asked_again", [False, True])
def test_a_card_that_was_redeemed_stays_with_the_reason(tremendous: Tremendous, asked_again: bool) -> None:
    gifts.issue(wire_to(tremendous), access_to(tremendous), CARD)
    tremendous.redeemed = {"ful_1"}
    for _ in range(1 + asked_again):
        assert gifts.cancel(wire_to(tremendous), access_to(tremendous), CARD) == Given(
            reference="ORDER000001",
            kept="Tremendous does not cancel the card: Reward cannot be canceled",
        )


def test_an_order_without_a_card_is_left_to_a_person(tremendous: Tremendous) -> None:
    gifts.issue(wire_to(tremendous), access_to(tremendous), CARD)
    tremendous.orders[0]["rewards"][0]["id"] = ""
    kept = gifts.cancel(wire_to(tremendous), access_to(tremendous), CARD).kept
    assert kept == "Tremendous names no card in its order."


def test_keys_that_are_refused_say_nothing_about_the_card(tremendous: Tremendous) -> None:
    with pytest.raises(Reauthorise):
        gifts.cancel(wire_to(tremendous), access_to(tremendous, secret="old"), CARD)


# A reward's whole way


def sending(workspace: Workspace, vendor: Tremendous) -> Connection:
    """Connect Tremendous as gift cards are sent by it."""
    connection = payout_connections.connect_provider(
        workspace=workspace,
        provider="tremendous",
        name="Gifts",
        environment="live",
        secret=KEY,
        options={"funding_source_id": FUNDING, "campaign_id": "CAMP1"},
        actor=person(),
        at=AT,
    )
    Connection.objects.for_workspace(workspace).filter(pk=connection.pk).update(shop_url=vendor.url)
    return connection


@pytest.fixture
def card(settings: Any, workspace: Workspace, tremendous: Tremendous) -> Reward:
    """A reward whose gift card has been sent."""
    open_to(settings, tremendous.server_port)
    sending(workspace, tremendous)
    promise = rule(kind="gift_card", amount={"type": "fixed", "minor": 1000})
    reward = approved(participant(program(workspace, promise)))
    ran(workspace)
    assert status(reward) == ("issued", "done")
    return reward


def test_a_card_of_a_reward_that_is_over_is_cancelled(
    workspace: Workspace, tremendous: Tremendous, card: Reward
) -> None:
    taken_back(card)
    ran(workspace)
    assert [order["status"] for order in tremendous.orders] == ["CANCELED"]
    assert (status(card), history(card)[-1]) == (("reversed", "cancelled"), GONE.told)
    assert errands(workspace) == [("issue", "done"), ("cancel", "done")]


def test_a_card_that_cannot_be_cancelled_is_seen_until_somebody_settles_it(
    workspace: Workspace, tremendous: Tremendous, card: Reward
) -> None:
    tremendous.redeemed = {of(card).public_id}
    taken_back(card)
    ran(workspace)
    why = "Tremendous does not cancel the card: Reward cannot be canceled"
    assert (status(card), of(card).failure) == (("reversed", "kept"), why)
    assert history(card)[-1] == f"It could not be taken back. {why}"
    services.complete_fulfilment(fulfilment=of(card), actor=person(), at=AT)
    assert status(card) == ("reversed", "cancelled")
