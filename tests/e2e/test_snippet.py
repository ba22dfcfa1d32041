"""The snippet in a shop's pages: another site than the platform's, with third-party cookies blocked.

It runs on a platform of its own, without the demo.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Playwright

from referral_platform.local.folders import ROOT
from tests.e2e.chromium import PATIENCE_MS, arguments, find_chromium
from tests.journeys import people
from tests.journeys.people import Console
from tests.journeys.platform import Platform

OWNER: Final = "sara@shop.example"
FIELDS: Final = """
<form data-referral action="/signed-up"><input name="email"><button>Join</button></form>
<form id="cart"><input name="coupon_code" value=""><input name="discount" value="MINE"></form>
<p data-referral-code>none</p>
<a id="over" href="{other}/pay?plan=1">Pay</a><a id="elsewhere" href="{other}1/pay">Elsewhere</a>
"""


class Shop:
    """A small shop: every address answers with one page that has the tag in it, and is noted in `seen`."""

    def __init__(self) -> None:
        self.seen: list[str] = []
        self.cookies: list[str] = []
        """What came back of a cookie set at 127.0.0.1, one for each call there."""
        self.tag = ""
        self.before = ""
        self.policy = ""
        shop = self

        class Pages(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                shop.seen.append(self.path)
                if self.path.startswith("/picture"):
                    self._set_foreign_cookie()
                    return
                other = f"http://127.0.0.1:{shop.port}"
                body = (
                    f"<!doctype html><title>Shop</title><script>window.faults = [];"
                    "addEventListener('error', (event) => faults.push(String(event.message)));"
                    "addEventListener('unhandledrejection', (event) => faults.push(String(event.reason)));"
                    f"{shop.before}</script>{shop.tag}{FIELDS.format(other=other)}"
                ).encode()
                self.send_response(200)
                self.send_header("Content-Type", "text/html; charset=utf-8")
                self.send_header("Content-Length", str(len(body)))
                if shop.policy:
                    self.send_header("Content-Security-Policy", shop.policy)
                self.end_headers()
                self.wfile.write(body)

            def _set_foreign_cookie(self) -> None:
                shop.cookies.append(self.headers.get("Cookie", ""))
                self.send_response(200)
                self.send_header("Set-Cookie", "third=1; SameSite=None; Secure; Path=/")
                self.send_header("Access-Control-Allow-Origin", shop.url)
                self.send_header("Access-Control-Allow-Credentials", "true")
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:
                """Print nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Pages)
        self.port = self._server.server_address[1]
        # Another site than 127.0.0.1, which is the platform's.
        self.url = f"http://localhost:{self.port}"
        self._thread = Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop serving."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@dataclass(slots=True)
class Ground:
    """The platform, a shop, a participant's link to it, and a publishable key."""

    platform: Platform
    console: Console
    shop: Shop
    code: str
    key: str

    def tag(self, attributes: str = "", *, key: str = "") -> str:
        """Return the tag with more attributes."""
        source = f"{self.platform.base_url}/static/sdk/referral.js"
        return f'<script src="{source}" data-key="{key or self.key}" {attributes} defer></script>'

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """Return what a query finds in the workspace."""
        return self.platform.rows(self.console.slug, query)

    def clicks(self) -> int:
        """Return how many clicks are stored."""
        return int(self.rows("SELECT count(*) FROM tracking_click")[0][0])

    def credited(self, customer: str) -> list[tuple[Any, ...]]:
        """Return kind, invoice and credited participant of a customer's conversions."""
        return self.rows(
            f"""
            SELECT conversion.kind, conversion.source_key, participant.public_id
            FROM tracking_conversion conversion
            JOIN programs_customer customer ON customer.id = conversion.customer_id
            LEFT JOIN tracking_attribution attribution ON attribution.conversion_id = conversion.id
            LEFT JOIN tracking_credit credit ON credit.attribution_id = attribution.id
            LEFT JOIN programs_participant participant ON participant.id = credit.participant_id
            WHERE customer.external_id = '{customer}' ORDER BY conversion.id
            """
        )


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    """A running platform with one workspace, whose links lead to a running shop."""
    folder: Path = tmp_path_factory.mktemp("snippet")
    # Development, since only there may links lead to this machine.
    platform = Platform(folder, f"e2e_snippet_{os.getpid()}", DEBUG="true")
    shop = Shop()
    try:
        platform.start()
        console = people.new_workspace(people.sign_up(platform, OWNER), "Snippet Shop")
        program = people.publish_program(
            console,
            "Friends",
            rules=[people.CASH_TEN_PERCENT],
            hold_days="30",
            approval="manual",
            destination_url=f"{shop.url}/welcome?plan=1",
        )
        ann = people.enrol(console, program, email="ann@shop.example", name="Ann Able")
        page = console.get("api-keys/new/")
        form = page.form(field="scopes")
        form.fields["scopes"] = []
        made = console.browser.submit(
            page, form, {"name": "Pages", "kind": "pk", "origins": shop.url, "page_sales": "on"}
        )
        shown = console.get("api-keys/snippet/")
        assert (
            f"data-key=&quot;{made.values['token']}&quot;" in shown.html or made.values["token"] in shown.html
        )
        yield Ground(platform, console, shop, ann.code, made.values["token"])
    finally:
        shop.close()
        platform.close()


