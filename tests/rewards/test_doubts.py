"""Rewards follow what people make of doubts, back and forth, and the books stay right."""

from __future__ import annotations

from datetime import timedelta

import pytest

from accounts.models import Workspace
from core.tenancy import tenant
from programs.models import Participant, Program
from rewards import queries, services
from rewards.models import Reward
from tests import factories
from tests.conftest import make_workspace
from tests.factories import AT, UserFactory
from tests.rewards import builders
from tests.rewards.builders import conversion, doubt, participant, person, program, rule
from tests.rewards.test_caps import cap
from tests.rewards.test_races import at_once
from tests.rewards.test_settlement import balances
from tracking import services as tracking
from tracking.classification import ClickFacts
from tracking.models import Click, Conversion, ConversionCheck, FraudCase

BROWSER = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Safari/537.36"


def settle(fact: Conversion) -> list[Reward]:
    fact = Conversion.objects.for_workspace(fact.workspace_id).select_related("workspace").get(pk=fact.pk)
    return services.settle_conversion(conversion=fact, at=AT)


def judge(case: FraudCase, status: str) -> list[tuple[str, str]]:
    """Resolve the case, settle twice as a repeated event does, and return the rewards' status and reason."""
    tracking.resolve_case(case=case, status=status, actor=person(), at=AT)
    settle(case.conversion)
    return [(reward.status, reward.reason) for reward in settle(case.conversion)]


HELD = {"expense EUR": -1000, "pending EUR": 1000}


def test_a_doubt_goes_back_and_forth_and_the_books_follow(workspace: Workspace) -> None:
    ana = participant(program(workspace))
    fact = conversion(ana)
    case = doubt(fact, ana, name="too_fast", outcome="hold")
    assert [reward.status for reward in settle(fact)] == ["held"]
    assert balances(workspace) == HELD
    for _ in range(2):
        assert judge(case, "rejected") == [("denied", "too_fast")]
        assert balances(workspace) == {}
        assert judge(case, "open") == [("held", "too_fast")]
        assert balances(workspace) == HELD
        assert judge(case, "approved") == [("pending", "")]
        assert balances(workspace) == HELD
        assert judge(case, "open") == [("held", "too_fast")]
    assert balances(workspace) == HELD


def test_a_proof_may_be_overturned(workspace: Workspace) -> None:
    ana = participant(program(workspace))
    fact = conversion(ana)
    case = doubt(fact, ana, name="same_mailbox", outcome="deny")
    assert [(reward.status, reward.amount_minor) for reward in settle(fact)] == [("denied", 1000)]
    assert balances(workspace) == {}
    assert judge(case, "approved") == [("pending", "")]
    assert balances(workspace) == HELD


def test_a_refund_between_denial_and_reopening_counts(workspace: Workspace) -> None:
    ana = participant(program(workspace))
    fact = conversion(ana)
    case = doubt(fact, ana, name="too_fast", outcome="hold")
    settle(fact)
    builders.refund(fact, 2_500)
    settle(fact)
    assert balances(workspace) == {"expense EUR": -750, "pending EUR": 750}
    judge(case, "rejected")
    assert balances(workspace) == {}
    builders.refund(fact, 2_500)
    settle(fact)
    assert balances(workspace) == {}
    assert judge(case, "approved") == [("pending", "")]
    assert balances(workspace) == {"expense EUR": -500, "pending EUR": 500}


def test_what_was_approved_is_taken_back(workspace: Workspace) -> None:
    ana = participant(program(workspace, hold_days=0))
    fact = conversion(ana)
    case = doubt(fact, ana, name="too_fast", outcome="hold")
    (reward,) = settle(fact)
    services.approve_reward(reward=reward, reason="Known to us", actor=person(), at=AT)
    case.refresh_from_db()
    assert case.status == "approved"
    assert balances(workspace) == {"expense EUR": -1000, "payable EUR": 1000}
    assert judge(case, "rejected") == [("reversed", "")]
    assert balances(workspace) == {}


