"""The rows of the terms editor: rewards with their tiers and milestones, and caps."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from accounts.models import User, Workspace
from programs import queries
from programs.forms import TermsEditor
from programs.forms.caps import CapForm
from programs.forms.rules import RuleForm
from programs.models import Program
from tests.factories import ProgramFactory


@pytest.fixture
def program(workspace: Workspace) -> Program:
    made: Program = ProgramFactory.create(workspace=workspace)
    return made


@pytest.fixture
def editor_url(client: Client, owner: User, workspace: Workspace, program: Program) -> str:
    client.force_login(owner)
    return f"/w/{workspace.slug}/programs/{program.public_id}/edit/rewards/"


def shown(program: Program) -> dict[str, Any]:
    program.refresh_from_db()
    return TermsEditor(program=program, terms=queries.draft_terms(program)).posted()


def row(**fields: str) -> RuleForm:
    given = {"side": "referrer", "event": "purchase", "kind": "cash", "measure": "fixed", "value": "5"}
    return RuleForm(
        {f"r-{name}": value for name, value in (given | fields).items()}, prefix="r", currency="EUR"
    )


MILESTONE = {"event": "milestone", "milestone_at_least": "5"}


def test_what_the_event_or_kind_has_no_use_for_is_left_out() -> None:
    left = {
        "first_only": "nth",
        "nth": "2",
        "duration_months": "3",
        "group": "best",
        "new_customers_only": "on",
        "base": "margin",
        "items_mode": "only",
        "skus": "A-1",
        "expiry_days": "9",
        "custom_name": "A dinner",
    }
    form = row(**MILESTONE, **left)
    assert form.is_valid()
    assert form.entry["milestone"] == {"basis": "friends", "at_least": 5, "repeat": False}
    assert "items" not in form.entry
    assert "base" not in form.entry
    names = ("nth", "duration_months", "group", "custom", "expiry_days")
    assert [form.entry[name] for name in names] == [None] * 5
    assert form.entry["new_customers_only"] is False
    bought = row(**left, milestone_at_least="5")
    assert bought.is_valid()
    assert (bought.entry["milestone"], bought.entry["nth"]) == (None, 2)
    assert bought.entry["items"] == {"skus": ["A-1"], "categories": [], "excluded": False}


@pytest.mark.parametrize(
    ("fields", "field", "message"),
    [
        ({"first_only": "nth"}, "nth", "Which one, the second, the third?"),
        ({"first_only": "nth", "nth": "x"}, "nth", "Enter a whole number."),
        ({**MILESTONE, "milestone_at_least": "a few"}, "milestone_at_least", "This must be a whole number."),
        (
            {**MILESTONE, "milestone_basis": "revenue", "milestone_at_least": "1.005"},
            "milestone_at_least",
            "EUR amounts have at most 2 decimals.",
        ),
    ],
)
def test_a_wrong_number_is_named_on_its_field(fields: dict[str, str], field: str, message: str) -> None:
    form = row(**fields)
    assert not form.is_valid()
    assert form.errors[field] == [message]


def test_a_milestone_without_a_number_is_named(client: Client, editor_url: str, program: Program) -> None:
    wrong = client.post(
        editor_url, {**shown(program), "rule-0-event": "milestone", "rule-0-measure": "fixed"}
    )
    page = wrong.content.decode()
    assert wrong.status_code == 400
    assert 'id="id_rule-0-milestone_at_least_error"' in page
    assert "A reward for a milestone says which one." in page


def test_tiers_of_revenue_are_typed_as_money(client: Client, editor_url: str, program: Program) -> None:
    tiers = {
        **shown(program),
        "rule-0-tier_basis": "revenue",
        "rule-0-tier_period": "year",
        "rule-0-tiers": "2",
        "rule-0-tier-0-at_least": "1000",
        "rule-0-tier-0-measure": "percentage",
        "rule-0-tier-0-value": "12",
        "rule-0-tier-1-at_least": "1000.00",
        "rule-0-tier-1-measure": "percentage",
        "rule-0-tier-1-value": "15",
    }
    wrong = client.post(editor_url, tiers)
    assert 'id="id_rule-0-tier-1-at_least_error"' in wrong.content.decode()
    assert client.post(editor_url, {**tiers, "rule-0-tier-0-at_least": "x"}).status_code == 400
    assert client.post(editor_url, {**tiers, "rule-0-tier-1-at_least": "2500.50"}).status_code == 302
    program.refresh_from_db()
    saved = program.draft["rewards"][0]
    assert [tier["at_least"] for tier in saved["tiers"]] == [100_000, 250_050]
    assert (saved["tier_basis"], saved["tier_period"], saved["tier_mode"]) == ("revenue", "year", "marginal")


def test_caps_are_added_saved_and_removed(client: Client, editor_url: str, program: Program) -> None:
    page = client.post(editor_url, {**shown(program), "add_cap": "1"}).content.decode()
    assert 'name="caps" value="1"' in page
    assert 'name="cap-0-covers-referrer-credit"' in page
    cap = {
        **shown(program),
        "caps": "2",
        "cap-0-scope": "program",
        "cap-0-period": "year",
        "cap-0-limit": "1000.50",
        "cap-0-pause": "on",
        "cap-0-covers-referrer-credit": "on",
        "cap-1-scope": "participant",
        "cap-1-period": "month",
        "cap-1-pause": "on",
    }
    wrong = client.post(editor_url, cap)
    assert wrong.status_code == 400
    assert "A cap limits the money, the number of rewards, or both." in wrong.content.decode()
    assert 'id="id_cap-1-limit_error"' in wrong.content.decode()
    assert client.post(editor_url, {**cap, "cap-1-count": "10"}).status_code == 302
    program.refresh_from_db()
    assert program.draft["caps"] == [
        {
            "key": "program-year",
            "scope": "program",
            "period": "year",
            "limit_minor": 100_050,
            "limit_count": None,
            "rules": ["referrer-credit"],
            "pause": True,
        },
        {
            "key": "participant-month",
            "scope": "participant",
            "period": "month",
            "limit_minor": None,
            "limit_count": 10,
            "rules": [],
            "pause": False,
        },
    ]
    fewer = client.post(editor_url, {**shown(program), "remove_cap": "0"}).content.decode()
    assert 'name="caps" value="1"' in fewer
    assert 'name="cap-0-key" value="participant-month"' in fewer


def test_a_cap_keeps_the_box_of_a_reward_that_is_gone() -> None:
    initial = {"covers-gone": True, "scope": "program"}
    form = CapForm(initial=initial, prefix="c", currency="EUR", rewards=[("here", "Reward 1")])
    assert [(field.label, bool(field.value())) for field in form.covered()] == [
        ("Reward 1", False),
        ("gone (gone)", True),
    ]
    assert form.names_rewards
    data = {"c-scope": "program", "c-period": "day", "c-count": "1", "c-covers-gone": "on"}
    bound = CapForm(data, prefix="c", currency="EUR", rewards=[("here", "Reward 1")])
    assert bound.is_valid()
    assert bound.entry["rules"] == ["gone"]


def test_the_preview_shows_progress_and_caps(
    client: Client, editor_url: str, workspace: Workspace, program: Program
) -> None:
    typed = {
        **shown(program),
        "section": "rewards",
        "rule-0-tier_basis": "revenue",
        "rule-0-tiers": "1",
        "rule-0-tier-0-at_least": "150",
        "rule-0-tier-0-measure": "percentage",
        "rule-0-tier-0-value": "20",
        "caps": "1",
        "cap-0-scope": "participant",
        "cap-0-period": "month",
        "cap-0-limit": "500",
        "example_revenue": "100",
    }
    page = client.post(f"/w/{workspace.slug}/programs/{program.public_id}/preview/", typed).content.decode()
    assert "A friend's order of €100.00, after €100.00 that friends had spent:" in page.replace("&#x27;", "'")
    assert "10 % of €50.00 and 20 % of €50.00 is €15.00, by the tier from €150.00 of revenue on." in page
    assert "One person gets at most €500.00 a month." in page
    waits = client.post(
        f"/w/{workspace.slug}/programs/{program.public_id}/preview/", {**typed, "cap-0-limit": "much"}
    ).content.decode()
    assert "Most money: The amount must be written like" in waits


def test_approval_and_payment_are_set_on_the_page_of_rules(
    client: Client, editor_url: str, program: Program
) -> None:
    url = editor_url.replace("/rewards/", "/rules/")
    data = {
        **shown(program),
        "approval_above": "200.50",
        "approval_score": "30",
        "approve_gift_card": "on",
        "assumed_margin": "12.5",
        "tax_details_required": "on",
        "expiry_warning_days": "",
        "redemption_minimum": "100",
    }
    assert client.post(url, {**data, "assumed_margin": "half"}).status_code == 400
    assert client.post(url, {**data, "approval_score": "101"}).status_code == 400
    assert client.post(url, data).status_code == 302
    program.refresh_from_db()
    names = (
        "approval_above_minor",
        "approval_score",
        "approval_kinds",
        "assumed_margin_bps",
        "tax_details_required",
        "expiry_warning_days",
        "redemption_minimum",
    )
    assert [program.draft[name] for name in names] == [20_050, 30, ["gift_card"], 1250, True, 0, 100]
