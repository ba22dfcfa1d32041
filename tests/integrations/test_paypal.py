"""PayPal's folder against a fake of PayPal over real HTTP: batches once, results, errors, signatures."""

from __future__ import annotations

import base64
import json
import socket
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import NameOID

from core import http
from integrations.providers import Gone, Ignored, Reauthorise, Refused, Retry, SetAside
from integrations.providers.payouts import ItemResult, PayoutTouched, Wire
from integrations.providers.paypal import signature
from integrations.providers.paypal.calls import amount_text
from integrations.providers.paypal.events import events
from integrations.providers.paypal.payouts import check, send, status
from tests.conftest import AT
from tests.contracts.fakes.paypal import PayPal
from tests.contracts.fakes.server import Fault, Reply, running
from tests.integrations.wires import access_to, item, seconds, wire_to

CREATE = "POST /v1/payments/payouts"


@pytest.fixture
def paypal() -> Iterator[PayPal]:
    """PayPal, which fails the test in the end if a request broke its contract."""
    with running(PayPal()) as vendor:
        yield vendor


def sent(paypal: PayPal, *items: Any, batch_id: str = "pyb_1") -> Any:
    return send(wire_to(paypal), access_to(paypal), batch_id, items)


def report(paypal: PayPal, provider_batch_id: str, *, batch_id: str = "pyb_1", page: str = "") -> Any:
    return status(
        wire_to(paypal),
        access_to(paypal),
        batch_id=batch_id,
        provider_batch_id=provider_batch_id,
        items=(),
        page=page,
    )


# Amounts


@pytest.mark.parametrize(
    ("minor", "currency", "text"),
    [
        (1, "USD", "0.01"),
        (123456, "EUR", "1234.56"),
        (500, "JPY", "500"),
        (1200, "HUF", "12"),
        (100, "TWD", "1"),
    ],
)
def test_amounts_have_the_decimals_that_paypal_takes(minor: int, currency: str, text: str) -> None:
    assert amount_text(item(amount_minor=minor, currency=currency)) == text


@pytest.mark.parametrize(
    ("minor", "currency", "why"),
    [
        (1250, "HUF", "The provider pays whole HUF only."),
        (99, "TWD", "The provider pays whole TWD only."),
        (1000, "KWD", "PayPal does not pay in KWD."),
        (1000, "KRW", "PayPal does not pay in KRW."),
    ],
)
def test_an_amount_that_paypal_cannot_pay_is_refused_not_rounded(minor: int, currency: str, why: str) -> None:
    with pytest.raises(Refused, match=why):
        amount_text(item(amount_minor=minor, currency=currency))


def test_a_batch_of_nothing_but_impossible_items_is_not_sent(paypal: PayPal) -> None:
    got = sent(paypal, item(1, 150, "HUF"), item(2, 100, "USD", recipient="näme@example.com"))
    assert got.provider_batch_id == ""
    assert [(each.payout_id, each.status, each.failure) for each in got.results] == [
        ("pyt_0001", "failed", "The provider pays whole HUF only."),
        ("pyt_0002", "failed", "PayPal takes an e-mail address of at most 127 plain characters."),
    ]
    assert paypal.calls(CREATE) == []


# Sending


def test_a_batch_is_handed_over_in_one_call_and_reported_item_by_item(paypal: PayPal) -> None:
    got = sent(paypal, item(1), item(2, 500), item(3, 700, recipient="unknown@example.com"))
    assert (got.provider_batch_id, got.results, got.problem) == ("PB00000001", (), None)
    first = report(paypal, "PB00000001")
    assert [each.status for each in first.results] == ["sent", "sent", "sent"]
    assert (first.total_minor, first.closed, first.page) == (2434, False, "")
    paypal.work_off(pyt_0002="FAILED")
    last = report(paypal, "PB00000001")
    assert last.closed
    assert last.results == (
        ItemResult("pyt_0001", "paid", "TX0000000100000", "", 1234, 25),
        ItemResult(
            "pyt_0002",
            "failed",
            "TX0000000100001",
            "RECEIVER_UNCONFIRMED: Receiver's email is unconfirmed",
            500,
            25,
        ),
        ItemResult(
            "pyt_0003",
            "sent",
            "TX0000000100002",
            "The recipient has no PayPal account yet; PayPal waits 30 days for one.",
            700,
            25,
        ),
    )


@pytest.mark.parametrize("state", ["RETURNED", "REFUNDED", "REVERSED"])
def test_money_that_comes_back_is_returned(paypal: PayPal, state: str) -> None:
    sent(paypal, item(1))
    paypal.work_off(pyt_0001=state)
    (result,) = report(paypal, "PB00000001").results
    assert (result.status, result.failure) == ("returned", f"PayPal: {state}.")


