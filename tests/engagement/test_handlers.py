"""Who is written to when something happens, with exactly which words, and that it happens once."""

from __future__ import annotations

from typing import Any

import pytest

from accounts.models import Workspace
from accounts.services import SYSTEM
from core import events
from core.models import Event
from engagement import handlers
from engagement.models import Message
from programs import services as program_services
from programs.models import Link, Participant, Program
from rewards.models import Reward
from tests.engagement import rows
from tests.factories import (
    AT,
    ConversionFactory,
    CustomerFactory,
    LinkFactory,
    ParticipantFactory,
    ProgramFactory,
    terms,
)
from tracking.models import Appeal

REWARDS = [
    {
        "key": "referrer-purchase",
        "side": "referrer",
        "event": "purchase",
        "kind": "cash",
        "amount": {"type": "percentage", "bps": 1000},
    },
    {
        "key": "referee-welcome",
        "side": "referee",
        "event": "purchase",
        "kind": "discount",
        "discount": {"type": "percentage", "bps": 1500},
        "first_only": True,
    },
    {
        "key": "referee-mug",
        "side": "referee",
        "event": "purchase",
        "kind": "product",
        "product": {"sku": "MUG-1", "name": "Mug"},
    },
]
FIVE_OFF = {
    "key": "referee-five",
    "side": "referee",
    "event": "purchase",
    "kind": "discount",
    "discount": {"type": "fixed", "minor": 500},
}


@pytest.fixture
def program(workspace: Workspace) -> Program:
    return ProgramFactory.create(
        workspace=workspace, name="Tea friends", draft=terms(rewards=[*REWARDS, FIVE_OFF])
    )


@pytest.fixture
def ana(workspace: Workspace, program: Program) -> Participant:
    customer = CustomerFactory.create(workspace=workspace, email="ana@example.com", name="Ana Ansel")
    participant = ParticipantFactory.create(
        workspace=workspace, program=program, customer=customer, display_name="Ana A."
    )
    LinkFactory.create(workspace=workspace, participant=participant, code="ana-tea")
    return participant


@pytest.fixture
def ben(workspace: Workspace) -> Any:
    return CustomerFactory.create(workspace=workspace, email="ben@example.com", name="Ben Bauer")


def event(workspace: Workspace, kind: str, **data: str) -> Event:
    made: Event = Event.objects.create(workspace_id=workspace.pk, kind=kind, data=data, occurred_at=AT)
    return made


def mails(workspace: Workspace) -> list[tuple[str, str, str]]:
    found = Message.objects.for_workspace(workspace).order_by("pk")
    return [(message.kind, message.to_email, message.subject) for message in found]


def the_mail(workspace: Workspace) -> Message:
    message: Message = Message.objects.for_workspace(workspace).get()
    return message


def test_a_new_participant_gets_the_link_and_the_offer_once(workspace: Workspace, ana: Participant) -> None:
    enrolled = event(workspace, "participant.enrolled", participant=ana.public_id)
    handlers.on_participant_enrolled(enrolled)
    handlers.on_participant_enrolled(enrolled)
    assert mails(workspace) == [
        ("invitation", "ana@example.com", "Your personal link to share Acme"),
    ]
    message = the_mail(workspace)
    assert message.about == ana.public_id
    assert message.created_at == AT
    for body in (message.text, message.html):
        assert "http://127.0.0.1:8000/r/ana-tea" in body
        assert "http://127.0.0.1:8000/join/ana-tea/" in body
        assert f"http://127.0.0.1:8000/portal/{ana.program.public_id}/" in body
        assert "You get 10 % of each purchase as cash." in body
        assert "Your friend gets a discount of 15 % for the first purchase." in body


@pytest.mark.parametrize("status", ["paused", "ended"])
def test_a_program_that_does_not_run_invites_nobody(
    workspace: Workspace, ana: Participant, status: str
) -> None:
    Program.objects.for_workspace(workspace).filter(pk=ana.program_id).update(status=status)
    handlers.on_participant_enrolled(event(workspace, "participant.enrolled", participant=ana.public_id))
    assert mails(workspace) == []


