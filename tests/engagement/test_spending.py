"""Spending points in the portal."""

from __future__ import annotations

import re
from typing import Any

from django.test import Client

from accounts.models import Workspace
from rewards import services
from rewards.models import CatalogueItem, Redemption
from rewards.services import ItemFacts
from tests.engagement.test_portal import signed_in
from tests.factories import AT
from tests.rewards.builders import person
from tests.rewards.test_redemptions import saver


def offer(workspace: Workspace, **facts: Any) -> CatalogueItem:
    what = ItemFacts(**{"name": "Tea", "kind": "discount", "points": 40, "value_minor": 300, **facts})
    return services.create_item(workspace=workspace, facts=what, actor=person(), at=AT)


def shown(browser: Client) -> str:
    return str(browser.get("/portal/spend/").content.decode())


def test_points_are_spent_once_however_often_the_button_is_pressed(workspace: Workspace) -> None:
    ana = saver(workspace, 100)
    tea = offer(workspace, currency="EUR")
    far = offer(workspace, name="Machine", points=1000, currency="EUR")
    browser = signed_in(ana)
    assert "Spend your points" in browser.get("/portal/").content.decode()
    page = shown(browser)
    assert "900 points to go" in page
    key = re.search(r'name="key" value="([^"]+)"', page)
    assert key is not None
    for _ in range(2):
        answer = browser.post("/portal/spend/", {"item": tea.public_id, "key": key[1]})
        assert answer["Location"] == "/portal/spend/?done=1"
    row = Redemption.objects.for_workspace(workspace).get()
    assert (row.amount_minor, row.participant) == (40, ana)
    page = shown(browser)
    assert "60 points" in page
    assert re.search(r"Your code: <code[^>]*>[A-Z0-9-]{14}</code>", page)
    refused = browser.post("/portal/spend/", {"item": far.public_id, "key": "other"})
    assert (refused.status_code, "That takes 1000 points" in refused.content.decode()) == (400, True)


def test_what_is_not_offered_is_refused(workspace: Workspace) -> None:
    browser = signed_in(saver(workspace, 100))
    assert "Nothing to choose from yet" in shown(browser)
    answer = browser.post("/portal/spend/", {"item": "cat_none", "key": "k"})
    assert (answer.status_code, "not offered any more" in answer.content.decode()) == (400, True)
