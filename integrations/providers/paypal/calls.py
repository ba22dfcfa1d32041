"""How PayPal is asked: OAuth 2 client credentials, JSON, amounts as text (developer.paypal.com)."""

from __future__ import annotations

import base64
import json
from typing import Any, Final

from core.http import Response
from integrations.providers import Reauthorise, Refused
from integrations.providers.payouts import PayoutAccess, PayoutItem, Wire, major_of, members, text

LIVE: Final = "https://api-m.paypal.com"
SANDBOX: Final = "https://api-m.sandbox.paypal.com"
SCOPE: Final = "https://uri.paypal.com/payments/payouts"

# What PayPal holds balances in; the three take no decimals there, whatever ISO 4217 says.
CURRENCIES: Final = (
    "AUD BRL CAD CHF CZK DKK EUR GBP HKD HUF ILS JPY MXN MYR NOK NZD PHP PLN SEK SGD THB TWD USD"
)
WHOLE: Final = frozenset({"HUF", "JPY", "TWD"})


def amount_text(item: PayoutItem) -> str:
    """Return an item's amount as PayPal writes it; raises Refused for one it cannot pay."""
    if item.currency not in CURRENCIES.split():
        raise Refused(f"PayPal does not pay in {item.currency}.")
    return major_of(item, whole=item.currency in WHOLE)


def token(wire: Wire, access: PayoutAccess) -> tuple[str, str]:
    """Return an access token and the scopes it opens, apart by blanks."""
    pair = base64.b64encode(f"{access.key}:{access.secret}".encode()).decode()
    answer = wire.call(
        "POST",
        access.url("/v1/oauth2/token"),
        headers={
            "authorization": f"Basic {pair}",
            "accept": "application/json",
            "content-type": "application/x-www-form-urlencoded",
        },
        body=b"grant_type=client_credentials",
    )
    found = members(answer.body)
    if answer.status != 200:
        # Wrong client keys are 401, or 400 with an OAuth error.
        if text(found, "error") in ("invalid_client", "unauthorized_client"):
            raise Reauthorise("PayPal refuses the client id or its secret.")
        raise wire.problem(answer, said(found))
    bearer = text(found, "access_token", 4000)
    if not bearer:
        raise Refused("PayPal's answer holds no access token.")
    return bearer, text(found, "scope", 8000)


def ask(
    wire: Wire, access: PayoutAccess, bearer: str, method: str, path: str, body: dict[str, Any] | None = None
) -> tuple[Response, dict[str, Any]]:
    """Make a call with a token; returns the answer of any status and its members."""
    headers = {"authorization": f"Bearer {bearer}", "accept": "application/json"}
    if body is not None:
        headers["content-type"] = "application/json"
    sent = json.dumps(body, separators=(",", ":")).encode() if body is not None else None
    answer = wire.call(method, access.url(path), headers=headers, body=sent)
    return answer, members(answer.body)


def said(found: dict[str, Any]) -> str:
    """Return PayPal's error as one line: its name, which is stable, and its sentence."""
    name, message = text(found, "name", 60), text(found, "message", 120)
    return ": ".join(each for each in (name, message) if each)
