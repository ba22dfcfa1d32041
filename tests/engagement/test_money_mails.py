"""What people read about their money, at each step and on both sides: once, with nothing of each other."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from accounts.models import Member, Workspace
from engagement import handlers
from engagement.models import Message
from engagement.services.messages import KINDS
from programs.models import Customer, Participant, Program
from rewards.models import Adjustment, CatalogueItem, Payout, Redemption, Reward
from tests.engagement import rows
from tests.engagement.test_handlers import ana, ben, event, mails, program, the_mail
from tests.factories import AT, UserFactory

__all__ = ["ana", "ben", "program"]

PORTAL = "http://127.0.0.1:8000/portal/"


@pytest.fixture
def given(workspace: Workspace, ana: Participant, ben: Customer) -> Any:
    """Make a reward of Ana's (or, as the referee, Ben's) with these values."""

    def make(**fields: Any) -> Reward:
        return rows.reward(rows.referral(ana, ben, status="converted"), **fields)

    return make


def _hear(handler: Any, workspace: Workspace, kind: str, **data: Any) -> None:
    """Let a handler hear of an event twice: there is one mail all the same."""
    heard = event(workspace, kind, **data)
    handler(heard)
    handler(heard)


def _both(message: Message, *sentences: str) -> None:
    """See that both bodies of a mail say these things, and that no name but the reader's own is in them."""
    for body in (message.text, message.html):
        for sentence in sentences:
            assert sentence in body, body
        for name in ("Bauer", "Ansel", "ben@example.com", "ana@example.com"):
            assert name not in body


def test_cash_that_is_confirmed_is_in_the_next_payout(workspace: Workspace, given: Any) -> None:
    reward = given(status="approved")
    rows.account(reward.customer, "payable", 3_000)
    _hear(handlers.on_reward_approved, workspace, "reward.approved", reward=reward.public_id)
    assert mails(workspace) == [
        ("reward_payable", "ana@example.com", "€10.00 in cash is confirmed for the next payout")
    ]
    _both(the_mail(workspace), "Hello Ana", "Ready to be paid to you: €30.00.", PORTAL)


def test_what_is_not_cash_is_told_when_it_is_issued(workspace: Workspace, given: Any) -> None:
    reward = given(status="issued", kind="credit")
    _hear(handlers.on_reward_approved, workspace, "reward.approved", reward=reward.public_id)
    assert mails(workspace) == []


def test_a_part_that_was_taken_back_leaves_the_rest(workspace: Workspace, given: Any) -> None:
    reward = given(status="approved", reversed_minor=400)
    rows.account(reward.customer, "payable", 600)
    _hear(handlers.on_reward_reversed, workspace, "reward.reversed", reward=reward.public_id)
    assert mails(workspace) == [
        ("reward_taken_back", "ana@example.com", "€4.00 of your reward was taken back")
    ]
    _both(
        the_mail(workspace),
        "€6.00 of the reward is still yours.",
        "Your balance is now €6.00.",
        "was refunded or cancelled",
    )
    # A second refund is a second mail.
    Reward.objects.for_workspace(workspace).update(reversed_minor=1_000, status="reversed")
    _hear(handlers.on_reward_reversed, workspace, "reward.reversed", reward=reward.public_id)
    last = Message.objects.for_workspace(workspace).latest("pk")
    assert "Nothing is left of this reward." in last.text
    assert Message.objects.for_workspace(workspace).count() == 2


def test_who_was_paid_already_reads_that_nothing_is_to_be_paid_back(workspace: Workspace, given: Any) -> None:
    reward = given(status="paid", reversed_minor=1_000)
    rows.account(reward.customer, "payable", -1_000)
    _hear(handlers.on_reward_reversed, workspace, "reward.reversed", reward=reward.public_id)
    _both(
        the_mail(workspace),
        "Your balance is now -€10.00.",
        "Later rewards are set off against it; you need not",
    )


@pytest.mark.parametrize("side", ["referrer", "referee"])
def test_a_denial_is_kind_and_says_nothing_of_the_doubt(workspace: Workspace, given: Any, side: str) -> None:
    reward = given(status="denied", reason="self_referral", side=side)
    _hear(handlers.on_reward_reversed, workspace, "reward.reversed", reward=reward.public_id)
    address = "ana@example.com" if side == "referrer" else "ben@example.com"
    assert mails(workspace) == [("reward_denied", address, "About your reward from Acme")]
    message = the_mail(workspace)
    _both(message, "could not grant it", "This says nothing about your other rewards")
    where = "tell us in your portal" if side == "referrer" else "please write to Acme"
    assert where in message.text
    assert (PORTAL in message.text) == (side == "referrer")
    for word in ("fraud", "self", "referral", "suspicious", "score", "hold"):
        assert word not in message.text.lower()


