"""Whether a request counts, and by which channel it came."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracking.classification import ClickFacts, channel, classify, purpose_of, referrer_host

PHONE = (
    "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0"
    " Mobile Safari/537.36"
)


def instagram() -> str:
    with Path(__file__).with_name("agents.csv").open(newline="") as file:
        return next(row["agent"] for row in csv.DictReader(file) if " Instagram " in row["agent"])


@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        ({}, ""),
        ({"method": "HEAD"}, "head"),
        ({"method": "HEAD", "user_agent": "Googlebot/2.1"}, "head"),
        ({"purpose": "prefetch"}, "prefetch"),
        ({"purpose": "prefetch;prerender"}, "prefetch"),
        ({"purpose": "Prefetch; anonymous-client-ip"}, "prefetch"),
        ({"purpose": "preview"}, "prefetch"),
        ({"purpose": "instant"}, ""),
        ({"user_agent": ""}, "no_user_agent"),
        ({"user_agent": " \t "}, "no_user_agent"),
        ({"user_agent": "WhatsApp/2.24.17.76 A"}, "preview"),
        ({"user_agent": "Googlebot/2.1"}, "bot"),
        ({"user_agent": "curl/8.9.1"}, "datacentre"),
        ({"user_agent": PHONE + " " * 2000}, ""),
        ({"user_agent": PHONE + " x" * 100_000 + " bot"}, ""),
    ],
)
def test_a_request_that_is_no_persons_click_says_why(facts: dict[str, Any], reason: str) -> None:
    assert classify(ClickFacts(**{"user_agent": PHONE, **facts})) == reason


@pytest.mark.parametrize(
    ("headers", "purpose"),
    [
        ({}, ""),
        ({"Sec-Purpose": "prefetch"}, "prefetch"),
        ({"sec-purpose": "prefetch;prerender"}, "prefetch;prerender"),
        ({"Purpose": "prefetch"}, "prefetch"),
        ({"x-moz": "prefetch"}, "prefetch"),
        ({"X-Purpose": "preview"}, "preview"),
        ({"Sec-Purpose": "x" * 5000}, "x" * 100),
    ],
)
def test_the_purpose_is_read_from_todays_and_yesterdays_headers(
    headers: dict[str, str], purpose: str
) -> None:
    assert purpose_of(headers) == purpose


@pytest.mark.parametrize(
    ("tags", "referrer", "found"),
    [
        # The link's own tag is surest.
        ({"ch": "qr"}, "https://www.facebook.com/", "qr"),
        ({"ch": " SMS "}, "", "sms"),
        ({"ch": "no tag!", "utm_medium": "email"}, "", "email"),
        ({"ch": "x" * 31}, "", "link"),
        ({"ch": "<script>"}, "https://t.co/a", "x"),
        # Then UTM.
        ({"utm_medium": "email", "utm_source": "instagram"}, "https://t.co/a", "email"),
        ({"utm_medium": "Newsletter"}, "", "email"),
        ({"utm_medium": "social", "utm_source": "Instagram"}, "", "instagram"),
        ({"utm_medium": "social", "utm_source": "fb"}, "", "facebook"),
        ({"utm_medium": "qr-code", "utm_source": "poster"}, "", "qr"),
        ({"utm_medium": "influencer", "utm_source": "agency-7"}, "", "influencer"),
        ({"utm_source": "linkedin"}, "", "linkedin"),
        ({"utm_source": "partner_shop"}, "", "partner_shop"),
        # Then the referring site.
        ({}, "https://l.facebook.com/l.php?u=x", "facebook"),
        ({}, "https://www.instagram.com/", "instagram"),
        ({}, "https://T.CO/abc", "x"),
        ({}, "https://out.reddit.com/t3_x", "reddit"),
        ({}, "https://mail.google.com/", "email"),
        ({}, "https://www.google.co.uk/", "search"),
        ({}, "https://docs.google.com/", "website"),
        ({}, "https://gemini.google.com/app", "assistant"),
        ({}, "https://www.pinterest.de/pin/1", "pinterest"),
        ({}, "https://de.search.yahoo.com/", "search"),
        ({}, "https://web.telegram.org/", "telegram"),
        ({}, "android-app://com.google.android.gm/", "email"),
        ({}, "android-app://org.telegram.messenger/", "telegram"),
        ({}, "https://notfacebook.com/", "website"),
        ({}, "https://facebook.com.evil.example/", "website"),
        ({}, "https://[::1", "website"),
        ({}, "", "link"),
    ],
)
def test_the_channel_follows_the_surest_sign(tags: dict[str, str], referrer: str, found: str) -> None:
    assert channel(ClickFacts(user_agent=PHONE, tags=tags, referrer=referrer)) == found


def test_an_apps_own_browser_tells_the_channel_where_nothing_else_does() -> None:
    agent = instagram()
    assert channel(ClickFacts(user_agent=agent)) == "instagram"
    assert channel(ClickFacts(user_agent=agent, referrer="https://blog.example/")) == "instagram"
    assert channel(ClickFacts(user_agent=agent, referrer="https://t.co/x")) == "x"
    assert channel(ClickFacts(user_agent=agent, tags={"ch": "qr"})) == "qr"


@pytest.mark.parametrize(
    ("mark", "found"),
    [
        ("[FBAN/FBIOS;FBAV/530.0;]", "facebook"),
        ("[FBAN/MessengerForiOS;FBAV/462.0;]", "messenger"),
        ("Barcelona 388.0.0 (iPhone16,1)", "threads"),
        ("WhatsApp/24.16.80", "whatsapp"),
        ("musical_ly_40.4.0 BytedanceWebview/d8a21c6", "tiktok"),
        ("Telegram-iOS/11.8", "telegram"),
        ("Snapchat/13.10.0.39", "snapchat"),
        ("[LinkedInApp]/9.31.1450", "linkedin"),
        ("Twitter for iPhone/11.13", "x"),
        ("MicroMessenger/8.0.50", "wechat"),
        ("[Pinterest/iOS]", "pinterest"),
        ("Safari Line/14.9.1", "line"),
        ("Outlook-iOS/709", "email"),
        ("Safari/604.1", "link"),
    ],
)
def test_each_app_has_its_channel(mark: str, found: str) -> None:
    assert channel(ClickFacts(user_agent=f"Mozilla/5.0 (iPhone) Mobile/15E148 {mark}")) == found


@pytest.mark.parametrize(
    ("referrer", "host"),
    [
        ("https://www.Shop.example:8443/a?b#c", "shop.example"),
        ("https://user:secret@shop.example/", "shop.example"),
        ("https://[2001:db8::1]/", "2001:db8::1"),
        ("https://bücher.example/", "bücher.example"),
        ("https://a\x00b.example/", ""),
        ("https://a<b>.example/", ""),
        ("not an address", ""),
        ("https://[", ""),
        ("", ""),
        ("https://" + "a" * 5000 + ".example/", ("a" * 312)[:255]),
    ],
)
def test_the_referrers_host(referrer: str, host: str) -> None:
    assert referrer_host(referrer) == host


@given(
    st.text(),
    st.text(),
    st.text(),
    st.dictionaries(st.sampled_from(["ch", "utm_medium", "utm_source"]), st.text()),
)
def test_hostile_headers_never_raise_and_always_fit_the_columns(
    user_agent: str, purpose: str, referrer: str, tags: dict[str, str]
) -> None:
    facts = ClickFacts(user_agent=user_agent, purpose=purpose, referrer=referrer, tags=tags)
    assert classify(facts) in {"", "prefetch", "preview", "bot", "datacentre", "no_user_agent"}
    assert 1 <= len(channel(facts)) <= 30
    assert len(referrer_host(referrer)) <= 255
    assert "\x00" not in referrer_host(referrer)
