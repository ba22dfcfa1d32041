"""Every address, walked as everybody who must not get in: the answer is a refusal and nothing has changed.

A new route is walked as soon as it is mounted. One that is neither a console page, nor an endpoint for API
keys, nor in `PUBLIC` fails the walk.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any, Final

import pytest
from django.db import connection, transaction
from django.test import Client

from core.ids import new_public_id
from tests.architecture.routes import Route, routes
from tests.architecture.world import CODE, MARK, World, build, fingerprint

pytestmark = pytest.mark.django_db

COLLECTIONS: Final = {
    "api-keys": "apikey",
    "checks": "conversioncheck",
    "deliveries": "webhookdelivery",
    "fraud": "fraudcase",
    "fraud-cases": "fraudcase",
    "fraud-list-entries": "fraudlistentry",
    "inbox": "inboxitem",
    "ledger": "account",
    "logo": "workspace",
    "catalogue": "catalogueitem",
    "catalogue-items": "catalogueitem",
    "payout-batches": "payoutbatch",
    "payout-providers": "payoutprovider",
    "payout-runs": "payoutrun",
    "payouts": "payoutbatch",
    "promo-codes": "promocode",
    "tax": "taxdetails",
    "tax-details": "taxdetails",
    "team": "member",
    "terms": "program",
    "webhook-endpoints": "webhookendpoint",
    "webhooks": "webhookendpoint",
}
"""What lives under a path segment whose name is not the plural of a model's."""

PUBLIC: Final[dict[str, tuple[set[int], set[int], str]]] = {
    # Sign-up and sign-in, by allauth: GET, POST with nothing useful in it, what it is.
    "account_login": ({200}, {200}, "sign-in"),
    "account_logout": ({302}, {302}, "sign-out of nobody"),
    "account_inactive": ({200}, {200, 405}, "notice"),
    "account_signup": ({200}, {200}, "sign-up"),
    "account_reauthenticate": ({302}, {302}, "asks to sign in"),
    "account_email": ({302}, {302}, "asks to sign in"),
    "account_email_verification_sent": ({200, 302}, {302, 405}, "notice"),
    "account_change_password": ({302}, {302}, "asks to sign in"),
    "account_set_password": ({302}, {302}, "asks to sign in"),
    "account_reset_password": ({200}, {200, 302}, "mails a link, whoever asks"),
    "account_reset_password_done": ({200}, {405}, "notice"),
    "account_reset_password_from_key": ({200}, {200}, "opens with the mailed link only"),
    "account_reset_password_from_key_done": ({200}, {405}, "notice"),
    "account_request_login_code": ({200}, {200, 302}, "mails a code"),
    "account_confirm_login_code": ({302}, {302}, "needs a code asked for before"),
    # The product's own.
    "api_schema": ({200}, {405}, "the API's description"),
    "api_docs": ({200}, {405}, "the API's documentation"),
    "home": ({200, 302}, {302, 405}, "the front door"),
    "workspace_new": ({302}, {302}, "asks to sign in"),
    "invitation_accept": ({302, 404}, {302, 404}, "opens with the mailed secret only"),
    "dev_mail": ({404}, {404, 405}, "development only"),
    "dev_mail_message": ({404}, {404, 405}, "development only"),
    "dev_mail_html": ({404}, {404, 405}, "development only"),
    "styleguide": ({404}, {404, 405}, "development only"),
    "brand_logo": ({404}, {405}, "a logo that is nobody's"),
    "domain_ask": ({404}, {405}, "a name that is nobody's"),
    "brand_sheet": ({302}, {405}, "colours, which name no workspace"),
    "link_redirect": ({404}, {404, 405}, "a code that is nobody's"),
    "landing": ({404}, {404, 405}, "a code that is nobody's"),
    "landing_card": ({404}, {405}, "a code that is nobody's"),
    "terms": ({404}, {404, 405}, "a program that is nobody's"),
    "portal": ({403}, {405}, "asks to sign in to the portal"),
    "portal_sign_in": ({404}, {404}, "a program that is nobody's"),
    "portal_enter": ({200, 302, 404, 409}, {302, 404, 409}, "opens with the mailed secret only"),
    "confirm_email": ({404}, {404}, "opens with the mailed link only"),
    "portal_sign_out": ({405}, {403}, "asks to sign in to the portal"),
    "portal_qr": ({403}, {405}, "belongs to whoever signed in to the portal"),
    "portal_qr_svg": ({403}, {405}, "belongs to whoever signed in to the portal"),
    "portal_why": ({403}, {403}, "belongs to whoever signed in to the portal"),
    "portal_statement": ({403}, {405}, "belongs to whoever signed in to the portal"),
    "portal_missing": ({403}, {403}, "belongs to whoever signed in to the portal"),
    "portal_paid": ({403}, {403}, "belongs to whoever signed in to the portal"),
    "portal_tax": ({403}, {403}, "belongs to whoever signed in to the portal"),
    "embed_paid": ({403}, {403}, "opens with a signed token only"),
    "embed_tax": ({403}, {403}, "opens with a signed token only"),
    "portal_spend": ({403}, {403}, "belongs to whoever signed in to the portal"),
    "embed_spend": ({403}, {403}, "opens with a signed token only"),
    "embed_why": ({403}, {403}, "opens with a signed token only"),
    "embed_missing": ({403}, {403}, "opens with a signed token only"),
    "portal_embed": ({403}, {405}, "opens with a signed token only"),
    "embed_qr": ({403}, {405}, "opens with a signed token only"),
    "embed_qr_svg": ({403}, {405}, "opens with a signed token only"),
    "hook": ({405}, {401, 404}, "takes what the shop signed"),
}
"""Routes open to the internet: what GET and POST answer to somebody who knows no secret and no code."""

