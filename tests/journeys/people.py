"""What people and programs do with the platform, over HTTP: sign up, set up a workspace, call the API."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

import httpx

from tests.journeys.browser import Browser, Form, Page
from tests.journeys.platform import Platform

PASSWORD: Final = "correct-horse-battery-staple"
_CODE: Final = re.compile(r"^([A-Z0-9]{3,8}(?:-[A-Z0-9]{3,8})*)$", re.MULTILINE)


def sign_up(platform: Platform, email: str) -> Browser:
    """Create an account through the pages, with the code from the mail; returns the signed-in browser."""
    browser = Browser(platform)
    enter_account(platform, browser, browser.get("/accounts/signup/"), email)
    return browser


def enter_account(platform: Platform, browser: Browser, page: Page, email: str) -> Page:
    """Fill in the sign-up page and confirm the address; returns the page one ends up on."""
    form = page.form(field="password1")
    page = browser.submit(page, form, {"email": email, "password1": PASSWORD})
    assert page.title.startswith("Confirm your address"), page.text
    mail = platform.wait_for_mail(email)
    assert mail["Subject"] == "Your confirmation code"
    found = _CODE.search(mail.get_content().replace("\r\n", "\n"))
    assert found is not None, mail.get_content()
    return browser.submit(page, page.form(button="Confirm"), {"code": found[1]})


@dataclass(slots=True)
class Console:
    """A member at work in one workspace."""

    browser: Browser
    slug: str

    def path(self, rest: str = "") -> str:
        """Return the address of a console page."""
        return f"/w/{self.slug}/{rest}"

    def get(self, rest: str = "", *, expect: int = 200) -> Page:
        """Open a console page."""
        return self.browser.get(self.path(rest), expect=expect)

    def fill(self, rest: str, button: str, fields: Mapping[str, Any]) -> Page:
        """Open a page, fill in its form with this button, and send it."""
        page = self.get(rest)
        return self.browser.submit(page, page.form(button=button), fields, press=button)

    def press(self, page: Page, button: str, *, expect: int = 200) -> Page:
        """Press a button that stands in a form of its own."""
        return self.browser.submit(page, page.form(button=button), press=button, expect=expect)

    def post(self, page: Page, rest: str, *, expect: int = 200) -> Page:
        """Send an empty form to an address that the page may not show a button for."""
        token = next(form.fields["csrfmiddlewaretoken"] for form in page.forms if form.method == "post")
        form = Form(self.path(rest), "post", {"csrfmiddlewaretoken": token})
        return self.browser.submit(page, form, expect=expect)

    def move_clock(self, days: int) -> Page:
        """Move the sandbox's clock forward by the bar that every page shows."""
        page = self.get("settings/")
        form = page.form(action="/sandbox-clock/")
        return self.browser.submit(page, form, {"days": str(days)})


def new_workspace(browser: Browser, name: str, *, currency: str = "EUR") -> Console:
    """Create a workspace through its page; returns its live side."""
    page = browser.get("/workspaces/new/")
    form = page.form(button="Create workspace")
    page = browser.submit(page, form, {"name": name, "currency": currency})
    found = re.fullmatch(r"/w/([a-z0-9-]+)/.*", page.path)
    assert found is not None, page.url
    return Console(browser, found[1])


def sandbox_of(console: Console) -> Console:
    """Switch to the sandbox by the button in the sidebar."""
    address = console.get("settings/").link("Open the sandbox")
    page = console.browser.get(address)
    return Console(console.browser, page.path.split("/")[2])


def public_id(page: Page, prefix: str) -> str:
    """Return the public id in a page's address."""
    found = re.search(rf"/({prefix}_[0-9a-z]+)/", page.path)
    assert found is not None, page.path
    return found[1]