def test_what_was_paid_becomes_a_debt(workspace: Workspace) -> None:
    ana = participant(program(workspace, hold_days=0))
    fact = conversion(ana)
    case = doubt(fact, ana, name="too_fast", outcome="hold")
    (reward,) = settle(fact)
    services.approve_reward(reward=reward, reason="Known to us", actor=person(), at=AT)
    builders.paid_batch(workspace)
    assert judge(case, "rejected") == [("paid", "")]
    assert balances(workspace) == {"paid_out EUR": 1000, "payable EUR": -1000}


def test_what_a_person_denied_stays_denied(workspace: Workspace) -> None:
    ana = participant(program(workspace))
    fact = conversion(ana)
    case = doubt(fact, ana, name="too_fast", outcome="hold")
    (reward,) = settle(fact)
    services.deny_reward(reward=reward, reason="No", actor=person(), at=AT)
    case.refresh_from_db()
    assert case.status == "rejected"
    assert judge(case, "approved") == [("denied", "denied_by_person")]
    assert balances(workspace) == {}


def visit(by: Participant, *, days_ago: float, visitor: str) -> Click:
    link = by.links.first() or factories.LinkFactory.create(workspace=by.workspace, participant=by)
    return tracking.record_click(
        link=link,
        visitor_id=visitor,
        facts=ClickFacts(user_agent=BROWSER),
        at=AT - timedelta(days=days_ago),
    )


def buy(workspace: Workspace, customer: object, key: str, *, hours_ago: int, click: Click) -> Conversion:
    fact = tracking.ConversionFact(
        kind="purchase",
        customer=customer,  # type: ignore[arg-type]
        source="api",
        source_key=key,
        amount_minor=10_000,
        currency="EUR",
        occurred_at=AT - timedelta(hours=hours_ago),
        at=AT,
        click=click,
    )
    return tracking.record_conversion(workspace=workspace, fact=fact).conversion


def standing(fact: Conversion) -> list[tuple[str, str, str, int]]:
    return [
        (str(reward.participant), reward.status, reward.reason, reward.net_minor) for reward in settle(fact)
    ]


def pair(shop: Program) -> tuple[Participant, Participant]:
    first, second = participant(shop), participant(shop)
    for each, name in ((first, "Ana"), (second, "Ben")):
        each.display_name = name
        each.save()
    return first, second


@pytest.mark.parametrize("approved", [False, True])
def test_a_decision_made_anew_moves_the_reward(workspace: Workspace, approved: bool) -> None:
    ana, ben = pair(program(workspace, hold_days=0))
    friend = factories.CustomerFactory.create(workspace=workspace)
    later = buy(workspace, friend, "later", hours_ago=0, click=visit(ben, days_ago=0.2, visitor="vis_b"))
    (reward,) = settle(later)
    if approved:
        services.approve_reward(reward=reward, actor=person(), at=AT)
    buy(workspace, friend, "earlier", hours_ago=1, click=visit(ana, days_ago=0.1, visitor="vis_a"))
    gone = ("Ben", "reversed", "", 0) if approved else ("Ben", "denied", "decided_anew", 1000)
    assert standing(later) == [gone, ("Ana", "pending", "", 1000)]
    assert balances(workspace) == HELD
    assert standing(later) == [gone, ("Ana", "pending", "", 1000)]
    assert balances(workspace) == HELD


def test_a_share_decided_anew_resizes_what_is_on_hold(workspace: Workspace) -> None:
    document = factories.terms()
    document["attribution"] = {**document["attribution"], "model": "linear"}
    document["rewards"] = [rule()]
    shop = factories.ProgramFactory.create(workspace=workspace, draft=document)
    ana, ben = pair(shop)
    friend = factories.CustomerFactory.create(workspace=workspace)
    first = visit(ana, days_ago=0.5, visitor="vis_friend")
    bought = buy(workspace, friend, "inv-1", hours_ago=0, click=first)
    assert standing(bought) == [("Ana", "pending", "", 1000)]
    late = visit(ben, days_ago=0.4, visitor="vis_friend")
    assert tracking.bind_late_click(click=late, at=AT) == 1
    assert standing(bought) == [("Ana", "pending", "", 500), ("Ben", "pending", "", 500)]
    assert balances(workspace) == HELD
    assert standing(bought) == [("Ana", "pending", "", 500), ("Ben", "pending", "", 500)]
    assert balances(workspace) == HELD


