"""The terms as a JSON document: `parse_terms` refuses it with every fault named, `dump_terms` writes it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import pairwise
from typing import Final, get_args

from core.errors import Invalid
from core.money import MAX_MINOR, is_currency
from programs.terms.fraud import FraudTerms, dump_fraud, read_fraud
from programs.terms.promises import (
    Amount,
    Approval,
    AttributionModel,
    AttributionTerms,
    CreditSource,
    EligibilityTerms,
    FixedAmount,
    PercentageAmount,
    ProductTerms,
    ProgramTerms,
    RewardEvent,
    RewardKind,
    RewardRule,
    RewardSide,
    Tier,
)
from programs.terms.reader import FieldError, Reader

SCHEMA: Final = 1

_MAX_DAYS = 3650
_MAX_HOURS = _MAX_DAYS * 24
_MAX_MONTHS = 120
_MAX_TIERS = 10
_MAX_FRIENDS = 100_000
_WHOLE_BPS = 10_000
# Points may outnumber minor units: 1,000,000 bps is 100 points for each cent.
_MAX_POINTS_BPS = 1_000_000

_LABEL = "[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_HOST = re.compile(rf"(?=.{{1,253}}\Z){_LABEL}(?:\.{_LABEL})*")
# No user name before the host and no backslash anywhere: browsers and servers disagree about both.
_URL = re.compile(
    r"https?://([a-z0-9.-]+)(?::([0-9]{1,5}))?(?:[/?#][!#-;=?-\[\]-~]*)?", re.ASCII | re.IGNORECASE
)
_KEY = re.compile("[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?")
_COUNTRY = re.compile("[A-Z]{2}")
_CHANNEL = re.compile("[a-z0-9][a-z0-9_-]{0,39}")


class TermsInvalid(Invalid):
    """The document does not describe terms; `errors` names every fault."""

    default_code = "terms_invalid"

    def __init__(self, errors: tuple[FieldError, ...]) -> None:
        listed = [{"param": fault.param, "code": fault.code, "message": fault.message} for fault in errors]
        super().__init__(errors[0].message, param=errors[0].param or None, details={"errors": listed})
        self.errors = errors


def parse_terms(document: object) -> ProgramTerms:
    """Read terms from their JSON document.

    Absent fields take their defaults, except `schema`, `currency` and a rule's key, side, event, kind and
    amount. Unknown fields are refused. Raises TermsInvalid with all faults at once.
    """
    errors: list[FieldError] = []
    terms = None
    if isinstance(document, Mapping):
        terms = _program(Reader(document, errors))
    else:
        errors.append(FieldError("", "not_an_object", "The terms must be an object."))
    if errors or terms is None:
        raise TermsInvalid(tuple(errors))
    return terms


def dump_terms(terms: ProgramTerms) -> dict[str, object]:
    """Write terms as their JSON document: every field, in a fixed order; `parse_terms` gives them back."""
    attribution, eligibility = terms.attribution, terms.eligibility
    return {
        "schema": SCHEMA,
        "currency": terms.currency,
        "destination_url": terms.destination_url,
        "attribution": {
            "model": attribution.model,
            "click_window_hours": attribution.click_window_hours,
            "code_window_hours": attribution.code_window_hours,
            "signup_window_hours": attribution.signup_window_hours,
            "conversion_window_hours": attribution.conversion_window_hours,
            "half_life_days": attribution.half_life_days,
            "position_weights": list(attribution.position_weights),
            "custom_weights": list(attribution.custom_weights),
            "channel_weights": dict(attribution.channel_weights),
            "precedence": list(attribution.precedence),
            "lifetime_months": attribution.lifetime_months,
            "first_bind_wins": attribution.first_bind_wins,
        },
        "rewards": [dump_rule(rule) for rule in terms.rewards],
        "hold_days": terms.hold_days,
        "approval": terms.approval,
        "eligibility": {
            "minimum_order_minor": eligibility.minimum_order_minor,
            "new_customers_only": eligibility.new_customers_only,
            "countries": list(eligibility.countries),
        },
        "fraud": dump_fraud(terms.fraud),
        "payout_minimum_minor": terms.payout_minimum_minor,
        "allowed_hosts": list(terms.allowed_hosts),
        "terms_text": terms.terms_text,
        "offer_text": terms.offer_text,
    }


def publish_errors(terms: ProgramTerms) -> tuple[FieldError, ...]:
    """Name what is still missing before these terms can be promised to anyone."""
    errors = []
    if not terms.destination_url:
        errors.append(FieldError("destination_url", "required", "Links need a page to lead to."))
    if not terms.rewards:
        errors.append(FieldError("rewards", "required", "A program needs at least one reward."))
    return tuple(errors)


def _program(reader: Reader) -> ProgramTerms:
    reader.integer("schema", SCHEMA, SCHEMA)
    currency = reader.text("currency", 3)
    if currency and not is_currency(currency):
        reader.fail("currency", "unknown_currency", "The currency is not an active ISO 4217 code.")
    destination_url = reader.text("destination_url", 2048, default="")
    allowed_hosts = reader.names("allowed_hosts", _HOST, 100, "This must be a host name in small letters.")
    if destination_url:
        _check_destination(reader, destination_url, allowed_hosts)
    attribution, eligibility = reader.child("attribution"), reader.child("eligibility")
    fraud = reader.child("fraud")
    rules = tuple(_rule(entry) for entry in reader.children("rewards", 50))
    if reader.sound("rewards") and len({rule.key for rule in rules}) < len(rules):
        reader.fail("rewards", "duplicate", "Each reward needs a key of its own.")
    terms = ProgramTerms(
        currency=currency,
        destination_url=destination_url,
        attribution=_attribution(attribution) if attribution else AttributionTerms(),
        rewards=rules,
        hold_days=reader.integer("hold_days", 0, 365, default=30),
        approval=reader.choice("approval", get_args(Approval), default="automatic"),
        eligibility=_eligibility(eligibility) if eligibility else EligibilityTerms(),
        fraud=read_fraud(fraud) if fraud else FraudTerms(),
        payout_minimum_minor=reader.integer("payout_minimum_minor", 0, MAX_MINOR, default=0),
        allowed_hosts=allowed_hosts,
        terms_text=reader.text("terms_text", 20_000, default=""),
        offer_text=reader.text("offer_text", 120, default=""),
    )
    reader.finish()
    return terms


def _check_destination(reader: Reader, url: str, allowed_hosts: tuple[str, ...]) -> None:
    match = _URL.fullmatch(url)
    host = match[1].lower() if match else ""
    if match is None or not _HOST.fullmatch(host) or int(match[2] or 0) > 65_535:
        reader.fail("destination_url", "invalid_format", "This must be a full http or https address.")
    elif allowed_hosts and host not in allowed_hosts:
        reader.fail("destination_url", "host_not_allowed", "The host is not among the allowed hosts.")


def _attribution(reader: Reader) -> AttributionTerms:
    default = AttributionTerms()
    weights = reader.integers("position_weights", 0, 100, 3, default.position_weights)
    if len(weights) != 3 or sum(weights) != 100:
        if reader.sound("position_weights"):
            reader.fail("position_weights", "bad_sum", "These must be three percentages that sum to 100.")
        weights = default.position_weights
    precedence = reader.choices("precedence", get_args(CreditSource), default.precedence)
    if not precedence and reader.sound("precedence"):
        reader.fail("precedence", "required", "At least one source must be listed.")
    terms = AttributionTerms(
        model=reader.choice("model", get_args(AttributionModel), default.model),
        click_window_hours=reader.integer("click_window_hours", 1, _MAX_HOURS, default.click_window_hours),
        code_window_hours=reader.integer("code_window_hours", 1, _MAX_HOURS, default.code_window_hours),
        signup_window_hours=reader.nullable_integer("signup_window_hours", 1, _MAX_HOURS),
        conversion_window_hours=reader.nullable_integer("conversion_window_hours", 1, _MAX_HOURS),
        half_life_days=reader.integer("half_life_days", 1, _MAX_DAYS, default.half_life_days),
        position_weights=(weights[0], weights[1], weights[2]),
        custom_weights=reader.integers("custom_weights", 0, 10_000, 50, ()),
        channel_weights=_channel_weights(reader.child("channel_weights")),
        precedence=precedence,
        lifetime_months=reader.nullable_integer("lifetime_months", 1, _MAX_MONTHS),
        first_bind_wins=reader.boolean("first_bind_wins", default.first_bind_wins),
    )
    if reader.sound():
        _check_custom_model(reader, terms)
    reader.finish()
    return terms


def _check_custom_model(reader: Reader, terms: AttributionTerms) -> None:
    if terms.custom_weights and not any(terms.custom_weights):
        reader.fail("custom_weights", "all_zero", "At least one weight must be positive.")
    if terms.model == "custom" and not terms.custom_weights and not terms.channel_weights:
        reader.fail("custom_weights", "required", "The custom model needs weights by position or by channel.")


def _channel_weights(reader: Reader | None) -> tuple[tuple[str, int], ...]:
    if reader is None:
        return ()
    channels = [str(key) for key in reader.remaining()]
    for channel in channels:
        if not _CHANNEL.fullmatch(channel):
            reader.fail(channel, "invalid_format", "A channel is written in small letters, digits, _ and -.")
    return tuple((channel, reader.integer(channel, 0, 1000)) for channel in sorted(channels))


def _eligibility(reader: Reader) -> EligibilityTerms:
    terms = EligibilityTerms(
        minimum_order_minor=reader.integer("minimum_order_minor", 0, MAX_MINOR, default=0),
        new_customers_only=reader.boolean("new_customers_only", default=False),
        countries=reader.names("countries", _COUNTRY, 249, "This must be an ISO 3166 code like DE."),
    )
    reader.finish()
    return terms


def _rule(reader: Reader) -> RewardRule:
    key = reader.text("key", 64)
    if key and not _KEY.fullmatch(key):
        reader.fail("key", "invalid_format", "A key is written in small letters, digits and -.")
    kind: RewardKind = reader.choice("kind", get_args(RewardKind))
    amount, discount = reader.child("amount"), reader.child("discount")
    bps_limit = _MAX_POINTS_BPS if kind == "points" else _WHOLE_BPS
    rule = RewardRule(
        key=key,
        side=reader.choice("side", get_args(RewardSide)),
        event=reader.choice("event", get_args(RewardEvent)),
        kind=kind,
        amount=_amount(amount, bps_limit) if amount else None,
        event_name=reader.nullable_text("event_name", 100),
        duration_months=reader.nullable_integer("duration_months", 1, _MAX_MONTHS),
        first_only=reader.boolean("first_only", default=False),
        minimum_order_minor=reader.integer("minimum_order_minor", 0, MAX_MINOR, default=0),
        max_minor=reader.nullable_integer("max_minor", 1, MAX_MINOR),
        product=_product(reader.child("product")),
        discount=_amount(discount, _WHOLE_BPS) if discount else None,
        tiers=tuple(_tier(entry, bps_limit) for entry in reader.children("tiers", _MAX_TIERS)),
    )
    if reader.sound():
        _check_rule(reader, rule)
    reader.finish()
    return rule


def _check_rule(reader: Reader, rule: RewardRule) -> None:
    if rule.kind in ("product", "discount"):
        if isinstance(rule.amount, PercentageAmount):
            reader.fail("amount", "not_fixed", "The value of a product or discount is fixed or absent.")
    elif rule.amount is None:
        reader.fail("amount", "required", "This kind of reward needs an amount.")
    for name, value in (("product", rule.product), ("discount", rule.discount)):
        if rule.kind == name and value is None:
            reader.fail(name, "required", f"A {name} reward says which {name}.")
        elif rule.kind != name and value is not None:
            reader.fail(name, "not_allowed", f"Only a {name} reward has a {name}.")
    if (rule.event == "custom") != (rule.event_name is not None):
        reader.fail("event_name", "event_name", "A custom event, and no other, is named here.")
    if rule.event == "signup":
        if isinstance(rule.amount, PercentageAmount):
            reader.fail("amount", "not_fixed", "A sign-up has no revenue to take a percentage of.")
        if rule.minimum_order_minor:
            reader.fail("minimum_order_minor", "not_allowed", "A sign-up has no order.")
    _check_tiers(reader, rule)


def _check_tiers(reader: Reader, rule: RewardRule) -> None:
    if not rule.tiers:
        return
    if rule.side == "referee":
        reader.fail("tiers", "not_allowed", "Only a referrer climbs tiers.")
    elif rule.kind in ("product", "discount"):
        reader.fail("tiers", "not_allowed", "Only cash, store credit and points have tiers.")
    elif rule.event == "signup":
        reader.fail("tiers", "not_allowed", "Tiers count friends who bought; a sign-up comes before that.")
    for index, (lower, tier) in enumerate(pairwise(rule.tiers), start=1):
        if tier.from_friends <= lower.from_friends:
            reader.fail(
                f"tiers.{index}.from_friends",
                "not_rising",
                f"This tier must start above the one before it, at {lower.from_friends + 1} friends or more.",
            )


def _tier(reader: Reader, bps_limit: int) -> Tier:
    amount = reader.child("amount")
    if amount is None and reader.sound("amount"):
        reader.fail("amount", "required", "A tier needs an amount.")
    tier = Tier(
        from_friends=reader.integer("from_friends", 2, _MAX_FRIENDS),
        amount=_amount(amount, bps_limit) if amount else FixedAmount(minor=0),
    )
    reader.finish()
    return tier


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


def dump_rule(rule: RewardRule) -> dict[str, object]:
    """Write one reward rule as it stands in the document's `rewards`."""
    product = rule.product
    return {
        "key": rule.key,
        "side": rule.side,
        "event": rule.event,
        "event_name": rule.event_name,
        "kind": rule.kind,
        "amount": _dump_amount(rule.amount),
        "duration_months": rule.duration_months,
        "first_only": rule.first_only,
        "minimum_order_minor": rule.minimum_order_minor,
        "max_minor": rule.max_minor,
        "product": None if product is None else {"sku": product.sku, "name": product.name},
        "discount": _dump_amount(rule.discount),
        "tiers": [
            {"from_friends": tier.from_friends, "amount": _dump_amount(tier.amount)} for tier in rule.tiers
        ],
    }


def _dump_amount(amount: Amount | None) -> dict[str, object] | None:
    if amount is None:
        return None
    if isinstance(amount, PercentageAmount):
        return {"type": "percentage", "bps": amount.bps}
    return {"type": "fixed", "minor": amount.minor}
