"""Input of the account pages: what is let through, and which field is blamed."""

from __future__ import annotations

from typing import Any

import pytest

from accounts.forms import (
    ApiKeyForm,
    AuditFilterForm,
    ClockForm,
    InvitationForm,
    RoleForm,
    SettingsForm,
    WorkspaceForm,
)
from accounts.models import Workspace

WORKSPACE = {"name": "Acme", "currency": "EUR", "time_zone": "Europe/Berlin"}
KEY = {"name": "Shop", "kind": "sk", "scopes": ["track", "read"]}


@pytest.mark.parametrize(
    ("form", "values"),
    [
        (WorkspaceForm, WORKSPACE),
        (SettingsForm, {"name": "Acme", "time_zone": "UTC", "email_from_name": ""}),
        (InvitationForm, {"email": "bob@new.example", "role": "read_only"}),
        (RoleForm, {"role": "owner"}),
        (ClockForm, {"days": 3650}),
    ],
)
def test_good_input_passes_unchanged(form: Any, values: dict[str, Any]) -> None:
    bound = form(values)
    assert bound.is_valid(), bound.errors
    assert bound.cleaned_data == values


@pytest.mark.parametrize("values", [KEY, {"name": "Page", "kind": "pk", "scopes": []}])
def test_a_key_needs_no_sites(values: dict[str, Any]) -> None:
    bound = ApiKeyForm(values)
    assert bound.is_valid(), bound.errors
    assert bound.cleaned_data == {**values, "origins": []}


@pytest.mark.parametrize(
    ("form", "values", "field"),
    [
        (WorkspaceForm, {**WORKSPACE, "name": ""}, "name"),
        (WorkspaceForm, {**WORKSPACE, "name": "x" * 121}, "name"),
        (WorkspaceForm, {**WORKSPACE, "currency": "XXX"}, "currency"),
        (WorkspaceForm, {**WORKSPACE, "time_zone": "Mars"}, "time_zone"),
        (SettingsForm, {"name": "", "time_zone": "UTC"}, "name"),
        (InvitationForm, {"email": "bob", "role": "admin"}, "email"),
        (InvitationForm, {"email": "bob@new.example", "role": "king"}, "role"),
        (RoleForm, {}, "role"),
        (ApiKeyForm, {**KEY, "name": ""}, "name"),
        (ApiKeyForm, {**KEY, "kind": "xx"}, "kind"),
        (ApiKeyForm, {**KEY, "scopes": []}, "scopes"),
        (ApiKeyForm, {**KEY, "scopes": ["root"]}, "scopes"),
        (ClockForm, {"days": 0}, "days"),
        (ClockForm, {"days": 3651}, "days"),
        (ClockForm, {"days": "1.5"}, "days"),
        (ClockForm, {"days": ""}, "days"),
    ],
)
def test_bad_input_blames_its_field_and_no_other(form: Any, values: dict[str, Any], field: str) -> None:
    assert list(form(values).errors) == [field]


def test_locked_settings_ignore_what_is_sent() -> None:
    initial = {"name": "Acme", "time_zone": "UTC", "email_from_name": ""}
    form = SettingsForm({**initial, "name": "Taken over"}, initial=initial, locked=True)
    assert form.is_valid()
    assert form.cleaned_data == initial


def test_the_audit_filter_offers_the_actions_there_are() -> None:
    shop = Workspace(time_zone="UTC")
    assert AuditFilterForm({"action": "member.joined"}, workspace=shop, actions=["member.joined"]).is_valid()
    other = AuditFilterForm({"action": "member.left"}, workspace=shop, actions=["member.joined"])
    assert list(other.errors) == ["action"]
    assert AuditFilterForm({}, workspace=shop, actions=[]).is_valid()
