"""What every payout provider speaks: payouts in, results out, and one of four errors where a call fails.

A provider's folder holds `calls` (how it is asked), `payouts` (send, status, check), `signature` (whether a
webhook is its own) and `events` (what it is about), and imports no Django. Amounts are integer minor units of
ISO 4217. A webhook never says by itself that money moved: it names what to ask about.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any, Final, Literal

from core import http
from core.money import CURRENCIES, MAX_MINOR, format_major
from integrations.providers import Gone, Ignored, ProviderError, Reauthorise, Refused, Retry, SetAside

ItemStatus = Literal["sent", "paid", "failed", "returned"]
ANSWER_LIMIT: Final = 16 * 1024 * 1024
"""Bytes of one answer; a page of a thousand items has about one million."""

MAX_FAILURE: Final = 200


@dataclass(frozen=True, slots=True)
class PayoutAccess:
    """Where a provider's API is, the keys that open it, and the choices made when it was connected."""

    api_url: str
    key: str
    secret: str
    options: Mapping[str, str] = field(default_factory=dict)

    def url(self, path: str) -> str:
        """Return the address of a path that begins with a slash."""
        return f"{self.api_url.rstrip('/')}{path}"


@dataclass(frozen=True, slots=True)
class PayoutItem:
    """One payment to one person; `payout_id` is what makes it the same one again at the provider.

    `recipient` is an e-mail address, or the id of an account at the provider. `refusals` counts how often the
    provider has definitely said no to it before.
    """

    payout_id: str
    amount_minor: int
    currency: str
    recipient: str
    name: str = ""
    refusals: int = 0


@dataclass(frozen=True, slots=True)
class ItemResult:
    """What became of one payout: `sent` may still fail, `returned` came back after it was sent.

    `amount_minor` is what the provider says it pays, in the payout's currency, None where it does not say.
    `fee_minor` is None where it is unknown or in another currency. `failure` of a sent one hinders it.
    """

    payout_id: str
    status: ItemStatus
    reference: str = ""
    failure: str = ""
    amount_minor: int | None = None
    fee_minor: int | None = None


@dataclass(frozen=True, slots=True)
class Sent:
    """What a turn of sending brought, up to the `problem` that ended it, if one did.

    Until it is `complete`, items that are in no result were not handed over: send them again, under the same
    ids. The results are those of the first items, in their order; the others' come by asking.
    """

    provider_batch_id: str
    results: tuple[ItemResult, ...]
    problem: ProviderError | None = None
    complete: bool = False


@dataclass(frozen=True, slots=True)
class Report:
    """One page of how a batch stands. `page` asks for the next one, "" on the last.

    `total_minor` is what the provider says about all of the batch, None where it does not say. `closed` says
    that it took the batch as a whole and is done with it: an item it does not list was never accepted.
    """

    results: tuple[ItemResult, ...]
    total_minor: int | None = None
    closed: bool = False
    page: str = ""


@dataclass(frozen=True, slots=True)
class PayoutTouched:
    """Something happened to a payout or a batch: ask the provider. Unknown ids are empty."""

    payout_id: str = ""
    batch_id: str = ""
    provider_batch_id: str = ""
    reference: str = ""


@dataclass(frozen=True, slots=True)
class AccountSeen:
    """A person's account at the provider, and whether it can be paid now.

    `customer_id` is the person's public id with us, "" where the provider does not say.
    """

    account_id: str
    payouts_enabled: bool
    details_submitted: bool
    customer_id: str = ""


PayoutEvent = PayoutTouched | AccountSeen | Ignored | SetAside


def _always() -> bool:
    return True


