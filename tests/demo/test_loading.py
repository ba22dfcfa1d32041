"""The demo in a database of its own: complete, exact, loaded once, and with nothing left to be sent."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client

from accounts.models import User, Workspace
from analytics import queries
from analytics.models import DailyFigure
from core import clock
from core.models import EventDelivery
from core.tenancy import tenant
from engagement.models import Message
from integrations.models import InboxItem, WebhookDelivery
from referral_platform.demo import cast
from referral_platform.demo.loading import load
from rewards.models import Account, Payout, PayoutBatch, Reward, Transfer
from tests import factories
from tests.conftest import make_workspace
from tracking.models import Click, Conversion

AT = datetime(2026, 6, 30, 10, 0, tzinfo=UTC)
LISTS = (
    "",
    "funnel/",
    "programs/",
    "participants/",
    "customers/",
    "messages/",
    "referrals/",
    "conversions/",
    "clicks/",
    "rewards/",
    "payouts/",
    "ledger/",
    "connections/",
    "webhooks/",
    "events/",
    "api-keys/",
    "audit/",
)


def counts(workspace: Workspace, model: Any, field: str) -> dict[str, int]:
    return dict(Counter(model.objects.for_workspace(workspace).values_list(field, flat=True)))


def silent(done: int, whole: int, what: str) -> None:
    assert 0 < done <= whole
    assert what


@pytest.mark.django_db
def test_the_demo_is_complete_exact_and_loaded_once(
    client: Client, capsys: pytest.CaptureFixture[str]
) -> None:
    workspace = load(at=AT, tell=silent)
    assert workspace is not None
    with tenant(workspace):
        check_facts(workspace)
        check_queues(workspace)
        check_money(workspace)
        check_figures(workspace)
    call_command("verify_ledger")
    check_pages(client)
    check_logins(capsys)
    assert load(at=AT, tell=silent) is None
    with tenant(workspace):
        assert Click.objects.for_workspace(workspace).count() == 861
    assert User.objects.count() == 3


def check_facts(workspace: Workspace) -> None:
    assert counts(workspace, Click, "reason") == {
        "": 673,
        "preview": 90,
        "duplicate": 59,
        "bot": 21,
        "prefetch": 8,
        "head": 7,
        "program_paused": 3,
    }
    assert counts(workspace, Conversion, "kind") == {"signup": 81, "purchase": 93}
    assert counts(workspace, Conversion, "status") == {
        "recorded": 163,
        "partly_refunded": 6,
        "refunded": 4,
        "rejected": 1,
    }
    assert counts(workspace, Reward, "status") == {
        "pending": 58,
        "held": 5,
        "approved": 44,
        "issued": 42,
        "paid": 9,
        "reversed": 9,
        "denied": 15,
    }


def check_queues(workspace: Workspace) -> None:
    assert set(counts(workspace, EventDelivery, "state")) == {"done"}
    assert counts(workspace, Message, "state")["dead"] == 2
    assert "pending" not in counts(workspace, Message, "state")
    assert set(counts(workspace, InboxItem, "outcome")) == {"applied", "ignored", "set_aside"}
    assert "pending" not in counts(workspace, InboxItem, "state")
    assert set(counts(workspace, WebhookDelivery, "state")) == {"done", "dead", "pending"}
    # A worker that starts now finds nothing to send at once.
    waiting = WebhookDelivery.objects.for_workspace(workspace).filter(state="pending")
    assert all(delivery.due_at > AT for delivery in waiting)


def check_money(workspace: Workspace) -> None:
    assert counts(workspace, PayoutBatch, "status") == {"completed": 1, "draft": 1}
    assert counts(workspace, Payout, "status") == {"paid": 4, "failed": 1, "pending": 11}
    accounts = Account.objects.for_workspace(workspace)
    owed = accounts.filter(kind="payable", balance_minor__lt=0).order_by("balance_minor")
    assert list(owed.values_list("balance_minor", flat=True)) == [-2_490, -714]
    totals = PayoutBatch.objects.for_workspace(workspace).order_by("pk")
    assert list(totals.values_list("total_minor", flat=True)) == [7_418, 13_280]
    for unit in ("EUR", "PTS"):
        balances = accounts.filter(unit=unit).values_list("balance_minor", flat=True)
        assert sum(balances) == 0
    assert Transfer.objects.for_workspace(workspace).filter(at__gt=AT).count() == 0


def check_figures(workspace: Workspace) -> None:
    days = DailyFigure.objects.for_workspace(workspace).values_list("day_on", flat=True)
    first_on, last_on = min(days), max(days)
    whole = queries.overview(workspace, first_on=first_on, last_on=last_on).now
    assert (first_on, last_on) == (date(2026, 4, 1), date(2026, 6, 30))
    assert (whole.clicks, whole.clicks_not_counted, whole.visitors) == (673, 188, 622)
    assert (whole.signups, whole.purchases, whole.enrolled) == (81, 90, 63)
    assert (whole.rewards, whole.rewards_approved, whole.rewards_paid) == (168, 98, 9)
    assert whole.of_unit("EUR") == queries.Money("EUR", 606_530, 78_222, 90_295, 13_120, 5_990)
    assert whole.of_unit("PTS") == queries.Money("PTS", 0, 0, 2_227, 85, 0)
    codes = {matter.code for matter in queries.matters(workspace, at=AT)}
    assert codes == {
        "rewards_held",
        "rewards_to_approve",
        "batches_to_approve",
        "messages_failed",
        "inbox_stuck",
        "webhooks_failed",
        "drafts",
        "programs_paused",
    }
    assert queries.beginning(workspace).complete


def check_pages(client: Client) -> None:
    assert client.login(email=cast.OWNER.email, password=cast.PASSWORD)
    for path in LISTS:
        response = client.get(f"/w/{cast.SLUG}/{path}")
        assert response.status_code == 200, path
        assert 'class="card empty"' not in response.content.decode(), path


def check_logins(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("demo_logins", "--force")
    told = capsys.readouterr().out
    for text in (*(login.email for login in cast.LOGINS), cast.PASSWORD, "/r/", "/portal/prg_", "/api/docs/"):
        assert text in told


@pytest.mark.django_db
def test_where_there_is_a_workspace_nothing_is_loaded(capsys: pytest.CaptureFixture[str]) -> None:
    make_workspace(factories.UserFactory.create())
    assert load(at=clock.now(), tell=silent) is None
    call_command("load_demo", "--force")
    assert "nothing was loaded" in capsys.readouterr().out
    call_command("demo_logins", "--force")
    assert capsys.readouterr().out == ""


@pytest.mark.django_db
def test_without_debug_nothing_is_loaded_or_told(settings: Any, capsys: pytest.CaptureFixture[str]) -> None:
    settings.DEBUG = False
    call_command("load_demo")
    assert "--force" in capsys.readouterr().out
    call_command("demo_logins")
    assert capsys.readouterr().out == ""
    assert not User.objects.exists()
