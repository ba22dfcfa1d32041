"""Facts that come late, twice or in another order; people with two accounts; programs beside each other."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import permutations
from typing import Any

import pytest

from accounts.models import Workspace
from accounts.services import SYSTEM
from core.models import Event
from programs.models import Customer, Participant, Program
from tests import factories
from tests.tracking.conftest import NOW, Clicker
from tracking import queries, services
from tracking.models import Attribution, Conversion, Credit, Referral


def told(
    workspace: Workspace, customer: Customer, key: str, *, at: datetime, kind: str = "purchase", **fact: Any
) -> Conversion:
    """Record something that happened at `at`, told now."""
    money: dict[str, Any] = {"amount_minor": 10_000, "currency": "EUR"} if kind == "purchase" else {}
    return services.record_conversion(
        workspace=workspace,
        fact=services.ConversionFact(
            kind=kind,
            customer=customer,
            source="api",
            source_key=key,
            occurred_at=at,
            at=fact.pop("heard_at", NOW),
            **money,
            **fact,
        ),
    ).conversion


def credited(conversion: Conversion) -> list[tuple[str, int]]:
    return [(str(each.participant), each.amount_minor) for each in queries.credits_of(conversion)]


def stories(workspace: Workspace) -> dict[str, Any]:
    """Return who is credited with what, and what the referrals came to."""
    credits = Credit.objects.for_workspace(workspace).select_related("conversion", "participant")
    referrals = Referral.objects.for_workspace(workspace).select_related("participant")
    return {
        "credits": sorted(
            (row.conversion.source_key, str(row.participant), row.weight_ppm, row.amount_minor)
            for row in credits
        ),
        "referrals": sorted(
            (str(row.participant), row.status, row.started_at, row.converted_at)
            for row in referrals.exclude(status="rejected")
        ),
    }


HOUR = timedelta(hours=1)


@pytest.mark.parametrize("order", list(permutations(("signup", "first", "second"))))
@pytest.mark.parametrize("model", ["last_click", "first_click", "linear"])
def test_the_order_of_arrival_does_not_change_the_decision(
    workspace: Workspace, click: Clicker, order: tuple[str, ...], model: str
) -> None:
    document = factories.terms()
    document["attribution"] = {**document["attribution"], "model": model}
    shop = factories.ProgramFactory.create(workspace=workspace, draft=document)
    ana, ben = (
        factories.ParticipantFactory.create(workspace=workspace, program=shop, display_name=name)
        for name in ("Ana", "Ben")
    )
    friend = factories.CustomerFactory.create(workspace=workspace)
    early = click(ana, days_ago=0.5, visitor="vis_one")
    late = click(ben, days_ago=0.25, visitor="vis_two")
    tell = {
        "first": lambda: told(workspace, friend, "first", at=NOW - 8 * HOUR, click=early),
        "signup": lambda: told(workspace, friend, "signup", at=NOW - 7 * HOUR, kind="signup", click=early),
        "second": lambda: told(workspace, friend, "second", at=NOW - HOUR, click=late),
    }
    for name in order:
        tell[name]()
    found = stories(workspace)
    bound = model != "linear"
    second = [("second", "Ana", 1_000_000, 10_000)]
    if not bound:
        second = [("second", "Ana", 500_000, 5_000), ("second", "Ben", 500_000, 5_000)]
    assert found["credits"] == [
        ("first", "Ana", 1_000_000, 10_000),
        *second,
        ("signup", "Ana", 1_000_000, 0),
    ]
    assert found["referrals"][0] == ("Ana", "converted", NOW - 8 * HOUR, NOW - 8 * HOUR)
    assert len(found["referrals"]) == (1 if bound else 2)


def test_a_purchase_before_the_sign_up_is_credited_once_the_click_is_known(
    workspace: Workspace, ana: Participant, friend: Customer, click: Clicker
) -> None:
    bought = told(workspace, friend, "inv-1", at=NOW - HOUR)
    assert credited(bought) == []
    told(workspace, friend, "signup", at=NOW, kind="signup", click=click(ana, days_ago=1))
    assert credited(bought) == [("Ana", 10_000)]
    first, second = Attribution.objects.for_workspace(workspace).order_by("pk")
    assert (second.conversion_id, second.revision) == (bought.pk, 1)
    assert first.conversion_id != bought.pk
    assert second.reason == "last_click"
    told_of = Event.objects.for_workspace(workspace).filter(kind="conversion.redecided").get()
    assert told_of.data["conversion"] == bought.public_id


def test_what_becomes_known_after_three_days_changes_nothing(
    workspace: Workspace, ana: Participant, friend: Customer, click: Clicker
) -> None:
    bought = told(workspace, friend, "inv-1", at=NOW - timedelta(hours=80), heard_at=NOW - 73 * HOUR)
    told(workspace, friend, "signup", at=NOW, kind="signup", click=click(ana, days_ago=5))
    assert credited(bought) == []


def test_a_changed_decision_keeps_the_one_before(
    workspace: Workspace, ana: Participant, ben: Participant, friend: Customer, click: Clicker
) -> None:
    later = told(workspace, friend, "later", at=NOW, click=click(ben, days_ago=0.1, visitor="vis_b"))
    assert credited(later) == [("Ben", 10_000)]
    told(workspace, friend, "earlier", at=NOW - HOUR, click=click(ana, days_ago=0.05, visitor="vis_a"))
    assert credited(later) == [("Ana", 10_000)]
    first, second = Attribution.objects.for_workspace(workspace).filter(conversion=later).order_by("revision")
    assert [first.revision, second.revision] == [1, 2]
    assert [each["participant"] for each in first.result["credits"]] == [ben.public_id]
    assert second.cause == "Something that happened before it became known after it."
    bens = Referral.objects.for_workspace(workspace).get(participant=ben)
    assert (bens.status, bens.reason) == ("rejected", "decided anew")


def test_a_pause_in_between_does_not_undo_what_was_decided(
    workspace: Workspace, program: Program, ana: Participant, friend: Customer, click: Clicker
) -> None:
    bought = told(workspace, friend, "later", at=NOW, click=click(ana, days_ago=0.1))
    program.status = Program.Status.PAUSED
    program.save()
    told(workspace, friend, "earlier", at=NOW - HOUR, kind="signup")
    assert credited(bought) == [("Ana", 10_000)]


def test_two_programs_decide_each_for_itself(
    workspace: Workspace, ana: Participant, friend: Customer, click: Clicker
) -> None:
    other = factories.ParticipantFactory.create(workspace=workspace, display_name="Cleo")
    click(ana, days_ago=2)
    bought = told(workspace, friend, "inv-1", at=NOW, click=click(other, days_ago=1))
    assert credited(bought) == [("Ana", 10_000), ("Cleo", 10_000)]
    assert len({row.program_id for row in queries.attributions_of(bought)}) == 2


def test_somebodys_friend_may_bring_friends(
    workspace: Workspace, program: Program, ana: Participant, friend: Customer, click: Clicker
) -> None:
    told(workspace, friend, "inv-1", at=NOW - HOUR, click=click(ana))
    fay = factories.ParticipantFactory.create(
        workspace=workspace, program=program, customer=friend, display_name="Fay"
    )
    third = factories.CustomerFactory.create(workspace=workspace)
    bought = told(workspace, third, "inv-2", at=NOW, click=click(fay, visitor="vis_third"))
    assert credited(bought) == [("Fay", 10_000)]
    own = told(workspace, friend, "inv-3", at=NOW, click=click(fay, visitor="vis_fay"))
    assert credited(own) == [("Ana", 10_000)]


def test_an_account_with_the_same_proved_address_counts_as_inferred(
    workspace: Workspace, ana: Participant, friend: Customer, click: Clicker
) -> None:
    told(workspace, friend, "signup", at=NOW - 2 * HOUR, kind="signup", click=click(ana))
    Customer.objects.for_workspace(workspace).filter(pk=friend.pk).update(email_verified_at=NOW)
    guest = factories.CustomerFactory.create(workspace=workspace, mailbox=friend.mailbox)
    bought = told(workspace, guest, "inv-1", at=NOW)
    (credit,) = queries.credits_of(bought)
    assert (credit.participant, credit.confidence) == (ana, "inferred")
    assert Referral.objects.for_workspace(workspace).get().customer == friend


def test_an_address_that_anybody_may_have_typed_matches_nobody(
    workspace: Workspace, ana: Participant, friend: Customer, click: Clicker
) -> None:
    told(workspace, friend, "signup", at=NOW - 2 * HOUR, kind="signup", click=click(ana))
    guest = factories.CustomerFactory.create(workspace=workspace, mailbox=friend.mailbox)
    assert credited(told(workspace, guest, "inv-1", at=NOW)) == []


def test_merged_customers_are_one_person(
    workspace: Workspace, ana: Participant, friend: Customer, click: Clicker
) -> None:
    told(workspace, friend, "signup", at=NOW - 2 * HOUR, kind="signup", click=click(ana))
    other = factories.CustomerFactory.create(workspace=workspace)
    bought = told(workspace, other, "inv-1", at=NOW - HOUR)
    assert credited(bought) == []
    services.merge_customers(kept=friend, duplicate=other, actor=SYSTEM, at=NOW)
    (credit,) = queries.credits_of(bought)
    assert (credit.participant, credit.confidence) == (ana, "deterministic")
    assert queries.attributions_of(bought).get().reason == "bound_referrer"
    # Once more changes nothing.
    services.merge_customers(kept=friend, duplicate=other, actor=SYSTEM, at=NOW)
    assert Attribution.objects.for_workspace(workspace).filter(conversion=bought).count() == 1


def test_a_participant_who_buys_by_another_account_of_theirs_is_their_own_friend(
    workspace: Workspace, ana: Participant, click: Clicker
) -> None:
    second = factories.CustomerFactory.create(workspace=workspace, same_person=ana.customer)
    bought = told(workspace, second, "inv-1", at=NOW, click=click(ana))
    assert credited(bought) == []
    decision = queries.attributions_of(bought).get()
    assert decision.result["rejected"][0]["reason"] == "self_referral"


def test_an_assignment_by_hand_moves_a_friend_from_then_on(
    workspace: Workspace, ana: Participant, ben: Participant, friend: Customer, click: Clicker
) -> None:
    before = told(workspace, friend, "inv-1", at=NOW - 2 * HOUR, click=click(ana))
    services.assign_referrer(
        customer=friend, participant=ben, since=NOW - HOUR, reason="Named by mail", actor=SYSTEM, at=NOW
    )
    after = told(workspace, friend, "inv-2", at=NOW, heard_at=NOW + HOUR)
    assert (credited(before), credited(after)) == ([("Ana", 10_000)], [("Ben", 10_000)])
    assert queries.attributions_of(after).get().reason == "manual_claim"


def test_an_assignment_by_hand_may_reach_back(
    workspace: Workspace, ben: Participant, friend: Customer
) -> None:
    before = told(workspace, friend, "inv-1", at=NOW - 2 * HOUR)
    services.assign_referrer(
        customer=friend, participant=ben, since=NOW - 3 * HOUR, reason="Asked us", actor=SYSTEM, at=NOW
    )
    assert credited(before) == [("Ben", 10_000)]


def test_a_click_that_is_told_late_still_earns_the_sign_up_after_it(
    workspace: Workspace, ana: Participant, ben: Participant, friend: Customer, click: Clicker
) -> None:
    first = click(ana, days_ago=2, visitor="vis_friend")
    joined = told(workspace, friend, "signup", at=NOW - HOUR, kind="signup", click=first)
    assert [name for name, _ in credited(joined)] == ["Ana"]
    late = click(ben, days_ago=0.5, visitor="vis_friend")
    assert services.bind_late_click(click=late, at=NOW) == 1
    assert [name for name, _ in credited(joined)] == ["Ben"]
    assert services.bind_late_click(click=late, at=NOW) == 0
    stranger = click(ana, visitor="vis_nobody")
    assert services.bind_late_click(click=stranger, at=NOW) == 0


def test_a_click_told_late_repeats_none_that_came_days_after_it(ana: Participant, click: Clicker) -> None:
    assert click(ana, days_ago=1).reason == ""
    assert click(ana, days_ago=5).reason == ""
    assert click(ana, days_ago=5.01).reason == "duplicate"
    assert click(ana, days_ago=4.97).reason == "duplicate"


def test_what_is_dated_after_its_receipt_happened_at_its_receipt(
    workspace: Workspace, ana: Participant, friend: Customer, click: Clicker
) -> None:
    bought = told(workspace, friend, "inv-1", at=NOW + timedelta(days=300), click=click(ana, days_ago=1))
    assert bought.occurred_at == NOW
    assert credited(bought) == [("Ana", 10_000)]
