"""One complete example of terms, and a Hypothesis strategy for all of them."""

from typing import Any, get_args

from hypothesis import strategies as st

from core.money import CURRENCIES, MAX_MINOR
from programs.condition_facts import FACTS, KINDS_OF_SOURCE, ORDER_FACTS, Operator, fact_of
from programs.conditions import Condition, Group, Joint
from programs.terms import (
    FRAUD_RULES,
    UNDIVIDED_KINDS,
    UNORDERED_EVENTS,
    AttributionTerms,
    CapPeriod,
    CapScope,
    CapTerms,
    CustomTerms,
    EligibilityTerms,
    FixedAmount,
    FraudTerms,
    ItemTerms,
    MilestoneTerms,
    PercentageAmount,
    ProductTerms,
    ProgramTerms,
    RewardEvent,
    RewardKind,
    RewardRule,
    RewardSide,
    Tier,
    TierBasis,
    TierMode,
    TierPeriod,
)


def full_document() -> dict[str, Any]:
    return {
        "schema": 1,
        "currency": "EUR",
        "destination_url": "https://shop.example/welcome",
        "attribution": {
            "model": "custom",
            "click_window_hours": 1_440,
            "code_window_hours": 36,
            "signup_window_hours": 48,
            "conversion_window_hours": 720,
            "half_life_days": 5,
            "position_weights": [50, 20, 30],
            "custom_weights": [3, 1],
            "channel_weights": {"email": 150, "social": 50},
            "precedence": ["code", "click"],
            "lifetime_months": 24,
            "first_bind_wins": False,
        },
        "rewards": [
            {
                "key": "referrer-purchase",
                "side": "referrer",
                "event": "purchase",
                "event_name": None,
                "kind": "cash",
                "amount": {"type": "percentage", "bps": 1000},
                "duration_months": 12,
                "first_only": False,
                "nth": 2,
                "new_customers_only": True,
                "minimum_order_minor": 2000,
                "base": "margin",
                "items": {"skus": ["A-1", "B 2"], "categories": ["Shoes"], "excluded": True},
                "max_minor": 5000,
                "group": "best",
                "product": None,
                "discount": None,
                "custom": None,
                "tiers": [
                    {"at_least": 5, "amount": {"type": "percentage", "bps": 1500}},
                    {"at_least": 10, "amount": {"type": "fixed", "minor": 3000}},
                ],
                "tier_basis": "friends",
                "tier_period": "year",
                "tier_mode": "retroactive",
                "milestone": None,
                "expiry_days": None,
                "conditions": {
                    "all": [{"fact": "source.channel", "op": "one_of", "value": ["email", "sms"]}]
                },
            },
            {
                "key": "referee-mug",
                "side": "referee",
                "event": "custom",
                "event_name": "trial_converted",
                "kind": "product",
                "amount": {"type": "fixed", "minor": 1500},
                "duration_months": None,
                "first_only": True,
                "nth": None,
                "new_customers_only": False,
                "minimum_order_minor": 0,
                "base": "revenue",
                "items": None,
                "max_minor": None,
                "group": None,
                "product": {"sku": "MUG-1", "name": "Mug"},
                "discount": None,
                "custom": None,
                "tiers": [],
                "tier_basis": "friends",
                "tier_period": "lifetime",
                "tier_mode": "marginal",
                "milestone": None,
                "expiry_days": None,
                "conditions": None,
            },
            {
                "key": "referee-welcome",
                "side": "referee",
                "event": "signup",
                "event_name": None,
                "kind": "discount",
                "amount": None,
                "duration_months": None,
                "first_only": False,
                "nth": None,
                "new_customers_only": False,
                "minimum_order_minor": 0,
                "base": "revenue",
                "items": None,
                "max_minor": None,
                "group": None,
                "product": None,
                "discount": {"type": "fixed", "minor": 500},
                "custom": None,
                "tiers": [],
                "tier_basis": "friends",
                "tier_period": "lifetime",
                "tier_mode": "marginal",
                "milestone": None,
                "expiry_days": 90,
                "conditions": None,
            },
            {
                "key": "referrer-party",
                "side": "referrer",
                "event": "milestone",
                "event_name": None,
                "kind": "custom",
                "amount": None,
                "duration_months": None,
                "first_only": False,
                "nth": None,
                "new_customers_only": False,
                "minimum_order_minor": 0,
                "base": "revenue",
                "items": None,
                "max_minor": None,
                "group": None,
                "product": None,
                "discount": None,
                "custom": {"name": "A dinner"},
                "tiers": [],
                "tier_basis": "friends",
                "tier_period": "lifetime",
                "tier_mode": "marginal",
                "milestone": {"basis": "friends", "at_least": 5, "repeat": True},
                "expiry_days": None,
                "conditions": None,
            },
        ],
        "hold_days": 14,
        "approval": "manual",
        "approval_above_minor": 20000,
        "approval_score": 30,
        "approval_kinds": ["cash", "gift_card"],
        "caps": [
            {
                "key": "person",
                "scope": "participant",
                "period": "month",
                "limit_minor": 50000,
                "limit_count": None,
                "rules": [],
                "pause": False,
            },
            {
                "key": "budget",
                "scope": "program",
                "period": "lifetime",
                "limit_minor": 1000000,
                "limit_count": 500,
                "rules": ["referrer-purchase"],
                "pause": True,
            },
        ],
        "eligibility": {
            "minimum_order_minor": 1000,
            "new_customers_only": True,
            "countries": ["DE", "AT"],
            "conditions": {
                "all": [
                    {"fact": "customer.purchases", "op": "between", "value": [0, 3]},
                    {
                        "any": [
                            {"fact": "customer.attributes.plan", "op": "is", "value": "gold"},
                            {"none": [{"fact": "order.coupons", "op": "has_any", "value": ["STAFF"]}]},
                            {"fact": "customer.attributes.vip", "op": "is_known"},
                        ]
                    },
                ]
            },
        },
        "fraud": {
            "hold_at": 40,
            "deny_at": 90,
            "weights": {"ring": 80, "same_ip": 0},
            "shadow": ["circular", "same_postal"],
            "off": ["country_mismatch"],
            "too_fast_seconds": 5,
            "participant_per_hour": 50,
            "address_per_hour": 10,
            "device_per_hour": 2,
            "refund_rate_percent": 60,
            "refund_rate_least": 8,
            "ring_size": 3,
            "banned_sources": ["coupons.example", "*deals*"],
            "verify_email": True,
            "validation_url": "https://shop.example/validate?kind=reward",
            "validate_orders": True,
        },
        "payout_minimum_minor": 2500,
        "tax_details_required": True,
        "expiry_warning_days": 14,
        "redemption_minimum": 100,
        "assumed_margin_bps": 4000,
        "allowed_hosts": ["shop.example", "www.shop.example"],
        "terms_text": "Be fair.",
        "offer_text": "Give €5, get 10 %",
    }


