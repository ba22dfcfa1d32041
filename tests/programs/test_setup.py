"""The wizard that sets a program up, and the preview beside it."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from accounts.models import User, Workspace
from accounts.services import Actor
from programs import queries, services
from programs.forms import TermsEditor
from programs.models import Program
from tests.factories import ProgramFactory, terms


@pytest.fixture
def root(client: Client, owner: User, workspace: Workspace) -> str:
    """The address of the workspace's programs, with its owner signed in."""
    client.force_login(owner)
    return f"/w/{workspace.slug}/programs"


def shown(program: Program) -> dict[str, Any]:
    program.refresh_from_db()
    return TermsEditor(program=program, terms=queries.draft_terms(program)).posted()


def test_a_program_goes_live_step_by_step(client: Client, root: str, workspace: Workspace) -> None:
    made = client.post(f"{root}/new/", {"name": "Friends", "kind": "customer"})
    program = Program.objects.for_workspace(workspace).get()
    steps = f"{root}/{program.public_id}/setup"
    assert made.headers["Location"] == f"{steps}/rewards/"

    rewards = {**shown(program), "rule-0-value": "12.5", "name": "Not of this step", "hold_days": "3"}
    assert client.post(f"{steps}/rewards/", rewards).headers["Location"] == f"{steps}/rules/"
    program.refresh_from_db()
    assert program.draft["rewards"][0]["amount"] == {"type": "percentage", "bps": 1250}
    assert (program.name, program.draft["hold_days"]) == ("Friends", 30)

    # A box that is not ticked is not sent.
    rules = {name: value for name, value in shown(program).items() if name != "new_customers_only"}
    assert (
        client.post(f"{steps}/rules/", {**rules, "hold_days": "14"}).headers["Location"] == f"{steps}/look/"
    )
    program.refresh_from_db()
    assert program.draft["hold_days"] == 14
    assert program.draft["eligibility"]["new_customers_only"] is False

    assert "Links need a page to lead to." in client.get(f"{steps}/review/").content.decode()
    assert client.post(f"{steps}/review/").status_code == 400
    look = {**shown(program), "name": "Bring a friend", "destination_url": "https://shop.example/hi"}
    assert (
        client.post(f"{steps}/look/", {**look, "offer_text": "Two for tea"}).headers["Location"]
        == f"{steps}/review/"
    )
    page = client.get(f"{steps}/review/").content.decode()
    assert "Two for tea" in page
    assert "12.5 % of the first purchase" in page
    assert client.post(f"{steps}/review/").headers["Location"] == f"{steps}/live/"
    program.refresh_from_db()
    assert (program.name, program.status, program.live_version) == ("Bring a friend", "active", 1)
    assert "Invite the first participants" in client.get(f"{steps}/live/").content.decode()
    assert client.get(f"{steps}/rewards/").headers["Location"] == f"{root}/{program.public_id}/"


def test_the_wizard_is_left_and_taken_up_again(
    client: Client, root: str, owner: User, workspace: Workspace
) -> None:
    client.post(f"{root}/new/", {"name": "Friends", "kind": "customer"})
    program = Program.objects.for_workspace(workspace).get()
    steps = f"{root}/{program.public_id}/setup"
    left = client.post(f"{steps}/rewards/", {**shown(program), "then": "leave", "rule-0-value": "11"})
    assert left.headers["Location"] == f"{root}/"
    assert client.get(f"{steps}/").headers["Location"] == f"{steps}/rewards/"
    client.get(f"{steps}/rules/")
    client.get(f"{steps}/rewards/")
    assert client.get(f"{steps}/").headers["Location"] == f"{steps}/rules/"
    # Another browser goes by what the draft still needs.
    elsewhere = Client()
    elsewhere.force_login(owner)
    assert elsewhere.get(f"{steps}/").headers["Location"] == f"{steps}/look/"
    assert "11 % of the first purchase" in elsewhere.get(f"{steps}/look/").content.decode()


def test_another_goal_changes_the_terms_and_keeps_the_words(
    client: Client, root: str, workspace: Workspace
) -> None:
    program = ProgramFactory.create(workspace=workspace, status="draft", live_version=None)
    goal = f"{root}/{program.public_id}/setup/goal/"
    before = program.draft
    client.post(goal, {"name": "Renamed", "kind": "customer"})
    program.refresh_from_db()
    assert (program.name, program.draft) == ("Renamed", before)
    assert client.post(goal, {"name": "", "kind": "b2b"}).status_code == 400
    client.post(goal, {"name": "Renamed", "kind": "b2b"})
    program.refresh_from_db()
    assert (program.kind, program.draft["rewards"][0]["key"]) == ("b2b", "referrer-won")
    assert program.draft["destination_url"] == "https://shop.example/welcome"


def test_a_published_program_keeps_its_kind(workspace: Workspace, owner: User) -> None:
    program = ProgramFactory.create(workspace=workspace)
    with pytest.raises(services.StatusRefused):
        services.restart_draft(
            program=program, name="x", kind="b2b", actor=Actor(kind="user", label=owner.email, user=owner)
        )


