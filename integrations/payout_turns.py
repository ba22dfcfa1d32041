"""One turn of paying out through a provider: hand a part of a batch over, or ask how it stands. No database.

A turn changes nothing here. What it brought is judged against our own figures before anybody acts on it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from integrations.providers import ProviderError, Refused, Retry
from integrations.providers.payout_registry import PayoutProvider
from integrations.providers.payouts import ItemResult, PayoutAccess, PayoutItem, Wire, differences, failed

NEVER_ACCEPTED: Final = "The provider never accepted this payment."


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a batch as it stands: all its items in order, those still open, and those handed over."""

    reference: str
    provider_batch_id: str
    items: tuple[PayoutItem, ...]
    open_ids: frozenset[str]
    handed_ids: frozenset[str]
    page: str = ""


@dataclass(frozen=True, slots=True)
class Turn:
    """What a turn brought.

    With `wrong` sentences the provider's figures differ from ours and nothing of it may be believed. `handed`
    is the last item that was handed over, "" for none; `complete` says that nothing is left of this step's
    pass. `paid_minor` is what the provider says it paid, on the pages that were asked for.
    """

    results: tuple[ItemResult, ...] = ()
    problem: ProviderError | None = None
    wrong: tuple[str, ...] = ()
    provider_batch_id: str = ""
    handed: str = ""
    complete: bool = False
    page: str = ""
    paid_minor: int = 0


def stopped(why: str) -> Turn:
    """Return the turn that never began."""
    return Turn(problem=Refused(why))


def send_part(provider: PayoutProvider, access: PayoutAccess, wire: Wire, part: Part) -> Turn:
    """Hand over what is open and was not handed over yet."""
    waiting = [
        item
        for item in part.items
        if item.payout_id in part.open_ids and item.payout_id not in part.handed_ids
    ]
    if not waiting:
        return Turn(provider_batch_id=part.provider_batch_id, complete=True)
    try:
        sent = provider.send(wire, access, part.reference, waiting)
    except ProviderError as error:
        return Turn(problem=error)
    judged = {result.payout_id for result in sent.results}
    handed = ""
    for item in waiting:
        if not (sent.complete or item.payout_id in judged):
            break
        handed = item.payout_id
    return Turn(
        results=sent.results,
        problem=sent.problem,
        wrong=tuple(differences(waiting, sent.results, None)),
        provider_batch_id=sent.provider_batch_id or part.provider_batch_id,
        handed=handed,
        complete=sent.complete,
    )


def ask_part(provider: PayoutProvider, access: PayoutAccess, wire: Wire, part: Part) -> Turn:
    """Ask how the part stands, page by page for as long as there is time.

    Where the provider knows a total, nothing counts before all pages were read and add up to it.
    """
    results: list[ItemResult] = []
    page, total_minor = part.page, None
    try:
        while True:
            report = provider.status(
                wire,
                access,
                batch_id=part.reference,
                provider_batch_id=part.provider_batch_id,
                items=part.items,
                page=page,
            )
            results += report.results
            page = report.page
            total_minor = report.total_minor
            if not page or not wire.has_time():
                break
    except ProviderError as error:
        return Turn(problem=error)
    if page and total_minor is not None:
        return Turn(problem=Retry())
    whole = not part.page and not page
    if len({result.payout_id for result in results}) < len(results):
        return Turn(wrong=("The provider has two payments under one id.",))
    wrong = differences(part.items, results, total_minor if whole else None)
    if whole and report.closed:
        listed = {result.payout_id for result in results}
        results += [
            failed(item, NEVER_ACCEPTED)
            for item in part.items
            if item.payout_id in part.open_ids and item.payout_id not in listed
        ]
    amounts = {item.payout_id: item.amount_minor for item in part.items}
    paid = [amounts.get(result.payout_id, 0) for result in results if result.status == "paid"]
    return Turn(
        results=tuple(results),
        wrong=tuple(wrong),
        provider_batch_id=part.provider_batch_id,
        complete=not page,
        page=page,
        paid_minor=sum(paid),
    )
