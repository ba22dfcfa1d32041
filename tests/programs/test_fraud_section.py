"""The editor's part about fraud."""

from __future__ import annotations

import html
from typing import Any

import pytest
from django.test import Client

from accounts.models import User, Workspace
from programs import queries
from programs.forms import TermsEditor
from programs.models import Program
from programs.terms import FRAUD_RULES, FRAUD_WORDS, FraudTerms, dump_terms, parse_terms
from tests.factories import ProgramFactory, terms

STRICT: dict[str, Any] = {
    "hold_at": 40,
    "weights": {"ring": 80, "same_ip": 0},
    "shadow": ["circular"],
    "off": ["country_mismatch"],
    "ring_size": 3,
    "banned_sources": ["coupons.example", "*deals*"],
    "verify_email": True,
    "validation_url": "https://shop.example/validate",
}


@pytest.fixture
def root(client: Client, owner: User, workspace: Workspace) -> str:
    """The address of the workspace's programs, with its owner signed in."""
    client.force_login(owner)
    return f"/w/{workspace.slug}/programs"


def shown(program: Program) -> dict[str, Any]:
    """Return what a browser sends for the section as it is shown."""
    program.refresh_from_db()
    posted = TermsEditor(program=program, terms=queries.draft_terms(program)).posted()
    return {"section": "fraud"} | {name: value for name, value in posted.items() if name.startswith("fraud-")}


def page_of(answer: Any) -> str:
    return html.unescape(" ".join(answer.content.decode().split()))


def test_the_section_shows_every_rule_with_its_state(client: Client, root: str, workspace: Workspace) -> None:
    program = ProgramFactory.create(workspace=workspace, draft=terms(fraud=STRICT))
    page = page_of(client.get(f"{root}/{program.public_id}/edit/fraud/"))

    for rule in FRAUD_RULES:
        name, sentence = FRAUD_WORDS[rule]
        assert name in page
        assert sentence in page
        assert f'name="fraud-{rule}_mode"' in page
        assert (f'name="fraud-{rule}_weight"' in page) == (rule != "allow_list")
    for value in ('value="40"', 'value="80"', "coupons.example *deals*", "https://shop.example/validate"):
        assert value in page
    assert '<option value="shadow" selected>on trial</option>' in page
    assert '<option value="off" selected>off</option>' in page
    assert 'aria-current="page">Fraud</a>' in page


def test_what_is_saved_as_it_is_shown_stays(client: Client, root: str, workspace: Workspace) -> None:
    program = ProgramFactory.create(workspace=workspace, draft=terms(fraud=STRICT))
    before = dump_terms(queries.draft_terms(program))
    answer = client.post(f"{root}/{program.public_id}/edit/fraud/", shown(program))

    assert answer.status_code == 302
    program.refresh_from_db()
    assert program.draft == before


def test_the_section_changes_fraud_and_nothing_else(client: Client, root: str, workspace: Workspace) -> None:
    program = ProgramFactory.create(workspace=workspace)
    data = {
        **shown(program),
        "fraud-hold_at": "40",
        "fraud-ring_weight": "80",
        "fraud-same_ip_weight": "0",
        "fraud-circular_mode": "shadow",
        "fraud-country_mismatch_mode": "off",
        "fraud-ring_size": "3",
        "fraud-banned_sources": "https://Coupons.example/all\n*deals*\ncoupons.example\nbücher.example",
        "fraud-verify_email": "on",
        "fraud-validation_url": "https://shop.example/validate",
        "hold_days": "1",
    }
    answer = client.post(f"{root}/{program.public_id}/edit/fraud/", data)

    assert (answer.status_code, answer["Location"]) == (302, f"{root}/{program.public_id}/edit/fraud/")
    sources = ["coupons.example", "*deals*", "xn--bcher-kva.example"]
    program.refresh_from_db()
    assert program.draft == dump_terms(parse_terms(terms(fraud=STRICT | {"banned_sources": sources})))


def test_other_sections_leave_fraud_alone(client: Client, root: str, workspace: Workspace) -> None:
    program = ProgramFactory.create(workspace=workspace, draft=terms(fraud=STRICT))
    posted = TermsEditor(program=program, terms=queries.draft_terms(program)).posted()
    data = {**posted, "section": "rules", "hold_days": "7", "fraud-hold_at": "1"}
    client.post(f"{root}/{program.public_id}/edit/rules/", data)

    program.refresh_from_db()
    assert program.draft == dump_terms(parse_terms(terms(hold_days=7, fraud=STRICT)))


def test_buttons_for_rows_keep_what_was_typed_about_fraud(
    client: Client, root: str, workspace: Workspace
) -> None:
    program = ProgramFactory.create(workspace=workspace)
    posted = TermsEditor(program=program, terms=queries.draft_terms(program)).posted()
    data = {**posted, "fraud-hold_at": "33", "fraud-ring_mode": "off", "add_rule": "1"}
    page = page_of(client.post(f"{root}/{program.public_id}/edit/", data))

    assert 'name="fraud-hold_at" value="33"' in page
    program.refresh_from_db()
    assert queries.draft_terms(program).fraud == FraudTerms()


@pytest.mark.parametrize(
    ("typed", "field", "sentence"),
    [
        ({"fraud-hold_at": "101"}, "fraud-hold_at", "A hold must not need more than a refusal does."),
        ({"fraud-hold_at": ""}, "fraud-hold_at", "This field is required."),
        ({"fraud-deny_at": "0"}, "fraud-deny_at", "This must be from 1 to 1000."),
        ({"fraud-ring_weight": "-1"}, "fraud-ring_weight", "This must be from 0 to 1000."),
        ({"fraud-ring_weight": "much"}, "fraud-ring_weight", "Enter a whole number."),
        ({"fraud-ring_mode": "maybe"}, "fraud-ring_mode", "Select a valid choice."),
        ({"fraud-refund_rate_percent": "101"}, "fraud-refund_rate_percent", "This must be from 1 to 100."),
        ({"fraud-banned_sources": "a.example *"}, "fraud-banned_sources", "This must be a host name"),
        ({"fraud-banned_sources": "https://"}, "fraud-banned_sources", "This must be a host name"),
        ({"fraud-validation_url": "http://a.example"}, "fraud-validation_url", "This must be a full https"),
    ],
)
def test_a_fault_stands_on_its_field_and_nothing_is_saved(
    client: Client, root: str, workspace: Workspace, typed: dict[str, str], field: str, sentence: str
) -> None:
    program = ProgramFactory.create(workspace=workspace)
    answer = client.post(f"{root}/{program.public_id}/edit/fraud/", {**shown(program), **typed})
    page = page_of(answer)

    assert answer.status_code == 400
    assert sentence in page.partition(f'id="id_{field}_error"')[2][:300]
    assert "nothing was saved" in page
    preview = page_of(client.post(f"{root}/{program.public_id}/preview/", {**shown(program), **typed}))
    assert sentence in preview
    program.refresh_from_db()
    assert program.draft == terms()


def test_a_fault_of_no_field_stands_above_the_form(workspace: Workspace) -> None:
    program = ProgramFactory.create(workspace=workspace)
    editor = TermsEditor(program=program, terms=queries.draft_terms(program))

    assert [editor.fraud.field_of(path) for path in ("off", "shadow", "", "weights.moon")] == [None] * 4
    assert editor.fraud.field_of("weights.ring") == "ring_weight"
    assert editor.fraud.field_of("banned_sources.1") == "banned_sources"
