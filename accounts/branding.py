"""A workspace's colours as a style sheet of its own, over the ones that every page has."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from django.urls import reverse

from accounts.models import DEFAULT_BRAND_COLOR, Workspace
from core.colour import Colour, Palette, Scheme, contrast, palette, parse_colour, require_visible

PRESETS: Final = (
    ("Indigo", "#4f46e5"),
    ("Blue", "#1d6fd1"),
    ("Teal", "#0f766e"),
    ("Green", "#2e7d32"),
    ("Orange", "#c2410c"),
    ("Red", "#c81e3a"),
    ("Pink", "#be1871"),
    ("Violet", "#7c3aed"),
    ("Graphite", "#27272a"),
)
"""Accent colours to begin with."""

_SHEET: Final = """\
:root,[data-theme="light"]{{{light}}}
@media (prefers-color-scheme:dark){{:root:not([data-theme]){{{dark}}}}}
[data-theme="dark"]{{{dark}}}
"""


def brand_sheet(color: Colour) -> str:
    """Return the style sheet of an accent colour: its shades on light and on dark pages."""
    made = palette(color)
    return _SHEET.format(light=_variables(made.light), dark=_variables(made.dark))


def brand_digest(color: Colour) -> str:
    """Return what tells one version of the sheet from the next."""
    return sha256(brand_sheet(color).encode()).hexdigest()[:12]


def brand_css_url(workspace: Workspace) -> str:
    """Return the address of a workspace's sheet; "" where the sheet of every page has its colours already.

    The address holds all that the sheet depends on, so an answer never changes and needs no look-up.
    """
    if workspace.brand_color == DEFAULT_BRAND_COLOR:
        return ""
    return sheet_url(parse_colour(workspace.brand_color))


def sheet_url(color: Colour) -> str:
    """Return the address of an accent colour's sheet."""
    return reverse("brand_sheet", args=[str(color)[1:], brand_digest(color)])


@dataclass(frozen=True, slots=True)
class Preview:
    """An accent colour being tried: its shades, the contrast of text on it, and the sheet that shows it."""

    color: Colour
    shades: Palette
    contrast: str
    sheet_url: str


def preview_of(color: Colour) -> Preview:
    """Return how pages would look in a colour. Raises ColourTooPale, as choosing it does."""
    require_visible(color, param="color")
    made = palette(color)
    ratio = contrast(made.light.fill, made.light.text_on_fill)
    return Preview(color=color, shades=made, contrast=f"{ratio:.1f}", sheet_url=sheet_url(color))


def _variables(scheme: Scheme) -> str:
    return (
        f"--color-primary:{scheme.fill};--color-primary-content:{scheme.text_on_fill};"
        f"--color-accent:{scheme.link};--link:{scheme.link}"
    )
