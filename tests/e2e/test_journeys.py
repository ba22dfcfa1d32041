"""From sign-up to a paid reward through the pages, once by mouse and once by keyboard alone."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import pytest
from playwright.sync_api import Browser, Locator

from tests.e2e.chromium import Watched, opened
from tests.e2e.hands import Hands, Keyboard, Mouse
from tests.e2e.preparations import mailed
from tests.e2e.stage import JoinedStage
from tests.journeys import people

CODE: Final = r"^([A-Z0-9]{3,8}(?:-[A-Z0-9]{3,8})*)$"
IBAN: Final = "DE02120300000000202051"
SHOP: Final = "https://shop.example/welcome"
LONGEST_SECONDS: Final = 600.0
"""How long anybody's part in a journey may take, on however busy a machine."""


@dataclass
class Company:
    """Where a journey happens, and who takes part in it."""

    stage: JoinedStage
    browser: Browser
    way: type[Hands]
    contexts: ExitStack
    watched: list[Watched]
    name: str = ""
    slug: str = ""

    def somebody(self, *, width: int = 1280) -> Hands:
        """Return the hands of a person at a browser of their own."""
        watched = self.contexts.enter_context(
            opened(self.browser, self.stage.base_url, width=width, longest_seconds=LONGEST_SECONDS)
        )
        self.watched.append(watched)
        return self.way(watched.page)

    def address(self, who: str) -> str:
        """Return somebody's address, another one in each journey."""
        return f"{who}.{self.way.__name__.lower()}{os.getpid()}@journeys.example"


@pytest.fixture(params=[Mouse, Keyboard], ids=["mouse", "keyboard"])
def company(request: pytest.FixtureRequest, stage: JoinedStage, browser: Browser) -> Iterator[Company]:
    """A company that does not use the platform yet."""
    with ExitStack() as contexts:
        yield Company(stage, browser, request.param, contexts, [])


def test_from_sign_up_to_payout(company: Company) -> None:
    olga = company.somebody()
    _sign_up(company, olga, "olga", "/accounts/signup/")
    _create_workspace(company, olga)
    _set_up_program(olga)
    _invite(company, olga)
    ann = company.somebody(width=390)
    link = _enter_portal_and_share(company, ann)
    click = _accept_invitation(company, link)
    _order(company, olga, click)
    _approve(company, olga)
    ann.page.reload()
    ann.press("Choose how you are paid", "link")
    ann.page.locator("summary", has_text="Bank account").click()
    ann.write("Name of the account's holder", "Ann Able")
    ann.choose("Country of the bank", "Germany")
    ann.write(re.compile("^IBAN"), IBAN)
    ann.press("Pay me this way")
    ann.page.get_by_text("Your payout details are saved.").first.wait_for()
    batch = _prepare_batch(company, olga)
    fred = _colleague_joins(company, olga)
    _pay(company, fred, batch)
    ann.page.goto("/portal/")
    ann.page.get_by_text("SEPA-1").first.wait_for()
    wrong = [each for watched in company.watched for each in watched.wrong if SHOP not in each]
    assert not wrong, "\n".join(wrong)


def _main(hands: Hands) -> Locator:
    return hands.page.get_by_role("main")


def _menu(hands: Hands, label: str) -> None:
    """Go to a page of the console by its menu, opening the group that it stands in."""
    menu = hands.page.get_by_role("navigation", name="Main")
    for group in menu.locator("details:not([open]) > summary").all():
        group.click()
    hands.press(label, "link", menu)
    hands.page.wait_for_load_state()


def _sign_up(company: Company, hands: Hands, who: str, path: str) -> None:
    email = company.address(who)
    if path:
        hands.page.goto(path)
    if hands.field(re.compile("mail", re.I)).input_value() != email:
        hands.write(re.compile("mail", re.I), email)
    hands.write(re.compile("password", re.I), people.PASSWORD)
    hands.press("Create account")
    hands.page.wait_for_url("**/confirm-email/**")
    hands.write(re.compile("code", re.I), mailed(company.stage, email, CODE))
    hands.press("Confirm")


def _create_workspace(company: Company, olga: Hands) -> None:
    page = olga.page
    page.wait_for_url("**/workspaces/new/")
    company.name = f"Bean {company.way.__name__}"
    olga.write("Name", company.name)
    olga.press("Create workspace")
    page.wait_for_url("**/w/**")
    found = re.search(r"/w/([a-z0-9-]+)/", page.url)
    assert found is not None
    company.slug = found[1]


def _set_up_program(olga: Hands) -> None:
    page = olga.page
    _menu(olga, "Programs")
    olga.press(re.compile("New program|Set up|Create"), "link", _main(olga))
    page.wait_for_url("**/programs/new/")
    olga.pick(re.compile("Partners earn commission"))
    olga.write("Name", "Bring a friend")
    olga.press(re.compile("Continue to rewards"))
    page.wait_for_url("**/setup/rewards/")
    olga.press(re.compile("^Save and continue"))
    page.wait_for_url("**/setup/rules/")
    olga.write(re.compile("^(Hold|Rewards are held)"), "0")
    olga.choose("Approval", re.compile("person"))
    olga.press(re.compile("^Save and continue"))
    page.wait_for_url("**/setup/look/")
    olga.write(re.compile("Where links lead"), SHOP)
    olga.press(re.compile("^Save and continue"))
    page.wait_for_url("**/setup/review/")
    olga.confirm("Publish the program", "Click again to go live")
    page.wait_for_url("**/setup/live/")


