"""Tells people from programs behind a click, and which channel it came by. Pure: no Django and no clock."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final, Literal
from urllib.parse import urlsplit

from tracking.channels import channel_of_app, channel_of_campaign, channel_of_site
from tracking.robots import LONGEST_AGENT, REMEMBERED, kind_of_agent

ClickReason = Literal[
    "",
    "head",
    "prefetch",
    "preview",
    "bot",
    "datacentre",
    "no_user_agent",
    "duplicate",
    "flood",
    "program_paused",
    "program_ended",
]

_TAG = re.compile(r"[a-z0-9_-]{1,30}")
_HOST = re.compile(r"[\w.:-]+")
_LONGEST_REFERRER: Final = 320  # A host of 255 characters, and what may stand before it.


@dataclass(frozen=True, slots=True)
class ClickFacts:
    """What a request of a link tells: headers in their usual spelling, the query's tags, the referrer.

    `purpose` is what `purpose_of` reads from the headers; `country` an ISO code or nothing.
    """

    method: str = "GET"
    user_agent: str = ""
    purpose: str = ""
    referrer: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)
    address: str = ""
    country: str = ""


def purpose_of(headers: Mapping[str, str]) -> str:
    """Return why a browser says it asks, from today's header or from those that older browsers send.

    Names are looked up as browsers spell them and in small letters.
    """
    for name in ("Sec-Purpose", "Purpose", "X-Purpose", "X-Moz"):
        found = headers.get(name) or headers.get(name.lower())
        if found:
            return found[:100]
    return ""


def classify(facts: ClickFacts) -> ClickReason:
    """Return why a request is not a person's click, or the empty text when it counts.

    `duplicate`, `flood`, `program_paused` and `program_ended` cannot be told from one request and are decided
    where the click is stored.
    """
    if facts.method == "HEAD":
        return "head"
    if facts.purpose and _is_early(facts.purpose.lower()):
        return "prefetch"
    agent = facts.user_agent[:LONGEST_AGENT].strip()
    return kind_of_agent(agent) if agent else "no_user_agent"


def _is_early(purpose: str) -> bool:
    return "prefetch" in purpose or "prerender" in purpose or "preview" in purpose


def channel(facts: ClickFacts) -> str:
    """Return the channel, from the surest sign to the weakest; 30 characters at most.

    1. the link's own tag `ch`: whoever handed it on says so, and the QR codes drawn here carry `qr`;
    2. `utm_medium` and `utm_source` together;
    3. the referring site, where it is known;
    4. the app around the page, which often sends no referrer;
    5. `website` for any other site, `link` where nothing tells.
    """
    tag = _tag(facts, "ch")
    if tag:
        return tag
    medium, source = _tag(facts, "utm_medium"), _tag(facts, "utm_source")
    if medium or source:
        return channel_of_campaign(medium, source)
    host = referrer_host(facts.referrer)
    return (
        (channel_of_site(host) if host else "")
        or channel_of_app(facts.user_agent[:LONGEST_AGENT])
        or ("website" if facts.referrer else "link")
    )


def _tag(facts: ClickFacts, name: str) -> str:
    tag = facts.tags.get(name, "")[:64].strip().lower()
    return tag if _TAG.fullmatch(tag) else ""


def referrer_host(referrer: str) -> str:
    """Return the lower-case host of a referrer without `www.`, or nothing for one that is malformed.

    An Android app's referrer has the app's package in the host's place.
    """
    return _host(referrer[:_LONGEST_REFERRER]) if referrer else ""


@lru_cache(maxsize=REMEMBERED)
def _host(referrer: str) -> str:
    try:
        host = urlsplit(referrer).hostname or ""
    except ValueError:
        return ""
    return host.removeprefix("www.")[:255] if _HOST.fullmatch(host) else ""
