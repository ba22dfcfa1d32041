"""The terms of a program version as frozen values."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, Literal

from core.money import POINTS
from programs.conditions import Group
from programs.terms.caps import CapTerms
from programs.terms.fraud import FraudTerms

AttributionModel = Literal["first_click", "last_click", "linear", "time_decay", "position_based", "custom"]
CreditSource = Literal["manual", "code", "token", "click", "email"]
RewardSide = Literal["referrer", "referee"]
RewardEvent = Literal["signup", "purchase", "renewal", "custom", "milestone"]
RewardKind = Literal["cash", "credit", "discount", "product", "points", "gift_card", "custom"]
RewardBase = Literal["revenue", "margin"]
TierBasis = Literal["friends", "revenue"]
TierPeriod = Literal["lifetime", "year", "month"]
TierMode = Literal["marginal", "retroactive"]
MilestoneBasis = Literal["friends", "revenue", "streak"]
Approval = Literal["automatic", "manual"]

UNDIVIDED_KINDS: Final[tuple[RewardKind, ...]] = ("product", "discount", "custom")
"""Kinds that are given whole or not at all; their amount only says what they are worth."""

MONEY_KINDS: Final[tuple[RewardKind, ...]] = ("cash", "credit", "gift_card")
"""Kinds whose amount is money that somebody receives."""

UNORDERED_EVENTS: Final[tuple[RewardEvent, ...]] = ("signup", "milestone")
"""Events that come without an order."""


@dataclass(frozen=True, slots=True)
class PercentageAmount:
    """A part of an order, in basis points (hundredths of a percent) of its minor units.

    For points the result is a number of points: 100 bps of an order in euro is 1 point for each euro.
    """

    bps: int


@dataclass(frozen=True, slots=True)
class FixedAmount:
    """A fixed amount in the program's minor unit; for points, a number of points."""

    minor: int


Amount = PercentageAmount | FixedAmount


@dataclass(frozen=True, slots=True)
class Tier:
    """What a rule gives instead of its amount once the referrer's progress is `at_least` this much.

    Progress counts friends who converted, or the revenue they brought in the program's minor unit.
    """

    at_least: int
    amount: Amount


@dataclass(frozen=True, slots=True)
class ProductTerms:
    """The product given as a reward."""

    sku: str
    name: str


@dataclass(frozen=True, slots=True)
class CustomTerms:
    """What the workspace's own system gives as a reward, by the name it is known by there."""

    name: str


@dataclass(frozen=True, slots=True)
class ItemTerms:
    """Which lines of an order count, by product number or by category.

    One that matches either counts; with `excluded`, one that matches neither. Capitals make no difference.
    """

    skus: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    excluded: bool = False

    def counts(self, sku: str, category: str) -> bool:
        """Say whether a line of this product number and category counts."""
        named = sku.casefold() in map(str.casefold, self.skus)
        named = named or category.casefold() in map(str.casefold, self.categories)
        return named != self.excluded


@dataclass(frozen=True, slots=True)
class MilestoneTerms:
    """Once a referrer reaches `at_least`; with `repeat`, once for every further `at_least` as well.

    Friends who converted, revenue in the program's minor unit, or a streak: calendar months in a row with at
    least one friend who converted.
    """

    basis: MilestoneBasis
    at_least: int
    repeat: bool = False


@dataclass(frozen=True, slots=True)
class AttributionTerms:
    """Who is credited for a conversion, and how far back touches count.

    `position_weights` are percent for the first, all middle and the last touch and sum to 100. The `custom`
    model reads `custom_weights` (relative, at evenly spaced points from the first touch to the last) and
    `channel_weights` (pairs of channel and percent, sorted by channel; 100 leaves a touch as it is, as does a
    channel that is not listed). `precedence` lists the sources that may earn credit, the strongest first.
    `signup_window_hours` is how old a click may be at a sign-up (None: as at a purchase),
    `conversion_window_hours` how long after the sign-up the first purchase may come (None: any time).
    `lifetime_months` is how long a referral goes on earning; None is for ever.
    """

    model: AttributionModel = "last_click"
    click_window_hours: int = 90 * 24
    code_window_hours: int = 90 * 24
    signup_window_hours: int | None = None
    conversion_window_hours: int | None = None
    half_life_days: int = 7
    position_weights: tuple[int, int, int] = (40, 20, 40)
    custom_weights: tuple[int, ...] = ()
    channel_weights: tuple[tuple[str, int], ...] = ()
    precedence: tuple[CreditSource, ...] = ("manual", "code", "token", "click", "email")
    lifetime_months: int | None = None
    first_bind_wins: bool = True


