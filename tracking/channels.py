"""Names the channels: which UTM words, which sites and which apps belong to each. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Final

from ua_parser_rs import UserAgentExtractor

from tracking.robots import REMEMBERED, storable

_SITES: Final[Mapping[str, tuple[str, ...]]] = {
    "facebook": ("facebook.com", "fb.com", "fb.me", "com.facebook.katana"),
    "messenger": ("messenger.com", "m.me", "com.facebook.orca"),
    "instagram": ("instagram.com", "ig.me", "com.instagram.android"),
    "threads": ("threads.net", "threads.com"),
    "x": ("x.com", "t.co", "twitter.com", "com.twitter.android"),
    "linkedin": ("linkedin.com", "lnkd.in", "com.linkedin.android"),
    "whatsapp": ("whatsapp.com", "wa.me", "com.whatsapp"),
    "telegram": ("t.me", "telegram.org", "telegram.me", "org.telegram.messenger"),
    "youtube": ("youtube.com", "youtu.be", "com.google.android.youtube"),
    "reddit": ("reddit.com", "redd.it", "com.reddit.frontpage"),
    "pinterest": ("pinterest.com", "pin.it", "com.pinterest"),
    "tiktok": ("tiktok.com", "com.zhiliaoapp.musically"),
    "snapchat": ("snapchat.com", "com.snapchat.android"),
    "discord": ("discord.com", "discordapp.com", "discord.gg", "com.discord"),
    "slack": ("slack.com", "com.slack"),
    "teams": ("teams.microsoft.com", "teams.live.com", "teams.cloud.microsoft"),
    "line": ("line.me", "jp.naver.line.android"),
    "kakaotalk": ("kakao.com", "com.kakao.talk"),
    "wechat": ("weixin.qq.com", "wechat.com"),
    "viber": ("viber.com",),
    "vk": ("vk.com", "vk.ru"),
    "bluesky": ("bsky.app",),
    "mastodon": ("mastodon.social", "mastodon.online", "mstdn.social"),
    "tumblr": ("tumblr.com",),
    "twitch": ("twitch.tv",),
    "xing": ("xing.com",),
    "quora": ("quora.com",),
    "medium": ("medium.com",),
    "substack": ("substack.com",),
    "nextdoor": ("nextdoor.com", "nextdoor.co.uk", "nextdoor.de"),
    "weibo": ("weibo.com", "weibo.cn"),
    "email": (
        "mail.google.com", "com.google.android.gm", "outlook.live.com", "outlook.office.com", "outlook.com",
        "outlook.office365.com", "com.microsoft.office.outlook", "mail.yahoo.com", "mail.aol.com",
        "mail.proton.me", "e.mail.ru", "deref-gmx.net", "deref-web.de", "deref-mail.com",
    ),
    "search": (
        "com.google.android.googlequicksearchbox", "bing.com", "duckduckgo.com", "ecosia.org", "qwant.com",
        "startpage.com", "search.brave.com", "search.yahoo.com", "baidu.com", "ya.ru", "yandex.ru",
        "yandex.com", "naver.com", "seznam.cz",
    ),
    "assistant": (
        "chatgpt.com", "chat.openai.com", "perplexity.ai", "gemini.google.com", "copilot.microsoft.com",
        "claude.ai",
    ),
}  # fmt: skip
_BY_HOST: Final = {host: name for name, hosts in _SITES.items() for host in hosts}

_SOURCES: Final[Mapping[str, str]] = {
    **{name: name for name in _SITES},
    "fb": "facebook", "ig": "instagram", "insta": "instagram", "twitter": "x", "yt": "youtube",
    "wa": "whatsapp", "tg": "telegram", "tt": "tiktok", "li": "linkedin", "newsletter": "email",
    "mail": "email", "gmail": "email", "e-mail": "email", "google": "search", "bing": "search",
    "chatgpt": "assistant",
}  # fmt: skip
"""What `utm_source` says by another name than the channel's."""

_MEDIA: Final[Mapping[str, str]] = {
    "email": "email", "e-mail": "email", "e_mail": "email", "newsletter": "email", "mail": "email",
    "sms": "sms", "text": "sms", "qr": "qr", "qr-code": "qr", "qrcode": "qr", "qr_code": "qr",
    "print": "print", "podcast": "podcast", "push": "push",
}  # fmt: skip
"""What `utm_medium` says by itself, whatever the source is: how it was carried is the channel."""

# The first that fits: apps of one maker name each other.
_APPS: Final = UserAgentExtractor(
    (pattern, name, None, None, None, None)
    for name, pattern in (
        ("threads", r"\bBarcelona \d"),
        ("instagram", r"\bInstagram \d"),
        ("messenger", r"FBAN/Messenger|Orca-Android|MessengerLite"),
        ("facebook", r"FBA[NV]/|FB_IAB/"),
        ("whatsapp", r"\bWhatsApp/"),
        ("tiktok", r"musical_ly_|trill_\d|BytedanceWebview|\bTikTok\b"),
        ("telegram", r"\bTelegram-"),
        ("snapchat", r"Snapchat/?\d"),
        ("linkedin", r"\[LinkedInApp\]"),
        ("x", r"Twitter for iP|TwitterAndroid"),
        ("wechat", r"MicroMessenger/"),
        ("pinterest", r"\[Pinterest/"),
        ("reddit", r"\bReddit(?:/|Android)"),
        ("line", r"\bLine/\d"),
        ("kakaotalk", r"KAKAOTALK"),
        ("viber", r"\bViber/"),
        ("vk", r"VKAndroidApp|\bVK/"),
        ("weibo", r"\bWeibo\b|__weibo__"),
        ("bluesky", r"\bBluesky/"),
        ("tumblr", r"\bTumblr/"),
        ("nextdoor", r"\bNextdoor/"),
        ("youtube", r"\bYouTube/"),
        ("discord", r"\bdiscord/"),
        ("slack", r"Slack_SSB|\bSlack/"),
        ("teams", r"\bTeams/"),
        ("email", r"Outlook-(?:iOS|Android)|Thunderbird/"),
        ("search", r"\bGSA/|BingSapphire/|NAVER\(inapp; search"),
    )
)


def channel_of_campaign(medium: str, source: str) -> str:
    """Return the channel of UTM words in small letters, either of which may be empty.

    The medium where it names a way of its own (e-mail, SMS, QR, print), else the site that the source names,
    else the medium as it stands, else the source.
    """
    return _MEDIA.get(medium) or _SOURCES.get(source) or medium or source


@lru_cache(maxsize=REMEMBERED)
def channel_of_site(host: str) -> str:
    """Return the channel of a referring host or Android package in small letters, or nothing."""
    # Search engines and Pinterest have a domain in each country.
    for name, found in (("google.", "search"), ("pinterest.", "pinterest"), ("search.yahoo.", "search")):
        if host.startswith(name):
            return found
    rest = host
    while rest:
        if rest in _BY_HOST:
            return _BY_HOST[rest]
        rest = rest.partition(".")[2]
    return ""


@lru_cache(maxsize=REMEMBERED)
def channel_of_app(agent: str) -> str:
    """Return the channel of the app whose own browser this user agent is, or nothing for a plain browser."""
    found = _APPS.extract(storable(agent))
    return found.family if found else ""
