"""Webhooks of payout providers: only their own are believed, and they settle nothing by themselves."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from accounts.models import Workspace
from accounts.services import SYSTEM
from core import clock
from core.errors import Conflict, Invalid
from integrations.models import Connection, InboxItem, PayoutRun
from integrations.services.connections import disable_connection
from integrations.services.paying import queue_runs
from integrations.services.payout_accounts import refresh_account, stripe_link
from integrations.tasks import pay_out, read_inbox
from rewards.models import PayoutAccount
from rewards.onboarding import Onboarding, is_offered, onboarding_address
from rewards.queries import open_details
from rewards.services import begin_onboarding
from tests.conftest import AT
from tests.contracts.fakes.paypal import PayPal
from tests.contracts.fakes.server import Fault, Reply, running
from tests.contracts.fakes.stripe import Stripe
from tests.contracts.fakes.tremendous import Tremendous
from tests.factories import CustomerFactory
from tests.integrations.payout_batches import (
    batch_of,
    connected_to,
    due_now,
    emails,
    open_to,
    payouts,
    run_of,
    standings,
)
from tests.integrations.shops import hook

BACK: dict[str, Any] = {
    "return_url": "https://acme.example/done",
    "refresh_url": "https://acme.example/again",
    "actor": SYSTEM,
    "real": AT,
    "at": AT,
}


@pytest.fixture
def stripe(settings: Any) -> Iterator[Stripe]:
    """Stripe on loopback."""
    with running(Stripe()) as vendor:
        open_to(settings, vendor)
        yield vendor


@pytest.fixture
def tremendous(settings: Any) -> Iterator[Tremendous]:
    """Tremendous on loopback."""
    with running(Tremendous()) as vendor:
        open_to(settings, vendor)
        yield vendor


def from_stripe(connection: Connection, body: bytes, *, secret: str = "WH1", age: int = 0) -> Any:
    stamp = str(int(clock.now().timestamp()) - age)
    mark = hmac.new(secret.encode(), f"{stamp}.".encode() + body, hashlib.sha256).hexdigest()
    return Client().post(
        hook(connection),
        data=body,
        content_type="application/json",
        headers={"Stripe-Signature": f"t={stamp},v1={mark}"},
    )


def event(kind: str, thing: dict[str, Any], event_id: str = "evt_1") -> bytes:
    return json.dumps({"id": event_id, "type": kind, "data": {"object": thing}}).encode()


def outcomes(workspace: Workspace) -> list[tuple[str, str, str]]:
    rows = InboxItem.objects.for_workspace(workspace).order_by("pk")
    return list(rows.values_list("outcome", "reason", "sentence"))


def test_a_message_has_its_run_asked_at_once_and_settles_nothing_itself(
    workspace: Workspace, stripe: Stripe
) -> None:
    connection = connected_to(workspace, stripe)
    batch = batch_of(workspace, "stripe", [stripe.add_account()])
    queue_runs(batch=batch, at=AT)
    due_now(workspace)
    pay_out()
    PayoutRun.objects.for_workspace(workspace).update(due_at=clock.now() + timedelta(hours=6), polls=9)
    thing = {"transfer_group": batch.public_id, "metadata": {"payout_id": payouts(batch)[0].public_id}}
    lie = event("transfer.created", {**thing, "id": "tr_1", "amount": 1})
    first, again = from_stripe(connection, lie), from_stripe(connection, lie)
    assert (first.status_code, first.json()["repeated"]) == (200, False)
    assert (again.status_code, again.json()["repeated"]) == (200, True)
    assert read_inbox() == 1
    assert outcomes(workspace) == [("applied", "asked", "The provider is asked how its payouts stand.")]
    assert InboxItem.objects.for_workspace(workspace).get().subjects == [batch.public_id]
    assert standings(batch) == ["sent"]
    assert run_of(batch).due_at <= clock.now()
    assert pay_out() == 1
    assert standings(batch) == ["paid"]


def test_unsigned_old_and_foreign_messages_are_refused(workspace: Workspace, stripe: Stripe) -> None:
    connection = connected_to(workspace, stripe)
    body = event("transfer.created", {})
    assert from_stripe(connection, body, secret="other").status_code == 401
    assert from_stripe(connection, body, age=301).status_code == 401
    for raw in (b"", b"\xff\xfe", b"[" * 100_000, b"{}"):
        answer = Client().post(hook(connection), data=raw, content_type="application/json")
        assert answer.status_code == 401
    assert InboxItem.objects.for_workspace(workspace).count() == 0
    disable_connection(connection=connection, actor=SYSTEM)
    assert from_stripe(connection, body).status_code == 410


@pytest.mark.parametrize("raw", [b"", b"\xff\xfe", b"[" * 100_000, b"[]", b'{"data": 5}', b"\x00"])
def test_a_signed_body_that_makes_no_sense_is_kept_and_harmless(
    workspace: Workspace, stripe: Stripe, raw: bytes
) -> None:
    connection = connected_to(workspace, stripe)
    assert from_stripe(connection, raw).status_code == 200
    assert read_inbox() == 1
    assert outcomes(workspace)[0][0] in ("set_aside", "ignored")
    assert InboxItem.objects.for_workspace(workspace).get().state == "done"


def test_a_paypal_message_with_a_certificate_from_elsewhere_is_refused(
    workspace: Workspace, settings: Any
) -> None:
    with running(PayPal()) as vendor:
        open_to(settings, vendor)
        connection = connected_to(workspace, vendor)
        headers = {
            "Paypal-Transmission-Id": "id-1",
            "Paypal-Transmission-Time": "2026-03-02T12:00:00Z",
            "Paypal-Transmission-Sig": "AAAA",
            "Paypal-Auth-Algo": "SHA256withRSA",
            "Paypal-Cert-Url": "https://evil.example/v1/notifications/certs/a",
        }
        answer = Client().post(hook(connection), data=b"{}", content_type="application/json", headers=headers)
        assert answer.status_code == 401


def test_a_gifts_message_names_the_reward_only_so_all_that_wait_are_asked(
    workspace: Workspace, tremendous: Tremendous
) -> None:
    connection = connected_to(workspace, tremendous)
    batch = batch_of(workspace, "tremendous", emails(1))
    queue_runs(batch=batch, at=AT)
    due_now(workspace)
    pay_out()
    tremendous.deliver()
    body = json.dumps(
        {
            "event": "REWARDS.DELIVERY.SUCCEEDED",
            "uuid": "u-1",
            "payload": {"resource": {"id": "REWARD000001"}},
        }
    ).encode()
    mark = hmac.new(b"WH1", body, hashlib.sha256).hexdigest()
    answer = Client().post(
        hook(connection),
        data=body,
        content_type="application/json",
        headers={"Tremendous-Webhook-Signature": f"sha256={mark}"},
    )
    assert answer.status_code == 200
    read_inbox()
    assert outcomes(workspace)[0][:2] == ("applied", "asked")
    assert pay_out() == 1
    assert standings(batch) == ["paid"]
    again = body.replace(b"u-1", b"u-2")
    mark = hmac.new(b"WH1", again, hashlib.sha256).hexdigest()
    Client().post(
        hook(connection),
        data=again,
        content_type="application/json",
        headers={"Tremendous-Webhook-Signature": f"sha256={mark}"},
    )
    read_inbox()
    assert outcomes(workspace)[1] == ("ignored", "no_run", "It is about no payout that waits for results.")


# A person's own account at Stripe


def test_a_person_gets_a_link_to_one_account_of_their_own(workspace: Workspace, stripe: Stripe) -> None:
    connection = connected_to(workspace, stripe)
    customer = CustomerFactory.create(workspace=workspace, email="ana@example.com")
    link = stripe_link(workspace=workspace, customer=customer, country="DE", **BACK)
    assert link == "https://connect.stripe.com/setup/e/acct_0000000000000001/link"
    assert stripe_link(workspace=workspace, customer=customer, **BACK) == link
    assert len(stripe.accounts) == 1
    row = PayoutAccount.objects.for_workspace(workspace).get()
    assert (row.method, row.status, row.label) == ("stripe", "incomplete", "acct_…0001")
    assert "acct_" not in row.sealed_details
    assert open_details(row)["account_id"] == "acct_0000000000000001"

    thing = {
        **stripe.accounts["acct_0000000000000001"],
        "capabilities": {"transfers": "active"},
        "payouts_enabled": True,
        "details_submitted": True,
    }
    assert from_stripe(connection, event("account.updated", thing)).status_code == 200
    read_inbox()
    assert outcomes(workspace) == [("applied", "account", "The person can be paid through Stripe.")]
    row.refresh_from_db()
    assert row.status == "ready"

    seen = refresh_account(customer=customer, real=AT)
    assert seen is not None
    assert seen.status == "incomplete"


def test_an_account_that_is_nobodys_is_not_noted(workspace: Workspace, stripe: Stripe) -> None:
    connection = connected_to(workspace, stripe)
    customer = CustomerFactory.create(workspace=workspace)
    stripe_link(workspace=workspace, customer=customer, **BACK)
    foreign = {"id": "acct_9", "payouts_enabled": True, "metadata": {"customer_id": customer.public_id}}
    from_stripe(connection, event("account.updated", foreign, "evt_1"))
    from_stripe(connection, event("account.updated", {**foreign, "metadata": {}}, "evt_2"))
    read_inbox()
    assert {reason for _, reason, _ in outcomes(workspace)} == {"not_ours"}
    assert PayoutAccount.objects.for_workspace(workspace).get().status == "incomplete"


def test_an_account_that_was_opened_and_not_kept_is_found_again(workspace: Workspace, stripe: Stripe) -> None:
    connected_to(workspace, stripe)
    customer = CustomerFactory.create(workspace=workspace)
    stripe.faults.append(Fault("POST /v1/accounts", Reply(0, cut=True), after=True))
    with pytest.raises(Conflict) as caught:
        stripe_link(workspace=workspace, customer=customer, **BACK)
    assert caught.value.code == "stripe_away"
    stripe_link(workspace=workspace, customer=customer, **BACK)
    assert len(stripe.accounts) == 1


def test_what_stands_in_the_way_of_a_link_is_said(workspace: Workspace, stripe: Stripe) -> None:
    customer = CustomerFactory.create(workspace=workspace)
    with pytest.raises(Conflict, match="not connected"):
        stripe_link(workspace=workspace, customer=customer, **BACK)
    connected_to(workspace, stripe)
    with pytest.raises(Invalid) as bad:
        stripe_link(
            workspace=workspace,
            customer=customer,
            return_url="javascript:alert(1)",
            refresh_url="https://a.example",
            actor=SYSTEM,
            real=AT,
            at=AT,
        )
    assert bad.value.param == "return_url"
    stripe.faults.append(Fault("POST /v1/accounts", Reply(400, {"error": {"message": "No Connect."}})))
    with pytest.raises(Conflict, match="Stripe refuses it: No Connect"):
        stripe_link(workspace=workspace, customer=customer, **BACK)
    assert refresh_account(customer=customer, real=AT) is None


def test_a_participant_is_offered_stripe_where_it_is_connected_and_led_there(
    workspace: Workspace, stripe: Stripe
) -> None:
    customer = CustomerFactory.create(workspace=workspace, country="DE")
    assert not is_offered(workspace, "stripe")
    connected_to(workspace, stripe)
    assert is_offered(workspace, "stripe")
    account = begin_onboarding(customer=customer, method="stripe", actor=SYSTEM, at=AT)
    onboarding = Onboarding(account=account, return_url="https://shop.example/portal", at=AT)
    assert onboarding_address(onboarding) == "https://connect.stripe.com/setup/e/acct_0000000000000001/link"
    assert open_details(PayoutAccount.objects.for_workspace(workspace).get())["account_id"] == (
        "acct_0000000000000001"
    )
