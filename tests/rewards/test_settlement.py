"""A conversion as it stands becomes rewards and transfers, however often and in whatever order."""

from __future__ import annotations

from datetime import timedelta
from itertools import permutations
from typing import Any

import pytest

from accounts.models import Workspace
from core.models import Event
from rewards import queries, services
from rewards.models import Account, Reward, RewardChange, Transfer
from tests.factories import AT, ConversionFactory, CustomerFactory
from tests.rewards import builders
from tests.rewards.builders import conversion, participant, program, rule, settled


def balances(workspace: Workspace) -> dict[str, int]:
    """Return every balance that is not zero, added up by purpose and unit; the books must be right."""
    assert queries.differences(workspace) == []
    found: dict[str, int] = {}
    for account in Account.objects.for_workspace(workspace).exclude(balance_minor=0):
        name = f"{account.kind} {account.unit}"
        found[name] = found.get(name, 0) + account.balance_minor
    return found


def events(workspace: Workspace) -> list[str]:
    return list(Event.objects.for_workspace(workspace).order_by("pk").values_list("kind", flat=True))


def test_a_purchase_earns_its_percentage_and_waits_for_the_hold(workspace: Workspace) -> None:
    ana = participant(program(workspace, hold_days=30))
    fact = conversion(ana, amount_minor=12_345)

    (reward,) = services.settle_conversion(conversion=fact, at=AT)

    assert (reward.amount_minor, reward.unit, reward.base_minor, reward.kind) == (1234, "EUR", 12_345, "cash")
    assert (reward.status, reward.reason) == ("pending", "")
    assert reward.sentence == "10 % of €123.45 is €12.34."
    assert reward.available_at == fact.received_at + timedelta(days=30)
    assert (reward.customer_id, reward.participant_id) == (ana.customer_id, ana.pk)
    assert balances(workspace) == {"expense EUR": -1234, "pending EUR": 1234}
    assert events(workspace) == ["reward.created"]
    (change,) = queries.changes_of(reward)
    assert (change.before, change.after, change.amount_minor, change.actor) == ("", "pending", 1234, "system")


def test_settling_again_changes_nothing(workspace: Workspace) -> None:
    fact = conversion(participant(program(workspace)))
    first = services.settle_conversion(conversion=fact, at=AT)
    second = services.settle_conversion(conversion=fact, at=AT + timedelta(days=3))

    assert [reward.pk for reward in first] == [reward.pk for reward in second]
    assert Transfer.objects.for_workspace(workspace).count() == 1
    assert RewardChange.objects.for_workspace(workspace).count() == 1
    assert events(workspace) == ["reward.created"]
    assert balances(workspace) == {"expense EUR": -1000, "pending EUR": 1000}


def test_a_percentage_over_several_credits_follows_each_share(workspace: Workspace) -> None:
    shop = program(workspace)
    people = [participant(shop) for _ in range(3)]
    fact = conversion(*people, weights=(400_000, 200_000, 400_000), amount_minor=9_999)

    rewards = services.settle_conversion(conversion=fact, at=AT)

    assert [reward.base_minor for reward in rewards] == [4000, 2000, 3999]
    assert [reward.amount_minor for reward in rewards] == [400, 200, 400]


def test_a_fixed_amount_over_several_credits_sums_to_the_cent(workspace: Workspace) -> None:
    shop = program(workspace, rule(amount={"type": "fixed", "minor": 1000}))
    people = [participant(shop) for _ in range(3)]
    fact = conversion(*people, weights=(333_334, 333_333, 333_333))

    rewards = services.settle_conversion(conversion=fact, at=AT)

    assert [reward.amount_minor for reward in rewards] == [334, 333, 333]
    assert balances(workspace) == {"expense EUR": -1000, "pending EUR": 1000}


