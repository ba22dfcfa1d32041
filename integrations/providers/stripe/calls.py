"""How Stripe is asked: a secret key, forms out, JSON in, whole amounts (docs.stripe.com/api)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlencode

from core.http import Response
from core.money import CURRENCIES, MAX_MINOR
from integrations.providers import ProviderError, Refused
from integrations.providers.payouts import PayoutAccess, PayoutItem, Wire, members, part, text

LIVE: Final = "https://api.stripe.com"
VERSION: Final = "2025-09-30.clover"

# Stripe counts these in whole units (docs.stripe.com/currencies, "Zero-decimal currencies").
_WHOLE: Final = "BIF CLP DJF GNF JPY KMF KRW MGA PYG RWF VND VUV XAF XOF XPF"
# These have no decimals and are counted in hundredths all the same ("Special cases").
_HUNDREDTHS: Final = frozenset({"ISK", "UGX"})
_UNKNOWN: Final = "CLF CUP IQD IRR KPW LYD SDG SYP UYI UYW"


def amount_of(item: PayoutItem) -> int:
    """Return an item's amount as Stripe counts it; raises Refused for one it cannot pay."""
    currency, minor = item.currency, item.amount_minor
    if currency in _UNKNOWN:
        raise Refused(f"Stripe does not pay in {currency}.")
    if currency in _HUNDREDTHS:
        return minor * 100
    if currency in _WHOLE:
        whole, rest = divmod(minor, int(10 ** CURRENCIES[currency]))
        if rest:
            raise Refused(f"Stripe pays whole {currency} only.")
        return whole
    if CURRENCIES[currency] == 3 and minor % 10:
        raise Refused(f"Stripe pays {currency} to two decimals only.")
    return minor


def minor_from(amount: object, currency: str) -> int | None:
    """Return what Stripe's amount is in our minor units; None for what is none."""
    if isinstance(amount, bool) or not isinstance(amount, int) or currency not in CURRENCIES:
        return None
    if not 0 <= amount <= MAX_MINOR * 100:
        return None
    if currency in _HUNDREDTHS:
        return amount // 100 if amount % 100 == 0 else None
    return int(amount * 10 ** CURRENCIES[currency]) if currency in _WHOLE else amount


def ask(
    wire: Wire,
    access: PayoutAccess,
    method: str,
    path: str,
    fields: Mapping[str, str] | None = None,
    *,
    key: str = "",
) -> tuple[Response, dict[str, Any]]:
    """Make a call; returns the answer of any status and its members. A `key` makes a POST the same again."""
    headers = {
        "authorization": f"Bearer {access.secret}",
        "stripe-version": VERSION,
        "accept": "application/json",
    }
    url, body = access.url(path), None
    if method == "POST":
        headers["content-type"] = "application/x-www-form-urlencoded"
        body = urlencode(fields or {}).encode()
        if key:
            headers["idempotency-key"] = key
    elif fields:
        url = f"{url}?{urlencode(fields)}"
    answer = wire.call(method, url, headers=headers, body=body)
    return answer, members(answer.body)


def error_of(wire: Wire, answer: Response, found: dict[str, Any]) -> ProviderError:
    """Return the error that an answer stands for."""
    return wire.problem(answer, said(found))


def said(found: dict[str, Any]) -> str:
    """Return Stripe's error as one line: its code, which is stable, and its sentence."""
    error = part(found, "error")
    code, message = text(error, "code", 60) or text(error, "type", 60), text(error, "message", 130)
    return ": ".join(each for each in (code, message) if each)
