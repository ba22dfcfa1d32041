"""The main job from sign-up to a negative balance, in a browser and over the API, every number exact."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import unquote

from tests.journeys import people
from tests.journeys.browser import ADDRESS, Browser, Page
from tests.journeys.people import Api, Console, Enrolled
from tests.journeys.platform import Platform

OWNER, FINANCE = "olga@acme.example", "fred@acme.example"
ANN, FRIDA = "ann@friends.example", "frida@friends.example"
IBAN = "DE02120300000000202051"
# 10 % of 123.45 is 12.345, rounded half-even to 12.34. Of that, 45.00 out of 123.45 is 4.498, so 4.50.
ORDER, REWARD, GIVEN_BACK, TAKEN_BACK = "123.45", 1234, "45.00", 450


@dataclass(slots=True)
class Story:
    """What the acts of the journey hand on to one another."""

    platform: Platform
    owner: Console
    live: Console
    program: str
    ann: Enrolled
    api: Api
    writer: Api
    finance: Console | None = None
    click: str = ""
    visitor: str = ""
    hook: tuple[str, str] = ("", "")
    conversion: str = ""
    days_ahead: int = 0

    def sandbox_time(self) -> datetime:
        """Return what the sandbox's clock shows."""
        return datetime.now(UTC) + timedelta(days=self.days_ahead)

    def move_clock(self, days: int) -> None:
        """Move the sandbox's clock and wait for what falls due."""
        page = self.owner.move_clock(days)
        assert f"The clock moved {days} day{'' if days == 1 else 's'} forward" in page.text
        self.days_ahead += days
        self.settle()

    def settle(self) -> None:
        """Wait until the worker has nothing left to do for the sandbox."""
        self.platform.settle(self.owner.slug)

    def rewards(self) -> dict[str, dict[str, Any]]:
        """Return both rewards over the API, by side."""
        found = self.api.get("rewards")
        assert found["has_more"] is False
        assert len(found["data"]) == 2, found
        return {reward["side"]: reward for reward in found["data"]}

    def balances(self) -> dict[tuple[str, str], int]:
        """Return the ledger's balances by account and owner's address, those of zero left out."""
        rows = self.platform.rows(
            self.owner.slug,
            """
            SELECT account.kind, coalesce(customer.email, ''), account.balance_minor
            FROM rewards_account account
            LEFT JOIN programs_customer customer ON customer.id = account.customer_id
            WHERE account.balance_minor <> 0 AND account.unit = 'EUR'
            """,
        )
        return {(kind, email): balance for kind, email, balance in rows}

    def books_are_right(self) -> None:
        """Have the page add the books up again."""
        assert "The books are right" in self.owner.get("ledger/?check=1").text


def test_a_referral_pays_out_and_a_refund_is_carried_forward(platform: Platform) -> None:
    story = _set_up(platform)
    _colleague_joins(story)
    _friend_clicks_and_signs_up(story)
    _friend_orders(story)
    _hold_passes_and_rewards_are_approved(story)
    portal = _participant_says_where_to_pay(story)
    _batch_is_paid(story)
    _mails_were_sent(story)
    _numbers_show(story, portal)
    _refund_is_carried_forward(story, portal)
    _friend_is_erased(story)
    _logs_and_addresses_name_nobody(story)


def _set_up(platform: Platform) -> Story:
    browser = people.sign_up(platform, OWNER)
    live = people.new_workspace(browser, "Acme Tees")
    sandbox = people.sandbox_of(live)
    program = people.publish_program(
        sandbox,
        "Refer a friend",
        rules=[people.CASH_TEN_PERCENT, people.CREDIT_FIVE],
        hold_days="30",
        approval="manual",
        destination_url="https://shop.example/welcome",
    )
    page = sandbox.get(f"programs/{program}/")
    for promise in ("10 %", "€5.00", "30 days"):
        assert promise in page.text, page.text
    ann = people.enrol(sandbox, program, email=ANN, name="Ann Able")
    invitation = platform.wait_for_mail(ANN)
    text = invitation.get_body(("plain",)).get_content()  # type: ignore[union-attr]
    assert f"{platform.base_url}/r/{ann.code}" in text
    return Story(
        platform=platform,
        owner=sandbox,
        live=live,
        program=program,
        ann=ann,
        api=Api(platform, people.new_key(sandbox, "track", "read")),
        writer=Api(platform, people.new_key(sandbox, "write")),
    )


