"""One reward rule as it stands in the terms' JSON document."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Final, get_args

from core.money import MAX_MINOR
from programs.condition_facts import ORDER_FACTS
from programs.terms.caps import BAD_KEY, KEY
from programs.terms.conditions import dump_conditions, read_conditions
from programs.terms.promises import (
    UNDIVIDED_KINDS,
    UNORDERED_EVENTS,
    Amount,
    CustomTerms,
    FixedAmount,
    ItemTerms,
    MilestoneBasis,
    MilestoneTerms,
    PercentageAmount,
    ProductTerms,
    RewardBase,
    RewardEvent,
    RewardKind,
    RewardRule,
    RewardSide,
    Tier,
    TierBasis,
    TierMode,
    TierPeriod,
)
from programs.terms.reader import FieldError, Reader

MAX_RULES: Final = 50
MAX_TIERS: Final = 10
MAX_MONTHS: Final = 120
MAX_FRIENDS: Final = 100_000
MAX_EXPIRY_DAYS: Final = 3650
MAX_ITEMS: Final = 200

_WHOLE_BPS = 10_000
# Points may outnumber minor units: 1,000,000 bps is 100 points for each cent.
_MAX_POINTS_BPS = 1_000_000
_LEAST_MILESTONE = {"friends": 1, "revenue": 100, "streak": 2}
_MOST_MILESTONE = {"friends": MAX_FRIENDS, "revenue": MAX_MINOR, "streak": MAX_MONTHS}


def read_rules(reader: Reader) -> tuple[RewardRule, ...]:
    """Read the document's `rewards`; none when absent, and faults go to the reader."""
    rules = tuple(_rule(entry) for entry in reader.children("rewards", MAX_RULES))
    if reader.sound("rewards") and len({rule.key for rule in rules}) < len(rules):
        reader.fail("rewards", "duplicate", "Each reward needs a key of its own.")
    return rules


def dump_rule(rule: RewardRule) -> dict[str, object]:
    """Write one reward rule as it stands in the document's `rewards`."""
    product, custom, items, milestone = rule.product, rule.custom, rule.items, rule.milestone
    return {
        "key": rule.key,
        "side": rule.side,
        "event": rule.event,
        "event_name": rule.event_name,
        "kind": rule.kind,
        "amount": dump_amount(rule.amount),
        "duration_months": rule.duration_months,
        "first_only": rule.first_only,
        "nth": rule.nth,
        "new_customers_only": rule.new_customers_only,
        "minimum_order_minor": rule.minimum_order_minor,
        "base": rule.base,
        "items": None
        if items is None
        else {
            "skus": list(items.skus),
            "categories": list(items.categories),
            "excluded": items.excluded,
        },
        "max_minor": rule.max_minor,
        "group": rule.group,
        "product": None if product is None else {"sku": product.sku, "name": product.name},
        "discount": dump_amount(rule.discount),
        "custom": None if custom is None else {"name": custom.name},
        "tiers": [{"at_least": tier.at_least, "amount": dump_amount(tier.amount)} for tier in rule.tiers],
        "tier_basis": rule.tier_basis,
        "tier_period": rule.tier_period,
        "tier_mode": rule.tier_mode,
        "milestone": None
        if milestone is None
        else {"basis": milestone.basis, "at_least": milestone.at_least, "repeat": milestone.repeat},
        "expiry_days": rule.expiry_days,
        "conditions": dump_conditions(rule.conditions),
    }


def dump_amount(amount: Amount | None) -> dict[str, object] | None:
    """Write an amount as it stands in the document."""
    if amount is None:
        return None
    if isinstance(amount, PercentageAmount):
        return {"type": "percentage", "bps": amount.bps}
    return {"type": "fixed", "minor": amount.minor}


def group_errors(rules: Sequence[RewardRule]) -> Iterator[FieldError]:
    """Name the rules whose group could not tell which of its rewards gives most."""
    first: dict[tuple[str, str], bool] = {}
    for index, rule in enumerate(rules):
        if rule.group is None:
            continue
        if rule.amount is None:
            yield FieldError(
                f"rewards.{index}.amount", "required", "To be compared with others, it must say its worth."
            )
        points = rule.kind == "points"
        if first.setdefault((rule.side, rule.group), points) != points:
            yield FieldError(
                f"rewards.{index}.group",
                "unit_differs",
                "Points and money cannot be compared with each other.",
            )