FOUND_BUT_REFUSED: Final = {"api_adjustment_approve", "api_adjustment_decline", "api_batch_approve"}
"""Endpoints that refuse every key by 403, but only once they have found the thing: a person must approve."""

BODIES: Final[dict[str, dict[str, Any]]] = {
    "api_adjustment_decline": {"reason": "because"},
    "api_appeal_answer": {"status": "declined", "answer": "because"},
    "api_batch_provider_total": {"paid_minor": 1},
    "api_batch_results": {"results": [{"payout_id": "pyt_x", "status": "paid", "reference": "x"}]},
    "api_program_status": {"status": "paused"},
    "api_conversion_reinstate": {"reason": "because"},
    "api_refund_reinstate": {"reason": "because"},
    "api_reward_deny": {"reason": "because"},
    "api_tax_refuse": {"reason": "because"},
}
"""Valid bodies of the endpoints that read theirs before they look the id up."""

MOVED: Final = {"payout_settings"}
"""Addresses that only lead on to where the page is now."""

WRITES: Final = re.compile(r"\b(INSERT|UPDATE|DELETE|TRUNCATE|COPY|CALL)\b", re.IGNORECASE)
METHODS: Final = ("GET", "POST", "PATCH", "DELETE", "PUT", "OPTIONS")
BROWSER_KEY_MAY: Final = {"api_track_click", "api_track_lead"}
BROWSERS_ASK: Final = {*BROWSER_KEY_MAY, "api_track_sale"}
"""Whose OPTIONS a browser is answered before it sends a page's call with a publishable key."""


@pytest.fixture
def world(db: None) -> World:
    """Two tenants, one of which is attacked."""
    return build()