def test_a_wrong_field_stops_a_step_and_nothing_is_saved(
    client: Client, root: str, workspace: Workspace
) -> None:
    program = ProgramFactory.create(workspace=workspace, status="draft", live_version=None)
    answer = client.post(
        f"{root}/{program.public_id}/setup/rewards/", {**shown(program), "rule-0-value": "a lot"}
    )
    page = answer.content.decode()
    assert answer.status_code == 400
    assert 'id="id_rule-0-value_error"' in page
    assert 'value="a lot"' in page
    assert client.get(f"{root}/{program.public_id}/setup/nowhere/").status_code == 404


def test_tiers_are_added_moved_and_must_rise(client: Client, root: str, workspace: Workspace) -> None:
    program = ProgramFactory.create(workspace=workspace)
    path = f"{root}/{program.public_id}/edit/rewards/"
    data = shown(program)
    page = client.post(path, {**data, "add_tier": "0"}).content.decode()
    assert 'name="rule-0-tiers" value="1"' in page
    tiers = {
        **data,
        "rule-0-tiers": "2",
        "rule-0-tier-0-at_least": "10",
        "rule-0-tier-0-measure": "percentage",
        "rule-0-tier-0-value": "20",
        "rule-0-tier-1-at_least": "5",
        "rule-0-tier-1-measure": "fixed",
        "rule-0-tier-1-value": "15.00",
    }
    wrong = client.post(path, tiers)
    assert wrong.status_code == 400
    assert "This tier must start above the one before it" in wrong.content.decode()
    assert 'id="id_rule-0-tier-1-at_least_error"' in wrong.content.decode()
    moved = client.post(path, {**tiers, "move_tier": "0.1.up"}).content.decode()
    assert moved.index('value="5"') < moved.index('value="10"', moved.index("rule-0-tier-0"))
    fewer = client.post(path, {**tiers, "remove_tier": "0.0"}).content.decode()
    assert 'name="rule-0-tiers" value="1"' in fewer
    rising = {**tiers, "rule-0-tier-0-at_least": "2"}
    assert client.post(path, rising).status_code == 302
    program.refresh_from_db()
    assert program.draft["rewards"][0]["tiers"] == [
        {"at_least": 2, "amount": {"type": "percentage", "bps": 2000}},
        {"at_least": 5, "amount": {"type": "fixed", "minor": 1500}},
    ]
    assert shown(program)["rule-0-tier-1-value"] == "15.00"


@pytest.mark.parametrize(
    "button",
    [
        {"move_rule": "0.up"},
        {"move_rule": "9.down"},
        {"move_rule": "x.up"},
        {"move_tier": "0"},
        {"add_tier": "99"},
        {"remove_tier": "0"},
    ],
)
def test_a_button_that_names_no_row_changes_nothing(
    client: Client, root: str, workspace: Workspace, button: dict[str, str]
) -> None:
    program = ProgramFactory.create(workspace=workspace)
    answer = client.post(f"{root}/{program.public_id}/edit/rewards/", {**shown(program), **button})
    assert (answer.status_code, answer.content.count(b'id="rule-')) == (200, 2)


def test_rewards_are_moved_and_ready_sets_put_in_their_place(
    client: Client, root: str, workspace: Workspace
) -> None:
    program = ProgramFactory.create(workspace=workspace)
    path = f"{root}/{program.public_id}/edit/rewards/"
    moved = client.post(path, {**shown(program), "move_rule": "1.up"}).content.decode()
    assert moved.index("referee-discount") < moved.index("referrer-credit")
    ready = client.post(path, {**shown(program), "preset": "ladder"}).content.decode()
    assert 'name="rule-0-tier-1-at_least" value="10"' in ready
    assert client.post(path, {**shown(program), "preset": "nothing"}).status_code == 200
    program.refresh_from_db()
    assert program.draft["rewards"][0]["key"] == "referrer-credit"


def test_the_preview_follows_what_is_typed_and_saves_nothing(
    client: Client, root: str, workspace: Workspace
) -> None:
    program = ProgramFactory.create(workspace=workspace)
    path = f"{root}/{program.public_id}/preview/"
    typed = {**shown(program), "section": "rewards", "rule-0-value": "15", "example_order": "50"}
    page = client.post(path, typed).content.decode()
    assert "Give 10 % off, get 15 %" in page
    assert "15 % of €50.00 is €7.50." in page
    assert "The referrer gets 15 % of the first purchase as store credit." in page
    waits = client.post(path, {**typed, "rule-0-value": "much"}).content.decode()
    assert "How much: A percentage is written like" in waits
    whole = {**shown(program), "offer_text": "Two for tea", "example_order": "-1", "example_friends": "x"}
    assert "Two for tea" in client.post(path, whole).content.decode()
    before = program.draft
    program.refresh_from_db()
    assert program.draft == before


def test_a_cap_on_a_reward_that_is_gone_is_missed_at_the_review(
    client: Client, root: str, workspace: Workspace
) -> None:
    cap = {"key": "c", "scope": "program", "period": "year", "limit_count": 5, "rules": ["gone"]}
    program = ProgramFactory.create(
        workspace=workspace, status="draft", live_version=None, draft=terms(caps=[cap])
    )
    setup = f"{root}/{program.public_id}/setup"
    assert client.get(f"{setup}/").headers["Location"] == f"{setup}/rewards/"
    page = client.get(f"{setup}/review/").content.decode()
    assert f'The cap names a reward that is not here. <a href="{setup}/rewards/">' in page
    assert client.post(f"{setup}/review/").status_code == 400
