"""Template filters for numbers, money and time; built in to every template."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, Final
from zoneinfo import ZoneInfo

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

from core import clock, locales

register = template.Library()

NOTHING: Final = SafeString("–")
_RELATIVE_FOR: Final = timedelta(days=7)
_STEPS: Final = ((86_400, "day"), (3_600, "hour"), (60, "minute"))


@register.filter
def money(minor: int | None, unit: str) -> str:
    """Show an amount of minor units: `{{ reward.amount_minor|money:reward.unit }}`; nothing for None."""
    if minor is None or not unit:
        return "" if minor is None else locales.number(int(minor))
    return locales.amount(int(minor), unit)


@register.filter
def number(value: int | Decimal | None) -> str:
    """Show a number with the reader's separators: 12345 -> `12,345`; a dash for None."""
    return NOTHING if value is None else locales.number(value)


@register.filter
def moment(at: datetime | None, zone: Any = "UTC") -> SafeString:
    """Show how long ago or ahead an instant is, or its day when that is more than a week; a dash for None.

    `zone` is a time zone's name or a workspace, by whose clock the time is told. The exact instant stands in
    the title.
    """
    if at is None:
        return NOTHING
    local = _local(at, zone)
    return _time(local, relative(at, _now(zone)) or locales.day(local.date()))


@register.filter
def exact(at: datetime | None, zone: Any = "UTC") -> SafeString:
    """Show an instant to the second in a time zone (a name, or a workspace); a dash for None."""
    if at is None:
        return NOTHING
    local = _local(at, zone)
    return _time(local, locales.instant(local))


@register.filter
def day(value: date | None, zone: Any = "UTC") -> str:
    """Show a day, or the day of an instant in a time zone (a name, or a workspace); a dash for None."""
    if value is None:
        return NOTHING
    return locales.day(_local(value, zone).date() if isinstance(value, datetime) else value)


def relative(at: datetime, now: datetime) -> str:
    """Write an instant as seen from `now`: "3 hours ago", "in 2 days"; "" beyond a week."""
    distance = abs(at - now)
    if distance > _RELATIVE_FOR:
        return ""
    for seconds, name in _STEPS:
        count = int(distance.total_seconds()) // seconds
        if count:
            text = f"{count} {name}{'' if count == 1 else 's'}"
            return f"{text} ago" if at < now else f"in {text}"
    return "just now" if at <= now else "in a moment"


def _local(at: datetime, zone: Any) -> datetime:
    return at.astimezone(ZoneInfo(str(getattr(zone, "time_zone", zone) or "UTC")))


def _now(zone: Any) -> datetime:
    now: datetime = clock.now()
    local_time = getattr(zone, "local_time", None)
    return local_time(now) if local_time is not None else now


def _time(local: datetime, text: str) -> SafeString:
    return format_html(
        '<time datetime="{}" title="{}">{}</time>', local.isoformat(), locales.instant(local), text
    )


@register.filter
def words(code: str) -> str:
    """Show a code as words: `below_minimum_order` -> `below minimum order`; a sentence stays as it is."""
    return code if " " in code else code.replace("_", " ")


@register.filter
def bps(value: int) -> str:
    """Show basis points as a percentage: 1000 -> `10 %`, 1250 -> `12.5 %`."""
    return f"{locales.number(Decimal(int(value)).scaleb(-2))} %"