class Walk:
    """Requests by one actor; collects what should not have happened."""

    def __init__(self, world: World, actor: str) -> None:
        self.world, self.actor = world, actor
        self.wrong: list[str] = []
        self.client = Client()
        self.headers: dict[str, str] = {}
        self.before = fingerprint(world.target)
        self.requests = 0

    def send(self, route: Route, method: str, address: str, body: dict[str, Any] | None = None) -> Any:
        """Send one request; a fault is noted, None returned."""
        self.requests += 1
        arguments: dict[str, Any] = {"headers": self.headers}
        if method in ("POST", "PATCH", "PUT", "DELETE"):
            if route.is_api or route.pattern.startswith("api/"):
                arguments |= {"data": json.dumps(body or {}), "content_type": "application/json"}
            elif method == "POST":
                arguments |= {"data": body or {}}
        statements: list[str] = []

        def listen(execute: Callable[..., Any], sql: str, *rest: Any) -> Any:
            statements.append(sql)
            return execute(sql, *rest)

        try:
            # What a request does to the actor's own workspace is undone, so that each meets the same world.
            with transaction.atomic():
                call: Callable[..., Any] = getattr(self.client, method.lower())
                with connection.execute_wrapper(listen):
                    response = call(address, **arguments)
                response.shown = b"".join(response) if response.streaming else response.content
                if any(WRITES.search(sql) for sql in statements):
                    self._unchanged(route, method)
                transaction.set_rollback(True)
        except Exception as error:
            self.note(route, method, f"{type(error).__name__}: {error}")
            return None
        if response.status_code >= 500:
            self.note(route, method, f"answered {response.status_code}")
        return response

    def expect(self, route: Route, method: str, response: Any, allowed: set[int]) -> None:
        """Note an answer other than the allowed ones, and every word of the target's in it."""
        if response is None:
            return
        if response.status_code not in allowed:
            self.note(route, method, f"answered {response.status_code}, not {sorted(allowed)}")
        shown = response.shown.decode(errors="replace") + str(response.headers)
        if MARK in shown.lower():
            place = shown.lower().index(MARK)
            self.note(route, method, f"shows {shown[max(0, place - 60) : place + 30]!r}")

    def note(self, route: Route, method: str, what: str) -> None:
        """Keep one thing that is wrong."""
        self.wrong.append(f"{self.actor}: {method} {route.name} ({route.pattern}): {what}")

    def _unchanged(self, route: Route, method: str) -> None:
        now = fingerprint(self.world.target)
        changed = sorted(table for table in now if now[table] != self.before[table])
        if changed:
            self.note(route, method, f"changed {changed}")

    def finish(self) -> None:
        """Fail with everything that was noted."""
        assert self.requests, "nothing was walked"
        assert not self.wrong, "\n" + "\n".join(self.wrong)


def values_for(route: Route, world: World, slug: str) -> dict[str, Any]:
    """Return arguments that name the target's own rows, whatever workspace the slug names."""
    values: dict[str, Any] = {
        "slug": slug,
        "number": 1,
        "section": "rewards",
        "step": "review",
        "provider": "woocommerce",
        "method": "bank",
        "code": CODE,
        "secret": "s" * 43,
        "token": "t" * 43,
        "name": "message.eml",
        "uidb36": "1",
        "key": "k-1",
        "color": "0f766e",
        "digest": "0" * 12,
        "conversion_id": world.ids["conversion"],
        "refund_id": world.ids["refund"],
    }
    if "public_id" in route.arguments:
        segment = route.pattern.partition("<str:public_id>")[0].rstrip("/").rpartition("/")[2]
        model = COLLECTIONS.get(segment, segment.rstrip("s"))
        assert model in world.ids, f"say in COLLECTIONS what lives under {segment!r} ({route.pattern})"
        values["public_id"] = world.ids[model]
    return values


def bait(world: World) -> dict[str, Any]:
    """Return a body that names the target's rows in every field an endpoint or form may read."""
    ids = world.ids
    return {
        **ids,
        "public_id": ids["reward"],
        "public_ids": [ids["reward"]],
        "rewards": [ids["reward"]],
        "reward_ids": [ids["reward"]],
        "selected": [ids["reward"]],
        "batch": ids["payoutbatch"],
        "payout_id": ids["payout"],
        "click_id": ids["click"],
        "clickId": ids["click"],
        "promo_codes": [ids["promocode"]],
        "participant_id": ids["participant"],
        "program_id": ids["program"],
        "customer_id": ids["customer"],
        "customer_external_id": "ben",
        "customerExternalId": "ben",
        "external_id": "ben",
        "invoice_id": "order-1",
        "order_id": "order-1",
        "refund_id": "refund-9",
        "source": "api",
        "event_name": "upgrade",
        "amount": 100,
        "amount_minor": 100,
        "currency": "EUR",
        "email": "somebody@else.example",
        "name": "Somebody",
        "display_name": "Somebody",
        "kind": "customer",
        "code": CODE,
        "role": "owner",
        "status": "active",
        "reason": "because",
        "provider": "woocommerce",
        "url": "https://else.example/hook",
        "destination_url": "https://shop.example/x",
        "scopes": ["read"],
        "time_zone": "UTC",
        "days": 30,
        "mode": "wait",
        "confirm": "on",
    }


def queries(world: World) -> str:
    """Return a query that narrows a list to the target's rows."""
    names = ("program", "participant", "customer", "referral", "conversion", "reward", "link", "connection")
    pairs = [f"{name}={world.ids[name]}" for name in names]
    return "?" + "&".join([*pairs, f"batch={world.ids['payoutbatch']}", "q=a", "customer_external_id=ben"])