def publish_program(
    console: Console,
    name: str,
    *,
    rules: list[dict[str, str]],
    **terms: str,
) -> str:
    """Create a program, write its terms in the editor, publish it; returns its public id.

    `rules` are rows of the editor by field name without their prefix.
    """
    browser = console.browser
    page = console.fill("programs/new/", "Continue to rewards", {"name": name, "kind": "customer"})
    program = public_id(page, "prg")
    page = console.get(f"programs/{program}/edit/")
    have = int(page.form(field="currency").fields["rules"][0])
    for _ in range(have, len(rules)):
        page = browser.submit(page, page.form(field="currency"), press="Add another reward")
    values: dict[str, Any] = dict(terms)
    for index, rule in enumerate(rules):
        values |= {f"rule-{index}-{field}": value for field, value in rule.items()}
    form = page.form(field="currency")
    for box in (f"rule-{index}-first_only" for index in range(len(rules))):
        form.fields.pop(box, None)
    form.fields.pop("new_customers_only", None)
    page = browser.submit(page, form, values, press="Save draft")
    assert page.path.endswith(f"/programs/{program}/"), page.text
    console.press(console.get(f"programs/{program}/setup/review/"), "Publish the program")
    page = console.get(f"programs/{program}/")
    assert "Active" in page.text, page.text
    return program


CASH_TEN_PERCENT: Final = {
    "key": "",
    "side": "referrer",
    "event": "purchase",
    "kind": "cash",
    "measure": "percentage",
    "value": "10",
}
CREDIT_FIVE: Final = {
    "key": "",
    "side": "referee",
    "event": "signup",
    "kind": "credit",
    "measure": "fixed",
    "value": "5.00",
}


@dataclass(frozen=True, slots=True)
class Enrolled:
    """A participant and the code of the first link."""

    public_id: str
    code: str


def colleague(platform: Platform, console: Console, email: str, role: str, *, workspace: str) -> Browser:
    """Invite somebody to a workspace, who makes an account and joins; returns their browser."""
    page = console.fill("team/invite/", "Send invitation", {"email": email, "role": role})
    assert email in page.text
    mail = platform.wait_for_mail(email)
    found = re.search(r"http://\S+/invitations/\S+/", mail.get_content())
    assert found is not None, mail.get_content()
    browser = Browser(platform)
    page = browser.get(found[0])
    page = browser.get(page.link("Create an account"))
    enter_account(platform, browser, page, email)
    page = browser.get(found[0])
    browser.submit(page, page.form(button=f"Join {workspace}"))
    return browser


def enrol(console: Console, program: str, *, email: str, name: str) -> Enrolled:
    """Enrol a person in the console."""
    page = console.fill("participants/new/", "Enrol", {"program": program, "email": email, "name": name})
    found = re.search(r"/r/([A-Za-z0-9-]+)", page.html)
    assert found is not None, page.text
    return Enrolled(public_id(page, "prt"), found[1])


def new_key(console: Console, *scopes: str) -> str:
    """Create a secret API key in the console and return its token."""
    page = console.get("api-keys/new/")
    form = page.form(field="scopes")
    form.fields["scopes"] = []
    page = console.browser.submit(page, form, {"name": "Checkout", "kind": "sk", "scopes": list(scopes)})
    return page.values["token"]


def new_shop(console: Console, *, secret: str = "") -> tuple[str, str]:
    """Connect a WooCommerce shop in the console; returns the webhooks' address and secret."""
    page = console.get("connections/new/")
    page = console.browser.submit(
        page, page.form(field="provider"), {"provider": "woocommerce", "name": "Shop", "secret": secret}
    )
    return page.values["hook-url"], page.values["secret"]


def click(platform: Platform, code: str) -> str:
    """Follow a referral link as a new visitor; returns the click's id."""
    browser = Browser(platform)
    page = browser.get(f"/r/{code}", expect=302, follow=False)
    found = parse_qs(urlsplit(page.response.headers["Location"]).query)["referral_click"][0]
    assert browser.cookie("referral_visitor")
    return found


