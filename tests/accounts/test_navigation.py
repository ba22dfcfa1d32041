"""The console's menu."""

from __future__ import annotations

import re

from django.test import Client
from django.urls import reverse

from accounts.models import Member, Role, User
from accounts.navigation import MENU, entrance, menu
from tests.accounts.people import joined, owner_of
from tests.conftest import make_workspace


def test_every_name_in_the_menu_resolves() -> None:
    for _, entries in MENU:
        for _, name, _, _ in entries:
            assert reverse(name, args=["acme"]).startswith("/w/acme/")


def labels(member: Member) -> list[str]:
    return [entry.label for group in menu(member) for entry in group.entries]


def test_a_role_sees_what_it_may_use(owner: User) -> None:
    workspace = make_workspace(owner)
    everything = labels(owner_of(workspace))
    assert labels(joined(workspace, Role.READ_ONLY)) == [
        label for label in everything if label not in ("API keys", "Audit log")
    ]
    assert labels(joined(workspace, Role.FINANCE)) == [label for label in everything if label != "API keys"]


def test_the_entry_of_the_page_is_marked_and_no_other(owner: User) -> None:
    member = owner_of(make_workspace(owner))
    for path in ("/w/acme/team/", "/w/acme/team/invite/"):
        marked = [e.label for group in menu(member, path) for e in group.entries if e.current]
        assert marked == ["Team"]


def test_groups_open_where_one_is_and_where_the_browser_keeps_them_open(owner: User) -> None:
    member = owner_of(make_workspace(owner))

    def opened(path: str, kept: str | None) -> list[str]:
        return [group.key for group in menu(member, path, kept) if group.open and group.label]

    assert opened("/w/acme/", None) == ["programs"]
    assert opened("/w/acme/ledger/", None) == ["programs", "money"]
    assert opened("/w/acme/ledger/", "") == ["money"]
    assert opened("/w/acme/", "trust.money.<b>") == ["trust", "money"]
    (money,) = (group for group in menu(member, "/w/acme/ledger/", "") if group.key == "money")
    assert not money.kept


def test_the_page_carries_the_groups_and_what_is_kept(client: Client, owner: User) -> None:
    make_workspace(owner)
    client.force_login(owner)
    client.cookies["menu"] = "workspace"
    shown = client.get("/w/acme/ledger/").content.decode()
    opened = re.findall(r'data-group="(\w+)"\s+(data-kept)?\s*open', shown)
    assert opened == [("money", ""), ("workspace", "data-kept")]
    assert 'aria-current="page"' in shown


def test_a_workspace_is_entered_at_its_overview(owner: User) -> None:
    assert entrance(owner_of(make_workspace(owner))) == "/w/acme/"
