"""Colours that can be read: contrast by WCAG 2.2, and the shades that one accent colour needs."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from core.errors import Invalid

TEXT: Final = 4.5
"""Least contrast of text with its ground (WCAG 2.2, 1.4.3)."""

SHAPE: Final = 3.0
"""Least contrast of a control's shape with what is around it (WCAG 2.2, 1.4.11)."""

_HEX = re.compile(r"#([0-9a-f]{2})([0-9a-f]{2})([0-9a-f]{2})")
_STEPS: Final = 200


@dataclass(frozen=True, slots=True)
class Colour:
    """A colour of the sRGB space, each part from 0 to 255."""

    red: int
    green: int
    blue: int

    def __str__(self) -> str:
        return f"#{self.red:02x}{self.green:02x}{self.blue:02x}"

    @property
    def luminance(self) -> float:
        """Relative luminance as WCAG 2.2 defines it, from 0 (black) to 1 (white)."""
        return 0.2126 * _linear(self.red) + 0.7152 * _linear(self.green) + 0.0722 * _linear(self.blue)


BLACK: Final = Colour(0, 0, 0)
WHITE: Final = Colour(255, 255, 255)


@dataclass(frozen=True, slots=True)
class Scheme:
    """An accent colour on one kind of pages: areas and the text on them, links and the ring of the focus."""

    fill: Colour
    text_on_fill: Colour
    link: Colour


@dataclass(frozen=True, slots=True)
class Palette:
    """The shades of one accent colour on light and on dark pages."""

    light: Scheme
    dark: Scheme


LIGHT_GROUNDS: Final = (Colour(0xFF, 0xFF, 0xFF), Colour(0xF0, 0xF0, 0xF2))
"""The lightest and the darkest ground of light pages; `frontend/theme.css` has the same."""

DARK_GROUNDS: Final = (Colour(0x12, 0x12, 0x15), Colour(0x26, 0x26, 0x2D))
"""The darkest and the lightest ground of dark pages."""


class ColourTooPale(Invalid):
    """An accent colour that light pages cannot show; `shade` is the nearest one they can."""

    def __init__(self, colour: Colour, shade: Colour, *, param: str | None) -> None:
        super().__init__(
            f"{colour} can hardly be seen on a white page. The nearest shade that can is {shade}.",
            code="colour_too_pale",
            param=param,
            details={"shade": str(shade)},
        )
        self.shade = shade


def parse_colour(text: str, *, param: str | None = None) -> Colour:
    """Read `#rrggbb`, in capitals or not. Raises Invalid naming `param`."""
    match = _HEX.fullmatch(text.strip().lower())
    if match is None:
        raise Invalid(
            "Write the colour as # and six digits, like #4f46e5.", code="invalid_colour", param=param
        )
    red, green, blue = (int(part, 16) for part in match.groups())
    return Colour(red, green, blue)


def contrast(one: Colour, other: Colour) -> float:
    """Return the contrast ratio of two colours as WCAG 2.2 defines it: 1 (the same) to 21."""
    darker, lighter = sorted((one.luminance, other.luminance))
    return (lighter + 0.05) / (darker + 0.05)


def text_on(ground: Colour) -> Colour:
    """Return white where it can be read on the ground, else black; one of them always can."""
    return WHITE if contrast(WHITE, ground) >= TEXT else BLACK


def nearest_shade(colour: Colour, grounds: tuple[Colour, ...], least: float) -> Colour:
    """Return the colour, mixed with as little black or white as gives every ground the least contrast.

    Grounds lighter than middle grey take black, darker ones white; they are of one kind.
    """
    towards = BLACK if text_on(grounds[0]) == BLACK else WHITE
    for step in range(_STEPS + 1):
        shade = _mix(colour, towards, step / _STEPS)
        if all(contrast(shade, ground) >= least for ground in grounds):
            return shade
    return towards


def palette(colour: Colour) -> Palette:
    """Return the shades that an accent colour needs so that everything in it can be seen and read."""
    return Palette(light=_scheme(colour, LIGHT_GROUNDS), dark=_scheme(colour, DARK_GROUNDS))


def require_visible(colour: Colour, *, param: str | None = None) -> None:
    """Raise ColourTooPale for a colour whose areas would melt into a light page."""
    shade = nearest_shade(colour, LIGHT_GROUNDS, SHAPE)
    if shade != colour:
        raise ColourTooPale(colour, shade, param=param)


def _scheme(colour: Colour, grounds: tuple[Colour, ...]) -> Scheme:
    fill = nearest_shade(colour, grounds, SHAPE)
    return Scheme(fill=fill, text_on_fill=text_on(fill), link=nearest_shade(colour, grounds, TEXT))


def _mix(colour: Colour, other: Colour, share: float) -> Colour:
    return Colour(
        red=round(colour.red + (other.red - colour.red) * share),
        green=round(colour.green + (other.green - colour.green) * share),
        blue=round(colour.blue + (other.blue - colour.blue) * share),
    )


def _linear(part: int) -> float:
    value = part / 255
    return value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4
