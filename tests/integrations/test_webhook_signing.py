"""Outbound webhook signatures, checked by an independent library, and the retry schedule."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook, WebhookVerificationError

from integrations.webhook_signing import (
    MAX_ATTEMPTS,
    SignatureInvalid,
    new_secret,
    next_attempt_delay,
    sign,
    verify,
)

SECRET = "whsec_" + base64.b64encode(b"0123456789abcdef0123456789abcdef").decode()
OLD_SECRET = "whsec_" + base64.b64encode(b"fedcba9876543210fedcba9876543210").decode()
AT = datetime(2026, 11, 22, 12, 0, 0, tzinfo=UTC)
BODY = json.dumps({"type": "reward.created", "name": "Ann Öström"}, ensure_ascii=False).encode()


def refusal(headers: dict[str, str], *, body: bytes = BODY, at: datetime = AT) -> str:
    with pytest.raises(SignatureInvalid) as caught:
        verify([SECRET], headers, body, at=at)
    return caught.value.code


# Signing


def test_the_headers_are_exact() -> None:
    # The digest was computed with: printf 'msg_1.1795348800.{}' | openssl dgst -sha256 -hmac KEY -binary
    assert sign([SECRET], "msg_1", AT, b"{}") == {
        "webhook-id": "msg_1",
        "webhook-timestamp": "1795348800",
        "webhook-signature": "v1,gUE4oXU68r1M2GxtRDSExBOQSJJFVogbY0wUXt02drA=",
    }


def test_an_independent_library_accepts_our_signature() -> None:
    headers = sign([SECRET], "msg_1", datetime.now(UTC), BODY)

    assert Webhook(SECRET).verify(BODY, headers) == json.loads(BODY)
    with pytest.raises(WebhookVerificationError):
        Webhook(OLD_SECRET).verify(BODY, headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(SECRET).verify(BODY + b" ", headers)


def test_we_accept_an_independent_library_s_signature() -> None:
    signature = Webhook(SECRET).sign("msg_1", AT, BODY.decode())
    headers = {"Webhook-Id": "msg_1", "Webhook-Timestamp": "1795348800", "Webhook-Signature": signature}

    assert verify([SECRET], headers, BODY, at=AT) == "msg_1"


def test_receivers_with_either_secret_accept_a_message_during_rotation() -> None:
    headers = sign([SECRET, OLD_SECRET], "msg_1", datetime.now(UTC), BODY)

    for secret in (SECRET, OLD_SECRET):
        Webhook(secret).verify(BODY, headers)
        assert verify([secret], headers, BODY, at=datetime.now(UTC)) == "msg_1"
    assert verify([new_secret(), OLD_SECRET], headers, BODY, at=datetime.now(UTC)) == "msg_1"
    with pytest.raises(WebhookVerificationError):
        Webhook(new_secret()).verify(BODY, headers)


def test_the_zone_of_the_time_does_not_change_the_signature() -> None:
    elsewhere = AT.astimezone(timezone(timedelta(hours=-9, minutes=-30)))

    assert sign([SECRET], "msg_1", elsewhere, BODY) == sign([SECRET], "msg_1", AT, BODY)
    headers = sign([SECRET], "msg_1", datetime.now(timezone(timedelta(hours=5))), BODY)
    Webhook(SECRET).verify(BODY, headers)


def test_parts_of_a_second_are_dropped() -> None:
    assert sign([SECRET], "msg_1", AT + timedelta(microseconds=999_999), BODY) == sign(
        [SECRET], "msg_1", AT, BODY
    )


@pytest.mark.parametrize("message_id", ["", "msg.1", "msg 1", "msg_1\n", "ö", "a" * 201])
def test_message_ids_that_could_blur_the_signed_text_are_refused(message_id: str) -> None:
    with pytest.raises(ValueError, match="message id"):
        sign([SECRET], message_id, AT, BODY)


def test_a_naive_time_is_refused() -> None:
    with pytest.raises(ValueError, match="time zone"):
        sign([SECRET], "msg_1", AT.replace(tzinfo=None), BODY)


@pytest.mark.parametrize(
    "secrets",
    [
        [],
        [""],
        ["whsec_"],
        ["whsec_!!!"],
        ["whsec_ö"],
        ["whsec_" + base64.b64encode(b"short").decode()],
        ["whsec_" + base64.b64encode(b"x" * 65).decode()],
        [base64.b64encode(b"x" * 32).decode()],
        [SECRET, "whsec_MTIz"],
    ],
)
def test_bad_secrets_are_refused(secrets: list[str]) -> None:
    with pytest.raises(ValueError, match="secret"):
        sign(secrets, "msg_1", AT, BODY)


def test_new_secrets_hold_256_bits_and_differ() -> None:
    secrets = {new_secret() for _ in range(50)}

    assert len(secrets) == 50
    assert {len(base64.b64decode(secret.removeprefix("whsec_"), validate=True)) for secret in secrets} == {32}
    assert all(secret.startswith("whsec_") for secret in secrets)


# Verifying


@given(st.binary(), st.from_regex(r"[0-9A-Za-z_-]{1,40}", fullmatch=True))
def test_what_we_sign_we_accept_whatever_the_bytes(body: bytes, message_id: str) -> None:
    assert verify([SECRET], sign([SECRET], message_id, AT, body), body, at=AT) == message_id


@pytest.mark.parametrize(
    ("seconds", "code"), [(-301, "too_new"), (-300, None), (0, None), (300, None), (301, "too_old")]
)
def test_a_message_is_accepted_within_300_seconds(seconds: int, code: str | None) -> None:
    headers = sign([SECRET], "msg_1", AT, BODY)
    at = AT + timedelta(seconds=seconds)

    if code is None:
        assert verify([SECRET], headers, BODY, at=at) == "msg_1"
    else:
        assert refusal(headers, at=at) == code


@pytest.mark.parametrize("name", ["webhook-id", "webhook-timestamp", "webhook-signature"])
def test_each_header_is_needed(name: str) -> None:
    headers = sign([SECRET], "msg_1", AT, BODY)

    assert refusal({**headers, name: ""}) == "missing_header"
    assert refusal({key: value for key, value in headers.items() if key != name}) == "missing_header"


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [
        ("webhook-timestamp", "now", "malformed_timestamp"),
        ("webhook-timestamp", "-1", "malformed_timestamp"),
        ("webhook-timestamp", "1795348800.0", "malformed_timestamp"),
        ("webhook-timestamp", " 1795348800", "malformed_timestamp"),
        ("webhook-timestamp", "nan", "malformed_timestamp"),
        ("webhook-timestamp", "١٧٩٥٣٤٨٨٠٠", "malformed_timestamp"),
        ("webhook-timestamp", "9" * 5000, "malformed_timestamp"),
        ("webhook-timestamp", "999999999999", "too_new"),
        ("webhook-timestamp", "0", "too_old"),
        ("webhook-timestamp", "1795348801", "no_match"),
        ("webhook-id", "msg_2", "no_match"),
        ("webhook-id", "msg_\udcff", "no_match"),
        ("webhook-signature", "v1", "malformed_signature"),
        ("webhook-signature", "v1,", "malformed_signature"),
        ("webhook-signature", "v1,a,b", "malformed_signature"),
        ("webhook-signature", "v1,A", "malformed_signature"),
        ("webhook-signature", "v1,!!!!", "malformed_signature"),
        ("webhook-signature", "v1,ö", "malformed_signature"),
        ("webhook-signature", "v1,\udcff", "malformed_signature"),
        ("webhook-signature", "   ", "malformed_signature"),
        ("webhook-signature", "v1," + base64.b64encode(b"x" * 31).decode(), "malformed_signature"),
        ("webhook-signature", "v1a," + base64.b64encode(b"x" * 64).decode(), "malformed_signature"),
        ("webhook-signature", "v1," + base64.b64encode(b"x" * 32).decode(), "no_match"),
    ],
)
def test_malformed_and_foreign_headers_are_refused_with_a_code(name: str, value: str, code: str) -> None:
    assert refusal({**sign([SECRET], "msg_1", AT, BODY), name: value}) == code


def test_one_good_signature_among_broken_ones_is_enough() -> None:
    headers = sign([SECRET], "msg_1", AT, BODY)
    headers["webhook-signature"] = f"v1 v1,!!! v2,abc {headers['webhook-signature']} junk"

    assert verify([SECRET], headers, BODY, at=AT) == "msg_1"


def test_another_body_is_refused_and_no_secrets_accept_nothing() -> None:
    headers = sign([SECRET], "msg_1", AT, BODY)

    assert refusal(headers, body=BODY + b" ") == "no_match"
    assert refusal(headers, body=b"\xff\xfe") == "no_match"
    with pytest.raises(SignatureInvalid):
        verify([], headers, BODY, at=AT)


@given(st.dictionaries(st.sampled_from(["webhook-id", "webhook-timestamp", "webhook-signature"]), st.text()))
def test_no_headers_raise_anything_else(headers: dict[str, str]) -> None:
    with pytest.raises(SignatureInvalid):
        verify([SECRET], headers, BODY, at=AT)


# Retries


def test_ten_attempts_span_more_than_a_day_even_without_jitter() -> None:
    delays = [next_attempt_delay(attempt, None, 0.0) for attempt in range(MAX_ATTEMPTS + 2)]

    assert delays == [
        timedelta(0),
        timedelta(seconds=5),
        timedelta(minutes=5),
        timedelta(minutes=30),
        timedelta(hours=2),
        timedelta(hours=5),
        timedelta(hours=10),
        timedelta(hours=14),
        timedelta(hours=20),
        timedelta(hours=24),
        None,
        None,
    ]
    total = sum((delay for delay in delays if delay is not None), timedelta(0))
    assert total == timedelta(hours=75, minutes=35, seconds=5)


@pytest.mark.parametrize(
    ("attempt", "retry_after", "jitter", "expected"),
    [
        (1, 60, 0.0, timedelta(seconds=60)),
        (1, 60, 0.5, timedelta(seconds=63)),
        (2, 60, 0.0, timedelta(minutes=5)),
        (2, 60, 0.5, timedelta(minutes=5, seconds=15)),
        (1, 10**12, 0.0, timedelta(hours=24)),
        (1, -5, 0.0, timedelta(seconds=5)),
        (10, 60, 0.0, None),
    ],
)
def test_the_receiver_may_lengthen_the_wait_and_never_shorten_it(
    attempt: int, retry_after: int, jitter: float, expected: timedelta | None
) -> None:
    assert next_attempt_delay(attempt, retry_after, jitter) == expected


@pytest.mark.parametrize(("attempt", "jitter"), [(-1, 0.0), (1, 1.0), (1, -0.1), (1, float("nan"))])
def test_values_out_of_range_are_refused(attempt: int, jitter: float) -> None:
    with pytest.raises(ValueError, match="attempt"):
        next_attempt_delay(attempt, None, jitter)