class Api:
    """The API with one key."""

    def __init__(self, platform: Platform, token: str) -> None:
        self.client = httpx.Client(
            base_url=f"{platform.base_url}/api/v1/",
            headers={"Authorization": f"Bearer {token}"},
            timeout=30.0,
            trust_env=False,
            limits=httpx.Limits(max_connections=32, max_keepalive_connections=0),
        )
        platform.visitors.callback(self.client.close)

    def get(self, path: str, *, expect: int = 200, **params: str) -> Any:
        """Return the JSON of a GET."""
        response = self.client.get(path, params=params or None)
        assert response.status_code == expect, f"{response.status_code}: {response.text[:2000]}"
        return response.json()

    def send(self, path: str, body: Mapping[str, Any], *, key: str | None = None) -> httpx.Response:
        """POST a body and return whatever is answered."""
        headers = {"Idempotency-Key": key} if key else {}
        return self.client.post(path, json=body, headers=headers)

    def post(self, path: str, body: Mapping[str, Any], *, expect: int = 201, key: str | None = None) -> Any:
        """POST a body and return the JSON of the answer."""
        response = self.send(path, body, key=key)
        assert response.status_code == expect, f"{response.status_code}: {response.text[:2000]}"
        return response.json()


def order(
    number: int,
    *,
    total: str,
    email: str,
    modified: str,
    status: str = "processing",
    currency: str = "EUR",
    click_id: str = "",
    refunds: tuple[tuple[int, str], ...] = (),
    coupon: str = "",
    created: str = "2026-11-21T20:42:30",
) -> dict[str, Any]:
    """Return an order as a WooCommerce shop sends it, with one line of goods and the given refunds."""
    meta = [{"id": number * 10, "key": "_referral_click_id", "value": click_id}] if click_id else []
    coupons = [{"id": number * 20, "code": coupon, "discount": "0", "discount_tax": "0"}] if coupon else []
    return {
        "id": number,
        "parent_id": 0,
        "status": status,
        "currency": currency,
        "version": "11.0.1",
        "prices_include_tax": False,
        "date_created": created,
        "date_modified": modified,
        "discount_total": "0.00",
        "discount_tax": "0.00",
        "shipping_total": "0.00",
        "shipping_tax": "0.00",
        "cart_tax": "0.00",
        "total": total,
        "total_tax": "0.00",
        "customer_id": 7,
        "order_key": f"wc_order_{number}",
        "billing": {"first_name": "Frida", "last_name": "Berg", "country": "DE", "email": email},
        "payment_method": "bacs",
        "number": str(number),
        "meta_data": meta,
        "line_items": [
            {
                "id": number * 30,
                "name": "Blue Tee",
                "product_id": 10,
                "quantity": 1,
                "subtotal": total,
                "subtotal_tax": "0.00",
                "total": total,
                "total_tax": "0.00",
                "sku": "TEE-BLUE",
            }
        ],
        "tax_lines": [],
        "shipping_lines": [],
        "fee_lines": [],
        "coupon_lines": coupons,
        "refunds": [{"id": number, "reason": "", "total": f"-{amount}"} for number, amount in refunds],
        "date_created_gmt": created,
        "date_modified_gmt": modified,
        "date_completed_gmt": None,
        "date_paid_gmt": modified,
        "currency_symbol": "€",
    }


def deliver(
    url: str, secret: str, topic: str, body: Mapping[str, Any], *, webhook_id: int = 1
) -> httpx.Response:
    """Send a webhook as the shop does, signed with its secret."""
    raw = json.dumps(body, separators=(",", ":")).encode()
    signature = base64.b64encode(hmac.new(secret.encode(), raw, hashlib.sha256).digest()).decode()
    return httpx.post(
        url,
        content=raw,
        headers={
            "User-Agent": "WooCommerce/11.0.1 Hookshot (WordPress/7.1.4)",
            "Content-Type": "application/json",
            "X-WC-Webhook-Source": "http://127.0.0.1:8088/",
            "X-WC-Webhook-Topic": topic,
            "X-WC-Webhook-Resource": topic.partition(".")[0],
            "X-WC-Webhook-Event": topic.partition(".")[2],
            "X-WC-Webhook-Signature": signature,
            "X-WC-Webhook-ID": str(webhook_id),
            "X-WC-Webhook-Delivery-ID": hashlib.md5(raw, usedforsecurity=False).hexdigest(),
        },
        timeout=30.0,
        trust_env=False,
    )
