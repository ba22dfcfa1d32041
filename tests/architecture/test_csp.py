"""Every page that the walk visits carries the strict Content-Security-Policy."""

from __future__ import annotations

import pytest
from django.test import Client

from core.ids import new_public_id
from tests.architecture.csp import csp_faults
from tests.architecture.routes import routes
from tests.architecture.test_walk import console, values_for
from tests.architecture.world import World, build

STRICT = (
    "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data:; object-src 'none'; "
    "base-uri 'self'; form-action 'self'; frame-ancestors 'none'"
)
OPEN = {
    "provider": "woocommerce",
    "name": "message.eml",
    "uidb36": "1",
    "key": "k-1",
    "code": "nobodys-code",
    "secret": "s" * 43,
    "token": "t" * 43,
    "color": "4f46e5",
    "digest": "0" * 12,
}


@pytest.mark.parametrize(
    ("changed", "to", "fault"),
    [
        pytest.param("script-src 'self'", "script-src 'self' 'unsafe-inline'", "unsafe-inline", id="inline"),
        pytest.param("script-src 'self'", "script-src 'self' https://cdn.example", "cdn", id="foreign"),
        pytest.param("script-src 'self'; ", "", "script-src is missing", id="missing"),
        pytest.param("img-src 'self'", "img-src *", "img-src allows *", id="any"),
        pytest.param("object-src 'none'", "object-src 'self'", "object-src is 'self'", id="plug-ins"),
        pytest.param("; frame-ancestors 'none'", "", "frame-ancestors is missing", id="framing"),
    ],
)
def test_a_laxer_policy_is_told(changed: str, to: str, fault: str) -> None:
    assert csp_faults(STRICT) == []
    assert fault in "; ".join(csp_faults(STRICT.replace(changed, to)))
    assert csp_faults(None) == ["there is no Content-Security-Policy"]


@pytest.mark.django_db
def test_every_page_has_a_strict_policy() -> None:
    world: World = build()
    wrong: list[str] = []
    seen = 0
    client = Client()
    for route in routes():
        if route.is_api:
            continue
        if route in console():
            client.force_login(world.owner)
            address = route.address(values_for(route, world, world.target.slug))
        elif route.name.startswith("account_"):
            client.logout()
            address = route.address(OPEN)
        else:
            client.force_login(world.owner)
            address = route.address(OPEN | {"public_id": new_public_id("prg")})
        response = client.get(address)
        if not response.headers.get("Content-Type", "").startswith("text/html"):
            continue
        seen += 1
        faults = csp_faults(response.headers.get("Content-Security-Policy"))
        wrong += [f"{route.name} ({address}): {fault}" for fault in faults]
    assert seen > 30
    assert not wrong, "\n" + "\n".join(wrong)
