"""What a request tells of who clicked, read from its WSGI environment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

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


def facts_of_page(
    environ: Environ, *, url: str, referrer: str, address: str, user_agent: str | None = None
) -> ClickFacts:
    """Return what a page's report of a visit tells: the address and referrer of the page, not of the report.

    Without `user_agent` the report's own counts, for the visitor's browser sent it.
    """
    told = facts_of(environ, _tags(url), address)
    return replace(
        told,
        method="GET",
        purpose="",
        referrer=referrer,
        user_agent=told.user_agent if user_agent is None else user_agent,
    )


def _tags(url: str) -> dict[str, str]:
    """Return the parameters of the page's address, which tell the channel; none for a malformed one."""
    try:
        return dict(parse_qsl(urlsplit(url).query))
    except ValueError:
        return {}


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
