"""Draws QR codes of referral links, as PNG and SVG."""

from __future__ import annotations

import io
from typing import Any, Final

import qrcode
from qrcode.constants import ERROR_CORRECT_M

SMALLEST: Final = 64
LARGEST: Final = 2048
CHANNEL_TAG: Final = "?ch=qr"
"""What the drawn address carries, so that scans count as a channel of their own."""

_QUIET_ZONE = 4


def _code(url: str, box_size: int = 1) -> qrcode.QRCode[Any]:
    code = qrcode.QRCode(error_correction=ERROR_CORRECT_M, box_size=box_size, border=_QUIET_ZONE)
    code.add_data(url + CHANNEL_TAG)
    code.make(fit=True)
    return code


def qr_png(url: str, *, size: int = 512) -> bytes:
    """Return a PNG at most `size` pixels wide, every module of it whole pixels (one at least)."""
    modules = _code(url).modules_count + 2 * _QUIET_ZONE
    file = io.BytesIO()
    _code(url, max(1, size // modules)).make_image().save(file)
    return file.getvalue()


def qr_svg(url: str, *, size: int = 512) -> bytes:
    """Return an SVG `size` pixels wide that scales to any other size."""
    matrix = _code(url).get_matrix()
    width = len(matrix)
    path = "".join(f"M{x} {y}h1v1h-1z" for y, row in enumerate(matrix) for x, dark in enumerate(row) if dark)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{size}" height="{size}" '
        f'viewBox="0 0 {width} {width}" shape-rendering="crispEdges">'
        f'<rect width="{width}" height="{width}" fill="#fff"/><path d="{path}"/></svg>'
    ).encode()
