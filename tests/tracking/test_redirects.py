"""Where a click is sent, whatever its address and the link's own say."""

from __future__ import annotations

import re
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from programs.destinations import DestinationInvalid, check_destination
from tracking.redirects import LONGEST_TARGET, LONGEST_VALUE, destination, known_visitor

BASE = "https://shop.example/welcome"
OURS = "via=ana-k3f&referral_click=clk_1"


def sent(base: str = BASE, **query: str) -> str:
    return destination(base, code="ana-k3f", click_id="clk_1", query=query)


@pytest.mark.parametrize(
    ("base", "query", "target"),
    [
        (BASE, {}, f"{BASE}?{OURS}"),
        ("https://shop.example", {}, f"https://shop.example?{OURS}"),
        (BASE, {"utm_source": "x", "utm_id": "7"}, f"{BASE}?utm_source=x&utm_id=7&{OURS}"),
        (BASE, {"ch": "qr", "secret": "1", "gclid": "a", "fbclid": "b", "email": "c"}, f"{BASE}?{OURS}"),
        (BASE, {"utm_term": "a b&c=d#e"}, f"{BASE}?utm_term=a+b%26c%3Dd%23e&{OURS}"),
        (f"{BASE}?utm_source=own", {"utm_source": "x"}, f"{BASE}?utm_source=own&{OURS}"),
        (f"{BASE}?a=1&a=2&b=%20&c", {}, f"{BASE}?a=1&a=2&b=%20&c&{OURS}"),
        (f"{BASE}?via=eve&referral_click=clk_9&v%69a=eve", {}, f"{BASE}?{OURS}"),
        (f"{BASE}#look?x=1", {"utm_source": "x"}, f"{BASE}?utm_source=x&{OURS}#look?x=1"),
        ("http://localhost:3000/a", {}, f"http://localhost:3000/a?{OURS}"),
        ("https://shop.example:8443/", {}, f"https://shop.example:8443/?{OURS}"),
        (BASE, {"to": "/shoes/red-7.html"}, f"https://shop.example/shoes/red-7.html?{OURS}"),
        (f"{BASE}?lang=de#top", {"to": "/"}, f"https://shop.example/?lang=de&{OURS}#top"),
    ],
)
def test_the_code_and_the_click_are_appended(base: str, query: dict[str, str], target: str) -> None:
    assert sent(base, **query) == target


@pytest.mark.parametrize(
    "to",
    [
        "//evil.example",
        "///evil.example",
        "/..//evil.example",
        "/a/..//evil.example",
        "/./a",
        "/a/..",
        "/%2f%2fevil.example",
        "/%2e%2e/a",
        "%2f/evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "/\t/evil.example",
        "/\n/evil.example",
        "/a\r\nSet-Cookie: a=b",
        "/a\x00",
        "/a?next=https://evil.example",
        "/a#b",
        "/@evil.example//x",
        "@evil.example",
        ".evil.example",
        ":443@evil.example",
        "https://evil.example/",
        "javascript:alert(1)",
        "data:text/html,x",
        "shoes",
        "/шoes",
        "/" + "a" * LONGEST_VALUE,
        "",
    ],
)
def test_a_deep_link_that_is_no_plain_path_is_ignored(to: str) -> None:
    assert sent(to=to) == f"{BASE}?{OURS}"


@pytest.mark.parametrize(
    "value",
    [
        "ana@example.com",
        "a b ana@example.com",
        "ana%40example.com",
        "ana%2540example.com",
        "Ä@example.museum",
    ],
)
def test_a_value_with_a_mailbox_in_it_is_left_out(value: str) -> None:
    assert sent(utm_content=value, utm_source="x") == f"{BASE}?utm_source=x&{OURS}"


def test_an_at_sign_alone_is_no_mailbox() -> None:
    assert sent(utm_campaign="100%@home") == f"{BASE}?utm_campaign=100%25%40home&{OURS}"


@pytest.mark.parametrize(
    "query",
    [
        {"utm_term": "x" * 65_536},
        {f"utm_{'x' * n}": "y" * 200 for n in range(1, 31)},
        {f"utm_{'abc'[n % 3]}{'_' * (n // 3)}": "\u20ac" * 250 for n in range(60)},
        {"x" * 65_536: "1"},
        {"utm_" + "x" * 65_536: "1"},
    ],
)
def test_an_endless_query_makes_no_endless_address(query: dict[str, str]) -> None:
    target = destination(BASE, code="ana-k3f", click_id="clk_1", query=query)
    assert len(target) <= LONGEST_TARGET
    assert target.endswith(OURS)


