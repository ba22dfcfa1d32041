import pytest

from programs.destinations import DestinationInvalid, allowed_hosts, check_destination
from programs.terms import ProgramTerms

HOSTS = {"shop.example"}


@pytest.mark.parametrize(
    "url",
    [
        "https://shop.example",
        "https://shop.example/",
        "https://shop.example:8443/a?b=c&d=%20#e",
        "https://shop.example?next=https://evil.example",
        "HTTPS://SHOP.example/Path",
        # These are paths and queries of the allowed host, whatever they look like.
        "https://shop.example//evil.example",
        "https://shop.example/..//evil.example",
        "https://shop.example/%2f%2fevil.example",
        "https://shop.example/%5cevil.example",
        "https://shop.example/?a=1&a=2&b=user@evil.example",
        "https://shop.example/#@evil.example",
        "https://shop.example:443/",
    ],
)
def test_an_address_on_an_allowed_host_passes_unchanged(url: str) -> None:
    assert check_destination(url, HOSTS) == url


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("", "invalid_characters"),
        ("//evil.example", "invalid_format"),
        ("/..//evil.example", "invalid_format"),
        ("/%2f%2fevil.example", "invalid_format"),
        ("\\\\evil.example", "invalid_characters"),
        ("https:\\\\evil.example", "invalid_characters"),
        ("https://shop.example%2f@evil.example", "user_name"),
        ("https://shop.example%00.evil.example", "host_not_allowed"),
        ("https://shop.example&evil.example", "host_not_allowed"),
        ("https://shop.example;evil.example", "host_not_allowed"),
        ("https://shop.example:443@evil.example", "user_name"),
        ("https://shop.example:@evil.example", "user_name"),
        ("https://@shop.example", "user_name"),
        ("//shop.example", "invalid_format"),
        ("/path", "invalid_format"),
        ("shop.example", "invalid_format"),
        ("https:shop.example", "invalid_format"),
        ("https:/shop.example", "invalid_format"),
        ("https:///evil.example", "invalid_format"),
        ("https:////shop.example", "invalid_format"),
        ("https://shop.example@evil.example", "user_name"),
        ("https://evil.example@shop.example", "user_name"),
        ("https://user:pass@shop.example/", "user_name"),
        ("https://shop.example\\@evil.example", "invalid_characters"),
        ("https://evil.example\\.shop.example", "invalid_characters"),
        ("https://shop.example\r\nSet-Cookie: a=b", "invalid_characters"),
        ("https://shop.example/\x00", "invalid_characters"),
        ("https://shop.example/\t", "invalid_characters"),
        (" https://shop.example", "invalid_characters"),
        ("https://shop.example/a b", "invalid_characters"),
        ("https://shoр.example", "invalid_characters"),
        ("https://shop。example", "invalid_characters"),
        ("https://xn--sho-wdc.example", "host_not_allowed"),
        ("https://shop.example.", "host_not_allowed"),
        ("https://shop.example.evil.example", "host_not_allowed"),
        ("https://evilshop.example", "host_not_allowed"),
        ("https://sub.shop.example", "host_not_allowed"),
        ("https://shop.example%2eevil.example", "host_not_allowed"),
        ("https://[::1]/", "host_not_allowed"),
        ("https://[::1/", "invalid_format"),
        ("https://shop.example:99999/", "invalid_format"),
        ("https://shop.example:0/", "invalid_format"),
        ("https://shop.example:-1/", "invalid_format"),
        ("https://[shop.example]/", "invalid_format"),
        ("https://[::ffff:127.0.0.1]/", "host_not_allowed"),
        ("https://2130706433/", "host_not_allowed"),
        ("https://0x7f.1/", "host_not_allowed"),
        ("https://xn--shp-tna.example", "host_not_allowed"),
        ("https://ｓhop.example", "invalid_characters"),
        ("https://shop.example\u200b/", "invalid_characters"),
        ("https://shop.example/\u202eelpmaxe", "invalid_characters"),
        ("https://shop.example:port/", "invalid_format"),
        ("http://shop.example", "not_https"),
        ("http://localhost:3000/", "not_https"),
        ("javascript://shop.example/%0aalert(1)", "not_https"),
        ("javascript:alert(1)//https://shop.example", "invalid_format"),
        ("JaVaScRiPt://shop.example/%0aalert(1)", "not_https"),
        ("java\nscript://shop.example/", "invalid_characters"),
        ("data:text/html,shop.example", "invalid_format"),
        ("data://shop.example/,x", "not_https"),
        ("view-source:https://shop.example/", "invalid_format"),
        ("intent://shop.example/#Intent;scheme=https;end", "not_https"),
        ("file:///etc/passwd", "invalid_format"),
        ("ftp://shop.example/", "not_https"),
        ("https://shop.example/" + "a" * 2000, "too_long"),
        ("https://shop.example/?" + "a=1&" * 16_384, "too_long"),
    ],
)
def test_a_hostile_address_is_refused_by_name(url: str, code: str) -> None:
    with pytest.raises(DestinationInvalid) as refused:
        check_destination(url, HOSTS)
    assert (refused.value.code, refused.value.param) == (code, "destination_url")


def test_plain_http_reaches_this_machine_in_development_only() -> None:
    hosts = {"localhost", "127.0.0.1", "shop.example"}
    for url in ("http://localhost:3000/a", "http://127.0.0.1/"):
        assert check_destination(url, hosts, allow_local=True) == url
    with pytest.raises(DestinationInvalid, match="https"):
        check_destination("http://shop.example/", hosts, allow_local=True)
    with pytest.raises(DestinationInvalid, match="lead to"):
        check_destination("http://localhost/", HOSTS, allow_local=True)


def test_without_a_list_the_destinations_own_host_is_allowed() -> None:
    own = ProgramTerms(currency="EUR", destination_url="https://Shop.example/welcome")
    assert allowed_hosts(own) == {"shop.example"}
    listed = ProgramTerms(currency="EUR", allowed_hosts=("a.example", "b.example"))
    assert allowed_hosts(listed) == {"a.example", "b.example"}
    assert allowed_hosts(ProgramTerms(currency="EUR")) == frozenset()
