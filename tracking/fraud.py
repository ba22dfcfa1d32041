"""Judges whether a referral looks like fraud, with evidence: pure rules, each a function of the facts.

A rule answers with a signal or with nothing. Signals carry weights, and weights decide: a single signal as
heavy as `deny_at` is a proof and denies; signals that reach `hold_at`, alone or together, are a doubt and
hold. Doubts never add up to a denial, and every signal is kept whatever the outcome.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from core.mailbox import normalise_mailbox as normalise_mailbox

Outcome = Literal["allow", "hold", "deny"]

# Raised by whoever changes a rule or a sentence: a stored judgement replays to the same bytes.
RECORD_FORMAT = 1
DEFAULT_WEIGHTS: Mapping[str, int] = {
    "same_customer": 100,
    "same_mailbox": 100,
    "duplicate_order": 100,
    "same_device": 60,
    "too_fast": 50,
    "disposable_mail": 30,
    "same_ip": 20,
}

# Rules that prove the same thing share one reason.
_REASONS: Mapping[str, str] = {"same_customer": "self_referral", "same_mailbox": "self_referral"}


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known about one conversion when it is judged.

    Ids are public ids. Mailboxes come from `core.mailbox`; they, devices and addresses are compared for
    equality only, so keyed hashes serve as well and are what belongs in storage. None is "not known" and
    equals nothing. `duplicate_of` is the conversion that already stands for the same order.
    """

    referrer: str
    referee: str
    same_customer: bool = False
    referrer_mailbox: str | None = None
    referee_mailbox: str | None = None
    referrer_device: str | None = None
    referee_device: str | None = None
    referrer_ip_hash: str | None = None
    referee_ip_hash: str | None = None
    seconds_to_conversion: int | None = None
    disposable_mail: bool = False
    duplicate_of: str | None = None

    def __post_init__(self) -> None:
        if self.seconds_to_conversion is not None and self.seconds_to_conversion < 0:
            raise ValueError("seconds_to_conversion must not be negative")


@dataclass(frozen=True, slots=True)
class FraudSettings:
    """A program's thresholds; `weights` replaces default weights one by one; 0 records without effect."""

    hold_at: int = 50
    deny_at: int = 100
    too_fast_seconds: int = 10
    weights: tuple[tuple[str, int], ...] = ()

    def __post_init__(self) -> None:
        if not 0 < self.hold_at <= self.deny_at:
            raise ValueError("hold_at must be positive and not above deny_at")
        if self.too_fast_seconds < 0:
            raise ValueError("too_fast_seconds must not be negative")
        names = [name for name, _ in self.weights]
        if len(set(names)) != len(names) or set(names) - set(DEFAULT_WEIGHTS):
            raise ValueError("weights must name known rules, each once")
        if any(weight < 0 for _, weight in self.weights):
            raise ValueError("weights must not be negative")

    def weight(self, rule: str) -> int:
        """Return the weight of a rule in this program."""
        return dict(self.weights).get(rule, DEFAULT_WEIGHTS[rule])


@dataclass(frozen=True, slots=True)
class Signal:
    """One rule's finding; evidence is pairs of name and value, with no e-mail, address or device in them."""

    rule: str
    weight: int
    sentence: str
    evidence: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Judgement:
    """The outcome, the sum of all weights, all signals (heaviest first), and the reason code.

    The reason comes from the heaviest signal; without an effect it is `no_signal` or `below_threshold`.
    """

    outcome: Outcome
    score: int
    signals: tuple[Signal, ...]
    reason: str


Rule = Callable[[Facts, FraudSettings], Signal | None]


def judge(facts: Facts, settings: FraudSettings, rules: Sequence[Rule] | None = None) -> Judgement:
    """Run the rules (`RULES` unless given) over the facts and weigh what they find."""
    answers = [rule(facts, settings) for rule in (RULES if rules is None else rules)]
    found = [signal for signal in answers if signal is not None]
    # The sort is stable: among equal weights the order of the rules stands.
    signals = tuple(sorted(found, key=lambda signal: -signal.weight))
    score = sum(signal.weight for signal in signals)
    if not signals:
        return Judgement("allow", 0, (), "no_signal")
    heaviest = signals[0]
    reason = _REASONS.get(heaviest.rule, heaviest.rule)
    if heaviest.weight >= settings.deny_at:
        return Judgement("deny", score, signals, reason)
    if score >= settings.hold_at:
        return Judgement("hold", score, signals, reason)
    return Judgement("allow", score, signals, "below_threshold")