@pytest.fixture(scope="module")
def chromium(playwright: Playwright) -> Iterator[Browser]:
    """Chromium that blocks third-party cookies."""
    browser = playwright.chromium.launch(
        executable_path=find_chromium(),
        args=[*arguments(), "--test-third-party-cookie-phaseout"],
        headless=True,
    )
    yield browser
    browser.close()


@contextmanager
def _visitor(chromium: Browser, ground: Ground) -> Iterator[Page]:
    """Give a page of somebody who has never been here; fails if the page saw any fault."""
    context: BrowserContext = chromium.new_context(user_agent=AGENT)
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    try:
        yield page
        assert page.evaluate("window.faults ?? []") == []
        assert wrong == []
    finally:
        context.close()
        ground.shop.tag = ground.shop.before = ground.shop.policy = ""


AGENT: Final = (
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36"
)


def _known(page: Page) -> dict[str, str]:
    """Return what the snippet knows of the visit, once nothing is under way."""
    known = page.evaluate("() => new Promise((resolve) => referral('ready', resolve))")
    return {name: value for name, value in known.items() if value is not None}


def _lead(page: Page, customer: str, more: str = "") -> Any:
    return page.evaluate(f"referral('lead', {{customerExternalId: '{customer}'{more}}})")


def _cookie(page: Page) -> str:
    return str(page.evaluate("document.cookie"))


@pytest.fixture
def participant(ground: Ground) -> str:
    """The participant whose link all follow."""
    return str(ground.rows("SELECT public_id FROM programs_participant")[0][0])


def test_the_browser_does_block_third_party_cookies(ground: Ground, chromium: Browser) -> None:
    with _visitor(chromium, ground) as page:
        page.goto(ground.shop.url)
        for number in range(2):
            address = f"http://127.0.0.1:{ground.shop.port}/picture?{number}"
            page.evaluate(f"fetch('{address}', {{credentials: 'include'}}).then(() => 0)")
        # The same calls from the cookie's own site show that nothing else keeps it back.
        page.goto(f"http://127.0.0.1:{ground.shop.port}/")
        for number in range(2, 4):
            page.evaluate(f"fetch('/picture?{number}', {{credentials: 'include'}}).then(() => 0)")
    assert ground.shop.cookies == ["", "", "", "third=1"]


def test_a_click_through_the_link_is_credited_with_sign_up_and_sale(
    ground: Ground, chromium: Browser, participant: str
) -> None:
    ground.shop.tag = ground.tag()
    before = ground.clicks()
    with _visitor(chromium, ground) as page:
        page.goto(f"{ground.platform.base_url}/r/{ground.code}")
        query = parse_qs(urlsplit(page.url).query)
        assert page.url.startswith(f"{ground.shop.url}/welcome")
        assert (query["via"], query["plan"]) == ([ground.code], ["1"])
        assert _known(page) == {"clickId": query["referral_click"][0], "code": ground.code}
        # Another page of the shop, without any of it in its address.
        page.goto(f"{ground.shop.url}/join")
        assert _known(page)["clickId"] == query["referral_click"][0]
        answer = _lead(page, "through-link")
        assert (answer["conversion"]["kind"], answer["duplicate"]) == ("signup", False)
        assert _lead(page, "through-link")["duplicate"] is True
        sale = "referral('sale', {customerExternalId: 'through-link', amount: 1999, currency: 'EUR', %s})"
        assert page.evaluate(sale % "invoiceId: 'i-1'")["conversion"]["amount_minor"] == 1999
        assert page.evaluate(sale % "invoiceId: 'i-1'")["duplicate"] is True
        assert page.evaluate(sale % "x: 1") is None
        kept = next(each for each in page.context.cookies() if each["name"] == "referral")
        assert (kept["domain"], kept["path"], kept["sameSite"]) == ("localhost", "/", "Lax")
    # The link's own click, and none that the snippet added.
    assert ground.clicks() == before + 1
    assert ground.credited("through-link")[-1] == ("purchase", "i-1", participant)


