"""Reads browser, system and kind of device from a user agent, by the ua-parser project's patterns. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Final, Literal

from ua_parser import OS, Domain, UserAgent
from ua_parser.loaders import load_builtins
from ua_parser.regex import Resolver

from tracking.robots import LONGEST_AGENT, REMEMBERED, kind_of_agent, storable

DeviceKind = Literal["desktop", "phone", "tablet", "tv", "console", "other"]

LONGEST_NAME: Final = 40

# Browsers freeze these: the number says nothing of the system that runs.
_FROZEN = {"Mac OS X": "macOS", "Linux": "Linux", "Chrome OS": "Chrome OS"}
_NAMES = {"Mobile Safari UI/WKWebView": "Safari in an app", "Chrome Mobile WebView": "Chrome in an app"}

_DEVICES: Final[tuple[tuple[DeviceKind, re.Pattern[str]], ...]] = (
    ("console", re.compile(r"PlayStation|Xbox|Nintendo")),
    (
        "tv",
        re.compile(
            r"SMART-TV|SmartTV|\bTV\b|Web0S|AppleTV|GoogleTV|HbbTV|BRAVIA|CrKey|Roku|\bAFT[A-Z]{1,4}\b"
        ),
    ),
    # A phone's browser says that it is mobile, a tablet's does not.
    (
        "tablet",
        re.compile(
            r"iPad|Tablet|\bKF[A-Z]{3,5}\b|Kindle|PlayBook|^(?!.*(?:\bMobile\b|\bVR\b|Opera M)).*Android"
        ),
    ),
    (
        "phone",
        re.compile(r"iPhone|iPod|\bMobile\b|MIDP|Windows Phone|BB10|BlackBerry|Opera M(?:ini|obi)|KAIOS"),
    ),
    ("desktop", re.compile(r"Windows NT|Macintosh|X11|CrOS|Windows 98")),
)


@dataclass(frozen=True, slots=True)
class Agent:
    """What a user agent says it runs on; texts of LONGEST_NAME characters at most, or empty."""

    browser: str
    system: str
    device: DeviceKind


def read_agent(user_agent: str) -> Agent:
    """Return browser, system and device, such as "Chrome 142", "Windows 10" and "desktop".

    Robots and libraries are of the device `other`. The first call in a process loads the patterns, which
    takes about half a second: a server calls it once before it answers.
    """
    return _read(user_agent[:LONGEST_AGENT].strip())


@lru_cache(maxsize=REMEMBERED)
def _read(user_agent: str) -> Agent:
    found = _resolver()(storable(user_agent), Domain.USER_AGENT | Domain.OS)
    system = found.os
    named = _FROZEN.get(system.family) if system is not None else ""
    return Agent(_name(found.user_agent), named or _name(system), _device(user_agent))


@cache
def _resolver() -> Resolver:
    browsers, systems, _ = load_builtins()
    return Resolver((browsers, systems, []))


def _name(found: UserAgent | OS | None) -> str:
    if found is None:
        return ""
    family = _NAMES.get(found.family, found.family)
    return f"{family} {found.major or ''}".strip()[:LONGEST_NAME]


def _device(user_agent: str) -> DeviceKind:
    if kind_of_agent(user_agent):
        return "other"
    return next((kind for kind, pattern in _DEVICES if pattern.search(user_agent)), "other")
