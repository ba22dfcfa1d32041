"""What a program version's terms mean to attribution and to the fraud rules. Pure."""

from __future__ import annotations

from datetime import timedelta
from functools import lru_cache

from programs.terms import AttributionTerms, FraudTerms
from tracking.attribution import AttributionRule
from tracking.fraud import FraudSettings


def rule_of(terms: AttributionTerms) -> AttributionRule:
    """Return the attribution rule that a version's terms state."""
    return AttributionRule(
        model=terms.model,
        click_window=timedelta(hours=terms.click_window_hours),
        code_window=timedelta(hours=terms.code_window_hours),
        signup_window=_hours(terms.signup_window_hours),
        conversion_window=_hours(terms.conversion_window_hours),
        lifetime_months=terms.lifetime_months,
        binding="first" if terms.first_bind_wins else "latest",
        half_life_days=terms.half_life_days,
        position_weights=terms.position_weights,
        custom_weights=terms.custom_weights,
        channel_weights=terms.channel_weights,
        precedence=terms.precedence,
    )


@lru_cache(maxsize=256)
def settings_of(terms: FraudTerms) -> FraudSettings:
    """Return the fraud settings that a version's terms state."""
    return FraudSettings(
        hold_at=terms.hold_at,
        deny_at=terms.deny_at,
        weights=terms.weights,
        shadow=terms.shadow,
        off=terms.off,
        too_fast_seconds=terms.too_fast_seconds,
        participant_per_hour=terms.participant_per_hour,
        address_per_hour=terms.address_per_hour,
        device_per_hour=terms.device_per_hour,
        refund_rate_percent=terms.refund_rate_percent,
        refund_rate_least=terms.refund_rate_least,
        ring_size=terms.ring_size,
        banned_sources=terms.banned_sources,
    )


def _hours(number: int | None) -> timedelta | None:
    return None if number is None else timedelta(hours=number)
