"""One complete example of terms, and a Hypothesis strategy for all of them."""

from typing import Any

from hypothesis import strategies as st

from core.money import CURRENCIES, MAX_MINOR
from programs.terms import (
    FRAUD_RULES,
    AttributionTerms,
    EligibilityTerms,
    FixedAmount,
    FraudTerms,
    PercentageAmount,
    ProductTerms,
    ProgramTerms,
    RewardEvent,
    RewardKind,
    RewardRule,
    RewardSide,
    Tier,
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
                "minimum_order_minor": 2000,
                "max_minor": 5000,
                "product": None,
                "discount": None,
                "tiers": [
                    {"from_friends": 5, "amount": {"type": "percentage", "bps": 1500}},
                    {"from_friends": 10, "amount": {"type": "fixed", "minor": 3000}},
                ],
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
                "minimum_order_minor": 0,
                "max_minor": None,
                "product": {"sku": "MUG-1", "name": "Mug"},
                "discount": None,
                "tiers": [],
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
                "minimum_order_minor": 0,
                "max_minor": None,
                "product": None,
                "discount": {"type": "fixed", "minor": 500},
                "tiers": [],
            },
        ],
        "hold_days": 14,
        "approval": "manual",
        "eligibility": {"minimum_order_minor": 1000, "new_customers_only": True, "countries": ["DE", "AT"]},
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
                minimum_order_minor=2000,
                max_minor=5000,
                tiers=(Tier(5, PercentageAmount(bps=1500)), Tier(10, FixedAmount(minor=3000))),
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
            ),
        ),
        hold_days=14,
        approval="manual",
        eligibility=EligibilityTerms(
            minimum_order_minor=1000, new_customers_only=True, countries=("DE", "AT")
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
def reward_rules(draw: st.DrawFn, key: str) -> RewardRule:
    kind: RewardKind = draw(st.sampled_from(("cash", "credit", "discount", "product", "points")))
    event: RewardEvent = draw(st.sampled_from(("signup", "purchase", "custom")))
    divisible = kind in ("cash", "credit", "points")
    amount = fixed if event == "signup" or not divisible else fixed | percentages
    side: RewardSide = draw(st.sampled_from(("referrer", "referee")))
    climbs = side == "referrer" and divisible and event != "signup"
    thresholds = draw(st.lists(st.integers(2, 100_000), max_size=3, unique=True)) if climbs else []
    return RewardRule(
        key=key,
        side=side,
        event=event,
        kind=kind,
        amount=draw(amount if divisible else amount | st.none()),
        event_name=draw(texts) if event == "custom" else None,
        duration_months=draw(st.none() | st.integers(1, 120)),
        first_only=draw(booleans),
        minimum_order_minor=0 if event == "signup" else draw(minors),
        max_minor=draw(st.none() | st.integers(1, MAX_MINOR)),
        product=draw(st.builds(ProductTerms, texts, texts)) if kind == "product" else None,
        discount=draw(fixed | percentages) if kind == "discount" else None,
        tiers=tuple(Tier(friends, draw(fixed | percentages)) for friends in sorted(thresholds)),
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
        eligibility=draw(st.builds(EligibilityTerms, minors, booleans, st.just(("DE",)))),
        fraud=draw(fraud_terms),
        payout_minimum_minor=draw(minors),
        allowed_hosts=draw(st.sampled_from([(), ("shop.example",)])),
        terms_text=draw(texts),
        offer_text=draw(texts),
    )
