"""Stripe's folder against a fake of Stripe over real HTTP: transfers once, accounts, errors, signatures."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterator
from typing import Any

import pytest

from integrations.providers import Gone, Ignored, Reauthorise, Refused, Retry, SetAside
from integrations.providers.payouts import AccountSeen, ItemResult, PayoutTouched, Wire
from integrations.providers.stripe import signature
from integrations.providers.stripe.accounts import account, onboarding_link, open_account
from integrations.providers.stripe.calls import amount_of, minor_from
from integrations.providers.stripe.events import events
from integrations.providers.stripe.payouts import check, reverse, send, status
from tests.conftest import AT
from tests.contracts.fakes.server import Fault, Reply, running
from tests.contracts.fakes.stripe import Stripe
from tests.integrations.wires import access_to, item, seconds, wire_to

TRANSFER = "POST /v1/transfers"


@pytest.fixture
def stripe() -> Iterator[Stripe]:
    """Stripe, which fails the test in the end if a request broke its contract."""
    with running(Stripe()) as vendor:
        yield vendor


def sent(stripe: Stripe, *items: Any, **changes: Any) -> Any:
    return send(wire_to(stripe, **changes), access_to(stripe), "pyb_1", items)


def to(stripe: Stripe, number: int, amount_minor: int = 1234, **changes: Any) -> Any:
    """Return a payout to an account that was filled in."""
    recipient = changes.pop("recipient", None) or stripe.add_account()
    return item(number, amount_minor, recipient=recipient, **changes)


# Amounts


@pytest.mark.parametrize(
    ("minor", "currency", "amount"),
    [
        (1234, "USD", 1234),
        (500, "JPY", 500),
        (500, "ISK", 50_000),
        (500, "UGX", 50_000),
        (1230, "KWD", 1230),
        (1200, "MGA", 12),
        (1250, "HUF", 1250),
    ],
)
def test_amounts_are_counted_as_stripe_counts_them(minor: int, currency: str, amount: int) -> None:
    assert amount_of(item(amount_minor=minor, currency=currency)) == amount
    assert minor_from(amount, currency) == minor


@pytest.mark.parametrize(
    ("minor", "currency", "why"),
    [
        (1234, "KWD", "Stripe pays KWD to two decimals only."),
        (1250, "MGA", "Stripe pays whole MGA only."),
        (1000, "IQD", "Stripe does not pay in IQD."),
        (1000, "CLF", "Stripe does not pay in CLF."),
    ],
)
def test_an_amount_that_stripe_cannot_pay_is_refused_not_rounded(minor: int, currency: str, why: str) -> None:
    with pytest.raises(Refused, match=why):
        amount_of(item(amount_minor=minor, currency=currency))


@pytest.mark.parametrize("amount", [True, "12", 1.5, None, -1, 10**20])
def test_a_nonsensical_amount_is_none(amount: object) -> None:
    assert minor_from(amount, "USD") is None
    assert minor_from(101, "ISK") is None
    assert minor_from(100, "XXX") is None


# Sending


def test_each_payout_is_one_transfer_under_its_own_key(stripe: Stripe) -> None:
    got = sent(stripe, to(stripe, 1), to(stripe, 2, 500))
    assert got.results == (
        ItemResult("pyt_0001", "paid", "tr_00000001", "", 1234),
        ItemResult("pyt_0002", "paid", "tr_00000002", "", 500),
    )
    assert (got.provider_batch_id, got.problem) == ("pyb_1", None)
    assert [each.headers["idempotency-key"] for each in stripe.calls(TRANSFER)] == ["pyt_0001", "pyt_0002"]


def test_a_recipient_who_cannot_be_paid_fails_alone(stripe: Stripe) -> None:
    closed = stripe.add_account(enabled=False)
    got = sent(
        stripe,
        to(stripe, 1),
        item(2, recipient="acct_unknown"),
        item(3, recipient=closed),
        to(stripe, 4, currency="IQD"),
        to(stripe, 5),
    )
    assert [each.status for each in got.results] == ["paid", "failed", "failed", "failed", "paid"]
    assert [each.failure for each in got.results[1:4]] == [
        "resource_missing: No such destination",
        "insufficient_capabilities_for_transfer: "
        "Your destination account needs to have the transfers capability enabled.",
        "Stripe does not pay in IQD.",
    ]
    assert stripe.paid == ["pyt_0001", "pyt_0005"]


@pytest.mark.parametrize("reply", [Reply(0, cut=True), Reply(500, {"error": {"type": "api_error"}})])
@pytest.mark.parametrize("later", [False, True])
def test_an_answer_that_is_lost_after_stripe_paid_leads_to_one_transfer(
    stripe: Stripe, reply: Reply, later: bool
) -> None:
    items = [to(stripe, 1), to(stripe, 2)]
    stripe.faults.append(Fault(TRANSFER, reply, after=True))
    first = sent(stripe, *items)
    assert (first.results, type(first.problem)) == ((), Retry)
    if later:
        stripe.forget_keys()
    again = sent(stripe, *items)
    assert [(each.payout_id, each.reference) for each in again.results] == [
        ("pyt_0001", "tr_00000001"),
        ("pyt_0002", "tr_00000002"),
    ]
    assert stripe.paid == ["pyt_0001", "pyt_0002"]


def test_too_little_money_stops_the_batch_and_a_kept_refusal_does_not_stick(stripe: Stripe) -> None:
    items = [to(stripe, 1, 600), to(stripe, 2, 600)]
    stripe.balance = 1000
    first = sent(stripe, *items)
    assert [each.payout_id for each in first.results] == ["pyt_0001"]
    assert isinstance(first.problem, Refused)
    assert first.problem.reason == "balance_insufficient: You have insufficient funds."
    stripe.balance = 1000
    same = sent(stripe, *items)
    assert isinstance(same.problem, Refused)
    fresh = sent(stripe, items[0], item(2, 600, recipient=items[1].recipient, refusals=1))
    assert [each.status for each in fresh.results] == ["paid", "paid"]
    assert stripe.paid == ["pyt_0001", "pyt_0002"]


def test_the_same_key_with_another_amount_is_a_refusal_that_stops(stripe: Stripe) -> None:
    account_id = stripe.add_account()
    sent(stripe, item(1, 100, recipient=account_id))
    stripe.transfers.clear()
    got = sent(stripe, item(1, 200, recipient=account_id))
    assert isinstance(got.problem, Refused)
    assert got.results == ()
    assert stripe.paid == []


def test_sending_ends_when_the_time_is_up_and_goes_on_later(stripe: Stripe) -> None:
    items = [to(stripe, number) for number in range(1, 4)]
    left = [True, False]
    got = sent(stripe, *items, has_time=lambda: left.pop(0))
    assert [each.payout_id for each in got.results] == ["pyt_0001"]
    assert len(sent(stripe, *items).results) == 3
    assert stripe.paid == ["pyt_0001", "pyt_0002", "pyt_0003"]
    with pytest.raises(ValueError, match="1 to 100"):
        sent(stripe)


def test_busy_wrong_and_concurrent_answers(stripe: Stripe) -> None:
    paid = to(stripe, 1)
    stripe.faults.append(Fault(TRANSFER, Reply(429, {}, {"Retry-After": "3"})))
    problem = sent(stripe, paid).problem
    assert (type(problem), problem.after) == (Retry, seconds(3))
    stripe.faults.append(Fault(TRANSFER, Reply(409, {"error": {"type": "idempotency_error"}})))
    assert isinstance(sent(stripe, paid).problem, Retry)
    with pytest.raises(Reauthorise):
        send(wire_to(stripe), access_to(stripe, secret="sk_test_other"), "pyb_1", [paid])
    stripe.faults.append(Fault("GET /v1/transfers", Reply(200, b"<html>")))
    with pytest.raises(Refused):
        sent(stripe, paid)
    assert stripe.paid == []


def test_two_transfers_for_one_payout_stop_everything(stripe: Stripe) -> None:
    paid = to(stripe, 1)
    sent(stripe, paid)
    stripe.transfers["tr_9"] = {**stripe.transfers["tr_00000001"], "id": "tr_9"}
    with pytest.raises(Refused, match="two transfers for pyt_0001"):
        sent(stripe, paid)


# Asking


def test_a_long_batch_is_read_page_by_page_and_a_reversal_is_seen(stripe: Stripe) -> None:
    items = [to(stripe, number, 100) for number in range(1, 8)]
    sent(stripe, *items)
    stripe.page_size = 3
    assert reverse(wire_to(stripe), access_to(stripe), transfer_id="tr_00000002", payout_id="pyt_0002") == (
        "trr_00000002"
    )
    assert reverse(wire_to(stripe), access_to(stripe), transfer_id="tr_00000002", payout_id="pyt_0002") == (
        "trr_00000002"
    )
    seen: list[ItemResult] = []
    page = ""
    while True:
        found = status(
            wire_to(stripe),
            access_to(stripe),
            batch_id="pyb_1",
            provider_batch_id="pyb_1",
            items=items,
            page=page,
        )
        seen += found.results
        page = found.page
        if not page:
            break
    assert sorted(each.payout_id for each in seen) == [each.payout_id for each in items]
    assert [each.payout_id for each in seen if each.status == "returned"] == ["pyt_0002"]
    stripe.page_size = 3
    assert len(sent(stripe, *items).results) == 7
    assert len(stripe.paid) == 7
    with pytest.raises(Refused):
        reverse(wire_to(stripe), access_to(stripe), transfer_id="../x", payout_id="pyt_0002")
    with pytest.raises(Gone):
        reverse(wire_to(stripe), access_to(stripe), transfer_id="tr_77", payout_id="pyt_0077")


def test_a_part_taken_back_is_seen_as_another_amount(stripe: Stripe) -> None:
    each = to(stripe, 1, 500)
    sent(stripe, each)
    stripe.transfers["tr_00000001"]["amount_reversed"] = 200
    found = status(
        wire_to(stripe), access_to(stripe), batch_id="pyb_1", provider_batch_id="pyb_1", items=[each]
    )
    assert [(result.status, result.amount_minor) for result in found.results] == [("paid", 300)]


def test_the_check_names_the_mode(stripe: Stripe) -> None:
    assert check(wire_to(stripe), access_to(stripe)) == "Stripe accepts the key, which is for test mode."
    with pytest.raises(Reauthorise):
        check(wire_to(stripe), access_to(stripe, secret="sk_live_other"))


# Accounts


def test_a_person_gets_one_account_and_a_link_to_fill_it_in(stripe: Stripe) -> None:
    wire, access = wire_to(stripe), access_to(stripe)
    opened = open_account(wire, access, customer_id="cus_1", country="DE", email="a@example.com")
    assert opened == AccountSeen("acct_0000000000000001", False, False, "cus_1")
    assert open_account(wire, access, customer_id="cus_1", country="DE", email="a@example.com") == opened
    assert account(wire, access, opened.account_id) == opened
    link = onboarding_link(
        wire, access, opened.account_id, return_url="https://a.example/r", refresh_url="https://a.example/f"
    )
    assert link == "https://connect.stripe.com/setup/e/acct_0000000000000001/link"
    assert open_account(wire, access, customer_id="cus_2", country="", email="").account_id.endswith("2")


@pytest.mark.parametrize("transfers", ["pending", "inactive"])
def test_an_account_that_takes_no_transfers_yet_cannot_be_paid(stripe: Stripe, transfers: str) -> None:
    account_id = stripe.add_account(transfers=transfers)
    assert account(wire_to(stripe), access_to(stripe), account_id) == AccountSeen(account_id, False, True)
    (refused,) = sent(stripe, to(stripe, 1, 100, recipient=account_id)).results
    assert refused.status == "failed"


def test_ids_that_are_no_accounts_never_get_into_an_address(stripe: Stripe) -> None:
    wire, access = wire_to(stripe), access_to(stripe)
    for bad in ("", "acct_", "acct_1/../balance", "tr_1", "acct_1?x"):
        with pytest.raises(Refused):
            account(wire, access, bad)
        with pytest.raises(Refused):
            onboarding_link(
                wire, access, bad, return_url="https://a.example", refresh_url="https://a.example"
            )
    with pytest.raises(Gone):
        account(wire, access, "acct_9")
    with pytest.raises(Refused):
        onboarding_link(
            wire, access, "acct_9", return_url="https://a.example", refresh_url="https://a.example"
        )
    stripe.faults.append(Fault("POST /v1/account_links", Reply(200, {"url": "javascript:alert(1)"})))
    with pytest.raises(Refused, match="no link"):
        onboarding_link(
            wire, access, "acct_9", return_url="https://a.example", refresh_url="https://a.example"
        )


# Signatures and events

SECRET = "whsec_test"


def signed(body: bytes, *, secret: str = SECRET, age: int = 0, extra: str = "") -> dict[str, str]:
    stamp = str(int(AT.timestamp()) - age)
    mark = hmac.new(secret.encode(), stamp.encode() + b"." + body, hashlib.sha256).hexdigest()
    return {"Stripe-Signature": f"t={stamp},{extra}v1={mark},v0=6ffbb59b2300aae63f272406069a9788598b792a"}


def test_stripes_own_messages_are_believed_for_five_minutes() -> None:
    body, wire = b'{"id": "evt_1"}', Wire(at=AT)
    assert signature.verify(signed(body), body, SECRET, wire)
    assert signature.verify(signed(body, age=300), body, SECRET, wire)
    assert signature.verify(signed(body, extra="v1=00ff,"), body, SECRET, wire)
    assert not signature.verify(signed(body, age=301), body, SECRET, wire)
    assert not signature.verify(signed(body, age=-301), body, SECRET, wire)
    assert not signature.verify(signed(body), body + b" ", SECRET, wire)
    assert not signature.verify(signed(body, secret="other"), body, SECRET, wire)
    assert not signature.verify(signed(body, secret=""), body, "", wire)


@pytest.mark.parametrize(
    "header", ["", "t=,v1=", "t=1e9,v1=a", "v1=abc", "t=99999999999999999999,v1=a", "é", "t=1,v1=\udc80", ","]
)
def test_a_hostile_signature_is_refused(header: str) -> None:
    assert not signature.verify({"stripe-signature": header}, b"{}", SECRET, Wire(at=AT))


def test_a_message_names_a_payout_or_an_account() -> None:
    thing = {"id": "tr_1", "transfer_group": "pyb_1", "metadata": {"payout_id": "pyt_1"}}
    raw = json.dumps({"id": "evt_1", "type": "transfer.reversed", "data": {"object": thing}}).encode()
    assert signature.topic({}, raw) == "transfer.reversed"
    assert signature.fingerprint({}, raw).startswith("evt_1:")
    assert events("transfer.reversed", raw) == (PayoutTouched("pyt_1", "pyb_1", "pyb_1", "tr_1"),)
    seen = {
        "id": "acct_1",
        "capabilities": {"transfers": "active"},
        "payouts_enabled": True,
        "details_submitted": True,
    }
    raw = json.dumps({"data": {"object": seen}}).encode()
    assert events("account.updated", raw) == (AccountSeen("acct_1", True, True),)
    seen = {"id": "acct_1", "payouts_enabled": "yes"}
    raw = json.dumps({"data": {"object": seen}}).encode()
    assert events("account.updated", raw) == (AccountSeen("acct_1", False, False),)


@pytest.mark.parametrize("raw", [b"", b"\xff", b"[]", b"[" * 100_000, b'"x"'])
def test_a_hostile_body_is_set_aside(raw: bytes) -> None:
    (found,) = events("transfer.created", raw)
    assert isinstance(found, SetAside)
    assert signature.topic({}, raw) == ""


def test_other_peoples_messages_change_nothing() -> None:
    assert isinstance(events("transfer.created", b'{"data": {"object": {"metadata": []}}}')[0], Ignored)
    assert isinstance(events("charge.succeeded", b'{"data": 5}')[0], Ignored)
    assert isinstance(events("account.updated", b'{"data": {"object": {"id": 7}}}')[0], SetAside)