def console() -> list[Route]:
    """Return the pages inside a workspace."""
    return [route for route in routes() if route.is_console]


def api() -> list[Route]:
    """Return the endpoints for API keys."""
    return [route for route in routes() if route.is_api]


def test_no_route_is_missing_from_the_walk() -> None:
    everything = routes()
    unknown = [r.pattern for r in everything if not (r.is_console or r.is_api or r.name in PUBLIC)]
    assert unknown == [], "give each of these a place in PUBLIC with the answers it must give"
    names = [route.name for route in everything]
    assert sorted(names) == sorted(set(names)), "two routes share a name, so one of them was not walked"
    assert len(console()) > 40
    assert len(api()) > 20


def test_the_walk_knocks_at_doors_that_exist(world: World) -> None:
    """The owner and the workspace's own key find a thing everywhere, so a stranger's 404 is a refusal."""
    person, machine = Walk(world, "owner"), Walk(world, "own key")
    person.client.force_login(world.owner)
    machine.headers = {"Authorization": f"Bearer {world.own_key}"}
    wrong, showing = [], 0
    for route in (*console(), *api()):
        walk = machine if route.is_api else person
        address = route.address(values_for(route, world, world.target.slug))
        response = walk.send(route, "GET", address)
        if response is not None and response.status_code == 405:
            response = walk.send(route, "POST", address)
        showing += response is not None and MARK.encode() in response.shown
        refused = {401, 404} if route.name in FOUND_BUT_REFUSED else {401, 403, 404}
        if response is None or response.status_code in refused or response.status_code >= 500:
            wrong.append(f"{route.name}: {response and response.status_code}")
    faults = [line for line in (*person.wrong, *machine.wrong) if ": changed " not in line]
    assert not wrong, "\n" + "\n".join([*wrong, *faults])
    assert not faults, "\n" + "\n".join(faults)
    # What must not be shown to others is there to be shown.
    assert showing > 40


def test_nobody_who_is_not_signed_in_gets_into_the_console(world: World) -> None:
    walk = Walk(world, "anonymous")
    for route in console():
        address = route.address(values_for(route, world, world.target.slug))
        answers = {method: walk.send(route, method, address, bait(world)) for method in ("GET", "POST")}
        for method, response in answers.items():
            walk.expect(route, method, response, {302, 405})
        places = [r.headers["Location"] for r in answers.values() if r is not None and r.status_code == 302]
        if not places or not all(place.startswith("/accounts/login/?next=/w/") for place in places):
            walk.note(route, "GET", f"leads to {places}, not to the sign-in page")
    walk.finish()


def test_a_member_elsewhere_finds_no_such_workspace(world: World) -> None:
    walk = Walk(world, "outsider")
    walk.client.force_login(world.stranger)
    for route in console():
        refuses_both(walk, route, world.target.slug, {404})
    walk.finish()


def refuses_both(walk: Walk, route: Route, slug: str, refusal: set[int]) -> None:
    """Expect GET and POST to be refused, at least one of them for more than being the wrong method."""
    address = route.address(values_for(route, walk.world, slug))
    answers = {method: walk.send(route, method, address, bait(walk.world)) for method in ("GET", "POST")}
    for method, response in answers.items():
        walk.expect(route, method, response, refusal | {405})
    if all(response is not None and response.status_code == 405 for response in answers.values()):
        walk.note(route, "GET", "has neither GET nor POST")


def test_foreign_ids_do_not_exist_in_ones_own_workspace(world: World) -> None:
    walk = Walk(world, "outsider at home")
    walk.client.force_login(world.stranger)
    for route in console():
        if route.own_arguments:
            refuses_both(walk, route, world.strange.slug, {404})
    walk.finish()


def test_foreign_ids_in_bodies_and_queries_lead_nowhere(world: World) -> None:
    walk = Walk(world, "outsider at home")
    walk.client.force_login(world.stranger)
    for route in console():
        if not route.own_arguments:
            address = route.address(values_for(route, world, world.strange.slug))
            shown = walk.send(route, "GET", address + queries(world))
            walk.expect(route, "GET", shown, {200, 302, 400, 404, 405, 409})
            done = walk.send(route, "POST", address, bait(world))
            walk.expect(route, "POST", done, {200, 302, 400, 404, 405, 409, 422})
    walk.finish()