@dataclass(frozen=True, slots=True)
class RewardRule:
    """One promise to one side of a referral.

    - `event`: a `renewal` is a customer's purchase after their first; a `milestone` is the referrer's.
    - `amount` is None only for products, discounts and custom rewards, whose worth need not be known.
    - `base` is what a percentage is taken of: the order, or what is left of it after its cost. `items` narrow
      it to some lines; an order none of whose lines counts earns nothing.
    - `max_minor` limits what one conversion can earn by this rule.
    - `duration_months` counts from the friend's first purchase or custom event that the referral was credited
      with; None is for ever. `first_only` and `nth` count the customer's events of this kind, custom ones by
      name and renewals from the first renewal.
    - `group`: of the rules of one side with the same group only the one that gives most is paid, the earlier
      among equals. Rules without a group all add up.
    - `tiers` rise, by the referrer's friends or revenue within `tier_period`. `marginal` rates what comes
      from the threshold on; `retroactive` rates everything of the period anew once a threshold is reached.
    - `conditions` must hold besides the program's own.
    - `expiry_days` is how long the reward lasts after it was issued; None is for ever, as cash always is.
    """

    key: str
    side: RewardSide
    event: RewardEvent
    kind: RewardKind
    amount: Amount | None = None
    event_name: str | None = None
    duration_months: int | None = None
    first_only: bool = False
    nth: int | None = None
    new_customers_only: bool = False
    minimum_order_minor: int = 0
    base: RewardBase = "revenue"
    items: ItemTerms | None = None
    max_minor: int | None = None
    group: str | None = None
    product: ProductTerms | None = None
    discount: Amount | None = None
    custom: CustomTerms | None = None
    tiers: tuple[Tier, ...] = ()
    tier_basis: TierBasis = "friends"
    tier_period: TierPeriod = "lifetime"
    tier_mode: TierMode = "marginal"
    milestone: MilestoneTerms | None = None
    expiry_days: int | None = None
    conditions: Group | None = None

    def tier_at(self, progress: int) -> int:
        """Return the number of the tier that this progress reaches, from 1; 0 is none."""
        return sum(tier.at_least <= progress for tier in self.tiers)

    def amount_for(self, progress: int) -> Amount | None:
        """Return what the rule gives at this progress of the referrer."""
        return self.amount_of_tier(self.tier_at(progress))

    def amount_of_tier(self, number: int) -> Amount | None:
        """Return what a tier gives, counted from 1; 0 is what the rule gives without any."""
        return self.tiers[number - 1].amount if number else self.amount

    def unit(self, currency: str) -> str:
        """Return what the reward is counted in, for a program in `currency`."""
        return POINTS if self.kind == "points" else currency


@dataclass(frozen=True, slots=True)
class EligibilityTerms:
    """Which orders and customers count at all.

    No countries means every country; `conditions` must hold besides.
    """

    minimum_order_minor: int = 0
    new_customers_only: bool = False
    countries: tuple[str, ...] = ()
    conditions: Group | None = None


@dataclass(frozen=True, slots=True)
class ProgramTerms:
    """Everything a program version promises; money is in the minor unit of `currency`.

    `offer_text` is the headline of the portal and the landing page; empty, the promises make one (see
    `headline`). `destination_url` is empty until someone sets it. With no `allowed_hosts`, links lead to the
    host of `destination_url` only.

    Though approval is automatic, a person approves a reward above `approval_above_minor`, one whose fraud
    score reaches `approval_score` (0 to 100), and every one of `approval_kinds`. Whoever holds a reward that
    expires is told `expiry_warning_days` before, 0 for never. With `tax_details_required` nobody is paid who
    has not given their tax details. `assumed_margin_bps` stands for the margin of orders that do not say
    their cost. `redemption_minimum` is the smallest number of points that can be redeemed at once.
    """

    currency: str
    destination_url: str = ""
    attribution: AttributionTerms = field(default_factory=AttributionTerms)
    rewards: tuple[RewardRule, ...] = ()
    hold_days: int = 30
    approval: Approval = "automatic"
    approval_above_minor: int | None = None
    approval_score: int | None = None
    approval_kinds: tuple[RewardKind, ...] = ()
    caps: tuple[CapTerms, ...] = ()
    eligibility: EligibilityTerms = field(default_factory=EligibilityTerms)
    fraud: FraudTerms = field(default_factory=FraudTerms)
    payout_minimum_minor: int = 0
    tax_details_required: bool = False
    expiry_warning_days: int = 7
    redemption_minimum: int = 0
    assumed_margin_bps: int | None = None
    allowed_hosts: tuple[str, ...] = ()
    terms_text: str = ""
    offer_text: str = ""