def test_a_code_in_the_address_is_reported_once_and_credited(
    ground: Ground, chromium: Browser, participant: str
) -> None:
    ground.shop.tag = ground.tag()
    before = ground.clicks()
    with _visitor(chromium, ground) as page:
        for _ in range(3):
            page.goto(f"{ground.shop.url}/?ref={ground.code}")
            assert _known(page)["clickId"].startswith("clk_")
        answer = page.evaluate(
            "referral('sale', {customerExternalId: 'by-code', amount: 5, currency: 'EUR', invoiceId: 'i-2'})"
        )
        assert answer["duplicate"] is False
    assert ground.clicks() == before + 1
    assert ground.credited("by-code") == [("purchase", "i-2", participant)]


def test_calls_made_before_the_script_is_there_are_not_lost(ground: Ground, chromium: Browser) -> None:
    ground.shop.before = (
        "window.referral = window.referral || function () {"
        "  (referral.q = referral.q || []).push(arguments) };"
        "referral('lead', {customerExternalId: 'early'});"
    )
    ground.shop.tag = ground.tag() * 2
    with _visitor(chromium, ground) as page:
        page.goto(f"{ground.shop.url}/?via={ground.code}")
        ground.platform.wait("the lead", lambda: ground.credited("early"))
    assert len(ground.credited("early")) == 1


def test_a_click_that_the_platform_has_forgotten_takes_no_sign_up_with_it(
    ground: Ground, chromium: Browser
) -> None:
    ground.shop.before = "document.cookie = `referral=${Date.now()}|clk_00000000000000000000000000|||`;"
    ground.shop.tag = ground.tag()
    with _visitor(chromium, ground) as page:
        page.goto(ground.shop.url)
        assert _known(page) == {"clickId": "clk_00000000000000000000000000"}
        assert _lead(page, "forgotten")["duplicate"] is False
        # A click that the page itself names is its own affair.
        assert _lead(page, "named", ", clickId: 'clk_11111111111111111111111111'") is None
    assert [row[0] for row in ground.credited("forgotten")] == ["signup"]


def test_a_page_that_never_loads_anew_is_followed(ground: Ground, chromium: Browser) -> None:
    ground.shop.tag = ground.tag()
    with _visitor(chromium, ground) as page:
        page.goto(f"{ground.shop.url}/")
        assert _known(page) == {}
        page.evaluate(f"history.pushState({{}}, '', '/plans?via={ground.code}')")
        assert _known(page)["code"] == ground.code
        assert _known(page)["clickId"].startswith("clk_")
        page.evaluate("history.replaceState({}, '', '/checkout')")
        assert urlsplit(page.url).path == "/checkout"
        page.go_back()
        assert _known(page)["code"] == ground.code


def test_nothing_is_stored_or_sent_before_consent(ground: Ground, chromium: Browser) -> None:
    ground.shop.tag = ground.tag('data-consent="wait"')
    before = ground.clicks()
    with _visitor(chromium, ground) as page:
        sent: list[str] = []
        page.on("request", lambda each: sent.append(each.url) if "/api/" in each.url else None)
        page.goto(f"{ground.shop.url}/?via={ground.code}")
        page.evaluate("window.waiting = referral('lead', {customerExternalId: 'consents'}); 0")
        page.wait_for_timeout(300)
        assert (_known(page), _cookie(page), page.evaluate("localStorage.length"), sent) == ({}, "", 0, [])
        page.evaluate("referral('consent', true)")
        assert page.evaluate("waiting")["conversion"]["customer_external_id"] == "consents"
        assert _cookie(page).startswith("referral=")
        assert ground.clicks() == before + 1
        page.evaluate("referral('consent', false)")
        assert (_known(page), _cookie(page), page.evaluate("localStorage.length")) == ({}, "", 0)
        assert _lead(page, "refuses") is None
        # The next page asks again, and a refusal answers those who wait.
        page.goto(f"{ground.shop.url}/?via={ground.code}")
        page.evaluate("window.waiting = referral('lead', {customerExternalId: 'refuses'}); 0")
        page.evaluate("referral('consent', false)")
        assert page.evaluate("waiting") is None
    assert ground.credited("refuses") == []


