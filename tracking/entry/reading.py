"""What a request tells of who clicked, read from its WSGI environment."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from django.conf import settings

from tracking.classification import ClickFacts, purpose_of
from tracking.places import country_of

Environ = dict[str, Any]

_PURPOSES: Final = tuple(
    (name, f"HTTP_{name.upper().replace('-', '_')}")
    for name in ("Sec-Purpose", "Purpose", "X-Purpose", "X-Moz")
)


def facts_of(environ: Environ, tags: Mapping[str, str], address: str) -> ClickFacts:
    """Return what a request tells of who clicked."""
    return ClickFacts(
        method=environ["REQUEST_METHOD"],
        user_agent=environ.get("HTTP_USER_AGENT", "")[:1000],
        purpose=_purpose(environ),
        referrer=environ.get("HTTP_REFERER", "")[:2000],
        tags=tags,
        address=address,
        country=country_of(environ, address),
    )


def _purpose(environ: Environ) -> str:
    for name, key in _PURPOSES:
        if key in environ:
            return purpose_of({name: environ[key]})
    return ""


def client_address(environ: Environ) -> str:
    """Return the address a request comes from, as the last trusted proxy saw it.

    With TRUSTED_PROXIES proxies in front, each of which adds to `X-Forwarded-For`, it is that many from the
    end; what stands before was written by the client and may be made up.
    """
    proxies: int = settings.TRUSTED_PROXIES
    if proxies:
        forwarded: str = environ.get("HTTP_X_FORWARDED_FOR", "")
        chain = [part.strip() for part in forwarded.split(",") if part.strip()]
        if len(chain) >= proxies:
            return chain[-proxies][:64]
    return str(environ.get("REMOTE_ADDR", ""))[:64]
