"""What attribution is decided from, and what a decision consists of."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal, get_args

TouchKind = Literal["click", "code", "manual", "token", "email"]
ConversionKind = Literal["signup", "purchase", "custom"]
Binding = Literal["first", "latest"]
Model = Literal["first_click", "last_click", "linear", "time_decay", "position_based", "custom"]
Confidence = Literal["deterministic", "code", "inferred"]

WHOLE_PPM = 1_000_000
MONTH = timedelta(days=365.25) / 12
"""A month of a lifetime: as long as any other, so that a decision does not hang on the date."""
_CODE = re.compile(r"[a-z][a-z0-9_]*")

# Every touch of every decision is looked up in these.
_TOUCH_KINDS = frozenset(get_args(TouchKind))
_MODELS = frozenset(get_args(Model))
_BINDINGS = frozenset(get_args(Binding))


@dataclass(frozen=True, slots=True)
class Touch:
    """One contact between a participant's referral and the customer; ids are public ids.

    A touch of the kind `email` was made by an account that shares a verified e-mail address with the
    customer's. `disqualified` is the reason code of a fault known before the decision (`bot`, `own_link`,
    ...). A manual assignment is dated at the moment from which it applies, not at the moment somebody typed
    it in.
    """

    id: str
    participant: str
    kind: TouchKind
    channel: str
    occurred_at: datetime
    disqualified: str | None = None

    def __post_init__(self) -> None:
        if self.kind not in _TOUCH_KINDS:
            raise ValueError(f"kind is unknown: {self.kind!r}")
        if self.disqualified is not None and not _CODE.fullmatch(self.disqualified):
            raise ValueError("disqualified must be a reason code in lower_snake_case")
        if self.occurred_at.tzinfo is not UTC:
            object.__setattr__(self, "occurred_at", in_utc(self.occurred_at, "occurred_at"))


@dataclass(frozen=True, slots=True)
class AttributionRule:
    """How a program version attributes.

    `position_weights` are percentages for the first click, all middle clicks together, and the last click;
    one click takes 100, two take 50 each. `half_life_days` is counted back from the conversion.

    `custom_weights` are points along the way from the first click to the last, evenly spaced; a click between
    two points takes the value on the straight line between them: (40, 20, 40) over five clicks is 40, 30, 20,
    30, 40. A single click is every position at once and is weighed by its channel alone, and so is every
    click when there are no points. The result is multiplied by the channel's weight (100 for a channel not
    listed). When every product is zero, the last click takes all with the reason `last_click_fallback`.

    A kind missing from `precedence` is not accepted at all.

    `signup_window` is how old a click may be at a sign-up; None takes `click_window`. `conversion_window` is
    how long after the customer came the first purchase or custom event must follow for the bond to hold,
    `lifetime_months` how many months of 30.4375 days it goes on; None is without end. `binding` says
    whether the bond comes before new touches (`first`) or only in their absence (`latest`).
    """

    model: Model
    click_window: timedelta
    code_window: timedelta | None
    signup_window: timedelta | None = None
    conversion_window: timedelta | None = None
    lifetime_months: int | None = None
    binding: Binding = "first"
    half_life_days: int = 7
    position_weights: tuple[int, int, int] = (40, 20, 40)
    custom_weights: tuple[int, ...] = ()
    channel_weights: tuple[tuple[str, int], ...] = ()
    precedence: tuple[TouchKind, ...] = ("manual", "code", "token", "click", "email")

    def __post_init__(self) -> None:
        if self.model not in _MODELS:
            raise ValueError(f"model is unknown: {self.model!r}")
        if self.binding not in _BINDINGS:
            raise ValueError(f"binding is unknown: {self.binding!r}")
        if self.lifetime_months is not None and self.lifetime_months < 1:
            raise ValueError("lifetime_months must be at least 1")
        for name in ("click_window", "code_window", "signup_window", "conversion_window"):
            window: timedelta | None = getattr(self, name)
            if window is not None and (window <= timedelta(0) or window.microseconds):
                raise ValueError(f"{name} must be a positive number of whole seconds")
        if self.half_life_days < 1:
            raise ValueError("half_life_days must be at least 1")
        first, middle, last = self.position_weights
        if min(first, middle, last) < 0 or first + middle + last != 100:
            raise ValueError("position_weights must be three percentages that sum to 100")
        if any(weight < 0 for weight in self.custom_weights):
            raise ValueError("custom_weights must not be negative")
        channels = [channel for channel, _ in self.channel_weights]
        if len(set(channels)) != len(channels) or any(weight < 0 for _, weight in self.channel_weights):
            raise ValueError("channel_weights must name each channel once, with no negative weight")
        kinds = set(self.precedence)
        if not kinds or len(kinds) != len(self.precedence) or kinds - _TOUCH_KINDS:
            raise ValueError("precedence must list known kinds, each once")


@dataclass(frozen=True, slots=True)
class Share:
    """A part of a bond: whose, how much of it, and the reason code when it cannot be credited any more."""

    participant: str
    weight_ppm: int
    disqualified: str | None = None

    def __post_init__(self) -> None:
        if not 0 < self.weight_ppm <= WHOLE_PPM:
            raise ValueError(f"weight_ppm must be from 1 to {WHOLE_PPM}")


@dataclass(frozen=True, slots=True)
class Bond:
    """What ties a customer to those who were credited for their first conversion in the program.

    `since` is when that conversion happened; `converted_at` when the first purchase or custom event did, None
    while there was none but the one to be decided.
    """

    shares: tuple[Share, ...]
    since: datetime
    converted_at: datetime | None = None

    def __post_init__(self) -> None:
        if not self.shares or len({share.participant for share in self.shares}) != len(self.shares):
            raise ValueError("shares must name somebody, each once")
        # In one order, so that equal bonds decide and are stored alike.
        ordered = sorted(self.shares, key=lambda share: share.participant)
        object.__setattr__(self, "shares", tuple(ordered))
        object.__setattr__(self, "since", in_utc(self.since, "since"))
        if self.converted_at is not None:
            object.__setattr__(self, "converted_at", in_utc(self.converted_at, "converted_at"))


@dataclass(frozen=True, slots=True)
class Credit:
    """One participant's share; over a decision the weights sum to 1,000,000 and the amounts to the whole."""

    participant: str
    touch_ids: tuple[str, ...]
    weight_ppm: int
    amount_minor: int
    confidence: Confidence