def _invite(company: Company, olga: Hands) -> None:
    olga.write("E-mail addresses", company.address("ann"))
    olga.press("Send invitations")
    olga.page.get_by_text("1 invitation sent").first.wait_for()


def _enter_portal_and_share(company: Company, ann: Hands) -> str:
    stage, email, page = company.stage, company.address("ann"), ann.page
    link = mailed(stage, email, r"http://\S+/r/[A-Za-z0-9-]+")
    program = stage.one(company.slug, "SELECT public_id FROM programs_program LIMIT 1")
    page.goto(f"/portal/{program}/")
    ann.write(re.compile("e-?mail", re.I), email)
    page.keyboard.press("Enter")
    page.wait_for_url("**sent=1")
    page.goto(mailed(stage, email, r"http://\S+/portal/enter/[^\s/]+/", count=2))
    ann.press("Sign in")
    page.wait_for_url("**/portal/")
    shown = ann.field("Your link").input_value()
    assert shown.rpartition("/")[2].partition("?")[0] in link
    ann.press("Copy")
    page.get_by_text("Copied").first.wait_for()
    return shown


def _accept_invitation(company: Company, link: str) -> str:
    """Follow the shared link, read who invites, and go on to the shop; returns the click's id."""
    frida = company.somebody(width=390)
    code = link.rpartition("/")[2].partition("?")[0]
    frida.page.goto(f"/join/{code}/")
    assert company.name in frida.page.inner_text("h1")
    # The shop lies outside, where the browser reaches nobody: it is enough to see where it is sent.
    with frida.page.expect_request(re.compile(f"^{re.escape(SHOP)}")) as sent:
        frida.press(re.compile("Accept the invitation|Go to"), "link", _main(frida))
    found = re.search(r"referral_click=(clk_[0-9a-z]+)", sent.value.url)
    assert found is not None, sent.value.url
    return found[1]


def _order(company: Company, olga: Hands, click: str) -> None:
    page = olga.page
    page.goto(f"/w/{company.slug}/connections/new/")
    olga.write("Name", "Bean shop")
    olga.press("Connect")
    secret, url = (olga.field(label).input_value() for label in ("Secret", "Delivery URL"))
    now = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S}"
    order = people.order(
        1001, total="123.45", email=company.address("frida"), modified=now, created=now, click_id=click
    )
    response = people.deliver(url, secret, "order.created", order)
    assert response.status_code == 200, response.text
    company.stage.wait(
        "the order's reward",
        lambda: company.stage.rows(company.slug, "SELECT 1 FROM rewards_reward"),
    )


def _approve(company: Company, olga: Hands) -> None:
    _menu(olga, "Rewards")
    olga.tick(olga.control("checkbox", "Choose all on this page"))
    # An order within seconds of the click is held, and whoever trusts it says why.
    olga.write(re.compile("^Reason"), "Frida is known to the shop.")
    olga.press("Approve", within=_main(olga))
    company.stage.wait(
        "the approval",
        lambda: company.stage.rows(company.slug, "SELECT 1 FROM rewards_reward WHERE status = 'approved'"),
    )


def _prepare_batch(company: Company, olga: Hands) -> str:
    _menu(olga, "Payouts")
    olga.press("Preview", "link", _main(olga))
    olga.page.wait_for_url("**/payouts/new/**")
    olga.confirm(re.compile("^Prepare €"), re.compile("^Click again"))
    olga.page.wait_for_url("**/payouts/pyb_**")
    olga.page.get_by_text("Another person has to approve it.").first.wait_for()
    return olga.page.url


def _colleague_joins(company: Company, olga: Hands) -> Hands:
    email, page = company.address("fred"), olga.page
    page.goto(f"/w/{company.slug}/team/invite/")
    olga.write("E-mail address", email)
    olga.choose("Role", "Finance")
    olga.press("Send invitation")
    page.get_by_text(email).first.wait_for()
    invitation = mailed(company.stage, email, r"http://\S+/invitations/\S+/")
    fred = company.somebody()
    fred.page.goto(invitation)
    fred.press("Create an account", "link", _main(fred))
    fred.page.wait_for_url("**/signup/**")
    _sign_up(company, fred, "fred", "")
    fred.page.wait_for_url(re.compile("/workspaces/|/w/|/invitations/|//[^/]+/$"))
    fred.page.goto(invitation)
    fred.press(f"Join {company.name}")
    fred.page.wait_for_url("**/w/**")
    return fred


def _pay(company: Company, fred: Hands, batch: str) -> None:
    page = fred.page
    page.goto(batch)
    fred.confirm("Approve", "Click again to approve")
    page.get_by_role("button", name="Payment file").wait_for()
    with page.expect_download() as waiting:
        fred.press("Payment file")
    bank_file = waiting.value.path().read_text()
    assert IBAN in bank_file
    payout = bank_file.splitlines()[1].partition(",")[0]
    page.reload()
    with page.expect_file_chooser() as asking:
        fred.press(re.compile("file", re.I), "button", page.locator("form", has_text="Take in results"))
    results = f"payout_id,status,reference\r\n{payout},paid,SEPA-1\r\n".encode()
    asking.value.set_files({"name": "results.csv", "mimeType": "text/csv", "buffer": results})
    fred.press("Take in results")
    page.get_by_text("1 paid, 0 failed, 0 unchanged.").first.wait_for()