def test_both_sides_earn_and_the_referee_once(workspace: Workspace) -> None:
    shop = program(
        workspace,
        rule(),
        rule(key="welcome", side="referee", kind="credit", amount={"type": "fixed", "minor": 500}),
    )
    people = [participant(shop), participant(shop)]
    fact = conversion(*people)

    rewards = services.settle_conversion(conversion=fact, at=AT)

    assert [(r.rule_key, r.side, r.amount_minor) for r in rewards] == [
        ("commission", "referrer", 500),
        ("commission", "referrer", 500),
        ("welcome", "referee", 500),
    ]
    welcome = rewards[2]
    assert (welcome.customer_id, welcome.participant_id) == (fact.customer_id, None)
    assert welcome.referral.participant_id == people[0].pk
    assert balances(workspace) == {"expense EUR": -1500, "pending EUR": 1500}


def test_points_count_in_their_own_unit(workspace: Workspace) -> None:
    shop = program(workspace, rule(kind="points", amount={"type": "fixed", "minor": 50}))
    settled(participant(shop))
    assert balances(workspace) == {"expense PTS": -50, "pending PTS": 50}


def test_gifts_without_a_value_move_no_money(workspace: Workspace) -> None:
    shop = program(
        workspace,
        rule(key="code", kind="discount", amount=None, discount={"type": "percentage", "bps": 1500}),
        rule(key="cut", kind="discount", amount=None, discount={"type": "fixed", "minor": 700}),
        rule(key="mug", kind="product", amount=None, product={"sku": "MUG-1", "name": "Mug"}),
    )
    rewards = services.settle_conversion(conversion=conversion(participant(shop)), at=AT)
    assert [(r.kind, r.amount_minor, r.status, r.fulfilment) for r in rewards] == [
        ("discount", 0, "pending", {"terms": {"type": "percentage", "bps": 1500}}),
        ("discount", 0, "pending", {"terms": {"type": "fixed", "amount_minor": 700, "currency": "EUR"}}),
        ("product", 0, "pending", {"sku": "MUG-1", "name": "Mug"}),
    ]
    assert balances(workspace) == {}
    assert not Account.objects.for_workspace(workspace).exists()


def test_a_gift_with_a_value_is_accrued_and_goes_to_the_largest_credit(workspace: Workspace) -> None:
    mug = rule(
        kind="product",
        amount={"type": "fixed", "minor": 800},
        product={"sku": "MUG-1", "name": "Mug"},
    )
    shop = program(workspace, mug)
    fact = conversion(participant(shop), participant(shop), weights=(300_000, 700_000))
    small, large = services.settle_conversion(conversion=fact, at=AT)
    assert (small.status, small.reason, small.amount_minor) == ("denied", "credited_elsewhere", 0)
    assert (large.status, large.amount_minor) == ("pending", 800)
    assert balances(workspace) == {"expense EUR": -800, "pending EUR": 800}


def test_a_rule_about_another_event_leaves_no_row(workspace: Workspace) -> None:
    shop = program(workspace, rule(event="signup", amount={"type": "fixed", "minor": 100}))
    assert services.settle_conversion(conversion=conversion(participant(shop)), at=AT) == []
    assert not Reward.objects.for_workspace(workspace).exists()


def test_a_sign_up_and_a_named_event_earn_their_own_rules(workspace: Workspace) -> None:
    shop = program(
        workspace,
        rule(key="joined", event="signup", amount={"type": "fixed", "minor": 100}),
        rule(key="won", event="custom", event_name="won"),
    )
    ana = participant(shop)
    joined = settled(ana, kind="signup", event_name="Sign up", amount_minor=0, currency="")
    won = settled(ana, kind="custom", event_name="won", amount_minor=5000)
    nothing = conversion(ana, kind="custom", event_name="lost", amount_minor=5000)
    assert (joined.rule_key, joined.amount_minor) == ("joined", 100)
    assert (won.rule_key, won.amount_minor) == ("won", 500)
    assert services.settle_conversion(conversion=nothing, at=AT) == []


def test_an_uncredited_conversion_earns_nobody_anything(workspace: Workspace) -> None:
    fact = ConversionFactory.create(workspace=workspace)
    assert services.settle_conversion(conversion=fact, at=AT) == []


def test_a_name_on_a_purchase_does_not_stand_in_the_way(workspace: Workspace) -> None:
    assert settled(participant(program(workspace)), event_name="Invoice paid").amount_minor == 1000