@dataclass(frozen=True, slots=True)
class Wire:
    """Makes the calls of one turn. `at` is real time; `has_time` says whether another call may begin."""

    at: datetime
    policy: http.Policy = http.PUBLIC
    timeout: float = 10.0
    has_time: Callable[[], bool] = _always

    def call(
        self, method: str, url: str, *, headers: Mapping[str, str], body: bytes | None = None
    ) -> http.Response:
        """Return the answer of any status. Raises Retry for none, though the call may have had its effect."""
        try:
            return http.request(
                method,
                url,
                headers=headers,
                body=body,
                timeout=self.timeout,
                limit=ANSWER_LIMIT,
                whole=True,
                policy=self.policy,
            )
        except http.OutboundRefused as error:
            raise Refused(error.message) from error
        except http.OutboundFailed as error:
            raise Retry from error

    def problem(self, answer: http.Response, said: str = "") -> ProviderError:
        """Return the error that an unsuccessful answer stands for."""
        if answer.status in (408, 425, 429) or answer.status >= 500:
            after = http.retry_after_seconds(answer.headers, at=self.at)
            return Retry(timedelta(seconds=after) if after is not None else None)
        if answer.status == 401:
            return Reauthorise("The provider refuses the keys.")
        if answer.status == 404:
            return Gone(said or "The provider knows nothing of it.")
        return Refused(said or f"The provider answered {answer.status}.")


def members(body: bytes) -> dict[str, Any]:
    """Return the members of a JSON object with exact decimals; empty for everything else. Never raises."""
    try:
        value = json.loads(body, parse_float=Decimal)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def part(value: object, name: str) -> dict[str, Any]:
    """Return the object under a name, empty where there is none."""
    inner = value.get(name) if isinstance(value, dict) else None
    return inner if isinstance(inner, dict) else {}


def parts(value: object, name: str) -> list[dict[str, Any]]:
    """Return the objects in the list under a name."""
    inner = value.get(name) if isinstance(value, dict) else None
    return [each for each in inner if isinstance(each, dict)] if isinstance(inner, list) else []


def text(value: object, name: str, longest: int = 255) -> str:
    """Return the printable text under a name, cut to a length; empty where there is none."""
    inner = value.get(name) if isinstance(value, dict) else None
    return "".join(filter(str.isprintable, inner)).strip()[:longest] if isinstance(inner, str) else ""


def flag(value: object, name: str) -> bool:
    """Say whether the member is true, and not merely something."""
    return isinstance(value, dict) and value.get(name) is True


def minor_of(amount: object, currency: str) -> int | None:
    """Read an amount in major units, text or number, into minor units; None if it is not one exactly."""
    if isinstance(amount, bool) or not isinstance(amount, str | int | Decimal) or currency not in CURRENCIES:
        return None
    try:
        if isinstance(amount, str) and len(amount) > 40:
            return None
        exact = Decimal(amount)
        if not exact.is_finite() or exact.adjusted() > 16:
            return None
        minor = exact.scaleb(CURRENCIES[currency])
    except InvalidOperation:
        return None
    whole = int(minor)
    return whole if whole == minor and abs(whole) <= MAX_MINOR else None


def major_of(item: PayoutItem, *, whole: bool) -> str:
    """Write an item's amount in major units; `whole` for a currency that the provider pays without decimals.

    Raises Refused where the amount has a part that the provider cannot pay.
    """
    if not whole:
        return format_major(item.amount_minor, item.currency)
    major, rest = divmod(item.amount_minor, 10 ** CURRENCIES[item.currency])
    if rest:
        raise Refused(f"The provider pays whole {item.currency} only.")
    return str(major)


def failed(item: PayoutItem, why: str) -> ItemResult:
    """Return the result of an item that was definitely not paid."""
    return ItemResult(item.payout_id, "failed", failure=why[:MAX_FAILURE])


def differences(
    items: Sequence[PayoutItem], results: Sequence[ItemResult], total_minor: int | None
) -> list[str]:
    """Return sentences on where a provider's figures differ from ours; none when all agree.

    `total_minor` is the provider's for the results given, which leaves out what it never accepted.
    """
    ours = {item.payout_id: item for item in items}
    wrong = []
    accepted_minor = 0
    for result in results:
        item = ours.get(result.payout_id)
        if item is None:
            wrong.append(f"The provider has an item {result.payout_id[:60]} that is not ours.")
            continue
        accepted_minor += item.amount_minor
        if result.amount_minor is not None and result.amount_minor != item.amount_minor:
            wrong.append(
                f"{item.payout_id}: the provider pays {format_major(result.amount_minor, item.currency)}, "
                f"not {format_major(item.amount_minor, item.currency)} {item.currency}."
            )
    if total_minor is not None and total_minor != accepted_minor:
        currency = items[0].currency
        wrong.append(
            f"The provider's total is {format_major(total_minor, currency)}, "
            f"ours {format_major(accepted_minor, currency)} {currency}."
        )
    return wrong