def amounts(fact: Conversion, *people: Participant) -> list[list[tuple[int, int]]]:
    """Settle twice, and return of each participant what is promised and what is left of it, by step."""
    settle(fact)
    rewards = settle(fact)
    open_ = [reward for reward in rewards if reward.status == "pending"]
    assert queries.differences(fact.workspace) == []
    return [
        [(each.amount_minor, each.net_minor) for each in open_ if each.participant_id == who.pk]
        for who in people
    ]


def test_a_fixed_amount_follows_the_shares_too(workspace: Workspace) -> None:
    ana, ben = pair(program(workspace, rule(amount={"type": "fixed", "minor": 1000})))
    fact = conversion(ana, ben)
    assert amounts(fact, ana, ben) == [[(500, 500)], [(500, 500)]]
    builders.credit_anew(fact, ana)
    assert amounts(fact, ana, ben) == [[(1000, 1000)], []]
    builders.credit_anew(fact, ana, ben, weights=(300_000, 700_000))
    assert amounts(fact, ana, ben) == [[(300, 300)], [(700, 700)]]
    assert balances(workspace) == HELD


def test_a_larger_share_stays_within_the_cap(workspace: Workspace) -> None:
    ana, ben = pair(program(workspace, caps=[cap(scope="participant", limit_minor=600)]))
    fact = conversion(ana, ben)
    assert amounts(fact, ana, ben) == [[(500, 500)], [(500, 500)]]
    builders.credit_anew(fact, ana)
    assert amounts(fact, ana) == [[(600, 600)]]
    builders.credit_anew(fact, ana, ben, weights=(450_000, 550_000))
    assert amounts(fact, ana) == [[(450, 450)]]
    assert amounts(conversion(ana), ana) == [[(150, 150)]]


def test_a_smaller_share_after_a_refund_keeps_its_part_of_the_refund(workspace: Workspace) -> None:
    ana, ben = pair(program(workspace))
    fact = conversion(ana)
    settle(fact)
    builders.refund(fact, 5000)
    assert amounts(fact, ana) == [[(1000, 500)]]
    builders.credit_anew(fact, ana, ben, weights=(300_000, 700_000))
    assert amounts(fact, ana, ben) == [[(300, 150)], [(700, 350)]]


def test_a_denial_and_a_smaller_share_at_once(workspace: Workspace) -> None:
    ana, ben = pair(program(workspace))
    fact = conversion(ana)
    settle(fact)
    builders.credit_anew(fact, ana, ben)
    doubt(fact, ana, name="too_fast", outcome="deny")
    assert amounts(fact, ana, ben) == [[], [(500, 500)]]
    assert balances(workspace) == {"expense EUR": -500, "pending EUR": 500}


def test_a_share_decided_anew_is_paid_by_the_tier_once(workspace: Workspace) -> None:
    twice = [{"at_least": 2, "amount": {"type": "percentage", "bps": 2000}}]
    ana, ben = pair(program(workspace, rule(tiers=twice, tier_mode="retroactive")))
    fact = conversion(ana)
    settle(fact)
    settle(conversion(ana))
    assert amounts(fact, ana) == [[(1000, 1000), (1000, 1000)]]
    builders.credit_anew(fact, ana, ben)
    assert amounts(fact, ana, ben) == [[(500, 500), (500, 500)], [(500, 500)]]


