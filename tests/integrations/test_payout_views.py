"""The console's pages of payout providers: connected, checked, disconnected, and what stopped goes on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import AuditEntry, Member, Role, User, Workspace
from accounts.services import SYSTEM
from core.errors import Conflict, Invalid
from integrations.models import Connection, InboxItem, PayoutRun
from integrations.payout_queries import payout_access
from integrations.queries import accepted_secrets, connections
from integrations.services.paying import queue_runs
from integrations.services.payout_connections import (
    check_provider,
    connect_provider,
    replace_provider_keys,
)
from integrations.tasks import pay_out
from tests.conftest import AT
from tests.contracts.fakes import paypal as paypal_fake
from tests.contracts.fakes.paypal import PayPal
from tests.contracts.fakes.server import Fault, Reply, running
from tests.factories import UserFactory
from tests.integrations.payout_batches import batch_of, connected_to, due_now, emails, open_to, run_of
from tests.integrations.shops import connected

PAYPAL = {
    "name": "Acme's PayPal",
    "environment": "sandbox",
    "key": "client-1",
    "secret": "secret-1",
    "webhook_secret": "WH77",
}


@pytest.fixture
def browser(owner: User, workspace: Workspace) -> Client:
    client = Client()
    client.force_login(owner)
    return client


@pytest.fixture
def reader(workspace: Workspace) -> Client:
    """The browser of somebody who may only look."""
    person = UserFactory.create()
    Member.objects.create(workspace=workspace, user=person, role=Role.READ_ONLY)
    client = Client()
    client.force_login(person)
    return client


@pytest.fixture
def paypal(settings: Any) -> Iterator[PayPal]:
    """PayPal on loopback."""
    with running(PayPal()) as vendor:
        open_to(settings, vendor)
        yield vendor


def page(name: str, workspace: Workspace, *args: str) -> str:
    return reverse(name, args=[workspace.slug, *args])


def text_of(answer: Any) -> str:
    return answer.content.decode()  # type: ignore[no-any-return]


def test_a_provider_is_connected_with_its_keys_sealed(browser: Client, workspace: Workspace) -> None:
    form = browser.get(page("payout_provider_new", workspace) + "?provider=paypal")
    assert "Client ID" in text_of(form)
    answer = browser.post(page("payout_provider_new", workspace) + "?provider=paypal", PAYPAL)
    row = Connection.objects.for_workspace(workspace).get()
    assert answer.status_code == 302
    assert answer["Location"] == page("payout_provider_detail", workspace, row.public_id)
    assert (row.provider, row.name, row.shop_url) == (
        "paypal",
        "Acme's PayPal",
        "https://api-m.sandbox.paypal.com",
    )
    access = payout_access(row)
    assert (access.key, access.secret) == ("client-1", "secret-1")
    assert accepted_secrets(row, at=AT) == ["WH77"]
    assert "secret-1" not in f"{row.sealed_keys}{row.sealed_secret}"
    shown = text_of(browser.get(answer["Location"]))
    assert "secret-1" not in shown
    assert f"/api/v1/hooks/paypal/{row.public_id}" in shown
    entry = AuditEntry.objects.for_workspace(workspace).get(action="connection.created")
    assert "secret-1" not in str(entry.after)


def test_each_provider_asks_for_what_it_needs(browser: Client, workspace: Workspace) -> None:
    address = page("payout_provider_new", workspace)
    answer = browser.post(
        address + "?provider=stripe", {"name": "S", "environment": "live", "secret": "sk_1"}
    )
    assert answer.status_code == 302
    given = {"name": "T", "environment": "live", "secret": "K"}
    answer = browser.post(address + "?provider=tremendous", given)
    assert answer.status_code == 400
    answer = browser.post(address + "?provider=tremendous", {**given, "funding_source_id": "F"})
    assert "Choose what the recipient gets." in text_of(answer)
    answer = browser.post(
        address + "?provider=tremendous", {**given, "funding_source_id": "F", "products": "A, B"}
    )
    assert answer.status_code == 302
    row = Connection.objects.for_workspace(workspace).get(provider="tremendous")
    assert row.options == {"funding_source_id": "F", "products": "A, B"}
    assert browser.post(address + "?provider=paypal", {**PAYPAL, "secret": "a b"}).status_code == 400
    assert browser.get(address + "?provider=bank").status_code == 404


def test_the_keys_are_replaced_and_a_known_one_stays(browser: Client, workspace: Workspace) -> None:
    browser.post(page("payout_provider_new", workspace) + "?provider=paypal", PAYPAL)
    row = Connection.objects.for_workspace(workspace).get()
    address = page("payout_provider_keys", workspace, row.public_id)
    changed = {"environment": "sandbox", "key": "", "secret": "secret-2", "webhook_secret": ""}
    assert browser.post(address, changed).status_code == 302
    row.refresh_from_db()
    access = payout_access(row)
    assert (access.key, access.secret, accepted_secrets(row, at=AT)) == ("client-1", "secret-2", ["WH77"])
    answer = browser.post(address, {**changed, "environment": "live"})
    assert answer.status_code == 400
    row.refresh_from_db()
    assert row.shop_url == "https://api-m.sandbox.paypal.com"


def test_the_check_says_what_the_provider_says(browser: Client, workspace: Workspace, paypal: PayPal) -> None:
    row = connected_to(workspace, paypal)
    address = page("payout_provider_check", workspace, row.public_id)
    assert "Payouts is switched on." in text_of(browser.post(address, follow=True))
    paypal.scopes = ""
    assert "Payouts is not switched on" in text_of(browser.post(address, follow=True))
    paypal.faults.append(Fault("POST /v1/oauth2/token", Reply(503, {})))
    assert "cannot be reached now" in text_of(browser.post(address, follow=True))
    Connection.objects.for_workspace(workspace).update(sealed_keys="")
    assert "No keys are known yet." in text_of(browser.post(address, follow=True))


def test_it_is_disconnected_and_connected_again(browser: Client, workspace: Workspace) -> None:
    browser.post(page("payout_provider_new", workspace) + "?provider=paypal", PAYPAL)
    row = Connection.objects.for_workspace(workspace).get()
    browser.post(page("payout_provider_disconnect", workspace, row.public_id))
    assert "nothing is handed over" in text_of(
        browser.get(page("payout_provider_detail", workspace, row.public_id))
    )
    browser.post(page("payout_provider_connect", workspace, row.public_id))
    row.refresh_from_db()
    assert row.status == "active"


def test_what_stopped_is_shown_and_goes_on(browser: Client, workspace: Workspace, paypal: PayPal) -> None:
    row = connected_to(workspace, paypal)
    empty = text_of(browser.get(page("payout_provider_detail", workspace, row.public_id)))
    assert "Nothing has been paid through it yet" in empty
    batch = batch_of(workspace, "paypal", emails(2))
    queue_runs(batch=batch, at=AT)
    paypal.balance = paypal.balance * 0
    due_now(workspace)
    pay_out()
    listed = text_of(browser.get(page("payout_provider_list", workspace)))
    assert f"/{row.public_id}/?state=dead" in listed
    shown = text_of(browser.get(page("payout_provider_detail", workspace, row.public_id) + "?state=dead"))
    assert "INSUFFICIENT_FUNDS: Sender does not have sufficient funds." in shown
    assert page("batch_detail", workspace, batch.public_id) in shown
    paypal.balance += 100
    run = run_of(batch)
    answer = browser.post(page("payout_run_retry", workspace, run.public_id), follow=True)
    assert "Nobody is paid twice." in text_of(answer)
    assert run_of(batch).state == "pending"
    assert AuditEntry.objects.for_workspace(workspace).filter(action="payout_run.retried").count() == 1
    assert browser.post(page("payout_run_retry", workspace, run.public_id)).status_code == 409


def test_a_reader_looks_and_changes_nothing(reader: Client, workspace: Workspace, paypal: PayPal) -> None:
    row = connected_to(workspace, paypal)
    for name, args in (("payout_provider_list", ()), ("payout_provider_detail", (row.public_id,))):
        shown = text_of(reader.get(page(name, workspace, *args)))
        assert "Acme" in shown or "Paypal" in shown
        assert "Disconnect" not in shown
        assert "hooks/paypal" not in shown
    for name in ("keys", "check", "disconnect", "connect"):
        answer = reader.post(page(f"payout_provider_{name}", workspace, row.public_id))
        assert answer.status_code == 403
    assert reader.get(page("payout_provider_new", workspace)).status_code == 403


def test_shops_and_payout_providers_are_kept_apart(
    browser: Client, workspace: Workspace, paypal: PayPal
) -> None:
    shop, payer = connected(workspace), connected_to(workspace, paypal)
    assert list(connections(workspace)) == [shop]
    assert browser.get(page("connection_detail", workspace, payer.public_id)).status_code == 404
    assert browser.get(page("payout_provider_detail", workspace, shop.public_id)).status_code == 404


def test_its_messages_are_listed_and_lead_back(browser: Client, workspace: Workspace, paypal: PayPal) -> None:
    row = connected_to(workspace, paypal)
    item = InboxItem.objects.create(
        workspace=workspace,
        connection=row,
        fingerprint="f",
        topic="payment.payoutsbatch.success",
        body=b"{}",
        received_at=AT,
        due_at=AT,
    )
    address = page("inbox_item_detail", workspace, item.public_id)
    assert address in text_of(browser.get(page("payout_provider_detail", workspace, row.public_id)))
    assert page("payout_provider_detail", workspace, row.public_id) in text_of(browser.get(address))


def test_bad_connections_are_refused_by_the_service(workspace: Workspace) -> None:
    given: dict[str, Any] = {
        "workspace": workspace,
        "provider": "paypal",
        "name": "P",
        "environment": "live",
        "key": paypal_fake.CLIENT,
        "secret": paypal_fake.SECRET,
        "actor": SYSTEM,
        "at": AT,
    }
    for change, param in (
        ({"provider": "bank"}, "provider"),
        ({"environment": "moon"}, "environment"),
        ({"key": ""}, "key"),
        ({"key": "a:b"}, "key"),
        ({"secret": "ä"}, "secret"),
        ({"name": ""}, "name"),
    ):
        with pytest.raises(Invalid) as caught:
            connect_provider(**{**given, **change})
        assert caught.value.param == param
    assert Connection.objects.for_workspace(workspace).count() == 0
    made = connect_provider(**given)
    with pytest.raises(Invalid):
        replace_provider_keys(connection=made, environment="sandbox", actor=SYSTEM)
    Connection.objects.for_workspace(workspace).update(shop_url="http://127.0.0.1:1")
    made.refresh_from_db()
    with pytest.raises(Conflict):
        check_provider(connection=made, at=AT)
    assert PayoutRun.objects.for_workspace(workspace).count() == 0
