"""Recording clicks, and tying a visitor's clicks to the customer the visitor turns out to be."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.db import transaction

from core.partitions import make_month
from core.transactions import all_or_nothing
from programs.models import Customer, Link, Program
from tracking.agents import Agent, read_agent
from tracking.classification import ClickFacts, ClickReason, channel, classify, referrer_host
from tracking.click_queries import REPEAT
from tracking.identifiers import address_hash
from tracking.models import Click, ClickAgent, Touchpoint
from tracking.services.forgetting import forget_visitors

LONGEST_WINDOW = timedelta(days=366)
"""How far back a visitor's clicks are looked at when they become a customer's."""


@dataclass(frozen=True, slots=True)
class LinkRequest:
    """One request of a link, with participant and program loaded: by whom, what it tells, when."""

    link: Link
    visitor_id: str
    facts: ClickFacts
    at: datetime
    received_at: datetime | None = None


@all_or_nothing
def record_click(
    *, link: Link, visitor_id: str, facts: ClickFacts, at: datetime, received_at: datetime | None = None
) -> Click:
    """Store one request of a link, counted or not, with the reason when it is not.

    Every call stores a row: a visitor's repetition within an hour is stored as `duplicate`. `at` is when
    somebody clicked; `received_at` when we heard of it, if that was later.
    """
    request = LinkRequest(link, visitor_id, facts, at, received_at)
    reason = _refusal(request)
    if not reason and _is_repeat(link, visitor_id, at):
        reason = "duplicate"
    click = _click(request, reason, _agents([facts]))
    make_month(Click, at)
    click.save(force_insert=True)
    return click


@all_or_nothing
def record_clicks(*, requests: Sequence[LinkRequest]) -> list[Click]:
    """Store many requests of one workspace's links as `record_click` would one after another.

    In three statements and one a month, however many there are. Returns the clicks in the order given.
    """
    if not requests:
        return []
    since = min(request.at for request in requests) - REPEAT
    counted = defaultdict(list)
    rows = Click.objects.for_workspace(requests[0].link.workspace_id).filter(
        visitor_id__in={request.visitor_id for request in requests}, counted=True, occurred_at__gt=since
    )
    for visitor_id, link_id, at in rows.values_list("visitor_id", "link_id", "occurred_at"):
        counted[visitor_id, link_id].append(at)
    agents = _agents([request.facts for request in requests])
    clicks = []
    for request in requests:
        reason = _refusal(request)
        known = counted[request.visitor_id, request.link.pk]
        if not reason and any(abs(at - request.at) < REPEAT for at in known):
            reason = "duplicate"
        if not reason:
            known.append(request.at)
        clicks.append(_click(request, reason, agents))
    for month in {
        request.at.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
        for request in requests
    }:
        make_month(Click, month)
    return Click.objects.bulk_create(clicks, batch_size=500)


def _refusal(request: LinkRequest) -> ClickReason:
    """Return why the request does not count, but for its being a repetition."""
    reason = classify(request.facts)
    program = request.link.participant.program
    if not reason and program.status != Program.Status.ACTIVE:
        return "program_ended" if program.status == Program.Status.ENDED else "program_paused"
    return reason


def _agents(all_facts: Sequence[ClickFacts]) -> dict[Agent, int]:
    """Return the numbers of the browsers and devices, each made if there is none yet."""
    wanted = {read_agent(facts.user_agent) for facts in all_facts}
    found = _numbers(wanted)
    if len(found) < len(wanted):
        rows = [ClickAgent(browser=each.browser, system=each.system, device=each.device) for each in wanted]
        ClickAgent.objects.bulk_create(rows, ignore_conflicts=True)
        found = _numbers(wanted)
    return found


def _numbers(wanted: set[Agent]) -> dict[Agent, int]:
    rows = ClickAgent.objects.filter(
        browser__in={each.browser for each in wanted}, system__in={each.system for each in wanted}
    )
    known = {(row.browser, row.system, row.device): row.pk for row in rows}
    keys = ((each, (each.browser, each.system, each.device)) for each in wanted)
    return {each: known[key] for each, key in keys if key in known}


def _click(request: LinkRequest, reason: ClickReason, agents: Mapping[Agent, int]) -> Click:
    link, facts, at = request.link, request.facts, request.at
    return Click(
        workspace_id=link.workspace_id,
        link=link,
        participant_id=link.participant_id,
        program=link.participant.program,
        visitor_id=request.visitor_id,
        occurred_at=at,
        received_at=request.received_at or at,
        counted=not reason,
        reason=reason,
        channel=channel(facts),
        referrer_host=referrer_host(facts.referrer),
        address_hash=address_hash(facts.address, at),
        country=facts.country[:2].upper(),
        agent_id=agents[read_agent(facts.user_agent)],
    )


def _is_repeat(link: Link, visitor_id: str, at: datetime) -> bool:
    return (
        Click.objects.for_workspace(link.workspace_id)
        .filter(
            visitor_id=visitor_id,
            link=link,
            counted=True,
            # On both sides: what is told late may lie long before a click that is known.
            occurred_at__gt=at - REPEAT,
            occurred_at__lt=at + REPEAT,
        )
        .exists()
    )


MOST_REFUSED = 20
"""How many of a visitor's clicks that were not counted are kept for the explanation, the newest ones."""