def full_terms() -> ProgramTerms:
    return ProgramTerms(
        currency="EUR",
        destination_url="https://shop.example/welcome",
        attribution=AttributionTerms(
            model="custom",
            click_window_hours=1_440,
            code_window_hours=36,
            signup_window_hours=48,
            conversion_window_hours=720,
            half_life_days=5,
            position_weights=(50, 20, 30),
            custom_weights=(3, 1),
            channel_weights=(("email", 150), ("social", 50)),
            precedence=("code", "click"),
            lifetime_months=24,
            first_bind_wins=False,
        ),
        rewards=(
            RewardRule(
                key="referrer-purchase",
                side="referrer",
                event="purchase",
                kind="cash",
                amount=PercentageAmount(bps=1000),
                duration_months=12,
                nth=2,
                new_customers_only=True,
                minimum_order_minor=2000,
                base="margin",
                items=ItemTerms(skus=("A-1", "B 2"), categories=("Shoes",), excluded=True),
                max_minor=5000,
                group="best",
                tier_period="year",
                tier_mode="retroactive",
                tiers=(Tier(5, PercentageAmount(bps=1500)), Tier(10, FixedAmount(minor=3000))),
                conditions=Group("all", (Condition("source.channel", "one_of", ("email", "sms")),)),
            ),
            RewardRule(
                key="referee-mug",
                side="referee",
                event="custom",
                event_name="trial_converted",
                kind="product",
                amount=FixedAmount(minor=1500),
                first_only=True,
                product=ProductTerms(sku="MUG-1", name="Mug"),
            ),
            RewardRule(
                key="referee-welcome",
                side="referee",
                event="signup",
                kind="discount",
                discount=FixedAmount(minor=500),
                expiry_days=90,
            ),
            RewardRule(
                key="referrer-party",
                side="referrer",
                event="milestone",
                kind="custom",
                custom=CustomTerms("A dinner"),
                milestone=MilestoneTerms("friends", 5, repeat=True),
            ),
        ),
        hold_days=14,
        approval="manual",
        approval_above_minor=20_000,
        approval_score=30,
        approval_kinds=("cash", "gift_card"),
        caps=(
            CapTerms("person", "participant", "month", limit_minor=50_000),
            CapTerms(
                "budget",
                "program",
                "lifetime",
                limit_minor=1_000_000,
                limit_count=500,
                rules=("referrer-purchase",),
                pause=True,
            ),
        ),
        eligibility=EligibilityTerms(
            minimum_order_minor=1000,
            new_customers_only=True,
            countries=("DE", "AT"),
            conditions=Group(
                "all",
                (
                    Condition("customer.purchases", "between", (0, 3)),
                    Group(
                        "any",
                        (
                            Condition("customer.attributes.plan", "is", "gold"),
                            Group("none", (Condition("order.coupons", "has_any", ("STAFF",)),)),
                            Condition("customer.attributes.vip", "is_known"),
                        ),
                    ),
                ),
            ),
        ),
        fraud=FraudTerms(
            hold_at=40,
            deny_at=90,
            weights=(("ring", 80), ("same_ip", 0)),
            shadow=("circular", "same_postal"),
            off=("country_mismatch",),
            too_fast_seconds=5,
            participant_per_hour=50,
            address_per_hour=10,
            device_per_hour=2,
            refund_rate_percent=60,
            refund_rate_least=8,
            ring_size=3,
            banned_sources=("coupons.example", "*deals*"),
            verify_email=True,
            validation_url="https://shop.example/validate?kind=reward",
            validate_orders=True,
        ),
        payout_minimum_minor=2500,
        tax_details_required=True,
        expiry_warning_days=14,
        redemption_minimum=100,
        assumed_margin_bps=4000,
        allowed_hosts=("shop.example", "www.shop.example"),
        terms_text="Be fair.",
        offer_text="Give €5, get 10 %",
    )


