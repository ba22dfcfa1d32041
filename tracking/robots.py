"""Tells by its user agent alone whether a person, a robot, a chat's preview or a library asks. Pure.

Known crawlers come from the list of `crawler-user-agents`. What fetches a link for a chat, what is a library,
and which apps show pages to people is written here, because the list does not tell them apart.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final, Literal

from crawleruseragents import CRAWLER_USER_AGENTS_DATA
from ua_parser_rs import UserAgentExtractor

LONGEST_AGENT: Final = 512
"""What follows in a user agent is not looked at."""

REMEMBERED: Final = 10_000
"""How many user agents are remembered with what they are."""


def _finder(pattern: str) -> UserAgentExtractor:
    """Return a search for a pattern, capital and small letters alike, that takes a few microseconds."""
    return UserAgentExtractor([(f"(?i){pattern}", "found", None, None, None, None)])


# Nothing but a system, a device and the names browsers go by: most people, and sure to be none of the rest.
_BROWSER = re.compile(
    r"Mozilla/5\.0 \((?:Windows NT [\d.]+(?:; (?:Win64|WOW64|x64|rv:[\d.]+))*"
    r"|Macintosh; Intel Mac OS X [\d_.]+(?:; rv:[\d.]+)?"
    r"|X11; (?:Ubuntu; )?(?:Linux|CrOS|FreeBSD)[\w .]*(?:; rv:[\d.]+)?"
    r"|(?:iPhone|iPad|iPod touch); CPU (?:iPhone )?OS [\d_]+ like Mac OS X"
    r"|(?:Linux; )?Android [\d.]+; (?![^()]*[Bb][Oo][Tt])[\w .-]+(?: Build/[\w.-]+)?"
    r"(?:; (?:wv|rv:[\d.]+))?)\)"
    r"(?: (?:AppleWebKit|Version|Chrome|Mobile|Safari|Gecko|Firefox|CriOS|FxiOS|Edg|EdgA|EdgiOS|OPR"
    r"|SamsungBrowser|YaBrowser|Vivaldi|DuckDuckGo|GSA)(?:/[\w.+]+)?| \(KHTML, like Gecko\))+"
)

# Fetchers that unfurl a link in a chat or feed: a person may follow later, but has not yet. Office asks for
# an address itself before it hands it to the browser.
_PREVIEW = _finder(
    r"^(?:whatsapp|viber|pinterest|mastodon|iframely|microsoft office)\b"
    r"|facebookexternalhit|facebookcatalog|facebot|meta-externalfetcher|twitterbot|telegrambot|linkedinbot"
    r"|slackbot|slack-imgproxy|discordbot|skypeuripreview|bingpreview|microsoftpreview"
    r"|(?:link|ur[il]) preview|unfurl|pinterestbot|redditbot|vkshare|odklbot|line-poker|kakaotalk-scrap"
    r"|embedly|iframely|cardyb"
    r"|compatible; tumblr/|flipboardproxy|xing-contenttab|\(mastodon/|pleroma|akkoma|misskey|friendica|lemmy/"
    r"|gotosocial|synapse \(bot|mattermost-bot|rocket\.chat|zoombot|notionembedder|metadata bot"
    r"|google-pagerenderer|google\.com/\+/web/snippet|compatible; ms-office",
)

# Libraries, command lines and browsers without a screen: they run on servers, not in anybody's hand.
_TOOL = _finder(
    r"^(?:curl|libcurl|pycurl|wget2?|aria2|python|urllib3?|aiohttp|httpx|java|jakarta|apache-http\w*|okhttp"
    r"|ktor(?:-client)?|akka-http|netty|unirest|restsharp|dalvik|go-http-client|fasthttp|node(?:-fetch)?"
    r"|undici|axios|superagent|needle|deno|bun|dart|ruby|faraday|typhoeus|excon|rest-client|http\.rb|perl"
    r"|libwww-perl|lwp|php|guzzle\w*|symfony|reqwest|ureq|hyper|hackney|cpp-httplib|winhttp|powershell"
    r"|microsoft-cryptoapi|alamofire|postman\w*|insomnia|httpie|xh|k6|apachebench|vegeta|wrk|siege|jmeter"
    r"|scrapy|colly|mechanize|sqlmap|nikto|wpscan|gobuster|nuclei|ffuf)\b"
    r"|^got \(|\bcfnetwork/"
    r"|headlesschrome|phantomjs|slimerjs|htmlunit|playwright|puppeteer|selenium|webdriver|cypress/"
    r"|wkhtmlto|jsdom/|windowspowershell",
)

# Words by which robots name themselves; CUBOT makes phones.
_ROBOT = _finder(
    r"(?:^|[^u]|(?:^|[^c])u)bot(?:[^a-z]|$)|crawl|spider|slurp|scraper|fetcher|archiver|monitor|uptime|pingdom|lighthouse"
    r"|gtmetrix|\bseo\b|screenshot|https?://",
)
_DEVICE = re.compile(
    r"\((?:Linux; |U; )*(?:Android|Mobile|iPhone|iPad|iPod)(?![^()]*(?:compatible|https?:))"
    r"(?![^()]*(?<!cu)bot[\w-]*/\d)[^()]*\)",
    re.IGNORECASE,
)
_SYSTEM = re.compile(r"\((?:Windows|Macintosh|X11|Linux|Android|Mobile|iPhone|iPad|iPod)\b")
# Apps that show pages to people and whose makers also send robots of the same name.
_APP = re.compile(
    r"(?:WhatsApp|Viber|Tumblr|Bluesky|Notion|Flipboard|Slack(?:_SSB)?|discord|Teams|Twitter for iPhone"
    r"|Snapchat|Pinterest|TikTok|Outlook-iOS|Telegram-\w+|Bing|BingSapphire|NAVER|Nextdoor|YouTube|Reddit)"
    r"(?:/[\w. -]*)?"
)
# One name and no word about a system: no browser is that short, but those of text terminals.
_BARE = re.compile(r"(?!lynx|w3m|e?links)[^\s()]+(?: v?[\d.]+)?", re.IGNORECASE)


# All patterns of the list at once, found as fast as one.
_LISTED = UserAgentExtractor(
    (entry["pattern"], "listed", None, None, None, None) for entry in CRAWLER_USER_AGENTS_DATA
)


@lru_cache(maxsize=REMEMBERED)
def kind_of_agent(agent: str) -> Literal["", "preview", "bot", "datacentre"]:
    """Return what a user agent of at most LONGEST_AGENT characters is, the empty text for a person's."""
    if _BROWSER.fullmatch(agent):
        return ""
    text = storable(agent)
    if _PREVIEW.extract(text):
        return "preview"
    if _TOOL.extract(text):
        return "datacentre"
    # A device's name is no robot's, whatever it is.
    named = _DEVICE.sub("", text)
    if _SYSTEM.search(agent):
        named = _APP.sub("", named)
    if _ROBOT.extract(named) or _LISTED.extract(named):
        return "bot"
    return "datacentre" if _BARE.fullmatch(agent) else ""


def storable(text: str) -> str:
    """Return a text with question marks for halves of surrogate pairs, which UTF-8 cannot say."""
    return text if text.isascii() else text.encode(errors="replace").decode()
