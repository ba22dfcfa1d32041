"""A program's terms about fraud: when a referral is held or refused, by which rules, and who confirms it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal, get_args

from programs.terms.reader import Reader

FraudRule = Literal[
    "same_customer",
    "same_mailbox",
    "duplicate_order",
    "block_list",
    "ring",
    "known_person",
    "same_device",
    "same_payment",
    "circular",
    "velocity_participant",
    "velocity_device",
    "too_fast",
    "banned_source",
    "velocity_address",
    "refused_agent",
    "refund_rate",
    "same_postal",
    "disposable_mail",
    "same_ip",
    "country_mismatch",
    "allow_list",
]
FRAUD_RULES: Final[tuple[FraudRule, ...]] = get_args(FraudRule)
"""Every rule that judges referrals, the heaviest first."""

FRAUD_WEIGHTS: Final[Mapping[FraudRule, int]] = {
    "same_customer": 100,
    "same_mailbox": 100,
    "duplicate_order": 100,
    "block_list": 100,
    "ring": 70,
    "known_person": 60,
    "same_device": 60,
    "same_payment": 60,
    "circular": 60,
    "velocity_participant": 50,
    "velocity_device": 50,
    "too_fast": 50,
    "banned_source": 50,
    "velocity_address": 40,
    "refused_agent": 40,
    "refund_rate": 40,
    "same_postal": 30,
    "disposable_mail": 30,
    "same_ip": 20,
    "country_mismatch": 15,
    "allow_list": 0,
}
"""What a rule weighs where a program says nothing else."""

FRAUD_WORDS: Final[Mapping[FraudRule, tuple[str, str]]] = {
    "same_customer": ("Own purchase", "The referrer is the buyer."),
    "same_mailbox": ("Same mailbox", "Both e-mail addresses reach the same mailbox, spelled differently."),
    "duplicate_order": ("Order counted twice", "Another conversion already stands for the same order."),
    "block_list": ("Block list", "Something about the referral is on your block list."),
    "ring": ("Ring", "Several friends of one participant share a device, a payment or a postal address."),
    "known_person": ("Known customer", "The friend bought before as another customer with the same mailbox."),
    "same_device": ("Same device", "The referrer and the friend used the same device or browser."),
    "same_payment": ("Same payment", "The referrer and the friend paid by the same card or account."),
    "circular": ("Circle", "The friend had brought the referrer before."),
    "velocity_participant": ("Many at once", "The participant brings more buyers in an hour than people do."),
    "velocity_device": ("Busy device", "One device makes many conversions within an hour."),
    "too_fast": ("Too fast", "The conversion followed the click within seconds."),
    "banned_source": ("Unwanted site", "The click came from a site you named below."),
    "velocity_address": ("Busy network", "One network address makes many conversions within an hour."),
    "refused_agent": ("Robot", "Visits came from a robot or a data centre, not from a person's browser."),
    "refund_rate": ("Many refunds", "Most of what the participant's friends bought was refunded."),
    "same_postal": ("Same postal address", "Both use the same postal address, as families do."),
    "disposable_mail": ("Throw-away address", "The friend's e-mail address is made to be thrown away."),
    "same_ip": ("Same network", "Both used the same network address, as every household does."),
    "country_mismatch": ("Another country", "The click came from another country than the customer's."),
    "allow_list": (
        "Allow list",
        "What you allowed is not held for a doubt. Own purchases, double orders and the block list stand.",
    ),
}
"""A rule's name in words, and what it finds."""

MAX_WEIGHT: Final = 1000
LONGEST_WAIT: Final = 86_400