texts = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), min_size=1, max_size=30)
minors = st.integers(0, MAX_MINOR)
fixed = st.builds(FixedAmount, st.integers(1, MAX_MINOR))
percentages = st.builds(PercentageAmount, st.integers(1, 10_000))
booleans = st.booleans()


@st.composite
def conditions(draw: st.DrawFn, facts: tuple[str, ...] = tuple(FACTS)) -> Condition:
    attributes = ("customer.attributes.plan", "referrer.attributes.since-2020")
    fact = fact_of(draw(st.sampled_from((*facts, *attributes))))
    assert fact is not None
    op: Operator = draw(st.sampled_from(fact.operators))
    ranged = op in ("at_least", "at_most", "between")
    single: st.SearchStrategy[Any] = {
        "attribute": st.integers(-MAX_MINOR, MAX_MINOR) if ranged else texts,
        "text": texts,
        "country": st.sampled_from(("DE", "AT", "FR")),
        "kind": st.sampled_from(tuple(KINDS_OF_SOURCE)),
        "number": minors,
        "money": minors,
        "date": st.dates().map(lambda day: day.isoformat()),
        "flag": booleans,
        "list": texts,
    }[fact.type]
    if op in ("is_known", "is_unknown"):
        return Condition(fact.name, op)
    if op == "between":
        pair = draw(st.lists(single, min_size=2, max_size=2, unique=True))
        return Condition(fact.name, op, tuple(sorted(pair)))
    if op in ("one_of", "has_any", "has_none"):
        many = st.lists(single, min_size=1, max_size=3, unique=True)
        return Condition(fact.name, op, tuple(draw(many)))
    if fact.is_attribute and op in ("is", "is_not"):
        return Condition(fact.name, op, draw(single | booleans | st.integers(-9, 9)))
    return Condition(fact.name, op, draw(single))