def test_what_is_given_back_is_told(workspace: Workspace, given: Any) -> None:
    reward = given(status="issued", kind="points", unit="PTS", amount_minor=50)
    rows.account(reward.customer, "points", 80, "PTS")
    _hear(handlers.on_reward_restored, workspace, "reward.restored", reward=reward.public_id)
    assert mails(workspace) == [("reward_restored", "ana@example.com", "Your reward is back: 50 points")]
    _both(the_mail(workspace), "Your balance is now 80 points.")


def test_before_it_expires_people_are_told_until_when(workspace: Workspace, given: Any) -> None:
    # The last hours of March in Berlin are still its last day there.
    Workspace.objects.for_workspace(workspace).update(time_zone="Europe/Berlin")
    ends = AT.replace(day=31, hour=21, minute=59)
    reward = given(status="issued", kind="credit", redeemed_minor=250, expires_at=ends)
    _hear(handlers.on_reward_expiring, workspace, "reward.expiring", reward=reward.public_id)
    assert mails(workspace) == [("reward_expiring", "ana@example.com", "€7.50 expires on 31 March 2026")]
    _both(the_mail(workspace), "can be used until 31 March 2026")


@pytest.mark.parametrize("fields", [{"redeemed_minor": 1_000}, {"status": "redeemed"}, {"expires_at": None}])
def test_what_is_gone_meanwhile_needs_no_warning(
    workspace: Workspace, given: Any, fields: dict[str, Any]
) -> None:
    values = {"status": "issued", "kind": "credit", "expires_at": AT + timedelta(days=3), **fields}
    reward = given(**values)
    handlers.on_reward_expiring(event(workspace, "reward.expiring", reward=reward.public_id))
    assert mails(workspace) == []


def test_a_friend_is_warned_of_an_unused_code(workspace: Workspace, given: Any) -> None:
    reward = given(
        side="referee",
        kind="discount",
        rule_key="referee-welcome",
        status="issued",
        amount_minor=0,
        fulfilment={"code": "ABCD-EFGH"},
        expires_at=AT + timedelta(days=3),
    )
    _hear(handlers.on_reward_expiring, workspace, "reward.expiring", reward=reward.public_id)
    assert mails(workspace) == [("reward_expiring", "ben@example.com", "Your reward expires on 5 March 2026")]
    _both(the_mail(workspace), "Hello Ben", "ABCD-EFGH")


def test_what_lapsed_is_told_with_what_is_left(workspace: Workspace, given: Any) -> None:
    reward = given(status="expired", kind="points", unit="PTS", amount_minor=100, expired_minor=30)
    rows.account(reward.customer, "points", 12, "PTS")
    _hear(handlers.on_reward_expired, workspace, "reward.expired", reward=reward.public_id)
    assert mails(workspace) == [("reward_expired", "ana@example.com", "Your reward has expired")]
    _both(the_mail(workspace), "Expired: 30 points.", "Your balance is now 12 points.")


def test_a_milestone_has_one_mail_and_it_is_not_the_usual_one(workspace: Workspace, given: Any) -> None:
    reward = given(milestone_key="10")
    _hear(handlers.on_reward_created, workspace, "reward.created", reward=reward.public_id)
    _hear(handlers.on_milestone_reached, workspace, "milestone.reached", reward=reward.public_id)
    assert mails(workspace) == [
        ("milestone_reached", "ana@example.com", "You reached a milestone: €10.00 in cash")
    ]
    _both(the_mail(workspace), "It becomes available on 1 April 2026")


def test_a_payout_that_failed_leads_to_the_portal(workspace: Workspace, ana: Participant) -> None:
    payout = rows.payout(ana.customer, status="failed")
    Payout.objects.for_workspace(workspace).update(failure="AC04 account of Ana Ansel closed")
    _hear(handlers.on_payout_failed, workspace, "payout.failed", payout=payout.public_id)
    assert mails(workspace) == [("payout_failed", "ana@example.com", "Your payout of €25.00 did not arrive")]
    _both(
        the_mail(workspace),
        "your payout details did not work",
        "The money is still yours",
        f"{PORTAL}{ana.program.public_id}/",
    )
    assert "AC04" not in the_mail(workspace).text


