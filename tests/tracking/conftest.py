"""A program with a referrer, for the tests of what happens next."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from accounts import services as account_services
from accounts.models import Workspace
from accounts.services import SYSTEM
from core import clock
from core.tenancy import tenant
from programs.models import Customer, Link, Participant, Program
from tests import factories
from tracking import services
from tracking.classification import ClickFacts
from tracking.models import Click

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
BROWSER = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Safari/537.36"


@pytest.fixture
def program(workspace: Workspace) -> Program:
    """An active program that pays the referrer by the last click."""
    return factories.ProgramFactory.create(workspace=workspace)


@pytest.fixture
def ana(workspace: Workspace, program: Program) -> Participant:
    """A participant called Ana."""
    customer = factories.CustomerFactory.create(
        workspace=workspace, email="ana@example.com", mailbox="ana@example.com", name="Ana"
    )
    return factories.ParticipantFactory.create(
        workspace=workspace, program=program, customer=customer, display_name="Ana"
    )


@pytest.fixture
def ben(workspace: Workspace, program: Program) -> Participant:
    """A participant called Ben."""
    customer = factories.CustomerFactory.create(
        workspace=workspace, email="ben@example.com", mailbox="ben@example.com", name="Ben"
    )
    return factories.ParticipantFactory.create(
        workspace=workspace, program=program, customer=customer, display_name="Ben"
    )


@pytest.fixture
def friend(workspace: Workspace) -> Customer:
    """A customer who is nobody's participant."""
    return factories.CustomerFactory.create(
        workspace=workspace, external_id="friend-1", email="fay@example.com", mailbox="fay@example.com"
    )


Clicker = Callable[..., Click]


@pytest.fixture
def click(workspace: Workspace) -> Clicker:
    """Click on a participant's link: `click(ana, days_ago=3, visitor="vis_a")`."""
    links: dict[int, Link] = {}

    def run(
        participant: Participant, *, days_ago: float = 1, visitor: str = "vis_friend", **facts: Any
    ) -> Click:
        if participant.pk not in links:
            links[participant.pk] = factories.LinkFactory.create(workspace=workspace, participant=participant)
        return services.record_click(
            link=links[participant.pk],
            visitor_id=visitor,
            facts=ClickFacts(**{"user_agent": BROWSER, **facts}),
            at=NOW - timedelta(days=days_ago),
        )

    return run


Call = Callable[..., Any]


def token(workspace: Workspace, kind: str = "sk", scopes: tuple[str, ...] = ("track", "read")) -> str:
    """Return a fresh API key's token."""
    with tenant(workspace):
        return account_services.create_api_key(
            workspace=workspace, kind=kind, name="test", scopes=scopes, actor=SYSTEM, at=clock.now()
        )[1]


@pytest.fixture
def call(workspace: Workspace, client: Client) -> Call:
    """Call the API: `call("track/sale", {...})` posts, `call("conversions")` gets."""
    key = token(workspace)

    def run(path: str, body: Any = None, *, key: str = key, **headers: str) -> Any:
        headers = {"Authorization": f"Bearer {key}", "User-Agent": BROWSER, **headers}
        address = f"/api/v1/{path}"
        if body is None:
            return client.get(address, headers=headers)
        data = body if isinstance(body, bytes | str) else json.dumps(body)
        return client.post(address, data, content_type="application/json", headers=headers)

    return run
