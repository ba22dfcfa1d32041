"""The seasons in which the demo's programs give more, and the exchange rates its finance enters."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final
from zoneinfo import ZoneInfo

from accounts.services import Actor
from programs import services as program_services
from referral_platform.demo import cast
from referral_platform.demo.stage import Stage
from rewards import services as reward_services

_RATES: Final = (
    ("USD", "0.9213", "0.9187"),
    ("GBP", "1.1742", "1.1698"),
    ("CHF", "1.0415", "1.0466"),
)
"""Plausible figures, in euros: those entered first, and those of the spring."""


def plan_first(stage: Stage, at: datetime) -> None:
    """Give creators half as much again for three days; the promotion is over when the demo is looked at."""
    _plan(stage, "creators", "Creators' weekend", at, days=(2, 4), multiplier_bps=15_000, actor=stage.olga)


def plan_running(stage: Stage, at: datetime) -> None:
    """Give creators of three countries a quarter more for a fortnight, which goes on."""
    _plan(
        stage,
        "creators",
        "Harvest fortnight",
        at,
        days=(0, 14),
        multiplier_bps=12_500,
        banner="A quarter more for everything your friends buy",
        countries=["DE", "AT", "CH"],
        actor=stage.olga,
    )


def plan_coming(stage: Stage, at: datetime) -> None:
    """Announce a week of double rewards for customers who invite their friends."""
    _plan(
        stage,
        "friends",
        "Double week",
        at,
        days=(6, 12),
        multiplier_bps=20_000,
        banner="Double rewards for you and your friends",
        actor=stage.olga,
    )


def enter_first_rates(stage: Stage, at: datetime) -> None:
    """Enter what other currencies were worth when the programs began."""
    _enter(stage, 1, at)


def enter_new_rates(stage: Stage, at: datetime) -> None:
    """Enter what they are worth now."""
    _enter(stage, 2, at)


def _enter(stage: Stage, column: int, at: datetime) -> None:
    today = at.astimezone(ZoneInfo(cast.TIME_ZONE)).date()
    for row in _RATES:
        reward_services.enter_rate(
            workspace=stage.workspace,
            base=row[0],
            quote=cast.CURRENCY,
            on=today,
            rate=Decimal(row[column]),
            actor=stage.finn,
            at=at,
        )


def _plan(
    stage: Stage,
    program: str,
    name: str,
    at: datetime,
    *,
    days: tuple[int, int],
    multiplier_bps: int,
    actor: Actor,
    banner: str = "",
    countries: list[str] | None = None,
) -> None:
    today = at.astimezone(ZoneInfo(cast.TIME_ZONE)).date()
    program_services.make_promotion(
        program=stage.programs[program],
        name=name,
        starts_on=today + timedelta(days=days[0]),
        ends_on=today + timedelta(days=days[1]),
        multiplier_bps=multiplier_bps,
        banner=banner,
        audience={"countries": countries or []},
        actor=actor,
        at=at,
    )
