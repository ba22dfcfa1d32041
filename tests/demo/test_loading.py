"""The demo in a database of its own: complete, exact, loaded once, and with nothing left to be sent."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client

from accounts import queries as account_queries
from accounts.models import AuditEntry, Invitation, User, Workspace
from analytics import queries
from analytics.models import DailyFigure
from core import clock
from core.models import EventDelivery
from core.tenancy import tenant
from engagement.models import Message
from integrations.models import Errand, InboxItem, PayoutRun, WebhookDelivery, WebhookEndpoint
from programs.models import Experiment, Exposure, Participant, Program, Promotion
from programs.promotions import standing
from referral_platform.demo import cast
from referral_platform.demo.loading import load
from rewards.models import (
    Account,
    Allowance,
    CatalogueItem,
    EnteredRate,
    Fulfilment,
    Payout,
    PayoutBatch,
    Redemption,
    Reward,
    Transfer,
)
from tests import factories
from tests.conftest import make_workspace
from tracking import fraud
from tracking.backtest_queries import confusion, rule_figures
from tracking.click_queries import click_explanation, click_named
from tracking.explanations import explanation
from tracking.fraud.accuracy import LABELS
from tracking.fraud.backtest import OUTCOMES
from tracking.models import Appeal, Click, Conversion, FraudCase, FraudJudgement, Referral
from tracking.queries import conversions
from tracking.replay_queries import replays, stored_decisions

AT = datetime(2026, 6, 30, 10, 0, tzinfo=UTC)
LISTS = (
    "",
    "funnel/",
    "programs/",
    "participants/",
    "customers/",
    "experiments/",
    "messages/",
    "referrals/",
    "conversions/",
    "clicks/",
    "appeals/",
    "rewards/",
    "fulfilment/",
    "catalogue/",
    "redemptions/",
    "payouts/",
    "ledger/",
    "exchange-rates/",
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


def test_the_demo_is_complete_exact_and_loaded_once(
    owner_connects: None, db: None, client: Client, capsys: pytest.CaptureFixture[str]
) -> None:
    workspace = load(at=AT, tell=silent)
    assert workspace is not None
    with tenant(workspace):
        check_facts(workspace)
        check_queues(workspace)
        check_money(workspace)
        check_figures(workspace)
        check_people(workspace)
        check_portrait(workspace)
        check_experiment(workspace)
        check_seasons(workspace)
        check_fraud(workspace)
        check_explanations(workspace)
        clicks = Click.objects.for_workspace(workspace).count()
    check_sandbox(workspace)
    call_command("verify_ledger")
    check_pages(client)
    check_logins(capsys)
    assert load(at=AT, tell=silent) is None
    with tenant(workspace):
        assert Click.objects.for_workspace(workspace).count() == clicks
    assert User.objects.count() == 3


def check_facts(workspace: Workspace) -> None:
    """Every status and reason occurs, and the numbers are those of a shop of this size."""
    clicks = counts(workspace, Click, "reason")
    expected = {"", "preview", "duplicate", "bot", "datacentre", "prefetch", "head", "program_paused"}
    assert set(clicks) == expected | ({"no_user_agent"} & set(clicks))
    assert 3_000 < sum(clicks.values()) < 5_000
    assert clicks[""] > 0.7 * sum(clicks.values())
    kinds = counts(workspace, Conversion, "kind")
    assert 450 < kinds["signup"] < 700
    assert 500 < kinds["purchase"] < 800
    assert set(counts(workspace, Conversion, "status")) == {
        "recorded",
        "partly_refunded",
        "refunded",
        "rejected",
    }
    assert set(counts(workspace, Referral, "status")) == {"started", "converted", "rejected"}
    assert set(counts(workspace, Reward, "status")) == {
        "pending",
        "held",
        "approved",
        "issued",
        "paid",
        "redeemed",
        "reversed",
        "expired",
        "denied",
    }
    assert counts(workspace, Fulfilment, "kind") == {
        "credit": counts(workspace, Fulfilment, "kind")["credit"],
        "discount": 5,
        "product": 5,
        "gift_card": 4,
        "custom": 4,
    }
    assert set(counts(workspace, Fulfilment, "status")) == {"waiting", "todo", "done", "failed", "cancelled"}
    assert counts(workspace, Redemption, "status") == {"done": 2}
    assert CatalogueItem.objects.for_workspace(workspace).count() == 4
    assert counts(workspace, Reward, "status")["held"] >= 4
    assert counts(workspace, Appeal, "status") == {"open": 2, "granted": 1, "declined": 1}
    assert Appeal.objects.for_workspace(workspace).filter(conversion__isnull=True).count() == 1
    assert len(counts(workspace, Click, "channel")) >= 8


def check_queues(workspace: Workspace) -> None:
    assert set(counts(workspace, EventDelivery, "state")) == {"done"}
    assert counts(workspace, Message, "state")["dead"] == 6
    assert "pending" not in counts(workspace, Message, "state")
    assert set(counts(workspace, InboxItem, "outcome")) == {"", "applied", "ignored", "set_aside"}
    assert counts(workspace, InboxItem, "state")["dead"] == 2
    assert "pending" not in counts(workspace, InboxItem, "state")
    assert set(counts(workspace, WebhookDelivery, "state")) == {"done", "dead", "pending"}
    assert counts(workspace, WebhookEndpoint, "status") == {"enabled": 1, "disabled": 1}
    # A worker that starts now finds nothing to send at once.
    waiting = WebhookDelivery.objects.for_workspace(workspace).filter(state="pending")
    assert all(delivery.due_at > AT for delivery in waiting)


def check_money(workspace: Workspace) -> None:
    assert counts(workspace, PayoutBatch, "status") == {
        "completed": 5,
        "failed": 1,
        "processing": 1,
        "approved": 1,
        "draft": 1,
    }
    assert set(counts(workspace, Payout, "status")) == {"paid", "failed", "pending"}
    accounts = Account.objects.for_workspace(workspace)
    assert accounts.filter(kind="payable", balance_minor__lt=0).exists()
    for unit in ("EUR", "PTS"):
        balances = accounts.filter(unit=unit).values_list("balance_minor", flat=True)
        assert sum(balances) == 0
    assert Transfer.objects.for_workspace(workspace).filter(at__gt=AT).count() == 0
    (run,) = PayoutRun.objects.for_workspace(workspace)
    assert (run.state, run.provider_paid_minor) == (
        "done",
        PayoutBatch.objects.for_workspace(workspace).get(method="paypal").paid_minor,
    )
    check_small_scenes(workspace)


def check_small_scenes(workspace: Workspace) -> None:
    """An order by a stored rate and one without, credit that lapsed, a budget nearly used up, an errand."""
    abroad = Conversion.objects.for_workspace(workspace).exclude(currency__in=("", "EUR")).order_by("pk")
    assert [(each.currency, each.reporting_minor) for each in abroad] == [
        ("USD", 10_933),
        ("GBP", 7_487),
        ("NOK", None),
    ]
    waiting = Reward.objects.for_workspace(workspace).filter(reason="currency_differs")
    assert {(each.status, each.conversion.currency) for each in waiting} == {("held", "NOK")}
    (budget,) = Allowance.objects.for_workspace(workspace)
    assert (budget.cap_key, budget.used_minor, budget.warned_100_at) == ("club-budget", 6_900, None)
    assert budget.warned_80_at is not None
    # A worker that starts now asks nobody at once.
    (errand,) = Errand.objects.for_workspace(workspace).filter(state="pending")
    assert errand.due_at >= AT + timedelta(hours=6)


def check_figures(workspace: Workspace) -> None:
    days = DailyFigure.objects.for_workspace(workspace).values_list("day_on", flat=True)
    first_on, last_on = min(days), max(days)
    whole = queries.overview(workspace, first_on=first_on, last_on=last_on).now
    assert (first_on, last_on) == (date(2025, 12, 31), date(2026, 6, 30))
    assert whole.clicks == counts(workspace, Click, "reason")[""]
    assert whole.enrolled == Participant.objects.for_workspace(workspace).count()
    now = queries.standing(workspace, at=AT)
    codes = {matter.code for matter in now.matters}
    assert codes == {
        "fraud_cases",
        "rewards_held",
        "rewards_to_approve",
        "fulfilments_failed",
        "fulfilments_to_do",
        "appeals_open",
        "batches_to_approve",
        "adjustments_waiting",
        "tax_to_verify",
        "messages_failed",
        "inbox_stuck",
        "webhooks_failed",
        "webhooks_disabled",
        "drafts",
        "programs_paused",
    }
    assert now.beginning.complete


def check_people(workspace: Workspace) -> None:
    assert 395 < Participant.objects.for_workspace(workspace).count() <= 405
    assert counts(workspace, Participant, "status")["suspended"] == 1
    assert counts(workspace, Program, "status") == {"active": 3, "paused": 1, "draft": 1}
    invitations = Invitation.objects.for_workspace(workspace)
    assert [invitation.email for invitation in invitations if invitation.is_open(AT)] == [
        "jonas.reuter@lumen-coffee.example"
    ]
    # What was done is dated when it was done, not when it was loaded.
    audit = AuditEntry.objects.for_workspace(workspace).values_list("at", flat=True)
    assert max(audit) <= AT
    assert min(audit) < AT - timedelta(days=180)


def check_experiment(workspace: Workspace) -> None:
    """One experiment runs, and enough people were assigned that each variant has some."""
    experiment = Experiment.objects.for_workspace(workspace).get()
    assert experiment.status == "running"
    seen = counts(workspace, Exposure, "variant")
    assert {"ask-kindly", "name-the-reward"} <= set(seen) <= {"ask-kindly", "name-the-reward", "holdout"}
    assert sum(seen.values()) > 20


def check_seasons(workspace: Workspace) -> None:
    """One promotion is over, one runs, one is to come; rates are entered, orders say what was bought."""
    promotions = Promotion.objects.for_workspace(workspace).order_by("pk")
    assert [standing(each, AT) for each in promotions] == ["over", "running", "coming"]
    assert EnteredRate.objects.for_workspace(workspace).count() == 6
    bought = Conversion.objects.for_workspace(workspace).filter(kind="purchase")
    assert not bought.filter(lines=[]).exclude(source="api").exists()
    assert bought.filter(source="api", cost_minor__isnull=False).count() > 300


def check_portrait(workspace: Workspace) -> None:
    """The participant whose portal is shown has friends, rewards and payouts of every kind."""
    shown = Participant.objects.for_workspace(workspace).order_by("pk")[0]
    friends = Referral.objects.for_workspace(workspace).filter(participant=shown)
    assert Counter(friends.values_list("status", flat=True)) == {"started": 3, "converted": 11}
    rewards = Reward.objects.for_workspace(workspace).filter(participant=shown)
    assert {"paid", "pending", "reversed"} <= set(rewards.values_list("status", flat=True))
    assert Payout.objects.for_workspace(workspace).filter(customer=shown.customer_id).exists()


def check_fraud(workspace: Workspace) -> None:
    """The rules catch most frauds and few others, and leave the staff cases to decide."""
    table, unjudged = confusion(workspace)
    found = {(label, outcome): table.count(label, outcome) for label in LABELS for outcome in OUTCOMES}
    assert found == {
        ("fraud", "allow"): 14,
        ("fraud", "hold"): 27,
        ("fraud", "deny"): 7,
        ("fine", "allow"): found["fine", "allow"],
        ("fine", "hold"): 4,
        ("fine", "deny"): 0,
    }
    assert found["fine", "allow"] > 850
    # Orders of participants themselves, by nobody's link.
    assert unjudged == 8
    cases = FraudCase.objects.for_workspace(workspace)
    assert Counter(cases.values_list("status", "outcome")) == {
        ("open", "hold"): 16,
        ("rejected", "hold"): 11,
        ("approved", "hold"): 4,
        ("rejected", "deny"): 7,
    }
    creators = Program.objects.for_workspace(workspace).get(name="Coffee creators")
    figures = rule_figures(workspace, program=creators, since=AT - timedelta(days=90))
    on_trial = next(each for each in figures if each.rule == "velocity_participant")
    assert (on_trial.fired, on_trial.would_hold) == (5, 5)


def check_explanations(workspace: Workspace) -> None:
    """Every decision and judgement replays to the same bytes, and everything can be explained."""
    decisions = stored_decisions(workspace)
    assert decisions.count() > 900
    assert [each for each in replays(decisions) if each.difference is not None] == []
    judgements = list(FraudJudgement.objects.for_workspace(workspace))
    assert len(judgements) > 900
    for judgement in judgements:
        result = fraud.encode_judgement(fraud.replay(judgement.inputs))
        assert result == judgement.result
        assert fraud.digest(judgement.inputs, result) == judgement.digest
    for conversion in conversions(workspace):
        explained = explanation(conversion)
        assert explained["sentence"]
        assert all(decision["replays"] for decision in explained["decisions"])
    refused = list(Click.objects.for_workspace(workspace).filter(counted=False).values_list("public_id"))
    assert len(refused) > 500
    for (public_id,) in refused:
        click = click_named(workspace, public_id)
        assert click is not None
        told = click_explanation(click)
        assert told["sentence"].startswith("It does not count")
        assert (told["repeats"] is not None) == (click.reason == "duplicate")


def check_sandbox(workspace: Workspace) -> None:
    sandbox_id = account_queries.sandbox_id_of(workspace)
    assert sandbox_id is not None
    with tenant(sandbox_id):
        sandbox = Workspace.objects.for_workspace(sandbox_id).get()
        assert Participant.objects.for_workspace(sandbox).count() == 6
        assert Click.objects.for_workspace(sandbox).count() == 24
        assert counts(sandbox, Conversion, "kind") == {"signup": 12, "purchase": 8}


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