def _colleague_joins(story: Story) -> None:
    browser = people.colleague(story.platform, story.live, FINANCE, "finance", workspace="Acme Tees")
    story.finance = Console(browser, story.owner.slug)
    assert "Finance" in story.finance.get().text


def _friend_clicks_and_signs_up(story: Story) -> None:
    browser = Browser(story.platform)
    page = browser.get(f"/r/{story.ann.code}", expect=302, follow=False)
    location = page.response.headers["Location"]
    found = re.fullmatch(
        rf"https://shop\.example/welcome\?via={story.ann.code}&referral_click=(clk_[0-9a-z]+)", location
    )
    assert found is not None, location
    visitor = browser.cookie("referral_visitor")
    assert visitor is not None
    assert visitor.startswith("vis_")
    story.click, story.visitor = found[1], visitor
    story.move_clock(1)
    body = {
        "clickId": story.click,
        "customerExternalId": "frida-1",
        "customerEmail": FRIDA,
        "customerName": "Frida Berg",
    }
    answer = story.api.post("track/lead", body)
    assert (answer["duplicate"], answer["conversion"]["kind"]) == (False, "signup")
    assert story.api.post("track/lead", body, expect=200)["duplicate"] is True
    story.settle()


def _friend_orders(story: Story) -> None:
    story.hook = people.new_shop(story.owner)
    story.move_clock(1)
    ordered_at = story.sandbox_time()
    response = people.deliver(*story.hook, "order.created", _order(story, ordered_at))
    assert response.status_code == 200, response.text
    story.settle()
    (purchase,) = story.api.get("conversions", kind="purchase")["data"]
    assert (purchase["amount_minor"], purchase["currency"], purchase["status"]) == (12345, "EUR", "recorded")
    assert purchase["customer_external_id"] == "frida-1"
    story.conversion = purchase["id"]

    explanation = story.api.get(f"conversions/{story.conversion}/explanation")
    (decision,) = explanation["decisions"]
    assert decision["program"] == story.program
    assert [(each["participant"], each["weight_ppm"]) for each in decision["credits"]] == [
        (story.ann.public_id, 1_000_000)
    ]
    assert decision["replays"] is True
    assert [each["outcome"] for each in explanation["fraud"]] == ["allow"]

    rewards = story.rewards()
    assert {
        side: (each["kind"], each["amount_minor"], each["unit"], each["status"])
        for side, each in rewards.items()
    } == {
        "referrer": ("cash", REWARD, "EUR", "pending"),
        "referee": ("credit", 500, "EUR", "pending"),
    }
    for reward in rewards.values():
        held = datetime.fromisoformat(reward["available_at"]) - datetime.fromisoformat(reward["created_at"])
        assert abs(held - timedelta(days=30)) < timedelta(minutes=2), reward
    assert story.balances() == {
        ("expense", ""): -REWARD - 500,
        ("pending", ANN): REWARD,
        ("pending", FRIDA): 500,
    }


def _order(story: Story, ordered_at: datetime, **changes: Any) -> dict[str, Any]:
    stamp = ordered_at.strftime("%Y-%m-%dT%H:%M:%S")
    fields: dict[str, Any] = {"modified": stamp, "created": stamp, "click_id": story.click, **changes}
    return people.order(1001, total=ORDER, email=FRIDA, **fields)


def _approve_all(story: Story) -> Page:
    page = story.owner.get("rewards/")
    chosen = [reward["id"] for reward in story.rewards().values()]
    form = page.form(action="/rewards/bulk/")
    form.names.add("reward")
    return story.owner.browser.submit(page, form, {"reward": chosen}, press="Approve")


def _hold_passes_and_rewards_are_approved(story: Story) -> None:
    refused = _approve_all(story)
    assert refused.text.count("The hold period runs until") == 2, refused.text
    assert {each["status"] for each in story.rewards().values()} == {"pending"}
    story.move_clock(31)
    assert {each["status"] for each in story.rewards().values()} == {"pending"}
    page = _approve_all(story)
    assert "2 approved." in page.text, page.text
    story.settle()
    assert {side: each["status"] for side, each in story.rewards().items()} == {
        "referrer": "approved",
        "referee": "issued",
    }
    assert story.balances() == {
        ("expense", ""): -REWARD - 500,
        ("payable", ANN): REWARD,
        ("credit", FRIDA): 500,
    }