@pytest.mark.parametrize(
    ("rules", "terms", "facts", "reason"),
    [
        ({"first_only": True}, {}, {"sequence": 2}, "not_first"),
        ({"minimum_order_minor": 10_001}, {}, {}, "below_minimum_order"),
        ({}, {"eligibility": {"minimum_order_minor": 10_001}}, {}, "below_minimum_order"),
        ({}, {"eligibility": {"countries": ["DE"]}}, {}, "country_unknown"),
        ({}, {}, {"amount_minor": 0}, "zero_amount"),
        (
            {"duration_months": 12},
            {},
            {"referral": {"converted_at": AT - timedelta(days=365)}},
            "outside_duration",
        ),
    ],
)
def test_a_refused_promise_is_kept_with_its_reason(
    workspace: Workspace, rules: Any, terms: Any, facts: Any, reason: str
) -> None:
    reward = settled(participant(program(workspace, rule(**rules), **terms)), **facts)
    assert (reward.status, reward.reason, reward.amount_minor) == ("denied", reason, 0)
    assert reward.sentence
    assert balances(workspace) == {}
    assert events(workspace) == []


def test_the_last_day_of_the_duration_still_earns(workspace: Workspace) -> None:
    ana = participant(program(workspace, rule(duration_months=12)))
    start = AT - timedelta(days=365) + timedelta(seconds=1)
    assert settled(ana, referral={"converted_at": start}).amount_minor == 1000


def test_new_customers_only_looks_at_purchases_before_the_referral(workspace: Workspace) -> None:
    shop = program(workspace, eligibility={"new_customers_only": True, "countries": ["AT"]})
    old = CustomerFactory.create(workspace=workspace, country="AT")
    ConversionFactory.create(workspace=workspace, customer=old, occurred_at=AT - timedelta(days=1))
    tried = CustomerFactory.create(workspace=workspace, country="AT")
    ConversionFactory.create(
        workspace=workspace, customer=tried, occurred_at=AT - timedelta(days=1), status="rejected"
    )
    joined = CustomerFactory.create(workspace=workspace, country="AT")
    ConversionFactory.create(
        workspace=workspace,
        customer=joined,
        kind="signup",
        amount_minor=0,
        occurred_at=AT - timedelta(days=1),
    )
    ana = participant(shop)
    assert settled(ana, customer=old).reason == "not_new_customer"
    assert settled(ana, customer=tried).status == "pending"
    assert settled(ana, customer=joined).status == "pending"


def test_another_currency_holds_the_reward_at_zero(workspace: Workspace) -> None:
    reward = settled(participant(program(workspace)), currency="USD")
    assert (reward.status, reward.reason, reward.amount_minor) == ("held", "currency_differs", 0)
    assert reward.sentence == "The order is in USD, the program in EUR; a rate is needed."
    assert balances(workspace) == {}
    assert events(workspace) == ["reward.created"]


def test_another_currency_than_the_minimum_holds_what_does_not_depend_on_it(workspace: Workspace) -> None:
    shop = program(
        workspace,
        rule(kind="points", amount={"type": "fixed", "minor": 50}),
        eligibility={"minimum_order_minor": 1000},
    )
    reward = settled(participant(shop), currency="USD")
    assert (reward.status, reward.reason, reward.amount_minor) == ("held", "currency_differs", 50)
    assert reward.sentence == "The order is in USD, the minimum is in EUR."


def test_a_fraud_denial_keeps_what_it_would_have_been(workspace: Workspace) -> None:
    ana = participant(program(workspace))
    fact = conversion(ana)
    builders.doubt(fact, ana, name="duplicate_order", outcome="deny")
    (reward,) = services.settle_conversion(conversion=fact, at=AT)
    assert (reward.status, reward.reason, reward.amount_minor) == ("denied", "duplicate_order", 1000)
    assert balances(workspace) == {}
    assert events(workspace) == []


