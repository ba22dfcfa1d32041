"""The least a web server can be asked for: the same redirect each time, without a framework."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

_HEADERS = [("Location", "https://shop.example/"), ("Content-Length", "0")]


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Answer 302."""
    start_response("302 Found", _HEADERS)
    return [b""]