def test_someone_without_an_address_is_not_written_to(workspace: Workspace, program: Program) -> None:
    customer = CustomerFactory.create(workspace=workspace, email="", name="Nobody")
    participant = ParticipantFactory.create(workspace=workspace, program=program, customer=customer)
    LinkFactory.create(workspace=workspace, participant=participant)
    handlers.on_participant_enrolled(
        event(workspace, "participant.enrolled", participant=participant.public_id)
    )
    assert mails(workspace) == []


def test_a_sign_up_tells_the_referrer_and_welcomes_the_friend_once(
    workspace: Workspace, ana: Participant, ben: Any
) -> None:
    credit = rows.credit(rows.referral(ana, ben))
    lead = event(workspace, "lead.created", conversion=credit.conversion.public_id, customer=ben.public_id)
    handlers.on_lead_created(lead)
    handlers.on_lead_created(lead)
    assert mails(workspace) == [
        ("friend_signed_up", "ana@example.com", "Ben signed up through your link"),
        ("welcome_referee", "ben@example.com", "Welcome to Acme: what your invitation brings you"),
    ]
    to_referrer, to_friend = Message.objects.for_workspace(workspace).order_by("pk")
    for body in (to_referrer.text, to_referrer.html):
        assert "Bauer" not in body
        assert "ben@example.com" not in body
    for body in (to_friend.text, to_friend.html):
        assert "Ana A. invited you" in body
        assert "You get a discount of 15 % for the first purchase." in body
        assert "You get the product “Mug” (MUG-1) for each purchase." in body
        assert "Ansel" not in body
        assert "ana@example.com" not in body
        assert "/portal/" not in body


def test_a_program_that_promises_friends_nothing_writes_to_the_referrer_only(workspace: Workspace) -> None:
    program = ProgramFactory.create(workspace=workspace, draft=terms(rewards=REWARDS[:1]))
    referrer = ParticipantFactory.create(
        workspace=workspace,
        program=program,
        customer=CustomerFactory.create(workspace=workspace, email="rita@example.com"),
    )
    credit = rows.credit(rows.referral(referrer))
    handlers.on_lead_created(event(workspace, "lead.created", conversion=credit.conversion.public_id))
    assert [(kind, to) for kind, to, _ in mails(workspace)] == [("friend_signed_up", "rita@example.com")]


def test_a_friend_brought_by_two_referrers_is_welcomed_once(
    workspace: Workspace, ana: Participant, ben: Any
) -> None:
    carl = ParticipantFactory.create(
        workspace=workspace,
        program=ana.program,
        customer=CustomerFactory.create(workspace=workspace, email="carl@example.com"),
    )
    first = rows.credit(rows.referral(ana, ben))
    rows.credit(rows.referral(carl, ben), conversion=first.conversion)
    handlers.on_lead_created(event(workspace, "lead.created", conversion=first.conversion.public_id))
    assert [(kind, to) for kind, to, _ in mails(workspace)] == [
        ("friend_signed_up", "ana@example.com"),
        ("welcome_referee", "ben@example.com"),
        ("friend_signed_up", "carl@example.com"),
    ]


def test_a_name_that_reads_as_an_address_is_not_carried_into_a_mail(
    workspace: Workspace, ana: Participant
) -> None:
    spammer = CustomerFactory.create(workspace=workspace, email="", name="win.example/prize now")
    credit = rows.credit(rows.referral(ana, spammer))
    handlers.on_lead_created(event(workspace, "lead.created", conversion=credit.conversion.public_id))
    assert mails(workspace) == [
        ("friend_signed_up", "ana@example.com", "A friend signed up through your link")
    ]
    assert "win.example" not in the_mail(workspace).text + the_mail(workspace).html


