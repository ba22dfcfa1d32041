"""Where the demo's clicks come from: channels, browsers, countries, and what is no person. Pure."""

from __future__ import annotations

from typing import Any, Final

CHANNELS: Final[tuple[tuple[int, dict[str, Any]], ...]] = (
    (30, {"tags": {"ch": "whatsapp"}}),
    (20, {"referrer": "https://www.instagram.com/"}),
    (14, {"tags": {"utm_medium": "email"}}),
    (12, {}),
    (8, {"referrer": "https://www.facebook.com/"}),
    (6, {"tags": {"ch": "qr"}}),
    (5, {"referrer": "https://coffee-notes.example/best-beans"}),
    (3, {"referrer": "https://www.youtube.com/"}),
    (2, {"referrer": "https://t.co/"}),
)
_ANDROID: Final = (
    "Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 Chrome/140.0 Mobile Safari/537.36"
)
_GALAXY: Final = (
    "Mozilla/5.0 (Linux; Android 14; SM-S921B) AppleWebKit/537.36 SamsungBrowser/28.0 Mobile Safari/537.36"
)
_IPHONE: Final = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 Version/18.5 Mobile"
)
_IPAD: Final = "Mozilla/5.0 (iPad; CPU OS 18_5 like Mac OS X) AppleWebKit/605.1.15 Version/18.5 Mobile"
_MAC: Final = (
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 Version/18.5 Safari/605.1.15"
)
_LINUX: Final = "Mozilla/5.0 (X11; Linux x86_64; rv:142.0) Gecko/20100101 Firefox/142.0"
DESK: Final = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/140.0 Safari/537.36"
BROWSERS: Final = (
    (30, _ANDROID),
    (14, _GALAXY),
    (30, _IPHONE),
    (4, _IPAD),
    (13, DESK),
    (7, _MAC),
    (2, _LINUX),
)
NO_PERSON: Final[tuple[tuple[int, dict[str, Any]], ...]] = (
    (40, {"user_agent": "WhatsApp/2.25.10 A"}),
    (20, {"user_agent": "facebookexternalhit/1.1"}),
    (15, {"user_agent": "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"}),
    (10, {"user_agent": _ANDROID, "purpose": "prefetch"}),
    (8, {"user_agent": "curl/8.9"}),
    (5, {"user_agent": DESK, "method": "HEAD"}),
    (2, {"user_agent": ""}),
)
COUNTRIES: Final = ((70, "DE"), (14, "AT"), (9, "CH"), (4, "NL"), (3, "PL"))
