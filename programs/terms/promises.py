"""The terms of a program version as frozen values."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from core.money import POINTS
from programs.terms.fraud import FraudTerms

AttributionModel = Literal["first_click", "last_click", "linear", "time_decay", "position_based", "custom"]
CreditSource = Literal["manual", "code", "token", "click", "email"]
RewardSide = Literal["referrer", "referee"]
RewardEvent = Literal["signup", "purchase", "custom"]
RewardKind = Literal["cash", "credit", "discount", "product", "points"]
Approval = Literal["automatic", "manual"]


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
    """What a rule gives instead of its amount once the referrer has brought `from_friends` friends."""

    from_friends: int
    amount: Amount


@dataclass(frozen=True, slots=True)
class ProductTerms:
    """The product given as a reward."""

    sku: str
    name: str


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

    `amount` is None only for products and discounts, whose value need not be known. `max_minor` limits what
    one conversion can earn by this rule. `duration_months` counts from the friend's first purchase or custom
    event that the referral was credited with; None is for ever. `first_only` counts custom events by name.
    `tiers` rise by their number of friends; only a referrer's amount for something that converts has any.
    """

    key: str
    side: RewardSide
    event: RewardEvent
    kind: RewardKind
    amount: Amount | None = None
    event_name: str | None = None
    duration_months: int | None = None
    first_only: bool = False
    minimum_order_minor: int = 0
    max_minor: int | None = None
    product: ProductTerms | None = None
    discount: Amount | None = None
    tiers: tuple[Tier, ...] = ()

    def amount_for(self, friends: int) -> Amount | None:
        """Return what the rule gives a referrer whose friends who converted are this many."""
        reached = [tier for tier in self.tiers if tier.from_friends <= friends]
        return reached[-1].amount if reached else self.amount

    def unit(self, currency: str) -> str:
        """Return what the reward is counted in, for a program in `currency`."""
        return POINTS if self.kind == "points" else currency


@dataclass(frozen=True, slots=True)
class EligibilityTerms:
    """Which orders and customers count at all. No countries means every country."""

    minimum_order_minor: int = 0
    new_customers_only: bool = False
    countries: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ProgramTerms:
    """Everything a program version promises; money is in the minor unit of `currency`.

    `offer_text` is the headline of the portal and the landing page; empty, the promises make one (see
    `headline`). `destination_url` is empty until someone sets it. With no `allowed_hosts`, links lead to the
    host of `destination_url` only.
    """

    currency: str
    destination_url: str = ""
    attribution: AttributionTerms = field(default_factory=AttributionTerms)
    rewards: tuple[RewardRule, ...] = ()
    hold_days: int = 30
    approval: Approval = "automatic"
    eligibility: EligibilityTerms = field(default_factory=EligibilityTerms)
    fraud: FraudTerms = field(default_factory=FraudTerms)
    payout_minimum_minor: int = 0
    allowed_hosts: tuple[str, ...] = ()
    terms_text: str = ""
    offer_text: str = ""
