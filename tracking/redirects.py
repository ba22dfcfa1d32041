"""Where a click is sent: the destination with the code and the click's id, and nothing personal, appended."""

import re
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

VISITOR_COOKIE = "referral_visitor"
VISITOR_SECONDS = 400 * 24 * 3600
_VISITOR = re.compile(r"vis_[0-9a-z]{26}")

PASSED_ON = ("utm_source", "utm_medium", "utm_campaign", "utm_term", "utm_content")


def known_visitor(cookie: str) -> str:
    """Return the visitor a cookie names, or nothing for a cookie that is none of ours."""
    return cookie if _VISITOR.fullmatch(cookie) else ""


def destination(base: str, *, code: str, click_id: str, query: dict[str, str]) -> str:
    """Return the address a friend is sent to.

    `via` and `referral_click` are set, the UTM parameters of the link's own address are passed on, and what
    the destination has already stays.
    """
    parts = urlsplit(base)
    ours = {"via": code, "referral_click": click_id}
    passed = {name: query[name] for name in PASSED_ON if name in query}
    kept = [(k, v) for k, v in parse_qsl(parts.query, keep_blank_values=True) if k not in ours]
    given = {name for name, _ in kept}
    added = [(k, v) for k, v in {**passed, **ours}.items() if k not in given]
    return urlunsplit(parts._replace(query=urlencode(kept + added)))
