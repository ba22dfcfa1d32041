"""Where a click is sent: the destination with the code and the click's id, and nothing personal, appended."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Final
from urllib.parse import quote, quote_plus, unquote, unquote_plus, urlsplit

VISITOR_COOKIE = "referral_visitor"
_VISITOR = re.compile(r"vis_[0-9a-z]{26}")

LONGEST_TARGET: Final = 4096
"""The longest address a friend is sent to; what would make it longer is left out."""

LONGEST_VALUE: Final = 250
"""The longest value that is passed on; a longer one is left out, for half of it would be a wrong one."""

_CAMPAIGN = re.compile(r"utm_[a-z_]{1,30}")
_DEEP_LINK: Final = "to"
_MAILBOX = re.compile(r"[^\s@]@[^\s@]+\.[^\s@]")
# A path as it may stand in an address, without what some reader takes for a host or for a step upwards. A
# percent sign is none of it: nobody has to agree on what an encoded slash is.
_PATH = re.compile(r"/(?:[\w.~!$&'()*+,;=:-]+/)*[\w.~!$&'()*+,;=:-]*", re.ASCII)
_DOTS = re.compile(r"/\.{1,2}(?:/|$)")
# All that may stand in an address; anything else in a stored one is encoded before it is sent as a header.
_SAFE = "!#$%&'()*+,/:;=?@[]~-._"
_OURS: Final = ("via", "referral_click")


def known_visitor(cookie: str) -> str:
    """Return the visitor a cookie names, or nothing for a cookie that is none of ours."""
    return cookie if _VISITOR.fullmatch(cookie) else ""


def destination(base: str, *, code: str, click_id: str, query: Mapping[str, str]) -> str:
    """Return the address a friend is sent to: always one of the base's own host, in plain ASCII.

    `via` and `referral_click` are set. Of the link's own address, the `utm_…` parameters are passed on unless
    the destination has them already, and `to=/path` replaces the destination's path; a `to` that is no plain
    path is ignored. Values that hold an e-mail address are left out, and so is what makes the address longer
    than LONGEST_TARGET. Raises ValueError for a base that is no http address.
    """
    origin, path, kept, given, fragment = _parts(base)
    asked = query.get(_DEEP_LINK)
    if asked and _is_path(asked):
        path = asked
    pairs = [kept] if kept else []
    ours = f"via={quote_plus(code)}&referral_click={quote_plus(click_id)}"
    room = LONGEST_TARGET - len(origin) - len(path) - len(kept) - len(fragment) - len(ours) - 3
    for name, value in query.items():
        if name in given or not value or not _CAMPAIGN.fullmatch(name) or len(value) > LONGEST_VALUE:
            continue
        pair = f"{name}={quote_plus(value, errors='replace')}"
        room -= len(pair) + 1
        if room < 0:
            break
        if not _is_personal(value):
            pairs.append(pair)
    pairs.append(ours)
    return f"{origin}{path}?{'&'.join(pairs)}{fragment}"


def _is_path(text: str) -> bool:
    return len(text) <= LONGEST_VALUE and bool(_PATH.fullmatch(text)) and not _DOTS.search(text)


def _is_personal(value: str) -> bool:
    # Encoded twice it reaches the shop just as well.
    return ("@" in value or "%" in value) and bool(_MAILBOX.search(unquote(unquote(value))))


@lru_cache(maxsize=10_000)
def _parts(base: str) -> tuple[str, str, str, frozenset[str], str]:
    """Return origin, path, query without our own names, the names in it, and the fragment with its `#`."""
    parts = urlsplit(quote(base, safe=_SAFE, errors="replace"))
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(f"A link leads to {base[:100]!r}, which is no web address.")
    named = [(unquote_plus(pair.partition("=")[0]), pair) for pair in parts.query.split("&") if pair]
    kept = [(name, pair) for name, pair in named if name not in _OURS]
    return (
        f"{parts.scheme}://{parts.netloc}",
        parts.path,
        "&".join(pair for _, pair in kept),
        frozenset(name for name, _ in kept),
        f"#{parts.fragment}" if parts.fragment else "",
    )