@pytest.mark.parametrize(
    "base",
    [
        "https://shop.example/a\r\nSet-Cookie: a=b",
        "https://shop.example/a\x00b",
        "https://shop.example/a b",
        "https://shop.example/ä?ö=ü#ß",
        "https://shop.example/<script>",
        "https://shop.example/\\evil.example",
        "https://shop.example/\ud800",
    ],
)
def test_what_may_not_stand_in_a_header_is_encoded_in_a_stored_address_too(base: str) -> None:
    target = sent(base)
    assert re.fullmatch(r"[!-~]+", target)
    assert "\\" not in target
    assert urlsplit(target).hostname == "shop.example"


@pytest.mark.parametrize(
    "base", ["", "/welcome", "//evil.example", "javascript:alert(1)", "data:text/html,x", "https://"]
)
def test_a_stored_address_that_is_none_is_an_error(base: str) -> None:
    with pytest.raises(ValueError, match="no web address"):
        sent(base)


def read_by_a_browser(url: str) -> str:
    """Return the host a browser goes to: it drops line breaks and tabs, and takes a backslash for a slash."""
    url = re.sub(r"[\t\r\n]", "", url.strip("".join(map(chr, range(33))))).replace("\\", "/")
    match = re.match(r"https?:/*(?:[^/?#]*@)?([^/?#:]+)", url, re.IGNORECASE)
    return match[1].lower() if match else ""


HOSTS = ("shop.example", "www.shop.example")
PIECES = st.sampled_from(
    [
        "https:",
        "http:",
        "javascript:",
        "/",
        "//",
        "\\",
        "@",
        ":",
        "?",
        "#",
        "&",
        "=",
        ".",
        "..",
        "443",
        "%2f",
        "%5c",
        "%00",
        "%0d%0a",
        "\x00",
        "\r\n",
        "\t",
        " ",
        "а",
        "shop.example",
        "evil.example",
        "xn--sho-wdc.example",
    ]
)
HOSTILE = st.one_of(
    st.lists(PIECES, max_size=10).map("".join),
    st.lists(PIECES, max_size=8).map(lambda each: "https://shop.example" + "".join(each)),
    st.text(max_size=60),
)


@given(
    base=HOSTILE,
    query=st.dictionaries(st.one_of(st.sampled_from(["to", "utm_source", "via"]), HOSTILE), HOSTILE),
)
def test_whatever_passes_the_check_leads_to_an_allowed_host(base: str, query: dict[str, str]) -> None:
    try:
        check_destination(base, HOSTS)
    except DestinationInvalid:
        return
    target = destination(base, code="ana-k3f", click_id="clk_1", query=query)
    assert urlsplit(target).hostname in HOSTS
    assert read_by_a_browser(target) in HOSTS
    assert urlsplit(urljoin("https://links.example/r/ana-k3f", target)).hostname in HOSTS
    assert re.fullmatch(r"[!-~]+", target)
    assert len(target) <= LONGEST_TARGET
    assert dict(parse_qsl(urlsplit(target).query))["via"] == "ana-k3f"


@given(to=HOSTILE, value=st.text())
def test_no_address_of_a_link_changes_the_host_or_splits_the_header(to: str, value: str) -> None:
    target = sent(to=to, utm_source=value)
    assert read_by_a_browser(target) == "shop.example"
    assert re.fullmatch(r"[!-~]+", target)


@given(st.text(min_size=1, max_size=40).filter(lambda text: "@" not in text and "%" not in text))
def test_a_value_arrives_as_it_was(value: str) -> None:
    assume(value.encode(errors="replace").decode() == value)
    pairs = dict(parse_qsl(urlsplit(sent(utm_campaign=value)).query))
    assert pairs["utm_campaign"] == value
    assert urlencode({"utm_campaign": value}) in sent(utm_campaign=value)


@pytest.mark.parametrize("cookie", ["", "vis_", "vis_" + "A" * 26, "vis_" + "a" * 26 + "\n", "x" * 5000])
def test_only_our_own_cookie_names_a_visitor(cookie: str) -> None:
    assert known_visitor(cookie) == ""
    assert known_visitor("vis_" + "0" * 26) == "vis_" + "0" * 26