def test_a_doubt_holds_only_the_participant_it_is_about(workspace: Workspace) -> None:
    shop = program(workspace)
    ana, ben = participant(shop), participant(shop)
    fact = conversion(ana, ben)
    builders.doubt(fact, ana, name="too_fast", outcome="hold")
    first, second = services.settle_conversion(conversion=fact, at=AT)
    assert (first.status, first.reason) == ("held", "too_fast")
    assert (second.status, second.reason) == ("pending", "")
    assert balances(workspace) == {"expense EUR": -1000, "pending EUR": 1000}


def test_a_proof_of_fraud_outweighs_a_missing_rate(workspace: Workspace) -> None:
    ana = participant(program(workspace))
    fact = conversion(ana, currency="USD")
    builders.doubt(fact, ana, name="duplicate_order", outcome="deny")
    (reward,) = services.settle_conversion(conversion=fact, at=AT)
    assert (reward.status, reward.reason) == ("denied", "duplicate_order")


def test_a_partial_refund_takes_back_its_share(workspace: Workspace) -> None:
    fact = conversion(participant(program(workspace)), amount_minor=7000)
    services.settle_conversion(conversion=fact, at=AT)
    (reward,) = services.settle_conversion(conversion=builders.refund(fact, 2000), at=AT)
    assert (reward.amount_minor, reward.reversed_minor, reward.net_minor) == (700, 200, 500)
    assert reward.status == "pending"
    assert balances(workspace) == {"expense EUR": -500, "pending EUR": 500}
    assert events(workspace) == ["reward.created", "reward.reversed"]
    change = queries.changes_of(reward).last()
    assert change is not None
    assert (change.before, change.after, change.amount_minor) == ("pending", "pending", -200)
    assert change.reason == "€20.00 of €70.00 refunded."


@pytest.mark.parametrize("order", sorted(permutations((1, 3333, 3333, 3333))))
def test_partial_refunds_in_any_order_end_at_zero(workspace: Workspace, order: tuple[int, ...]) -> None:
    fact = conversion(participant(program(workspace, rule(amount={"type": "fixed", "minor": 997}))))
    services.settle_conversion(conversion=fact, at=AT)
    taken, refunded = 0, 0
    for part in order:
        refunded += part
        (reward,) = services.settle_conversion(conversion=builders.refund(fact, part), at=AT)
        assert taken <= reward.reversed_minor <= 997
        assert abs(reward.reversed_minor * 10_000 - 997 * refunded) <= 5_000
        taken = reward.reversed_minor
    assert (reward.status, reward.reversed_minor) == ("reversed", 997)
    assert balances(workspace) == {}


def test_a_refund_known_before_the_first_settlement_never_becomes_payable(workspace: Workspace) -> None:
    fact = builders.refund(conversion(participant(program(workspace))), 10_000)
    (reward,) = services.settle_conversion(conversion=fact, at=AT)
    assert (reward.status, reward.amount_minor, reward.reversed_minor) == ("reversed", 1000, 1000)
    assert balances(workspace) == {}
    assert events(workspace) == ["reward.reversed"]
    assert services.release_due_rewards(workspace=workspace, at=AT) == 0


def test_late_and_early_settlement_end_alike(workspace: Workspace) -> None:
    ana = participant(program(workspace))
    early, late = conversion(ana), conversion(ana)
    services.settle_conversion(conversion=early, at=AT)
    services.settle_conversion(conversion=builders.refund(early, 2500), at=AT)
    builders.refund(late, 2000)
    services.settle_conversion(conversion=builders.refund(late, 500), at=AT)
    first, second = Reward.objects.for_workspace(workspace).order_by("pk")
    assert (first.status, first.amount_minor, first.reversed_minor) == ("pending", 1000, 250)
    assert (second.status, second.amount_minor, second.reversed_minor) == ("pending", 1000, 250)
    assert balances(workspace) == {"expense EUR": -1500, "pending EUR": 1500}


