"""Which pages of other sites may call the API: those with a publishable key, from the origins it lists."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final
from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest

from accounts.models import ApiKey
from core.errors import Forbidden

ANSWER_HEADERS: Final[Mapping[str, str]] = {
    # Any origin may read: no cookie is looked at, so the key is all that a page can bring.
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Expose-Headers": "X-Request-Id, Retry-After, Idempotent-Replayed",
}
"""What an answer to a page carries; without them the browser keeps even an error's text from the page."""

PREFLIGHT_HEADERS: Final[Mapping[str, str]] = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Methods": "POST",
    "Access-Control-Allow-Headers": "Authorization, Content-Type, Idempotency-Key",
    "Access-Control-Max-Age": "86400",
}
"""The answer to a browser that asks before it sends a page's call; it tells nothing of the key yet."""

_USUAL_PORTS: Final = {"http": 80, "https": 443}


def lists_origin(allowed: Sequence[str], origin: str) -> bool:
    """Tell whether a list of `accounts.origins.parse_origin`'s answers covers what a browser sent."""
    sent = _parts(origin)
    if sent is None:
        return False
    for each in allowed:
        wanted = _parts(each.replace("*.", "", 1))
        if wanted is None or (wanted[0], wanted[2]) != (sent[0], sent[2]):
            continue
        if sent[1].endswith(f".{wanted[1]}") if "*." in each else sent[1] == wanted[1]:
            return True
    return False


def refuse_secret_in_page(request: HttpRequest) -> None:
    """Raise Forbidden (`secret_key_in_browser`) for a page of another site that sends a secret key.

    Whatever is in a page, everybody who opens it can read. Our own pages may: people try the API there.
    """
    origin = request.headers.get("Origin", "")
    if origin and not lists_origin([settings.BASE_URL, f"{request.scheme}://{request.get_host()}"], origin):
        raise Forbidden(
            "This is a secret key, and a web page sent it. Revoke it, since everybody who opens the page can"
            " read it, and put a publishable key (pk_…) in its place.",
            code="secret_key_in_browser",
        )


def refuse_strange_origin(request: HttpRequest, key: ApiKey) -> None:
    """Raise Forbidden (`origin_not_allowed`) where a publishable key lists origins, and not this one."""
    origin = request.headers.get("Origin", "")
    if key.kind == ApiKey.Kind.PUBLISHABLE and key.origins and not lists_origin(key.origins, origin):
        raise Forbidden(
            f"This key works on the pages of {', '.join(key.origins)} only.",
            code="origin_not_allowed",
            details={"origin": origin[:255]},
        )


def _parts(origin: str) -> tuple[str, str, int | None] | None:
    try:
        parts = urlsplit(origin)
        port = parts.port
    except ValueError:
        return None
    if not parts.hostname or parts.path not in ("", "/"):
        return None
    return parts.scheme, parts.hostname, port or _USUAL_PORTS.get(parts.scheme)
