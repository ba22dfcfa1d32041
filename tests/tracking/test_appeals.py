"""Appeals: opened once, answered once, and what a participant may read about their own part."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from threading import Barrier
from typing import Any

import pytest
from django.db import connection

from accounts.models import AuditEntry, Workspace
from accounts.services import Actor
from core.errors import Conflict, DomainError, Invalid, NotFound, RateLimited
from core.models import Event
from core.tenancy import tenant
from programs.models import Customer, Participant, ProgramVersion
from tests import factories
from tests.conftest import make_workspace
from tests.tracking.attribution_cases import PURCHASE_AT, rule, touch
from tests.tracking.conftest import NOW, Clicker
from tracking import appeal_queries, attribution, services
from tracking.models import Appeal, Attribution, Conversion, FraudCase, FraudJudgement, Touchpoint

ACTOR = Actor(kind="participant", label="prt_x")
STAFF = Actor(kind="user", label="olga@acme.example")
WORDS = "My friend bought through my link."


def buy(workspace: Workspace, friend: Customer, key: str = "inv-1", **facts: Any) -> Conversion:
    return services.record_conversion(
        workspace=workspace,
        fact=services.ConversionFact(
            kind="purchase",
            customer=friend,
            source="api",
            source_key=key,
            amount_minor=10_000,
            currency="EUR",
            occurred_at=NOW,
            at=NOW,
            **facts,
        ),
    ).conversion


@pytest.fixture
def conversion(
    workspace: Workspace, ana: Participant, ben: Participant, friend: Customer, click: Clicker
) -> Conversion:
    """A purchase for which Ben is credited and Ana is not."""
    click(ana, days_ago=3)
    return buy(workspace, friend, click=click(ben, days_ago=1))


def opened(
    participant: Participant, conversion: Conversion | None, message: str = WORDS, **more: Any
) -> services.OpenedAppeal:
    return services.open_appeal(
        participant=participant,
        conversion=conversion,
        message=message,
        **{"actor": ACTOR, "at": NOW, **more},
    )


def answered(appeal: Appeal, status: str = "granted", answer: str = "You are right.") -> Appeal:
    return services.answer_appeal(appeal=appeal, status=status, answer=answer, actor=STAFF, at=NOW)


def stored(workspace: Workspace) -> int:
    return Appeal.objects.for_workspace(workspace).count()


def events(workspace: Workspace, kind: str) -> list[dict[str, Any]]:
    return [event.data for event in Event.objects.for_workspace(workspace).filter(kind=kind).order_by("pk")]


def test_an_appeal_is_stored_told_and_kept_out_of_the_log(
    workspace: Workspace, ana: Participant, conversion: Conversion
) -> None:
    made = opened(ana, conversion, f"  {WORDS}\r\nReally.  ")
    appeal = Appeal.objects.for_workspace(workspace).get()
    assert made.created
    assert made.appeal == appeal
    assert (appeal.participant, appeal.conversion, appeal.status) == (ana, conversion, "open")
    assert appeal.message == f"{WORDS}\nReally."
    assert (appeal.opened_at, appeal.answered_at, appeal.answer) == (NOW, None, "")
    assert events(workspace, "appeal.opened") == [
        {"appeal": appeal.public_id, "participant": ana.public_id, "conversion": conversion.public_id}
    ]
    entry = AuditEntry.objects.for_workspace(workspace).get(action="appeal.opened")
    assert (entry.subject, entry.actor_kind, entry.before) == (appeal.public_id, "participant", None)
    assert WORDS not in f"{entry.after}{entry.reason}"


def test_a_repetition_returns_the_open_one(
    workspace: Workspace, ana: Participant, ben: Participant, conversion: Conversion
) -> None:
    first = opened(ana, conversion)
    again = opened(ana, conversion, "Something else altogether.")
    assert (again.appeal, again.created) == (first.appeal, False)
    assert again.appeal.message == WORDS
    assert opened(ben, conversion).created
    assert stored(workspace) == 2
    assert len(events(workspace, "appeal.opened")) == 2


def test_after_an_answer_one_may_ask_again(ana: Participant, conversion: Conversion) -> None:
    answered(opened(ana, conversion).appeal, "declined")
    assert opened(ana, conversion).created


@pytest.mark.parametrize(
    "message", ["", "too short", "          short          ", "x" * 2001, "ten chars\0xx"]
)
def test_a_message_has_10_to_2000_characters(
    workspace: Workspace, ana: Participant, conversion: Conversion, message: str
) -> None:
    with pytest.raises(Invalid) as refused:
        opened(ana, conversion, message)
    assert refused.value.param == "message"
    assert stored(workspace) == 0


@pytest.mark.parametrize("message", ["x" * 10, "x" * 2000])
def test_the_ends_are_inside(ana: Participant, conversion: Conversion, message: str) -> None:
    assert opened(ana, conversion, message).appeal.message == message


def test_who_had_no_part_cannot_ask_about_it(
    workspace: Workspace, conversion: Conversion, program: Any
) -> None:
    cem = factories.ParticipantFactory.create(workspace=workspace, program=program)
    elsewhere = factories.ParticipantFactory.create(workspace=workspace)
    for nobody in (cem, elsewhere):
        with pytest.raises(NotFound) as refused:
            opened(nobody, conversion)
        assert refused.value.param == "conversion"
    assert stored(workspace) == 0


def test_three_missing_friends_may_be_open(workspace: Workspace, ana: Participant) -> None:
    texts = [f"Friend number {number} is missing." for number in range(4)]
    appeals = [opened(ana, None, text).appeal for text in texts[:3]]
    assert not opened(ana, None, texts[1]).created
    with pytest.raises(Conflict) as refused:
        opened(ana, None, texts[3])
    assert refused.value.code == "too_many_open_appeals"
    assert stored(workspace) == 3
    answered(appeals[0])
    assert opened(ana, None, texts[3]).created
    assert events(workspace, "appeal.opened")[-1]["conversion"] == ""


def test_ten_within_a_day_are_enough(workspace: Workspace, ana: Participant) -> None:
    for number in range(10):
        answered(opened(ana, None, f"Friend number {number} is missing.").appeal)
    with pytest.raises(RateLimited) as refused:
        opened(ana, None)
    assert refused.value.details == {"retry_after": 86_400}
    assert opened(ana, None, at=NOW + timedelta(days=1)).created
    assert stored(workspace) == 11


def test_an_answer_is_stored_told_and_logged_without_its_words(
    workspace: Workspace, ana: Participant, conversion: Conversion
) -> None:
    appeal = answered(opened(ana, conversion).appeal, "declined", " Ben's link came later. ")
    appeal.refresh_from_db()
    assert (appeal.status, appeal.answer) == ("declined", "Ben's link came later.")
    assert (appeal.answered_by, appeal.answered_at) == ("olga@acme.example", NOW)
    assert events(workspace, "appeal.answered") == [
        {
            "appeal": appeal.public_id,
            "participant": ana.public_id,
            "conversion": conversion.public_id,
            "status": "declined",
        }
    ]
    entry = AuditEntry.objects.for_workspace(workspace).get(action="appeal.answered")
    assert (entry.before, entry.after, entry.reason) == ({"status": "open"}, {"status": "declined"}, "")


def test_an_answer_is_given_once(workspace: Workspace, ana: Participant, conversion: Conversion) -> None:
    appeal = opened(ana, conversion).appeal
    first = answered(appeal)
    assert answered(appeal) == first
    for status, words in (("declined", "You are right."), ("granted", "Something else.")):
        with pytest.raises(Conflict) as refused:
            answered(appeal, status, words)
        assert refused.value.code == "appeal_answered"
    assert len(events(workspace, "appeal.answered")) == 1
    appeal.refresh_from_db()
    assert (appeal.status, appeal.answer) == ("granted", "You are right.")


@pytest.mark.parametrize(
    ("status", "answer", "param"),
    [("open", "Fine.", "status"), ("granted", " ", "answer"), ("granted", "x" * 2001, "answer")],
)
def test_an_answer_needs_a_verdict_and_words(
    workspace: Workspace, ana: Participant, conversion: Conversion, status: str, answer: str, param: str
) -> None:
    appeal = opened(ana, conversion).appeal
    with pytest.raises(Invalid) as refused:
        answered(appeal, status, answer)
    assert refused.value.param == param
    appeal.refresh_from_db()
    assert appeal.status == "open"


def test_what_each_reads_is_their_own(ana: Participant, ben: Participant, conversion: Conversion) -> None:
    lost = appeal_queries.own_explanation(ana, conversion, at=NOW)
    won = appeal_queries.own_explanation(ben, conversion, at=NOW)
    assert lost is not None
    assert won is not None
    assert lost.part.sentence == "Somebody else's more recent link was used before the purchase."
    assert won.part.sentence == "You were credited with the whole order."
    assert (lost.standing, lost.check) == ("", "")
    said = appeal_queries.public_explanation(lost)
    assert (said["credited"], said["reason"], said["rewards"]) == (False, "not_last_click", [])
    assert [touch["at"] for touch in said["touches"]] == [NOW - timedelta(days=3)]
    for personal in (ben.public_id, "Ben", "ben@example.com", "fay@example.com"):
        assert personal not in str(said)
    assert appeal_queries.public_explanation(won)["rewards"] == [
        {"status": "", "sentence": "Counted for you. This step itself carries no reward."}
    ]


def test_a_doubt_is_told_softly(workspace: Workspace, ben: Participant) -> None:
    conversion = factories.ConversionFactory.create(workspace=workspace)
    about = {"workspace": workspace, "conversion": conversion, "participant": ben}
    version = ProgramVersion.objects.for_workspace(workspace).get(program=ben.program)
    touched = touch("ben", "ben", before=timedelta(days=1))
    inputs = attribution.encode_inputs(
        conversion_at=PURCHASE_AT,
        amount_minor=10_000,
        currency="EUR",
        touches=[replace(touched, participant=ben.public_id)],
        rule=rule(),
    )
    Attribution.objects.create(
        workspace=workspace,
        conversion=conversion,
        program=ben.program,
        version=version,
        model="last_click",
        reason="last_click",
        inputs=inputs,
        result=attribution.encode_decision(attribution.replay(inputs)),
        digest="",
        decided_at=NOW,
    )
    judgement = FraudJudgement.objects.create(
        **about,
        version=version,
        outcome="hold",
        shadow_outcome="hold",
        score=60,
        reason="same_device",
        inputs={},
        result={},
        digest="",
        at=NOW,
    )

    def check() -> str:
        found = appeal_queries.own_explanation(ben, conversion, at=NOW)
        assert found is not None
        return found.check

    assert check() == "We are checking this referral; this usually takes a few days."
    case = FraudCase.objects.create(
        **about,
        program=ben.program,
        judgement=judgement,
        status="rejected",
        outcome="hold",
        score=60,
        reason="same_device",
        opened_at=NOW,
    )
    assert check() == "This referral does not count under the program's terms."
    case.status = "approved"
    case.save()
    assert check() == "We checked this referral, and it counts."


def test_a_participant_of_another_program_reads_nothing(workspace: Workspace, conversion: Conversion) -> None:
    stranger = factories.ParticipantFactory.create(workspace=workspace)
    assert appeal_queries.own_explanation(stranger, conversion, at=NOW) is None
    assert Touchpoint.objects.for_workspace(workspace).exists()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("about", ["conversion", "missing friends"])
def test_two_opened_at_once_are_one(transactional_db: None, about: str) -> None:
    shared = make_workspace(factories.UserFactory.create(email="olga@acme.example"))
    with tenant(shared):
        participant = factories.ParticipantFactory.create(workspace=shared)
        code = factories.PromoCodeFactory.create(workspace=shared, participant=participant)
        friend = factories.CustomerFactory.create(workspace=shared)
        conversion = buy(shared, friend, promo_codes=[code]) if about == "conversion" else None
        for number in range(2 if conversion is None else 0):
            opened(participant, None, f"Friend number {number} is missing.")
    together = Barrier(4)

    def ask(number: int) -> str:
        try:
            with tenant(shared):
                together.wait(20)
                made = opened(participant, conversion, f"Asked by number {number}.")
                return "opened" if made.created else made.appeal.public_id
        except DomainError as error:
            return error.code
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as threads:
        outcomes = list(threads.map(ask, range(4)))
    with tenant(shared):
        rows = list(Appeal.objects.for_workspace(shared).order_by("pk"))
        assert len(events(shared, "appeal.opened")) == len(rows)
    assert outcomes.count("opened") == 1
    if conversion is None:
        assert outcomes.count("too_many_open_appeals") == 3
        assert len(rows) == 3
    else:
        assert outcomes.count(rows[0].public_id) == 3
        assert len(rows) == 1


@pytest.mark.django_db(transaction=True)
def test_two_answers_at_once_leave_one(transactional_db: None) -> None:
    shared = make_workspace(factories.UserFactory.create(email="olga@acme.example"))
    with tenant(shared):
        participant = factories.ParticipantFactory.create(workspace=shared)
        appeal = opened(participant, None).appeal
    together = Barrier(2)

    def answer(status: str) -> str:
        try:
            with tenant(shared):
                together.wait(20)
                return answered(appeal, status).status
        except Conflict as error:
            return error.code
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as threads:
        outcomes = list(threads.map(answer, ("granted", "declined")))
    with tenant(shared):
        appeal.refresh_from_db()
        assert len(events(shared, "appeal.answered")) == 1
    assert sorted(outcomes) == sorted(["appeal_answered", appeal.status])