@pytest.mark.parametrize("state", ["ONHOLD", "BLOCKED", "PENDING", "SOMETHING_NEW"])
def test_what_may_still_be_paid_is_not_released(paypal: PayPal, state: str) -> None:
    sent(paypal, item(1))
    paypal.work_off(pyt_0001=state)
    assert report(paypal, "PB00000001").results[0].status == "sent"


def test_a_denied_batch_fails_whatever_did_not_end(paypal: PayPal) -> None:
    sent(paypal, item(1))
    paypal.batches["PB00000001"]["batch_header"]["batch_status"] = "DENIED"
    paypal.move("pyt_0001", "DENIED")
    found = report(paypal, "PB00000001")
    assert (found.closed, found.results[0].status, found.results[0].failure) == (
        True,
        "failed",
        "PayPal: DENIED.",
    )


@pytest.mark.parametrize("reply", [Reply(0, cut=True), Reply(500, {"name": "INTERNAL_SERVER_ERROR"})])
def test_an_answer_that_is_lost_after_paypal_accepted_leads_to_one_batch(
    paypal: PayPal, reply: Reply
) -> None:
    paypal.faults.append(Fault(CREATE, reply, after=True))
    with pytest.raises(Retry):
        sent(paypal, item(1), item(2))
    again = sent(paypal, item(1), item(2))
    assert (again.provider_batch_id, again.results) == ("PB00000001", ())
    assert paypal.paid == ["pyt_0001", "pyt_0002"]


def test_a_fee_in_another_currency_is_not_taken_for_ours(paypal: PayPal) -> None:
    paypal.fee_currency = "USD"
    sent(paypal, item(1, currency="EUR"))
    (found,) = report(paypal, "PB00000001").results
    assert (found.amount_minor, found.fee_minor) == (1234, None)


@pytest.mark.parametrize("pointers", [False, True])
def test_the_same_batch_id_with_other_items_finds_the_first_batch(paypal: PayPal, pointers: bool) -> None:
    paypal.pointers = pointers
    sent(paypal, item(1))
    assert sent(paypal, item(2)).provider_batch_id == "PB00000001"
    assert paypal.paid == ["pyt_0001"]


def test_a_second_batch_that_paypal_does_not_name_is_never_sent_anew(paypal: PayPal) -> None:
    issue = {"field": "SENDER_BATCH_ID", "issue": "exists"}
    body = {"name": "USER_BUSINESS_ERROR", "message": "m", "details": [issue]}
    paypal.faults.append(Fault(CREATE, Reply(400, body)))
    with pytest.raises(Refused, match="does not say which"):
        sent(paypal, item(1))


def test_a_second_batch_is_found_by_the_link_wherever_paypal_says_why(paypal: PayPal) -> None:
    sent(paypal, item(1))
    link = {"href": f"{paypal.url}/v1/payments/payouts/PB00000001", "rel": "self"}
    message = "A payout with this sender_batch_id was made before."
    body = {"name": "DUPLICATE", "message": message, "debug_id": "d", "links": [link]}
    paypal.faults.append(Fault(CREATE, Reply(400, body)))
    assert sent(paypal, item(1)).provider_batch_id == "PB00000001"


@pytest.mark.parametrize(
    ("pointers", "why"),
    [(False, "Receiver is invalid"), (True, "RECEIVER_INVALID: The receiver is invalid.")],
)
def test_items_that_paypal_calls_invalid_fail_and_the_others_go(
    paypal: PayPal, pointers: bool, why: str
) -> None:
    paypal.pointers = pointers
    got = sent(paypal, item(1), item(2, recipient="invalid@example.com"), item(3))
    assert got.results == (ItemResult("pyt_0002", "failed", failure=why),)
    assert paypal.paid == ["pyt_0001", "pyt_0003"]


def test_a_refusal_that_blames_more_than_items_stops_the_batch(paypal: PayPal) -> None:
    details = [{"field": "items[0].receiver", "issue": "x"}, {"field": "sender_batch_header", "issue": "y"}]
    body = {"name": "VALIDATION_ERROR", "message": "m", "details": details}
    paypal.faults.append(Fault(CREATE, Reply(400, body)))
    with pytest.raises(Refused, match="VALIDATION_ERROR: m"):
        sent(paypal, item(1))
    assert paypal.paid == []


def test_too_little_money_stops_the_batch_and_pays_nobody(paypal: PayPal) -> None:
    paypal.balance = paypal.balance * 0
    with pytest.raises(Refused, match="INSUFFICIENT_FUNDS"):
        sent(paypal, item(1))
    assert paypal.paid == []
    with pytest.raises(ValueError, match="1 to 15000"):
        sent(paypal)