def test_a_payout_that_went_out_after_all_mails_nothing(workspace: Workspace, ana: Participant) -> None:
    payout = rows.payout(ana.customer)
    handlers.on_payout_failed(event(workspace, "payout.failed", payout=payout.public_id))
    assert mails(workspace) == []


def test_what_is_spent_and_given_back_is_told(workspace: Workspace, ana: Participant) -> None:
    rows.account(ana.customer, "points", 60, "PTS")
    mug = CatalogueItem.objects.create(
        workspace=workspace, name="Mug", kind="product", points=40, created_at=AT
    )
    redemption = Redemption.objects.create(
        workspace=workspace,
        key="r-1",
        customer=ana.customer,
        item=mug,
        unit="PTS",
        amount_minor=40,
        created_at=AT,
    )
    _hear(handlers.on_redemption_changed, workspace, "redemption.created", redemption=redemption.public_id)
    Redemption.objects.for_workspace(workspace).update(status="cancelled")
    _hear(handlers.on_redemption_changed, workspace, "redemption.cancelled", redemption=redemption.public_id)
    assert mails(workspace) == [
        ("redemption_made", "ana@example.com", "You spent 40 points"),
        ("redemption_cancelled", "ana@example.com", "40 points given back to you"),
    ]
    first, second = Message.objects.for_workspace(workspace).order_by("pk")
    _both(first, "you spent 40 points on “Mug”", "What is left: 60 points.")
    _both(second, "40 points for “Mug” were given back to you.")


@pytest.mark.parametrize(
    ("amount", "sentence"),
    [(500, "€5.00 was added to your store credit."), (-500, "€5.00 was taken from your store credit.")],
)
def test_an_adjustment_is_told_with_its_reason(
    workspace: Workspace, ana: Participant, amount: int, sentence: str
) -> None:
    rows.account(ana.customer, "credit", 1_500)
    adjustment = Adjustment.objects.create(
        workspace=workspace,
        customer=ana.customer,
        place="credit",
        unit="EUR",
        amount_minor=amount,
        reason="Counted twice",
        status="applied",
        created_by_label="olga",
        created_at=AT,
    )
    _hear(handlers.on_adjustment_applied, workspace, "adjustment.applied", adjustment=adjustment.public_id)
    assert mails(workspace) == [("adjustment_applied", "ana@example.com", "Acme changed your balance")]
    _both(the_mail(workspace), sentence, "The reason given: Counted twice", "Your balance is now €15.00.")
    Message.objects.for_workspace(workspace).delete()
    Adjustment.objects.for_workspace(workspace).update(status="waiting")
    handlers.on_adjustment_applied(event(workspace, "adjustment.applied", adjustment=adjustment.public_id))
    assert mails(workspace) == []


def test_owners_and_finance_hear_of_a_budget_once_for_each_step(
    workspace: Workspace, program: Program
) -> None:
    for role in ("finance", "analyst"):
        user = UserFactory.create(email=f"{role}@acme.example")
        Member.objects.create(workspace=workspace, user=user, role=role, joined_at=AT)
    gone = UserFactory.create(email="gone@acme.example")
    Member.objects.create(workspace=workspace, user=gone, role="owner", joined_at=AT, left_at=AT)
    for percent in (80, 100):
        _hear(
            handlers.on_budget_reached,
            workspace,
            "budget.reached",
            program=program.public_id,
            cap="spring",
            percent=percent,
            period="2026-03",
        )
    assert mails(workspace) == [
        ("budget_reached", "olga@acme.example", "80 % of the budget of Tea friends is used"),
        ("budget_reached", "finance@acme.example", "80 % of the budget of Tea friends is used"),
        ("budget_reached", "olga@acme.example", "100 % of the budget of Tea friends is used"),
        ("budget_reached", "finance@acme.example", "100 % of the budget of Tea friends is used"),
    ]
    last = Message.objects.for_workspace(workspace).latest("pk")
    _both(last, "“spring” for 2026-03", "No more rewards are promised", "/w/acme/liability/")


def test_every_kind_of_mail_has_its_three_files(settings: Any) -> None:
    folder = settings.BASE_DIR / "templates" / "engagement" / "emails"
    found = {path.name for path in folder.iterdir() if not path.name.startswith("_")}
    assert found == {f"{kind}.{ending}" for kind in KINDS for ending in ("subject", "txt", "html")}
