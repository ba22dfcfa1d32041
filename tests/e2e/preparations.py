"""How a visitor gets to the pages that no address alone leads to."""

from __future__ import annotations

import itertools
import os
import re
from collections.abc import Callable
from typing import Final

import httpx
from playwright.sync_api import Locator, Page

from referral_platform.demo import cast
from tests.e2e.pages import BUSIEST_PARTICIPANT
from tests.e2e.stage import SLUG, JoinedStage
from tests.journeys import people

_KEY: Final = f"""
from accounts.models import User, Workspace
from accounts.services import Actor, create_api_key
from core import clock
from core.tenancy import door, tenant
with door("workspaces"):
    workspace = Workspace.objects.through_door("workspaces").get(slug="{SLUG}")
with tenant(workspace):
    user = User.objects.get(email="{cast.OWNER.email}")
    actor = Actor(kind="user", label=user.email, user=user)
    print(create_api_key(
        workspace=workspace, kind="sk", name="Embedding site", scopes=["portal"], actor=actor, at=clock.now()
    )[1])
"""

_numbers = itertools.count(1)


def open_portal_link(page: Page, stage: JoinedStage, participant: str) -> None:
    """Ask the portal for a link as a participant, and follow it from the mail."""
    ((program, email),) = stage.rows(
        SLUG,
        "SELECT program.public_id, customer.email FROM programs_participant participant"
        " JOIN programs_program program ON program.id = participant.program_id"
        " JOIN programs_customer customer ON customer.id = participant.customer_id"
        f" WHERE participant.public_id = '{participant}'",
    )
    before = len(stage.mails(email))
    page.goto(f"/portal/{program}/")
    _address(page).fill(email)
    _address(page).press("Enter")
    page.wait_for_url("**sent=1")
    page.goto(mailed(stage, email, r"http://\S+/portal/enter/[^\s/]+/", count=before + 1))


def mailed(stage: JoinedStage, to: str, pattern: str, *, count: int = 1) -> str:
    """Return what a pattern finds in the newest mail to somebody."""
    mail = stage.wait_for_mail(to, count=count)
    body = mail.get_body(("plain",))
    text = (body or mail).get_content().replace("\r\n", "\n")
    found = re.search(pattern, text, re.MULTILINE)
    assert found is not None, f"{pattern} is not in: {text}"
    return found[found.lastindex or 0]


def _address(page: Page) -> Locator:
    return page.get_by_role("main").locator("input[type=email]").first


def _sign_up(page: Page, stage: JoinedStage) -> None:
    _address(page).fill(f"new{os.getpid()}.{next(_numbers)}@visitors.example")
    page.locator("input[type=password]").first.fill("correct-horse-battery-staple")
    page.locator("input[type=password]").first.press("Enter")
    page.wait_for_url("**/accounts/confirm-email/**")


def _ask_for_code(page: Page, stage: JoinedStage) -> None:
    _address(page).fill(cast.OWNER.email)
    _address(page).press("Enter")
    page.wait_for_url("**/accounts/login/code/confirm/**")


def _follow_reset(page: Page, stage: JoinedStage) -> None:
    before = len(stage.mails(cast.OWNER.email))
    _address(page).fill(cast.OWNER.email)
    _address(page).press("Enter")
    page.wait_for_url("**/done/")
    page.goto(mailed(stage, cast.OWNER.email, r"http://\S+/password/reset/\S+", count=before + 1))


def _open_newest_mail(page: Page, stage: JoinedStage) -> None:
    # Whoever signs up is sent a code; the demo itself sends no mail.
    people.sign_up(stage, f"mail{os.getpid()}.{next(_numbers)}@visitors.example")
    page.reload()
    page.get_by_role("main").get_by_role("table").get_by_role("link").first.click()
    page.wait_for_url("**/dev/mail/eml_*/")


def _enter_portal(page: Page, stage: JoinedStage) -> None:
    # Somebody else each time: the portal mails one person only a few links in a while.
    others = f"{BUSIEST_PARTICIPANT.replace('LIMIT 1', 'LIMIT 40')}"
    found = stage.rows(SLUG, others)
    open_portal_link(page, stage, found[1 + (os.getpid() * 7 + next(_numbers)) % (len(found) - 1)][0])


def _embed(page: Page, stage: JoinedStage) -> None:
    made = stage.manage("shell", "--verbosity", "0", "--command", _KEY)
    participant = stage.one(SLUG, BUSIEST_PARTICIPANT)
    answer = httpx.post(
        f"{stage.base_url}/api/v1/portal-tokens",
        json={"participant": participant},
        headers={"Authorization": f"Bearer {made.split()[-1]}"},
        trust_env=False,
        timeout=30,
    )
    assert answer.status_code == 201, answer.text
    page.goto(answer.json()["url"])


def _embed_and_ask_why(page: Page, stage: JoinedStage) -> None:
    _embed(page, stage)
    page.locator("a[href*='/portal/embed/why/']:visible").first.click()
    page.wait_for_url("**/portal/embed/why/**")


PREPARATIONS: Final[dict[str, Callable[[Page, JoinedStage], None]]] = {
    "sign up": _sign_up,
    "ask for a code": _ask_for_code,
    "follow the mailed link": _follow_reset,
    "open the newest mail": _open_newest_mail,
    "follow the portal's link": _enter_portal,
    "embed with a token": _embed,
    "embed and ask why": _embed_and_ask_why,
}