def _participant_says_where_to_pay(story: Story) -> Browser:
    left_out = story.owner.get("payouts/new/?currency=EUR")
    assert "Nobody can be paid now" in left_out.text
    before = len(story.platform.mails(ANN))
    browser = Browser(story.platform)
    page = browser.get(f"/portal/{story.program}/")
    browser.submit(page, page.form(field="email"), {"email": ANN})
    mail = story.platform.wait_for_mail(ANN, count=before + 1)
    found = re.search(r"http://\S+/portal/enter/\S+/", mail.get_body(("plain",)).get_content())  # type: ignore[union-attr]
    assert found is not None
    page = browser.get(found[0])
    page = browser.submit(page, page.form(button="Sign in"))
    page = browser.get("/portal/how-paid/")
    details = {"holder": "Ann Able", "country": "DE", "iban": IBAN}
    page = browser.submit(page, page.form(field="iban"), details)
    assert "Your payout details are saved." in page.text
    return browser


def _batch_is_paid(story: Story) -> None:
    owner, finance = story.owner, story.finance
    assert finance is not None
    page = owner.get("payouts/new/?currency=EUR")
    page = owner.press(page, "Prepare €12.34")
    batch = people.public_id(page, "pyb")
    assert "You made this batch. Another person has to approve it." in page.text
    assert story.balances()["in_transit", ANN] == REWARD
    export = owner.post(page, f"payouts/{batch}/export/", expect=409)
    assert "Another person has to approve this batch first." in export.text
    own = owner.post(page, f"payouts/{batch}/approve/", expect=403)
    assert "another person has to approve it" in own.text

    page = finance.get(f"payouts/{batch}/")
    page = finance.press(page, "Approve")
    assert "The batch is approved and can be exported." in page.text
    file = finance.press(page, "Payment file")
    ((payout,),) = story.platform.rows(finance.slug, "SELECT public_id FROM rewards_payout")
    assert file.response.text == (
        f"payout_id,name,email,destination,amount,currency\r\n{payout},Ann Able,{ANN},{IBAN},12.34,EUR\r\n"
    )
    results = f"payout_id,status,reference\r\n{payout},paid,SEPA-1\r\n".encode()
    page = finance.get(f"payouts/{batch}/")
    form = page.form(button="Take in results")
    for said in ("1 paid, 0 failed, 0 unchanged.", "0 paid, 0 failed, 1 unchanged."):
        page = finance.browser.submit(page, form, files={"file": ("results.csv", results)})
        assert said in page.text, page.text
    assert "Completed" in page.text
    story.settle()
    assert story.rewards()["referrer"]["status"] == "paid"
    assert story.balances() == {
        ("expense", ""): -REWARD - 500,
        ("paid_out", ANN): REWARD,
        ("credit", FRIDA): 500,
    }
    story.books_are_right()


def _mails_were_sent(story: Story) -> None:
    rows = story.platform.rows(
        story.owner.slug, "SELECT to_email, kind, state FROM engagement_message ORDER BY id"
    )
    assert Counter(rows) == {
        (ANN, "invitation", "done"): 1,
        (ANN, "friend_signed_up", "done"): 1,
        (ANN, "reward_earned", "done"): 1,
        (ANN, "magic_link", "done"): 1,
        (ANN, "reward_payable", "done"): 1,
        (ANN, "reward_paid", "done"): 1,
        (FRIDA, "welcome_referee", "done"): 1,
        (FRIDA, "reward_earned", "done"): 1,
        (FRIDA, "reward_issued", "done"): 1,
    }
    assert (len(story.platform.mails(ANN)), len(story.platform.mails(FRIDA))) == (6, 3)
    assert "€12.34" in story.platform.mails(ANN)[-1]["Subject"] + story.platform.mails(ANN)[-1].as_string()


def _overview(story: Story) -> dict[str, Any]:
    totals: dict[str, Any] = story.api.get("overview")["period"]["totals"]
    return totals


def _numbers_show(story: Story, portal: Browser) -> None:
    page = portal.get("/portal/")
    for said in ("Clicks 1", "Friends signed up 1", "Friends purchased 1", "Paid out so far: €12.34"):
        assert said in page.text, page.text
    totals = story.platform.wait(
        "the overview to know of the payout", lambda: (now := _overview(story))["rewards_paid"] and now
    )
    assert {name: totals[name] for name in ("clicks", "signups", "purchases", "enrolled", "rewards")} == {
        "clicks": 0,
        "signups": 0,
        "purchases": 0,
        "enrolled": 0,
        "rewards": 0,
    }
    first_on = (story.sandbox_time() - timedelta(days=40)).date()
    last_on = story.sandbox_time().date()
    whole = story.api.get(f"overview?from={first_on}&to={last_on}")["period"]["totals"]
    assert {name: whole[name] for name in ("clicks", "signups", "purchases", "enrolled", "rewards")} == {
        "clicks": 1,
        "signups": 1,
        "purchases": 1,
        "enrolled": 1,
        "rewards": 2,
    }
    (money,) = whole["money"]
    assert money == {
        "unit": "EUR",
        "revenue_minor": 12345,
        "refunded_minor": 0,
        "reward_minor": REWARD + 500,
        "reversed_minor": 0,
        "paid_minor": REWARD,
    }
    page = story.owner.get(f"?from={first_on}&to={last_on}")
    assert "€123.45" in page.text
    assert "€12.34" in page.text