_SAYS_NOTHING = ("duplicate", "flood")
"""Reasons of clicks that repeat another one, which is kept itself."""


@dataclass(frozen=True, slots=True)
class Bound:
    """What binding found out: how many touchpoints are new, and the earliest new one of each customer."""

    count: int
    since: Mapping[int, datetime]


def bind_visitor(*, customer: Customer, click: Click) -> int:
    """Make the clicks of a click's visitor touchpoints of this customer; returns how many are new.

    Repeating it adds nothing. Clicks of the last year count; the program's window decides which matter. Those
    that were not counted are bound with their reason, so that a decision can say why they earned nothing.
    """
    return bind_visitors(found=[(customer, click)]).count


@transaction.atomic(savepoint=False)
def bind_visitors(*, found: Sequence[tuple[Customer, Click]]) -> Bound:
    """Do what `bind_visitor` does for many customers of one workspace, each with a click they came with."""
    if not found:
        return Bound(0, {})
    workspace_id = found[0][0].workspace_id
    visits = defaultdict(list)
    refused: dict[str, list[Click]] = defaultdict(list)
    for each in (
        Click.objects.for_workspace(workspace_id)
        .filter(
            visitor_id__in={click.visitor_id for _, click in found},
            occurred_at__gt=min(click.occurred_at for _, click in found) - LONGEST_WINDOW,
        )
        .exclude(reason__in=_SAYS_NOTHING)
        .order_by("-occurred_at", "-public_id")
    ):
        if each.counted:
            visits[each.visitor_id].append(each)
        elif len(refused[each.visitor_id]) < MOST_REFUSED:
            refused[each.visitor_id].append(each)
    bound = set(
        Touchpoint.objects.for_workspace(workspace_id)
        .filter(customer__in={customer.pk for customer, _ in found}, click__isnull=False)
        .values_list("customer_id", "click_id")
    )
    fresh = [
        Touchpoint(
            workspace_id=workspace_id,
            kind=Touchpoint.Kind.CLICK,
            program_id=each.program_id,
            participant_id=each.participant_id,
            customer=customer,
            click=each,
            refusal=each.reason,
            channel=each.channel,
            visitor_id="" if customer.erased_at else each.visitor_id,
            referrer_host="" if customer.erased_at else each.referrer_host,
            country=each.country,
            occurred_at=each.occurred_at,
        )
        for customer, click in found
        for each in visits[click.visitor_id] + refused[click.visitor_id]
        if each.occurred_at > click.occurred_at - LONGEST_WINDOW and (customer.pk, each.pk) not in bound
    ]
    Touchpoint.objects.bulk_create(fresh, ignore_conflicts=True)
    forget_visitors(
        workspace_id=workspace_id,
        visitor_ids={click.visitor_id for customer, click in found if customer.erased_at},
    )
    since: dict[int, datetime] = {}
    for touch in fresh:
        known = since.get(touch.customer_id)
        since[touch.customer_id] = touch.occurred_at if known is None else min(known, touch.occurred_at)
    return Bound(len(fresh), since)
