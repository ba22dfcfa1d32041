"""Draws the picture of an invitation for chats and feeds. Pure: texts and a colour in, a PNG out."""

from __future__ import annotations

import io
from typing import Final

from PIL import Image, ImageDraw, ImageFont

SIZE: Final = (1200, 630)
_MARGIN: Final = 90
_WIDTH: Final = SIZE[0] - 2 * _MARGIN
_SPELT: Final = str.maketrans(
    {"€": "EUR ", "£": "GBP ", "–": "-", "—": "-", "‘": "'", "’": "'", "“": '"', "”": '"'}
)
"""What the built-in font lacks and other letters can say."""
_NO_LETTER: Final = "\uffff"


def invitation_card(*, workspace: str, inviter: str, benefit: str, color: str) -> bytes:
    """Return a PNG of 1200 by 630 that says who invites to what; `color` is the ground, `#rrggbb`.

    Texts in letters that cannot be drawn are left out, the picture then says that there is an invitation.
    """
    workspace, inviter, benefit = (text.translate(_SPELT) for text in (workspace, inviter, benefit))
    ground = _rgb(color)
    ink = (255, 255, 255) if _luminance(ground) < 0.45 else (24, 24, 27)
    image = Image.new("RGB", SIZE, ground)
    draw = ImageDraw.Draw(image)
    draw.ellipse((820, -260, 1420, 340), fill=_mixed(ground, ink, 0.08))
    draw.ellipse((960, 330, 1400, 770), fill=_mixed(ground, ink, 0.06))
    soft = _mixed(ground, ink, 0.85)
    if _drawable(workspace):
        _write(draw, workspace, 90, 40, soft, lines=1)
    title = f"{inviter} invites you" if _drawable(inviter) else "You are invited"
    bottom = _write(draw, title, 220, 76, ink, lines=2)
    if benefit and _drawable(benefit):
        _write(draw, f"You get {benefit}", bottom + 36, 52, soft, lines=2)
    file = io.BytesIO()
    image.save(file, "PNG", optimize=True)
    return file.getvalue()


def _write(
    draw: ImageDraw.ImageDraw, text: str, top: int, size: int, ink: tuple[int, int, int], *, lines: int
) -> int:
    font = ImageFont.load_default(size)
    rows = [""]
    for word in text.split():
        longer = f"{rows[-1]} {word}".strip()
        if draw.textlength(longer, font) <= _WIDTH or not rows[-1]:
            rows[-1] = longer
        else:
            rows.append(word)
    if len(rows) > lines:
        rows = [*rows[: lines - 1], f"{rows[lines - 1]} ..."]
    for row in rows:
        fitting = row
        while draw.textlength(fitting, font) > _WIDTH and len(fitting) > 4:
            fitting = f"{fitting[:-4].rstrip()}..."
        draw.text((_MARGIN, top), fitting, ink, font)
        top += size * 6 // 5
    return top


def _drawable(text: str) -> bool:
    font = ImageFont.load_default(40)
    missing = bytes(font.getmask(_NO_LETTER))
    return all(letter.isspace() or bytes(font.getmask(letter)) != missing for letter in set(text))


def _rgb(color: str) -> tuple[int, int, int]:
    return int(color[1:3], 16), int(color[3:5], 16), int(color[5:7], 16)


def _mixed(ground: tuple[int, int, int], ink: tuple[int, int, int], part: float) -> tuple[int, int, int]:
    red, green, blue = (round(a + (b - a) * part) for a, b in zip(ground, ink, strict=True))
    return red, green, blue


def _luminance(color: tuple[int, int, int]) -> float:
    red, green, blue = (channel / 255 for channel in color)
    return float(0.2126 * red**2.2 + 0.7152 * green**2.2 + 0.0722 * blue**2.2)