@pytest.mark.parametrize(
    "broken",
    [
        "Object.defineProperty(document, 'cookie', {get() { return '' }, set() {}});",
        "Object.defineProperty(document, 'cookie', {get() { throw new Error('no') }});"
        "Object.defineProperty(window, 'localStorage', {get() { throw new Error('no') }});",
        "Object.freeze(history); window.Shopify = null; Object.freeze(document);",
    ],
)
def test_it_works_where_storage_is_closed(
    ground: Ground, chromium: Browser, participant: str, broken: str
) -> None:
    ground.shop.before, ground.shop.tag = broken, ground.tag()
    customer = f"closed-{len(broken)}"
    with _visitor(chromium, ground) as page:
        page.goto(f"{ground.shop.url}/?via={ground.code}")
        assert _known(page)["clickId"].startswith("clk_")
        assert _lead(page, customer)["duplicate"] is False
        sale = f"{{customerExternalId: '{customer}', amount: 1, currency: 'EUR', invoiceId: '{customer}'}}"
        page.evaluate(f"referral('sale', {sale})")
    assert ground.credited(customer)[-1] == ("purchase", customer, participant)


def test_a_frame_without_an_origin_of_its_own_is_served_too(ground: Ground, chromium: Browser) -> None:
    ground.shop.before, ground.shop.policy = "", "sandbox allow-scripts"
    ground.shop.tag = ground.tag()
    with _visitor(chromium, ground) as page:
        page.goto(f"{ground.shop.url}/?via={ground.code}")
        # The key lists the shop's origin, which such a page does not have: refused, and nothing breaks.
        assert _known(page) == {"code": ground.code}
        assert _lead(page, "sandboxed") is None


HOSTILE: Final = [
    "?via=%00%ff&ref=%E0%A4%A&referral_click=../../x",
    "?via=" + "a" * 5000,
    "?via=a;Domain=evil.example&coupon=%3Cscript%3Ealert(1)%3C/script%3E",
    "?referral_click=clk_%0d%0aSet-Cookie:x=1&via[]=x&via=__proto__",
    "?coupon=__proto__&via=no-such-code",
]


@pytest.mark.parametrize("query", HOSTILE)
def test_hostile_addresses_do_nothing(ground: Ground, chromium: Browser, query: str) -> None:
    ground.shop.tag = ground.tag()
    with _visitor(chromium, ground) as page:
        page.goto(f"{ground.shop.url}/{query}")
        assert "clickId" not in _known(page)
        assert "evil" not in _cookie(page)


def test_hostile_calls_and_storage_never_throw_into_the_page(ground: Ground, chromium: Browser) -> None:
    ground.shop.before = (
        "document.cookie = 'referral=1|clk_x|<b>|;x|' + '%'.repeat(99);"
        "localStorage.setItem('referral', '9e99|a|b|c|d');"
        "window.referral = {q: [null, 1, ['lead'], [{}], ['ready', 7], ['__proto__'], ['constructor']]};"
    )
    ground.shop.tag = ground.tag()
    with _visitor(chromium, ground) as page:
        page.goto(ground.shop.url)
        page.evaluate(
            """async () => {
              const circle = {}; circle.self = circle;
              await referral('lead', circle);
              await referral('lead', {get customerExternalId() { throw new Error('mine') }});
              await referral('lead', {customerExternalId: 'x'.repeat(200000)});
              await referral('sale'); await referral('nothing'); referral(); referral(Symbol());
              await referral('ready', () => { throw new Error('mine') });
              referral('consent'); referral('consent', {}); referral('apply', circle);
            }"""
        )
        page.wait_for_timeout(200)