@dataclass(frozen=True, slots=True)
class Rejected:
    """One touch that earned nothing, with a reason code and a sentence for a page."""

    touch_id: str
    participant: str
    reason: str
    sentence: str


@dataclass(frozen=True, slots=True)
class Decision:
    """Who is credited, who is not, and why; sentences hold public ids and UTC dates, never names.

    `reason` is the model's name, `manual_claim`, `code_claim`, `token_claim`, `email_claim`,
    `bound_referrer`, `last_click_fallback`, `no_touch` or `no_eligible_touch`; the last two come without
    credits. `bond_reason` says why a bond was not followed: `bond_began_later`, `lifetime_over`,
    `outside_conversion_window`, `bond_disqualified` or `newer_touch`; None where it was, or there is none.
    """

    model: Model
    credits: tuple[Credit, ...]
    rejected: tuple[Rejected, ...]
    reason: str
    sentence: str
    bond_reason: str | None = None


def in_utc(value: datetime, field: str) -> datetime:
    """Return the instant in UTC; raises ValueError naming `field` for a naive one."""
    if value.tzinfo is UTC:
        return value
    if value.utcoffset() is None:
        raise ValueError(f"{field} must carry a time zone")
    return value.astimezone(UTC)


def window_of(kind: TouchKind, rule: AttributionRule, event: ConversionKind) -> timedelta | None:
    """Return how old a touch of this kind may be at such an event; None means any age."""
    if kind == "manual":
        return None
    if kind not in ("click", "email"):
        return rule.code_window
    if event == "signup" and rule.signup_window is not None:
        return rule.signup_window
    return rule.click_window
