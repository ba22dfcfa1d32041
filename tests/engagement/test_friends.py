"""Where a friend's reward is: the stored decision in gentle words, and nobody else named."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.core.paginator import Paginator

from accounts.models import Workspace
from engagement.queries.friends import Friend, friend_lines, referrals_of
from programs import queries as program_queries
from programs.models import Participant
from rewards.models import Reward
from rewards.queries import destination_of
from tests.engagement import rows
from tests.engagement.test_portal import participant
from tests.factories import AT, ConversionFactory, CustomerFactory
from tests.rewards.builders import bank
from tracking.models import Attribution, Referral


@pytest.fixture
def ana(workspace: Workspace) -> Participant:
    return participant(workspace, "Ana")


@pytest.fixture
def ben(workspace: Workspace, ana: Participant) -> Referral:
    friend = CustomerFactory.create(workspace=workspace, name="Ben Bauer")
    return rows.referral(ana, friend, "converted")


def line_of(ana: Participant) -> Friend:
    page = Paginator(referrals_of(ana), 10).get_page(1)
    terms = program_queries.live_terms(ana.program)
    paid_to = destination_of(ana.customer)
    (line,) = friend_lines(page, ana, terms, paid_to=paid_to, at=AT + timedelta(days=1))
    return line


def answer_to(ana: Participant) -> str:
    (answer,) = line_of(ana).answers
    return answer.sentence


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({}, "It is on hold until 1 April 2026, because orders can be returned until then."),
        ({"available_at": AT}, "The waiting time is over. Acme confirms it next."),
        (
            {"status": "held", "reason": "too_fast"},
            "Acme takes a closer look before it is confirmed. You need not do anything.",
        ),
        (
            {"status": "held", "reason": "currency_differs"},
            "The order was paid in another currency. Acme works out your reward by hand.",
        ),
        ({"status": "issued"}, "It is confirmed. To pay it out, we need to know where to send your money."),
        ({"status": "issued", "kind": "credit"}, "It is confirmed and yours."),
        ({"status": "paid"}, "It was paid out."),
        ({"status": "redeemed"}, "You have used it."),
        ({"status": "expired"}, "It has expired."),
        (
            {"status": "reversed", "reversed_minor": 1000},
            "The order was returned, so the reward was taken back.",
        ),
        (
            {"status": "denied", "reason": "below_minimum_order"},
            "The order was smaller than the offer asks for.",
        ),
        (
            {
                "status": "denied",
                "reason": "conditions_not_met",
                "sentence": "The customer's country is FR; the program wants DE.",
            },
            "The offer has conditions, and one of them was not met.",
        ),
        (
            {"status": "denied", "reason": "same_mailbox"},
            "By the terms it brings no reward. If you think that is wrong, ask Acme.",
        ),
    ],
)
def test_each_state_of_a_reward_has_its_answer(
    ana: Participant, ben: Referral, fields: dict[str, Any], sentence: str
) -> None:
    credit = rows.credit(ben, "purchase")
    rows.reward(ben, conversion=credit.conversion, **fields)
    assert answer_to(ana) == sentence


def test_the_answer_says_when_the_next_payout_waits_for_nothing(ana: Participant, ben: Referral) -> None:
    bank(ana.customer)
    credit = rows.credit(ben, "purchase")
    rows.reward(ben, conversion=credit.conversion, status="issued")
    assert answer_to(ana) == "It is confirmed and part of the next payout."
    Reward.objects.for_workspace(ana.workspace).update(payout=rows.payout(ana.customer, status="pending"))
    assert answer_to(ana) == "It is part of a payout that is on its way."


def test_a_sign_up_without_a_reward_says_what_comes_next(ana: Participant, workspace: Workspace) -> None:
    rows.credit(rows.referral(ana, CustomerFactory.create(workspace=workspace, name="Cleo C")))
    line = line_of(ana)
    assert [answer.sentence for answer in line.answers] == [
        "Counted for you. This step itself carries no reward."
    ]
    assert line.following == "Next: the first purchase, which brings your reward."
    assert (line.name, line.initial, line.gains) == ("Cleo", "C", ())


def test_a_rejected_order_is_not_explained_by_suspicion(ana: Participant, ben: Referral) -> None:
    rows.credit(ben, "purchase", status="rejected")
    assert answer_to(ana) == "Acme does not count it, so it brings no reward."


@pytest.mark.parametrize(
    ("reason", "sentence"),
    [
        ("bound_to_other", "Your friend had come through another invitation before."),
        ("outside_click_window", "The visit through your link was too long before this order."),
        ("lower_precedence", "By the rules of the program, this order counted for another invitation."),
    ],
)
def test_an_order_that_went_elsewhere_names_nobody(
    ana: Participant, ben: Referral, reason: str, sentence: str
) -> None:
    ida = participant(ana.workspace, "Ida", ana.program)
    lost = {"participant": ana.public_id, "reason": reason, "sentence": f"It went to {ida.public_id}."}
    Attribution.objects.create(
        workspace=ana.workspace,
        conversion=ConversionFactory.create(workspace=ana.workspace, customer=ben.customer),
        program=ana.program,
        version=rows.version_of(ana),
        model="last_click",
        reason="last_click",
        inputs={},
        result={"rejected": [lost]},
        digest="",
        decided_at=AT,
    )
    assert answer_to(ana) == sentence


def test_an_order_the_participant_had_no_part_in_is_not_theirs_to_know(
    ana: Participant, ben: Referral
) -> None:
    ida = participant(ana.workspace, "Ida", ana.program)
    other = rows.referral(ida, ben.customer)
    rows.credit(other, "purchase")
    assert line_of(ana).answers == ()


def test_gains_add_up_what_stands(ana: Participant, ben: Referral) -> None:
    rows.reward(ben, amount_minor=1_000)
    rows.reward(ben, amount_minor=600, reversed_minor=200)
    rows.reward(ben, amount_minor=900, status="denied")
    rows.reward(ben, amount_minor=50, kind="points", unit="PTS")
    assert line_of(ana).gains == ("+€14.00", "+50 points")