def test_wrong_keys_ask_for_a_person(paypal: PayPal) -> None:
    with pytest.raises(Reauthorise):
        send(wire_to(paypal), access_to(paypal, secret="other"), "pyb_1", [item()])
    with pytest.raises(Reauthorise):
        check(wire_to(paypal), access_to(paypal, key="other"))


def test_a_busy_paypal_is_asked_again_when_it_says(paypal: PayPal) -> None:
    paypal.faults.append(Fault(CREATE, Reply(429, {}, {"Retry-After": "7"})))
    with pytest.raises(Retry) as caught:
        sent(paypal, item(1))
    assert caught.value.after == seconds(7)


@pytest.mark.parametrize("body", [b"<html>", b"[]", b"", b'{"batch_header": 5}', b"[" * 100_000])
def test_an_answer_that_is_none_of_paypals_is_refused(paypal: PayPal, body: bytes) -> None:
    paypal.faults.append(Fault(CREATE, Reply(201, body)))
    with pytest.raises(Refused):
        sent(paypal, item(1))


# Asking


def test_a_long_batch_is_read_page_by_page(paypal: PayPal) -> None:
    paypal.page_size = 40
    sent(paypal, *[item(number) for number in range(1, 101)])
    seen, page = [], ""
    while True:
        found = report(paypal, "PB00000001", page=page)
        seen += [each.payout_id for each in found.results]
        page = found.page
        if not page:
            break
    assert seen == [f"pyt_{number:04d}" for number in range(1, 101)]


def test_another_batch_and_an_unknown_one_are_no_answer(paypal: PayPal) -> None:
    sent(paypal, item(1))
    with pytest.raises(Refused, match="another batch"):
        report(paypal, "PB00000001", batch_id="pyb_2")
    with pytest.raises(Gone):
        report(paypal, "PB9")


def test_the_check_says_whether_payouts_is_switched_on(paypal: PayPal) -> None:
    assert check(wire_to(paypal), access_to(paypal)) == (
        "PayPal accepts the keys, and Payouts is switched on."
    )
    paypal.scopes = "openid"
    with pytest.raises(Refused, match="not switched on"):
        check(wire_to(paypal), access_to(paypal))


def test_a_closed_port_is_tried_again_and_a_private_address_is_not(paypal: PayPal) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    policy = replace(wire_to(paypal).policy, allow_ports=(port,))
    with pytest.raises(Retry):
        check(replace(wire_to(paypal), policy=policy), access_to(paypal, api_url=f"http://127.0.0.1:{port}"))
    with pytest.raises(Refused):
        check(replace(wire_to(paypal), policy=http.PUBLIC), access_to(paypal))


# Signatures

HOST = "https://api.sandbox.paypal.com/v1/notifications/certs/CERT-360caa42-fca2a594"


@dataclass(frozen=True)
class CertificateHost(Wire):
    """PayPal's host of certificates, which no test can reach: it hands one out and notes who asked."""

    pem: bytes = b""
    asked: tuple[list[str], ...] = ([],)
    status: int = 200

    def call(
        self, method: str, url: str, *, headers: Mapping[str, str], body: bytes | None = None
    ) -> http.Response:
        self.asked[0].append(url)
        if self.status == 0:
            raise Retry
        return http.Response(self.status, {}, self.pem, False, 1)


