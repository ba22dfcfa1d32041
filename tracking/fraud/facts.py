"""What goes into a judgement and what comes out: frozen values that check themselves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from programs.terms import FRAUD_WEIGHTS
from tracking.fraud.lists import clean_pattern

Outcome = Literal["allow", "hold", "deny"]

DEFAULT_WEIGHTS: Final[Mapping[str, int]] = {str(rule): weight for rule, weight in FRAUD_WEIGHTS.items()}
"""Every rule and what it weighs unless a program says otherwise."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known about one conversion and one participant when they are judged.

    Ids are public ids. Mailboxes are digests of `core.mailbox` spellings, compared for equality only. None,
    zero and empty are "not known" and equal nothing.

    - `referee_known_as`: other customers with the friend's mailbox who converted earlier.
    - `shared_*`: how many fingerprints of that kind referrer and referee share: devices or browsers, network
      addresses, means of payment, postal addresses. `address_is_shared_widely`: the shared network address
      is that of many customers, as in an office or behind a mobile carrier.
    - `*_conversions_hour`: conversions within the hour before this one, this one among them: of the
      participant, of the buyer's network address, of the buyer's device.
    - `refused_agent`: the class of a robot's or server's user agent seen for this buyer, `robot` or
      `data_centre`.
    - `participant_conversions`, `participant_refunded`: purchases credited to the participant so far, and
      how many of them were refunded.
    - `circular_with`: the referral in which the referee, as a participant, brought the referrer.
    - `source_host`: the host that the touch came from. Countries are ISO 3166 codes.
    - `ring`: the participant's other friends who share a device, payment or postal fingerprint with this one.
    - `duplicate_of`: the conversion that already stands for the same order.
    - `listed_as`: entries of the lists that matched, as (`allow` or `block`, kind, pattern). A pattern of
      the kinds email, address, device and customer is given by the entry's public id instead.

    Raises ValueError, named for the field, for a negative count.
    """

    referrer: str
    referee: str
    same_customer: bool = False
    referrer_mailbox: str | None = None
    referee_mailbox: str | None = None
    referee_known_as: tuple[str, ...] = ()
    shared_devices: int = 0
    shared_addresses: int = 0
    shared_payments: int = 0
    shared_postal: int = 0
    address_is_shared_widely: bool = False
    participant_conversions_hour: int | None = None
    address_conversions_hour: int | None = None
    device_conversions_hour: int | None = None
    disposable_mail: bool = False
    seconds_to_conversion: int | None = None
    refused_agent: str | None = None
    participant_conversions: int = 0
    participant_refunded: int = 0
    circular_with: str | None = None
    source_host: str | None = None
    click_country: str | None = None
    customer_country: str | None = None
    ring: tuple[str, ...] = ()
    duplicate_of: str | None = None
    listed_as: tuple[tuple[str, str, str], ...] = ()

    def __post_init__(self) -> None:
        for name in _COUNTS:
            value = getattr(self, name)
            if value is not None and value < 0:
                raise ValueError(f"{name} must not be negative")


_COUNTS: Final = (
    "shared_devices",
    "shared_addresses",
    "shared_payments",
    "shared_postal",
    "participant_conversions_hour",
    "address_conversions_hour",
    "device_conversions_hour",
    "seconds_to_conversion",
    "participant_conversions",
    "participant_refunded",
)


@dataclass(frozen=True, slots=True)
class FraudSettings:
    """A program's thresholds and limits.

    `weights` replaces default weights one by one; 0 records without effect. Rules in `shadow` run, are
    recorded and count nothing; rules in `off` do not run. `*_per_hour` is the most that raises no signal.
    The refund rate is looked at from `refund_rate_least` purchases. `ring_size` is the least number of other
    friends. `banned_sources` are hosts with `*` for any part, as `clean_pattern` writes them. Raises
    ValueError, named for the field, for what makes no sense.
    """

    hold_at: int = 50
    deny_at: int = 100
    weights: tuple[tuple[str, int], ...] = ()
    shadow: tuple[str, ...] = ()
    off: tuple[str, ...] = ()
    too_fast_seconds: int = 10
    participant_per_hour: int = 20
    address_per_hour: int = 5
    device_per_hour: int = 3
    refund_rate_percent: int = 50
    refund_rate_least: int = 5
    ring_size: int = 2
    banned_sources: tuple[str, ...] = ()
    _table: Mapping[str, int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not 0 < self.hold_at <= self.deny_at:
            raise ValueError("hold_at must be positive and not above deny_at")
        self._check_rules()
        if self.too_fast_seconds < 0:
            raise ValueError("too_fast_seconds must not be negative")
        for name in (
            "participant_per_hour",
            "address_per_hour",
            "device_per_hour",
            "refund_rate_percent",
            "refund_rate_least",
            "ring_size",
        ):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be positive")
        if self.refund_rate_percent > 100:
            raise ValueError("refund_rate_percent must not be above 100")
        for pattern in self.banned_sources:
            try:
                clean = clean_pattern("source", pattern) == pattern
            except ValueError:
                clean = False
            if not clean:
                raise ValueError("banned_sources must be clean patterns of hosts")
        object.__setattr__(self, "_table", {**DEFAULT_WEIGHTS, **dict(self.weights)})

    def _check_rules(self) -> None:
        named = {"weights": tuple(name for name, _ in self.weights), "shadow": self.shadow, "off": self.off}
        for name, rules in named.items():
            if len(set(rules)) < len(rules) or not DEFAULT_WEIGHTS.keys() >= set(rules):
                raise ValueError(f"{name} must name known rules, each once")
        if any(weight < 0 for _, weight in self.weights):
            raise ValueError("weights must not be negative")
        if dict(self.weights).get("allow_list"):
            raise ValueError("weights must not make the allow list a doubt")
        if set(self.shadow) & set(self.off):
            raise ValueError("off must not name rules that run in the shadow")

    def weight(self, rule: str) -> int:
        """Return the weight of a rule in this program."""
        return self._table[rule]


@dataclass(frozen=True, slots=True)
class Signal:
    """One rule's finding; evidence is pairs of name and value, each name once.

    No e-mail address, network address or device is in the sentence or the evidence. A `shadow` signal keeps
    the weight it would have had, and counts nothing.
    """

    rule: str
    weight: int
    sentence: str
    evidence: tuple[tuple[str, str], ...]
    shadow: bool = False


@dataclass(frozen=True, slots=True)
class Judgement:
    """The outcome, the sum of the weights that count, all signals, and the reason code.

    Signals stand heaviest first, those in the shadow last. The reason comes from the heaviest signal that
    decides; without an effect it is `no_signal` or `below_threshold`, and `allow_list` where that list lifted
    a hold or denial. `shadow_outcome` is the outcome if the rules in the shadow counted.
    """

    outcome: Outcome
    score: int
    signals: tuple[Signal, ...]
    reason: str
    shadow_outcome: Outcome
