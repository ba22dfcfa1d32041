"""How stored values read in the audit log."""

from __future__ import annotations

from typing import Any

from django import template

register = template.Library()


@register.filter
def plain(value: Any) -> str:
    """Show a stored JSON value: a list by its members, nothing as a dash."""
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "–"
    return "–" if value in (None, "") else str(value)