_SOURCE = re.compile(r"(?=.{1,253}\Z)(?=.*[a-z0-9])[a-z0-9_*-]{1,63}(?:\.[a-z0-9_*-]{1,63})*")
_CALLBACK = re.compile(
    r"https://(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?"
    r"(?::([0-9]{1,5}))?(?:[/?][!#-;=?-\[\]-~]*)?",
    re.ASCII | re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class FraudTerms:
    """Thresholds, rules and limits by which referrals are judged.

    A single finding as heavy as `deny_at` refuses; findings that reach `hold_at` together hold. `weights`
    are pairs of rule and weight, sorted, for rules that do not weigh what `FRAUD_WEIGHTS` says. Rules in
    `shadow` are recorded and count nothing, rules in `off` do not run; both are sorted. `*_per_hour` is the
    most that is no finding. The refund rate is looked at from `refund_rate_least` purchases, and a ring has
    `ring_size` other friends at least. `banned_sources` are host names with `*` for any part.

    With `verify_email` a friend confirms the e-mail address before a reward is released. `validation_url`,
    where it is not empty, is asked whether a reward may be approved. With `validate_orders` the connected
    shop is asked whether a purchase's order stands there as it was told.
    """

    hold_at: int = 50
    deny_at: int = 100
    weights: tuple[tuple[FraudRule, int], ...] = ()
    shadow: tuple[FraudRule, ...] = ()
    off: tuple[FraudRule, ...] = ()
    too_fast_seconds: int = 10
    participant_per_hour: int = 20
    address_per_hour: int = 5
    device_per_hour: int = 3
    refund_rate_percent: int = 50
    refund_rate_least: int = 5
    ring_size: int = 2
    banned_sources: tuple[str, ...] = ()
    verify_email: bool = False
    validation_url: str = ""
    validate_orders: bool = False

    def weight(self, rule: FraudRule) -> int:
        """Return the weight of a rule in this program."""
        return dict(self.weights).get(rule, FRAUD_WEIGHTS[rule])


def read_fraud(reader: Reader) -> FraudTerms:
    """Read the document's `fraud`; every field may be absent, and faults go to the reader."""
    default = FraudTerms()
    terms = FraudTerms(
        hold_at=reader.integer("hold_at", 1, MAX_WEIGHT, default.hold_at),
        deny_at=reader.integer("deny_at", 1, MAX_WEIGHT, default.deny_at),
        weights=_weights(reader.child("weights")),
        shadow=tuple(sorted(reader.choices("shadow", FRAUD_RULES, ()))),
        off=tuple(sorted(reader.choices("off", FRAUD_RULES, ()))),
        too_fast_seconds=reader.integer("too_fast_seconds", 0, LONGEST_WAIT, default.too_fast_seconds),
        participant_per_hour=reader.integer("participant_per_hour", 1, 100_000, default.participant_per_hour),
        address_per_hour=reader.integer("address_per_hour", 1, 100_000, default.address_per_hour),
        device_per_hour=reader.integer("device_per_hour", 1, 100_000, default.device_per_hour),
        refund_rate_percent=reader.integer("refund_rate_percent", 1, 100, default.refund_rate_percent),
        refund_rate_least=reader.integer("refund_rate_least", 1, 100_000, default.refund_rate_least),
        ring_size=reader.integer("ring_size", 1, 1000, default.ring_size),
        banned_sources=reader.names(
            "banned_sources", _SOURCE, 200, "This must be a host name in small letters, * for any part."
        ),
        verify_email=reader.boolean("verify_email", default.verify_email),
        validation_url=reader.text("validation_url", 2048, default.validation_url),
        validate_orders=reader.boolean("validate_orders", default.validate_orders),
    )
    if reader.sound("hold_at") and reader.sound("deny_at") and terms.hold_at > terms.deny_at:
        reader.fail("hold_at", "above_deny_at", "A hold must not need more than a refusal does.")
    if set(terms.shadow) & set(terms.off):
        reader.fail("off", "also_in_shadow", "A rule is either off or in the shadow.")
    callback = _CALLBACK.fullmatch(terms.validation_url)
    if terms.validation_url and (callback is None or int(callback[1] or 0) > 65_535):
        reader.fail("validation_url", "invalid_format", "This must be a full https address.")
    reader.finish()
    return terms


def _weights(reader: Reader | None) -> tuple[tuple[FraudRule, int], ...]:
    if reader is None:
        return ()
    names = [str(key) for key in reader.remaining()]
    for name in names:
        if name not in FRAUD_WEIGHTS:
            reader.fail(name, "not_a_choice", "No rule has this name.")
        elif name == "allow_list":
            reader.fail(name, "not_allowed", "The allow list weighs nothing.")
    known = sorted(rule for rule in FRAUD_RULES if rule in names and rule != "allow_list")
    return tuple((rule, reader.integer(rule, 0, MAX_WEIGHT)) for rule in known)


def dump_fraud(terms: FraudTerms) -> dict[str, object]:
    """Write the document's `fraud`: every field; `read_fraud` gives the terms back."""
    return {
        "hold_at": terms.hold_at,
        "deny_at": terms.deny_at,
        "weights": dict(terms.weights),
        "shadow": list(terms.shadow),
        "off": list(terms.off),
        "too_fast_seconds": terms.too_fast_seconds,
        "participant_per_hour": terms.participant_per_hour,
        "address_per_hour": terms.address_per_hour,
        "device_per_hour": terms.device_per_hour,
        "refund_rate_percent": terms.refund_rate_percent,
        "refund_rate_least": terms.refund_rate_least,
        "ring_size": terms.ring_size,
        "banned_sources": list(terms.banned_sources),
        "verify_email": terms.verify_email,
        "validation_url": terms.validation_url,
        "validate_orders": terms.validate_orders,
    }