def same_customer(facts: Facts, settings: FraudSettings) -> Signal | None:
    """Find a referrer who is the buyer."""
    if not facts.same_customer:
        return None
    return _signal(
        "same_customer",
        settings,
        "The referrer and the referred customer are the same customer.",
        ("referrer", facts.referrer),
        ("referee", facts.referee),
    )


def same_mailbox(facts: Facts, settings: FraudSettings) -> Signal | None:
    """Find two e-mail addresses that reach the same mailbox."""
    if facts.referrer_mailbox is None or facts.referrer_mailbox != facts.referee_mailbox:
        return None
    return _signal(
        "same_mailbox",
        settings,
        "The referrer's and the referred customer's e-mail addresses reach the same mailbox.",
        ("referrer", facts.referrer),
        ("referee", facts.referee),
    )


def duplicate_order(facts: Facts, settings: FraudSettings) -> Signal | None:
    """Find an order that another conversion stands for."""
    if facts.duplicate_of is None:
        return None
    sentence = "Another conversion already stands for this order."
    return _signal("duplicate_order", settings, sentence, ("conversion", facts.duplicate_of))


def same_device(facts: Facts, settings: FraudSettings) -> Signal | None:
    """Find a referrer and a customer on one device or browser."""
    if facts.referrer_device is None or facts.referrer_device != facts.referee_device:
        return None
    return _signal(
        "same_device",
        settings,
        "The referrer and the referred customer used the same device.",
        ("referrer", facts.referrer),
        ("referee", facts.referee),
    )


def too_fast(facts: Facts, settings: FraudSettings) -> Signal | None:
    """Find a conversion that followed its click faster than a person acts."""
    seconds, limit = facts.seconds_to_conversion, settings.too_fast_seconds
    if seconds is None or seconds >= limit:
        return None
    return _signal(
        "too_fast",
        settings,
        f"The conversion came {seconds} s after the click; under {limit} s is held for a look.",
        ("seconds", str(seconds)),
        ("limit_seconds", str(limit)),
    )


def disposable_mail(facts: Facts, settings: FraudSettings) -> Signal | None:
    """Find a customer with an e-mail address made to be thrown away."""
    if not facts.disposable_mail:
        return None
    sentence = "The referred customer's e-mail address is from a provider of throw-away addresses."
    return _signal("disposable_mail", settings, sentence, ("referee", facts.referee))


def same_ip(facts: Facts, settings: FraudSettings) -> Signal | None:
    """Find a shared network address; a household has one too, so by default it holds nothing by itself."""
    if facts.referrer_ip_hash is None or facts.referrer_ip_hash != facts.referee_ip_hash:
        return None
    return _signal(
        "same_ip",
        settings,
        "The referrer and the referred customer used the same network address.",
        ("referrer", facts.referrer),
        ("referee", facts.referee),
    )


RULES: tuple[Rule, ...] = (
    same_customer,
    same_mailbox,
    duplicate_order,
    same_device,
    too_fast,
    disposable_mail,
    same_ip,
)


def encode_inputs(facts: Facts, settings: FraudSettings) -> dict[str, Any]:
    """Turn the arguments of `judge` into JSON values, with every weight that was in force."""
    weights = [[rule, settings.weight(rule)] for rule in sorted(DEFAULT_WEIGHTS)]
    return {
        "format": RECORD_FORMAT,
        "facts": asdict(facts),
        "settings": asdict(settings) | {"weights": weights},
    }


def encode_judgement(judgement: Judgement) -> dict[str, Any]:
    """Turn a judgement into JSON values."""
    return {
        "outcome": judgement.outcome,
        "score": judgement.score,
        "signals": [
            asdict(signal) | {"evidence": [list(pair) for pair in signal.evidence]}
            for signal in judgement.signals
        ],
        "reason": judgement.reason,
    }


def replay(inputs: Mapping[str, Any]) -> Judgement:
    """Judge again from stored inputs; raises ValueError for a record of another format."""
    if inputs.get("format") != RECORD_FORMAT:
        raise ValueError(f"format must be {RECORD_FORMAT}")
    settings = dict(inputs["settings"])
    weights = tuple((name, weight) for name, weight in settings.pop("weights"))
    return judge(Facts(**inputs["facts"]), FraudSettings(**settings, weights=weights))


def _signal(rule: str, settings: FraudSettings, sentence: str, *evidence: tuple[str, str]) -> Signal:
    return Signal(rule, settings.weight(rule), sentence, evidence)