def _refund_is_carried_forward(story: Story, portal: Browser) -> None:
    refunded_at = story.sandbox_time()
    changed = _order(
        story,
        story.sandbox_time() - timedelta(days=31),
        modified=refunded_at.strftime("%Y-%m-%dT%H:%M:%S"),
        status="completed",
        refunds=((5001, GIVEN_BACK),),
    )
    for _ in range(2):
        response = people.deliver(*story.hook, "order.updated", changed, webhook_id=2)
        assert response.status_code == 200, response.text
    story.settle()
    conversion = story.api.get(f"conversions/{story.conversion}")
    assert (conversion["status"], conversion["refunded_minor"]) == ("partly_refunded", 4500)
    reward = story.rewards()["referrer"]
    assert (reward["status"], reward["reversed_minor"], reward["net_minor"]) == (
        "paid",
        TAKEN_BACK,
        REWARD - TAKEN_BACK,
    )
    assert story.balances() == {
        ("expense", ""): -REWARD - 500 + TAKEN_BACK,
        ("paid_out", ANN): REWARD,
        ("payable", ANN): -TAKEN_BACK,
        ("credit", FRIDA): 500,
    }
    page = portal.get("/portal/")
    assert "-€4.50" in page.text, page.text
    assert "€4.50 is carried forward" in page.text
    page = story.owner.get("ledger/?kind=payable")
    assert "Payable in cash Ann Able EUR -€4.50" in page.text, page.text
    page = story.owner.get("payouts/new/?currency=EUR")
    assert "Nobody can be paid now" in page.text
    assert "-€4.50" in page.text
    story.books_are_right()
    said = story.platform.manage("verify_ledger", "--workspace", story.owner.slug)
    assert "EUR: OK" in said
    assert "balances sum to 0" in said


def _friend_is_erased(story: Story) -> None:
    (frida,) = story.platform.rows(
        story.owner.slug, "SELECT public_id FROM programs_customer WHERE external_id = 'frida-1'"
    )
    before = (story.balances(), len(story.platform.mails(FRIDA)))
    held = story.writer.get(f"customers/{frida[0]}/export")
    assert (held["customer"]["email"], len(held["engagement"]["messages"])) == (FRIDA, 3)
    erased = story.writer.post(f"customers/{frida[0]}/erase", {}, expect=200)
    assert (erased["name"], erased["email"]) == ("", "")
    story.settle()
    # Only the name of whose balance it is has gone.
    assert story.balances() == {
        (kind, "" if email == FRIDA else email): minor for (kind, email), minor in before[0].items()
    }
    for table in ("engagement_message", "integrations_inboxitem", "programs_customer", "tracking_conversion"):
        ((found,),) = story.platform.rows(
            story.owner.slug,
            f"""
            SELECT count(*) FROM {table} AS t
            WHERE t::text ILIKE '%frida%' OR t::text ILIKE '%' || encode('{FRIDA}', 'hex') || '%'
            """,
        )
        assert found == 0, table
    assert len(story.platform.mails(FRIDA)) == before[1]
    story.books_are_right()


def _logs_and_addresses_name_nobody(story: Story) -> None:
    """Look for people in all that the parts have written, and in every address that was asked for."""
    telling = [OWNER, FINANCE, ANN, FRIDA, ADDRESS, story.visitor, "frida-1", IBAN]
    secrets = [
        found[1]
        for address in story.platform.seen
        if (found := re.search(r"/(?:portal/enter|invitations)/([^/]+)/", address))
    ]
    assert len(set(secrets)) == 2
    for part in ("web", "worker", "beat", "valkey"):
        written = story.platform.log(part)
        assert written or part == "valkey", part
        for each in [*telling, *secrets]:
            assert each not in written, f"{each} stands in the log of {part}"
    for address in story.platform.seen:
        plain = unquote(address)
        assert not [each for each in telling if each in plain], address