@pytest.fixture(scope="module")
def key() -> rsa.RSAPrivateKey:
    """The key behind the certificate."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def pem_of(key: Any, *, until: timedelta = timedelta(days=1)) -> bytes:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "messageverificationcerts.paypal.com")])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(7)
        .not_valid_before(AT - timedelta(days=9))
        .not_valid_after(AT + until)
        .sign(key, hashes.SHA256())
    )
    return made.public_bytes(serialization.Encoding.PEM)


@pytest.fixture
def host(key: rsa.RSAPrivateKey) -> Iterator[CertificateHost]:
    """A host that nobody has asked yet."""
    signature._known.clear()
    yield CertificateHost(at=AT, pem=pem_of(key), asked=([],))
    signature._known.clear()


def signed(key: rsa.RSAPrivateKey, body: bytes, webhook_id: str = "WH1", **changes: str) -> dict[str, str]:
    text = f"id-1|2026-03-02T12:00:00Z|{webhook_id}|{zlib.crc32(body)}".encode()
    mark = base64.b64encode(key.sign(text, padding.PKCS1v15(), hashes.SHA256())).decode()
    headers = {
        "Paypal-Transmission-Id": "id-1",
        "Paypal-Transmission-Time": "2026-03-02T12:00:00Z",
        "Paypal-Transmission-Sig": mark,
        "Paypal-Auth-Algo": "SHA256withRSA",
        "Paypal-Cert-Url": HOST,
    }
    return headers | {name.replace("_", "-"): value for name, value in changes.items()}


def test_paypals_own_messages_are_believed_and_the_certificate_is_fetched_once(
    key: rsa.RSAPrivateKey, host: CertificateHost
) -> None:
    body = b'{"id": "WH-1"}'
    assert signature.verify(signed(key, body), body, "WH1", host)
    assert signature.verify(signed(key, body), body, "WH1", host)
    assert host.asked == ([HOST],)


def test_every_other_message_is_not(key: rsa.RSAPrivateKey, host: CertificateHost) -> None:
    body = b'{"id": "WH-1"}'
    good = signed(key, body)
    other = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    assert not signature.verify(good, body + b" ", "WH1", host)
    assert not signature.verify(good, body, "WH2", host)
    assert not signature.verify(good, body, "", host)
    assert not signature.verify(signed(other, body), body, "WH1", host)
    assert not signature.verify({}, body, "WH1", host)
    for name, value in (
        ("Paypal_Transmission_Sig", "not base64!"),
        ("Paypal_Transmission_Sig", "é"),
        ("Paypal_Transmission_Id", "id-2"),
        ("Paypal_Auth_Algo", "none"),
        ("Paypal_Transmission_Time", ""),
    ):
        assert not signature.verify(signed(key, body, **{name: value}), body, "WH1", host)


@pytest.mark.parametrize(
    "url",
    [
        "http://api.paypal.com/v1/notifications/certs/a",
        "https://api.paypal.com.evil.example/v1/notifications/certs/a",
        "https://evil.example/v1/notifications/certs/a",
        "https://api.paypal.com:8443/v1/notifications/certs/a",
        "https://x@api.paypal.com/v1/notifications/certs/a",
        "https://api.paypal.com/v1/notifications/certs/../../x",
        "https://api.paypal.com/v1/notifications/certs/a\n",
        "",
    ],
)
def test_a_certificate_from_elsewhere_is_not_even_fetched(
    key: rsa.RSAPrivateKey, host: CertificateHost, url: str
) -> None:
    body = b"{}"
    assert not signature.verify(signed(key, body, Paypal_Cert_Url=url), body, "WH1", host)
    assert host.asked == ([],)


def test_an_expired_certificate_a_wrong_kind_of_one_and_none_at_all_prove_nothing(
    key: rsa.RSAPrivateKey, host: CertificateHost
) -> None:
    body = b"{}"
    for changed in (
        replace(host, pem=pem_of(key, until=timedelta(days=-1))),
        replace(host, pem=b"<html>"),
        replace(host, pem=b"x" * 70_000),
        replace(host, status=404),
    ):
        signature._known.clear()
        assert not signature.verify(signed(key, body), body, "WH1", changed)
    signature._known.clear()
    for status_ in (0, 503):
        with pytest.raises(Retry):
            signature.verify(signed(key, body), body, "WH1", replace(host, status=status_))


# Events


def test_a_message_names_what_to_ask_about() -> None:
    resource = {
        "payout_batch_id": "PB1",
        "transaction_id": "TX1",
        "sender_batch_id": "pyb_1",
        "payout_item": {"sender_item_id": "pyt_1"},
    }
    body = {"id": "WH-1", "event_type": "PAYMENT.PAYOUTS-ITEM.SUCCEEDED", "resource": resource}
    raw = json.dumps(body).encode()
    assert signature.topic({}, raw) == "payment.payouts-item.succeeded"
    assert signature.fingerprint({}, raw).startswith("WH-1:")
    assert events(signature.topic({}, raw), raw) == (PayoutTouched("pyt_1", "pyb_1", "PB1", "TX1"),)
    header = {"payout_batch_id": "PB1", "sender_batch_header": {"sender_batch_id": "pyb_1"}}
    batch = json.dumps({"resource": {"batch_header": header}}).encode()
    assert events("payment.payoutsbatch.success", batch) == (PayoutTouched("", "pyb_1", "PB1"),)


@pytest.mark.parametrize(
    "raw",
    [b"", b"\xff", b"[]", b"null", b"[" * 100_000, b'{"resource": 5}', b'{"resource": {"payout_item": []}}'],
)
def test_a_hostile_body_is_set_aside(raw: bytes) -> None:
    (found,) = events("payment.payouts-item.succeeded", raw)
    assert isinstance(found, SetAside)
    assert signature.topic({}, raw) == ""
    assert signature.fingerprint({}, raw).startswith("?:")
    (other,) = events("checkout.order.approved", b'{"id": "1"}')
    assert isinstance(other, Ignored)