def _rule(reader: Reader) -> RewardRule:
    key = reader.text("key", 64)
    if key and not KEY.fullmatch(key):
        reader.fail("key", "invalid_format", BAD_KEY)
    kind: RewardKind = reader.choice("kind", get_args(RewardKind))
    bps_limit = _MAX_POINTS_BPS if kind == "points" else _WHOLE_BPS
    amount, discount = reader.child("amount"), reader.child("discount")
    basis: TierBasis = reader.choice("tier_basis", get_args(TierBasis), default="friends")
    rule = RewardRule(
        key=key,
        side=reader.choice("side", get_args(RewardSide)),
        event=reader.choice("event", get_args(RewardEvent)),
        kind=kind,
        amount=_amount(amount, bps_limit) if amount else None,
        event_name=reader.nullable_text("event_name", 100),
        duration_months=reader.nullable_integer("duration_months", 1, MAX_MONTHS),
        first_only=reader.boolean("first_only", default=False),
        nth=reader.nullable_integer("nth", 1, 1000),
        new_customers_only=reader.boolean("new_customers_only", default=False),
        minimum_order_minor=reader.integer("minimum_order_minor", 0, MAX_MINOR, default=0),
        base=reader.choice("base", get_args(RewardBase), default="revenue"),
        items=_items(reader.child("items")),
        max_minor=reader.nullable_integer("max_minor", 1, MAX_MINOR),
        group=reader.nullable_text("group", 60),
        product=_product(reader.child("product")),
        discount=_amount(discount, _WHOLE_BPS) if discount else None,
        custom=_custom(reader.child("custom")),
        tiers=tuple(_tier(entry, bps_limit, basis) for entry in reader.children("tiers", MAX_TIERS)),
        tier_basis=basis,
        tier_period=reader.choice("tier_period", get_args(TierPeriod), default="lifetime"),
        tier_mode=reader.choice("tier_mode", get_args(TierMode), default="marginal"),
        milestone=_milestone(reader.child("milestone")),
        expiry_days=reader.nullable_integer("expiry_days", 1, MAX_EXPIRY_DAYS),
        conditions=read_conditions(reader.child("conditions")),
    )
    if reader.sound():
        _check_gift(reader, rule)
        _check_event(reader, rule)
        _check_tiers(reader, rule)
    reader.finish()
    return rule


def _check_gift(reader: Reader, rule: RewardRule) -> None:
    if rule.kind in UNDIVIDED_KINDS:
        if isinstance(rule.amount, PercentageAmount):
            reader.fail("amount", "not_fixed", "What a gift or discount is worth is fixed or absent.")
    elif rule.amount is None:
        reader.fail("amount", "required", "This kind of reward needs an amount.")
    for name, value in (("product", rule.product), ("discount", rule.discount), ("custom", rule.custom)):
        if rule.kind == name and value is None:
            reader.fail(name, "required", f"A {name} reward says which {name}.")
        elif rule.kind != name and value is not None:
            reader.fail(name, "not_allowed", f"Only a {name} reward has a {name}.")
    if rule.kind == "cash" and rule.expiry_days is not None:
        reader.fail("expiry_days", "not_allowed", "Cash does not expire.")


