"""Where a click is sent: the destination with the code and the click's id, and nothing personal, appended."""

from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

PASSED_ON = ("utm_source", "utm_medium", "utm_campaign", "utm_term", "utm_content")


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
