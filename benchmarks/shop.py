"""A workspace with participants to measure with, and how many rows it has. Import it after django.setup()."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from accounts import services as account_services
from accounts.models import User, Workspace
from accounts.services import SYSTEM
from core import clock
from core.tenancy import tenant
from programs import services as program_services
from programs.models import Link
from programs.terms import default_terms, dump_terms
from rewards.models import Reward, Transfer
from tracking import services as tracking_services
from tracking.classification import ClickFacts
from tracking.models import Attribution, Click, Conversion

PARTICIPANTS = 200
EARLIER = timedelta(hours=1)
"""How long before the purchases the clicks were: a sale right behind its click is held as too fast."""
BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0"


@dataclass(frozen=True, slots=True)
class Shop:
    """A workspace, an API key for it, each participant's code and one click of each code."""

    workspace: Workspace
    token: str
    codes: list[str]
    clicks: list[str]


def make_shop(participants: int = PARTICIPANTS) -> Shop:
    """Create a workspace with an active program that pays 10 % of a purchase, and participants."""
    at = clock.now()
    owner = User.objects.create(email="owner@shop.example", name="Owner")
    workspace = account_services.create_workspace(owner=owner, name="Bench", currency="EUR", at=at)
    with tenant(workspace):
        _, token = account_services.create_api_key(
            workspace=workspace, name="bench", kind="sk", scopes=["track"], actor=SYSTEM, at=at
        )
        program = program_services.create_program(
            workspace=workspace, name="Refer a friend", kind="customer", actor=SYSTEM, at=at
        )
        terms: dict[str, Any] = dict(dump_terms(default_terms("customer", "EUR")))
        terms["destination_url"] = "https://shop.example/welcome"
        program_services.update_draft(program=program, terms=terms, actor=SYSTEM)
        program_services.publish_program(program=program, actor=SYSTEM, at=at)
        codes, clicks = [], []
        for number in range(participants):
            customer = program_services.identify_customer(
                workspace=workspace, external_id=f"member-{number}", name=f"Member {number}", at=at
            )
            participant, _ = program_services.enrol_participant(
                program=program, customer=customer, actor=SYSTEM, at=at
            )
            link = (
                Link.objects.for_workspace(workspace)
                .select_related("participant__program")
                .get(participant=participant)
            )
            click = tracking_services.record_click(
                link=link,
                visitor_id=f"vis_{number:026d}",
                facts=ClickFacts(user_agent=BROWSER),
                at=at - EARLIER,
            )
            codes.append(link.code)
            clicks.append(click.public_id)
    return Shop(workspace, token, codes, clicks)


def rows(shop: Shop) -> dict[str, int]:
    """Return how many clicks, conversions, decisions, rewards and transfers are stored."""
    tables: list[Any] = [Click, Conversion, Attribution, Reward, Transfer]
    with tenant(shop.workspace):
        return {
            model.__name__.lower(): model.objects.for_workspace(shop.workspace).count() for model in tables
        }


def owed(shop: Shop) -> int:
    """Return how many deliveries of events to handlers wait."""
    from core.models import EventDelivery

    with tenant(shop.workspace):
        return int(EventDelivery.objects.for_workspace(shop.workspace).filter(state="pending").count())