def groups(depth: int = 3, facts: tuple[str, ...] = tuple(FACTS)) -> st.SearchStrategy[Group]:
    node: st.SearchStrategy[Condition | Group] = conditions(facts)
    if depth > 1:
        node |= groups(depth - 1, facts)
    members = st.lists(node, min_size=1, max_size=3).map(tuple)
    return st.builds(Group, joint=st.sampled_from(get_args(Joint)), of=members)


products = st.builds(ProductTerms, texts, texts)
items = st.builds(ItemTerms, *[st.lists(texts, min_size=1, max_size=3, unique=True).map(tuple)] * 2, booleans)
milestones = st.builds(MilestoneTerms, st.just("friends"), st.integers(1, 100_000), booleans) | st.builds(
    MilestoneTerms, st.just("streak"), st.integers(2, 120), booleans
)


@st.composite
def reward_rules(draw: st.DrawFn, key: str) -> RewardRule:
    kind: RewardKind = draw(st.sampled_from(get_args(RewardKind)))
    event: RewardEvent = draw(st.sampled_from(get_args(RewardEvent)))
    divisible = kind not in UNDIVIDED_KINDS
    ordered = event not in UNORDERED_EVENTS
    mine = event == "milestone"
    amount = fixed | percentages if ordered and divisible else fixed
    side: RewardSide = "referrer" if mine else draw(st.sampled_from(("referrer", "referee")))
    basis: TierBasis = draw(st.sampled_from(get_args(TierBasis)))
    steps = st.integers(2, 100_000) if basis == "friends" else st.integers(1, MAX_MINOR)
    thresholds = draw(st.lists(steps, max_size=3, unique=True)) if divisible and ordered else []
    nth = None if mine else draw(st.none() | st.integers(1, 1000))
    return RewardRule(
        key=key,
        side=side,
        event=event,
        kind=kind,
        amount=draw(amount if divisible else amount | st.none()),
        event_name=draw(texts) if event == "custom" else None,
        duration_months=None if mine else draw(st.none() | st.integers(1, 120)),
        first_only=not mine and nth is None and draw(booleans),
        nth=nth,
        new_customers_only=not mine and draw(booleans),
        minimum_order_minor=draw(minors) if ordered else 0,
        base=draw(st.sampled_from(("revenue", "margin"))) if ordered else "revenue",
        items=draw(st.none() | items) if ordered else None,
        max_minor=draw(st.none() | st.integers(1, MAX_MINOR)),
        group=None if mine else draw(st.none() | texts),
        product=draw(products) if kind == "product" else None,
        discount=draw(fixed | percentages) if kind == "discount" else None,
        custom=draw(st.builds(CustomTerms, texts)) if kind == "custom" else None,
        tiers=tuple(Tier(at_least, draw(fixed | percentages)) for at_least in sorted(thresholds)),
        tier_basis=basis,
        tier_period=draw(st.sampled_from(get_args(TierPeriod))),
        tier_mode=draw(st.sampled_from(get_args(TierMode))),
        milestone=draw(milestones) if mine else None,
        expiry_days=None if kind == "cash" else draw(st.none() | st.integers(1, 3650)),
        conditions=None if mine else draw(st.none() | groups(2, tuple(set(FACTS) - ORDER_FACTS))),
    )


