"""Draws QR codes of referral links, as PNG and SVG."""

from __future__ import annotations

import io
from base64 import b64encode
from dataclasses import dataclass
from typing import Any, Final

import qrcode
from PIL import Image
from qrcode.constants import ERROR_CORRECT_H, ERROR_CORRECT_L, ERROR_CORRECT_M, ERROR_CORRECT_Q

from core.colour import contrast, parse_colour
from core.errors import Invalid

SMALLEST: Final = 64
LARGEST: Final = 2048
WIDEST_MARGIN: Final = 20
CHANNEL_TAG: Final = "?ch=qr"
"""What the drawn address carries, so that scans count as a channel of their own."""

LEVELS: Final = {"L": ERROR_CORRECT_L, "M": ERROR_CORRECT_M, "Q": ERROR_CORRECT_Q, "H": ERROR_CORRECT_H}
LEAST_CONTRAST: Final = 4.0
"""Between the modules and their ground; scanners tell less apart in poor light or print."""

_LOGO_SHARE = 0.22
"""Of the code's width: under 5 % of its area, where level H mends 30 %."""
_PAD_SHARE = 0.26


@dataclass(frozen=True, slots=True)
class Look:
    """How a code is drawn; `margin` in modules, `logo` a PNG. Made by `look_of`, which checks it."""

    color: str = "#000000"
    background: str = "#ffffff"
    margin: int = 4
    level: str = "M"
    logo: bytes = b""


def look_of(
    *,
    color: str = "#000000",
    background: str = "#ffffff",
    margin: int = 4,
    level: str = "M",
    logo: bytes = b"",
) -> Look:
    """Return a look that can be scanned; a logo covers modules, which only level H makes up for.

    Raises Invalid naming `color` or `background`, where the modules are not clearly darker than the ground.
    """
    dark, light = parse_colour(color, param="color"), parse_colour(background, param="background")
    if dark.luminance >= light.luminance:
        raise Invalid(
            "The colour must be darker than the background: many scanners read no inverted codes.",
            code="inverted",
            param="color",
        )
    if contrast(dark, light) < LEAST_CONTRAST:
        raise Invalid(
            f"{dark} on {light} can hardly be scanned; choose a darker colour or a lighter background.",
            code="too_little_contrast",
            param="color",
        )
    return Look(str(dark), str(light), margin, "H" if logo else level, logo)


def qr_png(url: str, *, size: int = 512, look: Look | None = None) -> bytes:
    """Return a PNG at most `size` pixels wide, every module of it whole pixels (one at least)."""
    drawn = look or Look()
    matrix = _matrix(url, drawn)
    modules = len(matrix)
    ground, dark = _rgb(drawn.background), _rgb(drawn.color)
    image = Image.new("RGB", (modules, modules), ground)
    for y, row in enumerate(matrix):
        for x, is_dark in enumerate(row):
            if is_dark:
                image.putpixel((x, y), dark)
    width = modules * max(1, size // modules)
    image = image.resize((width, width), Image.Resampling.NEAREST)
    if drawn.logo:
        _put_logo(image, drawn, (modules - 2 * drawn.margin) * width // modules)
    file = io.BytesIO()
    image.save(file, "PNG", optimize=True)
    return file.getvalue()


def qr_svg(url: str, *, size: int = 512, look: Look | None = None) -> bytes:
    """Return an SVG `size` pixels wide that scales to any other size."""
    drawn = look or Look()
    matrix = _matrix(url, drawn)
    width = len(matrix)
    path = "".join(f"M{x} {y}h1v1h-1z" for y, row in enumerate(matrix) for x, dark in enumerate(row) if dark)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{size}" height="{size}" '
        f'viewBox="0 0 {width} {width}" shape-rendering="crispEdges">'
        f'<rect width="{width}" height="{width}" fill="{drawn.background}"/>'
        f'<path fill="{drawn.color}" d="{path}"/>{_svg_logo(drawn, width)}</svg>'
    ).encode()


def _matrix(url: str, look: Look) -> list[list[bool]]:
    code: qrcode.QRCode[Any] = qrcode.QRCode(error_correction=LEVELS[look.level], border=look.margin)
    code.add_data(url + CHANNEL_TAG)
    code.make(fit=True)
    return code.get_matrix()


def _rgb(text: str) -> tuple[int, int, int]:
    colour = parse_colour(text)
    return (colour.red, colour.green, colour.blue)


def _put_logo(image: Image.Image, look: Look, code_width: int) -> None:
    pad = round(code_width * _PAD_SHARE)
    corner = (image.width - pad) // 2
    image.paste(_rgb(look.background), (corner, corner, corner + pad, corner + pad))
    with Image.open(io.BytesIO(look.logo)) as opened:
        logo = opened.convert("RGBA")
    side = max(1, round(code_width * _LOGO_SHARE))
    scale = side / max(logo.size)
    logo = logo.resize(
        (max(1, round(logo.width * scale)), max(1, round(logo.height * scale))), Image.Resampling.LANCZOS
    )
    image.paste(logo, ((image.width - logo.width) // 2, (image.height - logo.height) // 2), logo)


def _svg_logo(look: Look, width: int) -> str:
    if not look.logo:
        return ""
    code_width = width - 2 * look.margin
    pad, side = code_width * _PAD_SHARE, code_width * _LOGO_SHARE
    return (
        f'<rect x="{(width - pad) / 2:.2f}" y="{(width - pad) / 2:.2f}" width="{pad:.2f}" height="{pad:.2f}" '
        f'fill="{look.background}"/>'
        f'<image x="{(width - side) / 2:.2f}" y="{(width - side) / 2:.2f}" width="{side:.2f}" '
        f'height="{side:.2f}" href="data:image/png;base64,{b64encode(look.logo).decode()}"/>'
    )