def test_an_unreachable_platform_or_a_wrong_key_leaves_the_page_alone(
    ground: Ground, chromium: Browser
) -> None:
    for tag in (
        ground.tag('data-api="http://127.0.0.1:9/"'),
        ground.tag('data-api="::no address::"'),
        ground.tag(key="pk_unknown"),
        ground.tag('data-days="x" data-domain="; evil" data-handover=",,"'),
    ):
        ground.shop.tag = tag
        with _visitor(chromium, ground) as page:
            page.goto(f"{ground.shop.url}/?via={ground.code}")
            assert _known(page)["code"] == ground.code
            if "data-days" not in tag:
                assert _lead(page, "nobody") is None


def test_a_secret_key_in_a_page_is_refused(ground: Ground, chromium: Browser) -> None:
    ground.shop.tag = ground.tag(key=people.new_key(ground.console, "track"))
    with _visitor(chromium, ground) as page:
        page.goto(ground.shop.url)
        with page.expect_response("**/track/lead") as answered:
            assert _lead(page, "secret") is None
        assert answered.value.json()["error"]["code"] == "secret_key_in_browser"
    assert ground.credited("secret") == []


def test_codes_reach_forms_and_carts(ground: Ground, chromium: Browser) -> None:
    ground.shop.before = "window.Shopify = {shop: 'x.myshopify.example'};"
    ground.shop.tag = ground.tag()
    with _visitor(chromium, ground) as page:
        ground.shop.seen.clear()
        page.goto(f"{ground.shop.url}/?via={ground.code}&coupon=ANA10")
        click = _known(page)["clickId"]
        assert page.locator("#cart [name=coupon_code]").input_value() == "ANA10"
        assert page.locator("#cart [name=discount]").input_value() == "MINE"
        assert page.locator("[data-referral-code]").inner_text() == "ANA10"
        # Whoever empties the field means it.
        page.locator("#cart [name=coupon_code]").fill("")
        page.locator("#cart [name=discount]").focus()
        assert page.locator("#cart [name=coupon_code]").input_value() == ""
        # A field drawn later is met when somebody turns to it.
        page.evaluate(
            """() => {
              const field = document.createElement('input');
              field.name = 'promo_code'; field.id = 'late';
              field.addEventListener('input', () => { window.heard = field.value });
              document.body.append(field);
            }"""
        )
        page.locator("#late").focus()
        assert page.locator("#late").input_value() == "ANA10"
        assert page.evaluate("heard") == "ANA10"
        ground.platform.wait("the discount", lambda: "/discount/ANA10?redirect=/cart.js" in ground.shop.seen)
        page.get_by_role("button", name="Join").click()
        page.wait_for_url("**/signed-up**")
        sent = parse_qs(urlsplit(page.url).query)
        assert (sent["referral_click"], sent["referral_code"]) == ([click], [ground.code])


def test_the_click_is_handed_to_the_shops_other_hosts_only(ground: Ground, chromium: Browser) -> None:
    ground.shop.tag = ground.tag(f'data-handover="pay.example, 127.0.0.1:{ground.shop.port}"')
    with _visitor(chromium, ground) as page:
        page.goto(f"{ground.shop.url}/?via={ground.code}")
        click = _known(page)["clickId"]
        page.locator("#elsewhere").evaluate(
            "(link) => { link.addEventListener('click', (event) => event.preventDefault()); link.click(); }"
        )
        assert "referral_click" not in str(page.locator("#elsewhere").get_attribute("href"))
        page.locator("#over").click()
        page.wait_for_url("**/pay**")
        assert parse_qs(urlsplit(page.url).query) == {"plan": ["1"], "referral_click": [click]}
        assert _known(page)["clickId"] == click


def test_the_documented_policy_is_enough(ground: Ground, chromium: Browser) -> None:
    base = ground.platform.base_url
    ground.shop.policy = f"default-src 'none'; script-src 'unsafe-inline' {base}; connect-src {base}"
    ground.shop.tag = ground.tag()
    with _visitor(chromium, ground) as page:
        said: list[str] = []
        page.on("console", lambda message: said.append(message.text))
        page.goto(f"{ground.shop.url}/?via={ground.code}")
        assert _lead(page, "policy")["duplicate"] is False
        assert [each for each in said if "Content Security Policy" in each] == []


def test_the_types_name_every_call(chromium: Browser) -> None:
    types = (ROOT / "static" / "sdk" / "referral.d.ts").read_text()
    for call in ("lead", "sale", "consent", "ready", "apply"):
        assert f'(call: "{call}"' in types