@st.composite
def caps(draw: st.DrawFn, key: str) -> CapTerms:
    scope: CapScope = draw(st.sampled_from(get_args(CapScope)))
    limit = draw(st.none() | st.integers(1, MAX_MINOR))
    return CapTerms(
        key=key,
        scope=scope,
        period=draw(st.sampled_from(get_args(CapPeriod))),
        limit_minor=limit,
        limit_count=draw(st.integers(1, 1000)) if limit is None else None,
        rules=draw(st.sampled_from([(), ("a",), ("a", "b-1")])),
        pause=scope == "program" and draw(booleans),
    )


attributions = st.builds(
    AttributionTerms,
    model=st.sampled_from(("first_click", "last_click", "linear", "time_decay", "position_based", "custom")),
    click_window_hours=st.integers(1, 87_600),
    position_weights=st.sampled_from([(40, 20, 40), (100, 0, 0), (33, 34, 33)]),
    custom_weights=st.lists(st.integers(0, 10_000), max_size=5).map(lambda weights: (1, *weights)),
    channel_weights=st.dictionaries(
        st.from_regex(r"[a-z0-9][a-z0-9_-]{0,9}", fullmatch=True), st.integers(0, 1000)
    ).map(lambda weights: tuple(sorted(weights.items()))),
    precedence=st.permutations(("manual", "code", "token", "click", "email")).map(tuple),
    lifetime_months=st.none() | st.integers(1, 120),
    first_bind_wins=booleans,
)


rule_names = st.sets(st.sampled_from(FRAUD_RULES), max_size=4)
fraud_terms = st.builds(
    lambda shadow, off, **rest: FraudTerms(
        shadow=tuple(sorted(shadow)), off=tuple(sorted(off - shadow)), **rest
    ),
    rule_names,
    rule_names,
    hold_at=st.integers(1, 100),
    deny_at=st.integers(100, 1000),
    weights=st.dictionaries(
        st.sampled_from([rule for rule in FRAUD_RULES if rule != "allow_list"]), st.integers(0, 1000)
    ).map(lambda weights: tuple(sorted(weights.items()))),
    too_fast_seconds=st.integers(0, 86_400),
    participant_per_hour=st.integers(1, 100_000),
    refund_rate_percent=st.integers(1, 100),
    ring_size=st.integers(1, 1000),
    banned_sources=st.lists(
        st.from_regex(r"[a-z0-9_*-]{0,9}[a-z0-9](\.[a-z0-9_*-]{1,9}){0,3}", fullmatch=True),
        max_size=3,
        unique=True,
    ).map(tuple),
    verify_email=booleans,
    validation_url=st.sampled_from(["", "https://shop.example/validate"]),
    validate_orders=booleans,
)


@st.composite
def program_terms(draw: st.DrawFn) -> ProgramTerms:
    keys = draw(st.lists(st.from_regex(r"[a-z0-9]{1,8}", fullmatch=True), unique=True, max_size=4))
    return ProgramTerms(
        currency=draw(st.sampled_from(sorted(CURRENCIES))),
        destination_url=draw(st.sampled_from(["", "https://shop.example/a"])),
        attribution=draw(attributions),
        rewards=tuple(draw(reward_rules(key)) for key in keys),
        hold_days=draw(st.integers(0, 365)),
        approval=draw(st.sampled_from(("automatic", "manual"))),
        approval_above_minor=draw(st.none() | minors),
        approval_score=draw(st.none() | st.integers(0, 100)),
        approval_kinds=draw(st.sampled_from([(), ("cash",), ("product", "custom")])),
        caps=tuple(draw(caps(key)) for key in keys[:2]),
        eligibility=draw(
            st.builds(EligibilityTerms, minors, booleans, st.just(("DE",)), st.none() | groups())
        ),
        fraud=draw(fraud_terms),
        payout_minimum_minor=draw(minors),
        tax_details_required=draw(booleans),
        expiry_warning_days=draw(st.integers(0, 90)),
        redemption_minimum=draw(minors),
        assumed_margin_bps=draw(st.none() | st.integers(0, 10_000)),
        allowed_hosts=draw(st.sampled_from([(), ("shop.example",)])),
        terms_text=draw(texts),
        offer_text=draw(texts),
    )