def test_a_read_only_member_changes_nothing(world: World) -> None:
    walk = Walk(world, "read-only member")
    walk.client.force_login(world.reader)
    for route in console():
        address = route.address(values_for(route, world, world.target.slug))
        seen = walk.send(route, "GET", address)
        looked = {302} if route.name in MOVED else {200, 403, 405}
        if seen is not None and seen.status_code not in looked:
            walk.note(route, "GET", f"answered {seen.status_code}")
        done = walk.send(route, "POST", address, bait(world))
        if done is not None and done.status_code not in (403, 405):
            walk.note(route, "POST", f"answered {done.status_code}, not 403")
    walk.finish()


def test_without_a_key_no_endpoint_answers(world: World) -> None:
    walk = Walk(world, "no key")
    for route in api():
        address = route.address(values_for(route, world, ""))
        for method in METHODS:
            expected = {204} if method == "OPTIONS" and route.name in BROWSERS_ASK else {401}
            walk.expect(route, method, walk.send(route, method, address, bait(world)), expected)
    walk.finish()


def test_a_foreign_key_finds_nothing_by_the_targets_ids(world: World) -> None:
    walk = Walk(world, "foreign key")
    walk.headers = {"Authorization": f"Bearer {world.strange_key}"}
    for route in api():
        address = route.address(values_for(route, world, ""))
        for method in METHODS:
            if not route.own_arguments:
                sent = address + queries(world) if method == "GET" else address
                response = walk.send(route, method, sent, bait(world))
                asked = {204} if method == "OPTIONS" and route.name in BROWSERS_ASK else set()
                walk.expect(route, method, response, {200, 201, 202, 400, 404, 405, 409, *asked})
                continue
            response = walk.send(route, method, address, bait(world))
            walk.expect(route, method, response, {400, 404, 405})
            # And with a body that gives no other reason to refuse.
            response = walk.send(route, method, address, BODIES.get(route.name, {}))
            walk.expect(route, method, response, {404, 405})
    walk.finish()


def test_a_key_from_a_web_page_only_sends_clicks_and_leads(world: World) -> None:
    walk = Walk(world, "publishable key")
    walk.headers = {"Authorization": f"Bearer {world.browser_key}"}
    for route in api():
        if route.name in BROWSER_KEY_MAY:
            continue
        address = route.address(values_for(route, world, ""))
        for method in METHODS:
            expected = {204} if method == "OPTIONS" and route.name in BROWSERS_ASK else {403, 405}
            walk.expect(route, method, walk.send(route, method, address, bait(world)), expected)
    walk.finish()


def test_pages_open_to_everybody_give_nothing_away(world: World) -> None:
    walk = Walk(world, "anonymous")
    unknown = {
        "public_id": new_public_id("prg"),
        "code": "nobodys-code",
        "secret": "s" * 43,
        "token": "t" * 43,
        "provider": "woocommerce",
        "name": "message.eml",
        "uidb36": "1",
        "key": "k-1",
        "color": "0f766e",
        "digest": "0" * 12,
    }
    for route in routes():
        if route.name in PUBLIC:
            shown, done, _ = PUBLIC[route.name]
            walk.expect(route, "GET", walk.send(route, "GET", route.address(unknown)), shown)
            walk.expect(route, "POST", walk.send(route, "POST", route.address(unknown), {}), done)
    walk.finish()


def test_a_signed_in_stranger_learns_no_more_from_open_pages(world: World) -> None:
    walk = Walk(world, "outsider")
    unknown = {"public_id": new_public_id("prg"), "code": "nobodys-code", "secret": "s" * 43}
    for route in routes():
        if route.name in PUBLIC and set(route.arguments) <= set(unknown):
            walk.client.force_login(world.stranger)
            walk.expect(
                route, "GET", walk.send(route, "GET", route.address(unknown)), {200, 302, 403, 404, 405}
            )
    walk.finish()


def test_an_unsigned_hook_is_refused_for_every_id(world: World) -> None:
    walk = Walk(world, "anonymous")
    (hook,) = (route for route in routes() if route.name == "hook")
    for name, public_id in world.ids.items():
        address = hook.address({"provider": "woocommerce", "public_id": public_id})
        response = walk.send(hook, "POST", address, {"id": 1})
        walk.expect(hook, "POST", response, {401} if name == "connection" else {404})
    walk.finish()
