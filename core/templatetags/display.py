"""Template filters for money and time; built in to every template."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

from core import money as money_rules

register = template.Library()


@register.filter
def money(minor: int | None, unit: str) -> str:
    """Show an amount of minor units: `{{ reward.amount_minor|money:reward.unit }}`; nothing for None."""
    if minor is None or not unit:
        return "" if minor is None else str(minor)
    return money_rules.display(int(minor), unit)


@register.filter
def moment(at: datetime | None, zone: Any = "UTC") -> SafeString:
    """Show an instant in a time zone (a name, or a workspace) as a <time> element; a dash for None."""
    if at is None:
        return SafeString("–")
    name = getattr(zone, "time_zone", zone) or "UTC"
    local = at.astimezone(ZoneInfo(str(name)))
    return format_html(
        '<time datetime="{}" title="{}">{}</time>',
        at.isoformat(),
        local.strftime("%Y-%m-%d %H:%M:%S %Z"),
        local.strftime("%d %b %Y %H:%M"),
    )


@register.filter
def words(code: str) -> str:
    """Show a code as words: `below_minimum_order` -> `below minimum order`; a sentence stays as it is."""
    return code if " " in code else code.replace("_", " ")


@register.filter
def bps(value: int) -> str:
    """Show basis points as a percentage: 1000 -> `10 %`, 1250 -> `12.5 %`."""
    whole, part = divmod(int(value), 100)
    return f"{whole} %" if not part else f"{whole}.{part:02d}".rstrip("0") + " %"
