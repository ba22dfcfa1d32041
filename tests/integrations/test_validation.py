"""When a question is repeated, what an answer means, and how a shop is asked: pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.http import Response
from integrations.providers import Gone, OrderSeen, Reauthorise, Refused, Retry, ShopAccess
from integrations.providers.woocommerce.orders import order_of, order_request
from integrations.validation import LIMIT, next_try, verdict_of_callback

AT = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
ACCESS = ShopAccess("https://shop.example/", "ck_1", "cs_2")


@pytest.mark.parametrize(
    ("attempts", "retry_after", "jitter", "seconds"),
    [
        (1, None, 0.0, 30),
        (1, None, 0.8, 36),
        (2, None, 0.0, 60),
        (3, 10, 0.0, 120),
        (3, 500, 0.5, 500),
        (10, None, 0.0, 30 * 512),
        (11, None, 0.0, 6 * 3600),
        (32_000, None, 0.0, 6 * 3600),
        (1, 10**9, 0.0, 72 * 3600),
    ],
)
def test_the_pause_doubles_up_to_six_hours(
    attempts: int, retry_after: int | None, jitter: float, seconds: int
) -> None:
    found = next_try(attempts, began_at=AT, at=AT, retry_after=retry_after, jitter=jitter)
    assert found == AT + timedelta(seconds=seconds)


@given(
    st.integers(1, 100),
    st.timedeltas(timedelta(), timedelta(days=4)),
    st.none() | st.integers(0, 10**7),
    st.floats(0, 1, exclude_max=True),
)
def test_the_last_try_is_at_the_limit(
    attempts: int, passed: timedelta, retry_after: int | None, jitter: float
) -> None:
    found = next_try(attempts, began_at=AT, at=AT + passed, retry_after=retry_after, jitter=jitter)
    if passed >= LIMIT:
        assert found is None
    else:
        assert found is not None
        assert AT + passed < found <= AT + LIMIT


@given(st.integers(100, 599), st.text(max_size=300))
def test_only_200_to_204_and_400_are_answers(status: int, body: str) -> None:
    verdict = verdict_of_callback(status, body)
    expected = {True: range(200, 205), False: range(400, 401)}
    assert verdict.passed == next((word for word, codes in expected.items() if status in codes), None)
    assert len(verdict.sentence) <= 300
    assert "\n" not in verdict.sentence


def test_keys_go_as_basic_credentials_over_https() -> None:
    assert order_request(ACCESS, "17", at=AT, nonce="n") == (
        "https://shop.example/wp-json/wc/v3/orders/17",
        {"accept": "application/json", "authorization": "Basic Y2tfMTpjc18y"},
    )


def test_over_plain_http_the_secret_stays_here() -> None:
    access = ShopAccess("http://shop.example/de", "ck_1", "cs_2")
    url, headers = order_request(access, "#0017", at=AT, nonce="n1")
    parts = urlsplit(url)
    assert (parts.netloc, parts.path) == ("shop.example", "/de/wp-json/wc/v3/orders/17")
    fields = dict(parse_qsl(parts.query))
    signature = fields.pop("oauth_signature")
    assert fields == {
        "oauth_consumer_key": "ck_1",
        "oauth_nonce": "n1",
        "oauth_signature_method": "HMAC-SHA256",
        "oauth_timestamp": "1772452800",
    }
    assert len(signature) == 44
    assert "cs_2" not in url + str(headers)
    assert order_request(access, "17", at=AT, nonce="n2")[0] != url


@pytest.mark.parametrize("key", ["", "abc", "-1", "1.5", "17/refunds", "１７", "9" * 19, "# 17"])
def test_what_is_no_order_number_is_not_asked_for(key: str) -> None:
    with pytest.raises(Gone):
        order_request(ACCESS, key, at=AT, nonce="n")


def answered(status: int, body: bytes = b"", headers: Mapping[str, str] | None = None) -> Response:
    return Response(status=status, headers=headers or {}, body=body, truncated=False, elapsed_ms=1)


@pytest.mark.parametrize(
    ("response", "error"),
    [
        (answered(401), Reauthorise),
        (answered(403, b"{}"), Reauthorise),
        (answered(404, b'{"code":"woocommerce_rest_shop_order_invalid_id"}'), Gone),
        (answered(404, b'["woocommerce_rest_shop_order_invalid_id"]'), Refused),
        (answered(404, b"\xff\xfe"), Refused),
        (answered(200, b"[]"), Refused),
        (answered(200, b"null"), Refused),
        (answered(200, b"{}"), Refused),
        (answered(200, b'{"code":"x","message":"y","data":{"status":500}}'), Refused),
        (answered(204), Refused),
        (answered(429), Retry),
        (answered(599), Retry),
    ],
)
def test_an_answer_that_is_no_order_says_what_to_do(response: Response, error: type[Exception]) -> None:
    with pytest.raises(error):
        order_of(response, at=AT)


def test_a_busy_shop_says_how_long() -> None:
    with pytest.raises(Retry) as busy:
        order_of(answered(429, headers={"retry-after": "90"}), at=AT)
    assert busy.value.after == timedelta(seconds=90)


@given(st.binary(max_size=200), st.integers(100, 599))
def test_no_answer_breaks_the_reading(body: bytes, status: int) -> None:
    try:
        found = order_of(answered(status, body), at=AT)
    except (Gone, Reauthorise, Refused, Retry):
        return
    assert isinstance(found, OrderSeen)