def _check_event(reader: Reader, rule: RewardRule) -> None:
    if (rule.event == "custom") != (rule.event_name is not None):
        reader.fail("event_name", "event_name", "A custom event, and no other, is named here.")
    if rule.nth is not None and rule.first_only:
        reader.fail("nth", "not_allowed", "A reward is for the first one or for a later one, not for both.")
    if rule.event in UNORDERED_EVENTS:
        name = "sign-up" if rule.event == "signup" else "milestone"
        if isinstance(rule.amount, PercentageAmount):
            reader.fail("amount", "not_fixed", f"A {name} has no revenue to take a percentage of.")
        for key, set_ in (
            ("minimum_order_minor", rule.minimum_order_minor > 0),
            ("items", rule.items is not None),
            ("base", rule.base == "margin"),
        ):
            if set_:
                reader.fail(key, "not_allowed", f"A {name} has no order.")
    if rule.event == "signup" and rule.conditions is not None and rule.conditions.facts() & ORDER_FACTS:
        reader.fail("conditions", "not_allowed", "A sign-up has no order to ask for.")
    if rule.event != "milestone":
        if rule.milestone is not None:
            reader.fail("milestone", "not_allowed", "Only a reward for a milestone has one.")
        return
    if rule.milestone is None:
        reader.fail("milestone", "required", "A reward for a milestone says which one.")
    if rule.side == "referee":
        reader.fail("side", "not_allowed", "Only a referrer reaches milestones.")
    for key, set_ in (
        ("first_only", rule.first_only),
        ("nth", rule.nth is not None),
        ("duration_months", rule.duration_months is not None),
        ("new_customers_only", rule.new_customers_only),
        ("group", rule.group is not None),
        ("conditions", rule.conditions is not None),
    ):
        if set_:
            reader.fail(key, "not_allowed", "A milestone is the referrer's own and comes by itself.")


def _check_tiers(reader: Reader, rule: RewardRule) -> None:
    if not rule.tiers:
        return
    if rule.kind in UNDIVIDED_KINDS:
        reader.fail("tiers", "not_allowed", "Only cash, store credit, gift cards and points have tiers.")
    elif rule.event == "signup":
        reader.fail("tiers", "not_allowed", "Tiers count friends who bought; a sign-up comes before that.")
    elif rule.event == "milestone":
        reader.fail("tiers", "not_allowed", "A milestone is a step of its own; it has no tiers.")
    for index, (lower, tier) in enumerate(pairwise(rule.tiers), start=1):
        if tier.at_least <= lower.at_least:
            more = f", at {lower.at_least + 1} friends or more" if rule.tier_basis == "friends" else ""
            reader.fail(
                f"tiers.{index}.at_least",
                "not_rising",
                f"This tier must start above the one before it{more}.",
            )


def _tier(reader: Reader, bps_limit: int, basis: TierBasis) -> Tier:
    amount = reader.child("amount")
    if amount is None and reader.sound("amount"):
        reader.fail("amount", "required", "A tier needs an amount.")
    low, high = (2, MAX_FRIENDS) if basis == "friends" else (1, MAX_MINOR)
    tier = Tier(
        at_least=reader.integer("at_least", low, high),
        amount=_amount(amount, bps_limit) if amount else FixedAmount(minor=0),
    )
    reader.finish()
    return tier


def _milestone(reader: Reader | None) -> MilestoneTerms | None:
    if reader is None:
        return None
    basis: MilestoneBasis = reader.choice("basis", get_args(MilestoneBasis))
    milestone = MilestoneTerms(
        basis=basis,
        at_least=reader.integer("at_least", _LEAST_MILESTONE[basis], _MOST_MILESTONE[basis]),
        repeat=reader.boolean("repeat", default=False),
    )
    reader.finish()
    return milestone


def _items(reader: Reader | None) -> ItemTerms | None:
    if reader is None:
        return None
    items = ItemTerms(
        skus=reader.texts("skus", 100, MAX_ITEMS),
        categories=reader.texts("categories", 100, MAX_ITEMS),
        excluded=reader.boolean("excluded", default=False),
    )
    if not items.skus and not items.categories and reader.sound():
        reader.fail("skus", "required", "Name a product number or a category at least.")
    reader.finish()
    return items


def _amount(reader: Reader, bps_limit: int) -> Amount:
    amount: Amount
    kind = reader.choice("type", ("percentage", "fixed"))
    if not reader.sound("type"):
        return FixedAmount(minor=0)
    if kind == "percentage":
        amount = PercentageAmount(bps=reader.integer("bps", 1, bps_limit))
    else:
        amount = FixedAmount(minor=reader.integer("minor", 1, MAX_MINOR))
    reader.finish()
    return amount


def _product(reader: Reader | None) -> ProductTerms | None:
    if reader is None:
        return None
    product = ProductTerms(sku=reader.text("sku", 100), name=reader.text("name", 200))
    reader.finish()
    return product


def _custom(reader: Reader | None) -> CustomTerms | None:
    if reader is None:
        return None
    custom = CustomTerms(name=reader.text("name", 200))
    reader.finish()
    return custom