def test_rejected_sign_ups_and_referrals_mail_nobody(
    workspace: Workspace, ana: Participant, ben: Any
) -> None:
    rejected = rows.credit(rows.referral(ana, ben), status="rejected")
    handlers.on_lead_created(event(workspace, "lead.created", conversion=rejected.conversion.public_id))
    other = rows.credit(rows.referral(ana, status="rejected"))
    handlers.on_lead_created(event(workspace, "lead.created", conversion=other.conversion.public_id))
    uncredited = ConversionFactory.create(workspace=workspace, customer=ben, kind="signup")
    handlers.on_lead_created(event(workspace, "lead.created", conversion=uncredited.public_id))
    assert mails(workspace) == []


def test_an_earned_reward_tells_its_owner_when_it_becomes_available(
    workspace: Workspace, ana: Participant, ben: Any
) -> None:
    reward = rows.reward(rows.referral(ana, ben))
    created = event(workspace, "reward.created", reward=reward.public_id)
    handlers.on_reward_created(created)
    handlers.on_reward_created(created)
    assert mails(workspace) == [("reward_earned", "ana@example.com", "You earned €10.00 in cash")]
    message = the_mail(workspace)
    assert "you earned €10.00 in cash in “Tea friends”: Ben bought something." in message.text
    assert "It becomes available on 1 April 2026, when the waiting time is over." in message.text
    assert "After that it is part of the next payout." in message.text
    assert "<strong>1 April 2026</strong>" in message.html
    assert "Bauer" not in message.text + message.html


def test_the_friends_own_reward_is_told_to_the_friend(
    workspace: Workspace, ana: Participant, ben: Any
) -> None:
    reward = rows.reward(
        rows.referral(ana, ben),
        side="referee",
        rule_key="referee-welcome",
        kind="discount",
        amount_minor=0,
    )
    handlers.on_reward_created(event(workspace, "reward.created", reward=reward.public_id))
    assert mails(workspace) == [("reward_earned", "ben@example.com", "You earned a discount of 15 %")]
    assert "You bought something." in the_mail(workspace).text
    assert "/portal/" not in the_mail(workspace).text


@pytest.mark.parametrize(
    "fields",
    [
        {"status": "denied", "reason": "self_referral"},
        {"status": "held"},
        {"status": "reversed", "reversed_minor": 1_000},
        {"amount_minor": 0},
        {"reversed_minor": 1_000},
        {"status": "issued"},
    ],
    ids=["denied", "held", "reversed", "zero", "nothing left", "handed out already"],
)
def test_rewards_that_are_not_worth_a_mail(
    workspace: Workspace, ana: Participant, fields: dict[str, Any]
) -> None:
    reward = rows.reward(rows.referral(ana), **fields)
    handlers.on_reward_created(event(workspace, "reward.created", reward=reward.public_id))
    assert mails(workspace) == []


@pytest.mark.parametrize(
    ("fields", "subject", "sentence"),
    [
        (
            {"kind": "discount", "rule_key": "referee-welcome", "fulfilment": {"code": "TEA-15-XYZ"}},
            "Your reward is ready: a discount of 15 %",
            "Your discount code: TEA-15-XYZ",
        ),
        (
            {"kind": "discount", "rule_key": "referee-five", "amount_minor": 500},
            "Your reward is ready: a discount of €5.00",
            "You can use it with your next order at Acme.",
        ),
        (
            {"kind": "credit"},
            "Your reward is ready: €10.00 in store credit",
            "It is on your account at Acme for your next order.",
        ),
        (
            {"kind": "points", "unit": "PTS", "amount_minor": 50},
            "Your reward is ready: 50 points",
            "The points are on your account.",
        ),
        (
            {"kind": "product", "rule_key": "referee-mug"},
            "Your reward is ready: “Mug”",
            "Acme sends it to you.",
        ),
        (
            {"kind": "cash", "status": "approved", "reversed_minor": 400},
            "Your reward is ready: €6.00 in cash",
            "It is part of the next payout.",
        ),
    ],
    ids=["discount", "discount without a code", "credit", "points", "product", "cash"],
)
def test_a_reward_that_is_handed_out_says_how_to_use_it(
    workspace: Workspace, ana: Participant, fields: dict[str, Any], subject: str, sentence: str
) -> None:
    reward = rows.reward(rows.referral(ana), **{"status": "issued", **fields})
    issued = event(workspace, "reward.issued", reward=reward.public_id)
    handlers.on_reward_issued(issued)
    handlers.on_reward_issued(issued)
    assert mails(workspace) == [("reward_issued", "ana@example.com", subject)]
    assert sentence in the_mail(workspace).text


