"""Tells people from programs behind a click, and which channel it came by. Pure: no Django and no clock."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal
from urllib.parse import urlsplit

ClickReason = Literal[
    "", "head", "prefetch", "preview", "bot", "no_user_agent", "duplicate", "program_paused", "program_ended"
]

# Fetchers that unfurl a link in a chat or feed: a person may follow later, but has not yet.
_PREVIEW = re.compile(
    r"facebookexternalhit|facebot|whatsapp/|slackbot|twitterbot|telegrambot|linkedinbot|discordbot"
    r"|skypeuripreview|pinterestbot|redditbot|embedly|iframely|vkshare|viber|line-poker|applebot"
    r"|google-inspectiontool|bitlybot|snapchat.*preview|msteams.*preview",
    re.IGNORECASE,
)
_BOT = re.compile(
    r"bot\b|bot[/;)]|crawl|spider|slurp|headlesschrome|phantomjs|selenium|puppeteer|playwright"
    r"|^(?:curl|wget|python|java|go-http|okhttp|axios|node|ruby|perl|libwww|apache-httpclient|httpie|undici)"
    r"|python-requests|httpx/|scrapy|monitor|uptime|pingdom|lighthouse|gtmetrix|archiver|feedfetcher",
    re.IGNORECASE,
)
_CHANNELS: Final[Mapping[str, str]] = {
    "facebook.com": "facebook",
    "instagram.com": "instagram",
    "t.co": "x",
    "x.com": "x",
    "twitter.com": "x",
    "linkedin.com": "linkedin",
    "lnkd.in": "linkedin",
    "whatsapp.com": "whatsapp",
    "wa.me": "whatsapp",
    "t.me": "telegram",
    "telegram.org": "telegram",
    "youtube.com": "youtube",
    "reddit.com": "reddit",
    "pinterest.com": "pinterest",
    "tiktok.com": "tiktok",
    "mail.google.com": "email",
    "outlook.live.com": "email",
}
_TAG = re.compile(r"[a-z0-9_-]{1,30}")


@dataclass(frozen=True, slots=True)
class ClickFacts:
    """What a request of a link tells: headers in their usual spelling, the query's tags, the referrer."""

    method: str = "GET"
    user_agent: str = ""
    purpose: str = ""
    referrer: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)
    address: str = ""
    country: str = ""


def classify(facts: ClickFacts) -> ClickReason:
    """Return why a request is not a person's click, or the empty text when it counts."""
    if facts.method == "HEAD":
        return "head"
    if "prefetch" in facts.purpose.lower() or "prerender" in facts.purpose.lower():
        return "prefetch"
    if not facts.user_agent.strip():
        return "no_user_agent"
    if _PREVIEW.search(facts.user_agent):
        return "preview"
    if _BOT.search(facts.user_agent):
        return "bot"
    return ""


def referrer_host(referrer: str) -> str:
    """Return the lower-case host of a referrer without `www.`, or nothing for one that is malformed."""
    try:
        host = urlsplit(referrer).hostname or ""
    except ValueError:
        return ""
    return host.removeprefix("www.")[:255]


def channel(facts: ClickFacts) -> str:
    """Return the channel: the link's own tag `ch`, else `utm_medium`, else the referrer's, else `link`."""
    for name in ("ch", "utm_medium"):
        tag = facts.tags.get(name, "").strip().lower()
        if _TAG.fullmatch(tag):
            return tag
    host = referrer_host(facts.referrer)
    while host:
        if host in _CHANNELS:
            return _CHANNELS[host]
        if "." not in host:
            break
        host = host.partition(".")[2]
    return "website" if facts.referrer else "link"
