"""The terms as a JSON document: `parse_terms` refuses it with every fault named, `dump_terms` writes it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final, get_args

from core.errors import Invalid
from core.money import MAX_MINOR, is_currency
from programs.terms.caps import dump_cap, read_caps
from programs.terms.conditions import dump_conditions, read_conditions
from programs.terms.fraud import FraudTerms, dump_fraud, read_fraud
from programs.terms.promises import (
    Approval,
    AttributionModel,
    AttributionTerms,
    CreditSource,
    EligibilityTerms,
    ProgramTerms,
    RewardKind,
)
from programs.terms.reader import FieldError, Reader
from programs.terms.rules import MAX_MONTHS, dump_rule, group_errors, read_rules

SCHEMA: Final = 1

_MAX_DAYS = 3650
_MAX_HOURS = _MAX_DAYS * 24
_MAX_WARNING = 90

_LABEL = "[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_HOST = re.compile(rf"(?=.{{1,253}}\Z){_LABEL}(?:\.{_LABEL})*")
# No user name before the host and no backslash anywhere: browsers and servers disagree about both.
_URL = re.compile(
    r"https?://([a-z0-9.-]+)(?::([0-9]{1,5}))?(?:[/?#][!#-;=?-\[\]-~]*)?", re.ASCII | re.IGNORECASE
)
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
        "approval_above_minor": terms.approval_above_minor,
        "approval_score": terms.approval_score,
        "approval_kinds": list(terms.approval_kinds),
        "caps": [dump_cap(cap) for cap in terms.caps],
        "eligibility": {
            "minimum_order_minor": eligibility.minimum_order_minor,
            "new_customers_only": eligibility.new_customers_only,
            "countries": list(eligibility.countries),
            "conditions": dump_conditions(eligibility.conditions),
        },
        "fraud": dump_fraud(terms.fraud),
        "payout_minimum_minor": terms.payout_minimum_minor,
        "tax_details_required": terms.tax_details_required,
        "expiry_warning_days": terms.expiry_warning_days,
        "redemption_minimum": terms.redemption_minimum,
        "assumed_margin_bps": terms.assumed_margin_bps,
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
    known = {rule.key for rule in terms.rewards}
    for index, cap in enumerate(terms.caps):
        if not known.issuperset(cap.rules):
            errors.append(
                FieldError(
                    f"caps.{index}.rules", "unknown_reward", "The cap names a reward that is not here."
                )
            )
    return (*errors, *group_errors(terms.rewards))


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
    terms = ProgramTerms(
        currency=currency,
        destination_url=destination_url,
        attribution=_attribution(attribution) if attribution else AttributionTerms(),
        rewards=read_rules(reader),
        hold_days=reader.integer("hold_days", 0, 365, default=30),
        approval=reader.choice("approval", get_args(Approval), default="automatic"),
        approval_above_minor=reader.nullable_integer("approval_above_minor", 0, MAX_MINOR),
        approval_score=reader.nullable_integer("approval_score", 0, 100),
        approval_kinds=reader.choices("approval_kinds", get_args(RewardKind), ()),
        caps=read_caps(reader),
        eligibility=_eligibility(eligibility) if eligibility else EligibilityTerms(),
        fraud=read_fraud(fraud) if fraud else FraudTerms(),
        payout_minimum_minor=reader.integer("payout_minimum_minor", 0, MAX_MINOR, default=0),
        tax_details_required=reader.boolean("tax_details_required", default=False),
        expiry_warning_days=reader.integer("expiry_warning_days", 0, _MAX_WARNING, default=7),
        redemption_minimum=reader.integer("redemption_minimum", 0, MAX_MINOR, default=0),
        assumed_margin_bps=reader.nullable_integer("assumed_margin_bps", 0, 10_000),
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
        lifetime_months=reader.nullable_integer("lifetime_months", 1, MAX_MONTHS),
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
        conditions=read_conditions(reader.child("conditions")),
    )
    reader.finish()
    return terms