def test_an_event_that_comes_too_late_mails_nothing(workspace: Workspace, ana: Participant) -> None:
    reward = rows.reward(rows.referral(ana), status="issued", kind="credit")
    issued = event(workspace, "reward.issued", reward=reward.public_id)
    Reward.objects.for_workspace(workspace).update(status="reversed", reversed_minor=1_000)
    handlers.on_reward_issued(issued)
    assert mails(workspace) == []


def test_a_payout_is_told_with_its_amount(workspace: Workspace, ana: Participant) -> None:
    payout = rows.payout(ana.customer)
    completed = event(workspace, "payout.completed", payout=payout.public_id)
    handlers.on_payout_completed(completed)
    handlers.on_payout_completed(completed)
    assert mails(workspace) == [("reward_paid", "ana@example.com", "Acme sent you €25.00")]
    assert the_mail(workspace).text == (
        "Hello Ana,\n\nwe sent you €25.00. Depending on your bank it arrives within a few days.\n\n"
        "Reference: REF-7\n\n-- \nAcme\n"
    )


def test_a_payout_that_failed_meanwhile_mails_nothing(workspace: Workspace, ana: Participant) -> None:
    payout = rows.payout(ana.customer, status="failed")
    handlers.on_payout_completed(event(workspace, "payout.completed", payout=payout.public_id))
    assert mails(workspace) == []


def appeal(ana: Participant, status: str = "declined") -> Appeal:
    made: Appeal = Appeal.objects.create(
        workspace=ana.workspace,
        participant=ana,
        message="Ben Bauer bought through my link.",
        status=status,
        answer="The order came <before> the visit.",
        opened_at=AT,
        answered_at=AT,
    )
    return made


@pytest.mark.parametrize(
    ("status", "verdict"),
    [("declined", "We looked at it, and it stays as it is."), ("granted", "We agree with you.")],
)
def test_an_answer_to_an_appeal_is_mailed_once_and_without_the_question(
    workspace: Workspace, ana: Participant, status: str, verdict: str
) -> None:
    answered = event(workspace, "appeal.answered", appeal=appeal(ana, status).public_id)
    handlers.on_appeal_answered(answered)
    handlers.on_appeal_answered(answered)
    assert mails(workspace) == [("appeal_answered", "ana@example.com", "Acme answered you")]
    message = the_mail(workspace)
    assert message.text == (
        "Hello Ana,\n\nyou asked us to look at something in “Tea friends” again. "
        f"{verdict}\n\nThe order came <before> the visit.\n\n-- \nAcme\n"
        f"Your friends and rewards: http://127.0.0.1:8000/portal/{ana.program.public_id}/\n"
        f"Terms: http://127.0.0.1:8000/terms/{ana.program.public_id}/\n"
    )
    assert "The order came &lt;before&gt; the visit." in message.html
    assert "Bauer" not in message.text + message.html


def test_an_open_appeal_mails_nothing(workspace: Workspace, ana: Participant) -> None:
    handlers.on_appeal_answered(event(workspace, "appeal.answered", appeal=appeal(ana, "open").public_id))
    assert mails(workspace) == []


def test_enrolling_through_the_service_ends_in_a_mail(workspace: Workspace, program: Program) -> None:
    customer = CustomerFactory.create(workspace=workspace, email="eva@example.com", name="Eva Ernst")
    participant, _ = program_services.enrol_participant(
        program=program, customer=customer, actor=SYSTEM, at=AT
    )
    events.deliver_due()
    events.deliver_due()
    link = Link.objects.for_workspace(workspace).get(participant=participant)
    assert mails(workspace) == [("invitation", "eva@example.com", "Your personal link to share Acme")]
    assert f"http://127.0.0.1:8000/r/{link.code}\n" in the_mail(workspace).text
