"""Reads an uploaded logo and draws it anew, so that nothing but its pixels is kept."""

from __future__ import annotations

import hashlib
import io
from dataclasses import dataclass
from typing import Final

from PIL import Image, UnidentifiedImageError

from core.errors import Invalid

MOST_BYTES: Final = 256 * 1024
LARGEST_SIDE: Final = 4096
FORMATS: Final = ("PNG", "JPEG", "WEBP")
_SIDES = (512, 256, 128)


@dataclass(frozen=True, slots=True)
class Logo:
    """A checked logo: a PNG without any data beside its pixels, 512 pixels wide and high at most."""

    content: bytes
    digest: str
    width: int
    height: int


def read_logo(content: bytes, *, param: str = "logo") -> Logo:
    """Return an uploaded picture as it is stored. Raises Invalid naming `param`."""
    if len(content) > MOST_BYTES:
        raise Invalid(f"The file is larger than {MOST_BYTES // 1024} KB.", code="too_large", param=param)
    try:
        with Image.open(io.BytesIO(content), formats=FORMATS) as opened:
            # Read from the header: a picture that unpacks to gigabytes is refused before it does.
            if not 16 <= min(opened.size) <= max(opened.size) <= LARGEST_SIDE:
                raise Invalid(
                    f"The picture must be 16 to {LARGEST_SIDE} pixels wide and high.",
                    code="bad_size",
                    param=param,
                )
            picture = opened.convert("RGBA")
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        raise Invalid("This is no PNG, JPEG or WebP picture.", code="not_a_picture", param=param) from None
    for side in _SIDES:
        picture.thumbnail((side, side), Image.Resampling.LANCZOS)
        file = io.BytesIO()
        picture.save(file, "PNG", optimize=True)
        drawn = file.getvalue()
        if len(drawn) <= MOST_BYTES:
            break
    return Logo(drawn, hashlib.sha256(drawn).hexdigest()[:16], picture.width, picture.height)