@pytest.mark.parametrize("approved", [False, True])
def test_a_gift_goes_to_the_largest_share_once(workspace: Workspace, approved: bool) -> None:
    mug = {"sku": "MUG-1", "name": "Mug"}
    gift = rule(kind="product", amount={"type": "fixed", "minor": 500}, product=mug)
    ana, ben = pair(program(workspace, gift))
    fact = conversion(ana, ben)
    settle(fact)
    taken = "reversed" if approved else "denied"
    for weights, of_ana, of_ben in (
        ((500_000, 500_000), "given", "denied"),
        ((400_000, 600_000), taken, "given"),
        ((600_000, 400_000), "given", taken),
    ):
        builders.credit_anew(fact, ana, ben, weights=weights)
        for reward in settle(fact):
            if approved and reward.status == "pending":
                services.approve_reward(reward=reward, actor=person(), at=AT)
        found = settle(fact)
        words = [each.status if each.status in ("denied", "reversed") else "given" for each in found]
        assert words == [of_ana, of_ben]
        (given,) = [each for each, word in zip(found, words, strict=True) if word == "given"]
        assert (given.net_minor, given.fulfilment["sku"]) == (500, "MUG-1")
        assert queries.differences(workspace) == []
        assert balances(workspace)["expense EUR"] == -500


@pytest.mark.django_db(transaction=True)
def test_judging_a_case_while_its_reward_is_approved(transactional_db: None) -> None:
    shared = make_workspace(UserFactory.create(email="olga@acme.example"))
    with tenant(shared):
        ana = participant(program(shared, hold_days=0))
        fact = conversion(ana)
        case = doubt(fact, ana, name="too_fast", outcome="hold")
        (reward,) = settle(fact)
        actor = person()

    def approve() -> None:
        services.approve_reward(reward=reward, reason="Known", actor=actor, at=AT)

    def reject() -> None:
        tracking.resolve_case(case=case, status="rejected", actor=actor, at=AT)

    at_once(shared, approve, reject, lambda: settle(fact))
    with tenant(shared):
        settle(fact)
        case.refresh_from_db()
        reward.refresh_from_db()
        if case.status == "rejected":
            assert reward.status in ("denied", "reversed")
            assert balances(shared) == {}
        else:
            assert (case.status, reward.status) == ("approved", "approved")
            assert balances(shared) == {"expense EUR": -1000, "payable EUR": 1000}


def test_a_reward_waits_for_its_checks(workspace: Workspace) -> None:
    document = factories.terms(hold_days=0)
    document["rewards"] = [rule()]
    document["fraud"] = {
        **document["fraud"],
        "verify_email": True,
        "validation_url": "https://acme.example/ok",
    }
    shop = factories.ProgramFactory.create(workspace=workspace, draft=document)
    ana, _ = pair(shop)
    friend = factories.CustomerFactory.create(workspace=workspace)
    bought = buy(workspace, friend, "inv-1", hours_ago=0, click=visit(ana, days_ago=1, visitor="vis_f"))
    assert standing(bought) == [("Ana", "held", "email_unconfirmed", 1000)]
    assert balances(workspace) == HELD
    assert tracking.verify_email(customer=friend, at=AT)
    assert standing(bought) == [("Ana", "held", "not_validated", 1000)]
    check = ConversionCheck.objects.for_workspace(workspace).get(kind="callback")
    tracking.answer_check(check=check, passed=False, detail="Employee", at=AT)
    assert standing(bought) == [("Ana", "denied", "not_validated", 1000)]
    assert balances(workspace) == {}
    tracking.ask_again(check=check, actor=person(), at=AT)
    assert standing(bought) == [("Ana", "held", "not_validated", 1000)]
    reward = Reward.objects.for_workspace(workspace).get()
    services.approve_reward(reward=reward, reason="Asked them", actor=person(), at=AT)
    check.refresh_from_db()
    assert check.status == "passed"
    assert standing(bought) == [("Ana", "approved", "", 1000)]
    assert balances(workspace) == {"expense EUR": -1000, "payable EUR": 1000}


def test_a_rejected_conversion_leaves_nothing_to_look_at(workspace: Workspace) -> None:
    ana = participant(program(workspace))
    fact = conversion(ana)
    case = doubt(fact, ana, name="too_fast", outcome="hold")
    settle(fact)
    tracking.reject_conversion(conversion=fact, reason="order_cancelled", actor=person(), at=AT)
    case.refresh_from_db()
    assert (case.status, case.decided_by) == ("rejected", "")
    assert case.note == "The conversion was rejected: order_cancelled"
    assert [reward.status for reward in settle(fact)] == ["denied"]
    assert balances(workspace) == {}