def test_a_rejected_conversion_takes_everything_back(workspace: Workspace) -> None:
    fact = conversion(participant(program(workspace)))
    services.settle_conversion(conversion=builders.refund(fact, 1000), at=AT)
    (reward,) = services.settle_conversion(conversion=builders.reject(fact), at=AT)
    assert (reward.status, reward.reversed_minor) == ("reversed", 1000)
    assert balances(workspace) == {}
    last = queries.changes_of(reward).last()
    assert last is not None
    assert last.reason == "The conversion was rejected."
    services.settle_conversion(conversion=fact, at=AT)
    assert RewardChange.objects.for_workspace(workspace).count() == 3


def test_a_gift_without_value_survives_a_partial_refund_only(workspace: Workspace) -> None:
    gift = rule(kind="discount", amount=None, discount={"type": "percentage", "bps": 1500})
    fact = conversion(participant(program(workspace, gift)))
    services.settle_conversion(conversion=fact, at=AT)
    (reward,) = services.settle_conversion(conversion=builders.refund(fact, 9_999), at=AT)
    assert reward.status == "pending"
    (reward,) = services.settle_conversion(conversion=builders.refund(fact, 1), at=AT)
    assert reward.status == "reversed"


def test_a_refund_leaves_a_denied_reward_alone(workspace: Workspace) -> None:
    fact = conversion(participant(program(workspace)))
    (reward,) = services.settle_conversion(conversion=fact, at=AT)
    services.deny_reward(reward=reward, reason="Not a friend", actor=builders.person(), at=AT)
    (reward,) = services.settle_conversion(conversion=builders.refund(fact, 10_000), at=AT)
    assert (reward.status, reward.reversed_minor) == ("denied", 0)
    assert balances(workspace) == {}


def test_two_programs_reward_one_conversion_each(workspace: Workspace) -> None:
    ana = participant(program(workspace))
    ben = participant(program(workspace, rule(amount={"type": "percentage", "bps": 500})))
    fact = conversion(ana)
    builders.credit(fact, ben)
    rewards = services.settle_conversion(conversion=fact, at=AT)
    assert [(r.program_id, r.amount_minor) for r in rewards] == [
        (ana.program_id, 1000),
        (ben.program_id, 500),
    ]


def test_many_conversions_settle_in_one_go_as_one_by_one(
    workspace: Workspace, django_assert_max_num_queries: Any
) -> None:
    ana, ben = (participant(program(workspace)) for _ in range(2))
    facts = [conversion(ana), conversion(ben, amount_minor=5_000), conversion(ana, ben, amount_minor=3_001)]
    due = [(fact, AT + timedelta(hours=number)) for number, fact in enumerate(facts)]

    with django_assert_max_num_queries(40):
        rewards = services.settle_conversions(workspace=workspace, due=due)

    assert [(reward.conversion_id, reward.amount_minor, reward.created_at) for reward in rewards] == [
        (facts[0].pk, 1_000, AT),
        (facts[1].pk, 500, AT + timedelta(hours=1)),
        (facts[2].pk, 150, AT + timedelta(hours=2)),
        (facts[2].pk, 150, AT + timedelta(hours=2)),
    ]
    transfers = Transfer.objects.for_workspace(workspace).order_by("pk")
    assert [(each.amount_minor, each.at) for each in transfers] == [
        (reward.amount_minor, reward.created_at) for reward in rewards
    ]
    assert services.settle_conversions(workspace=workspace, due=due) == rewards
    assert balances(workspace) == {"expense EUR": -1_800, "pending EUR": 1_800}
    assert services.settle_conversions(workspace=workspace, due=[]) == []


def test_a_reward_rises_with_the_friends_who_bought_by_then(workspace: Workspace) -> None:
    tiers = [{"at_least": 2, "amount": {"type": "percentage", "bps": 2000}}]
    ana = participant(program(workspace, rule(tiers=tiers)))
    facts = []
    for day in range(3):
        bought = AT + timedelta(days=day)
        facts.append(conversion(ana, occurred_at=bought, referral={"converted_at": bought}))
    rejected = {"converted_at": AT, "status": "rejected"}
    conversion(ana, referral=rejected)

    # The order in which they are settled decides nothing.
    amounts = [services.settle_conversion(conversion=fact, at=AT)[0].amount_minor for fact in reversed(facts)]

    assert amounts == [2_000, 2_000, 1_000]
