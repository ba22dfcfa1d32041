"""Reads the rules of the pure modules out of a program version's terms."""

from __future__ import annotations

from datetime import timedelta

from programs.models import ProgramVersion
from programs.terms import AttributionTerms
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


def fraud_settings_of(version: ProgramVersion) -> FraudSettings:
    """Return the fraud settings that a version's terms state."""
    return FraudSettings()


def _hours(number: int | None) -> timedelta | None:
    return None if number is None else timedelta(hours=number)
