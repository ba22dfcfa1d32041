"""The outbox's two ends: `emit` writes an event beside the fact, `deliver_due` hands it to its handlers.

Which handler hears which kind is one literal table in `referral_platform/subscriptions.py`, given to
`configure` at start-up. Delivery is at least once and in no promised order, so handlers converge: they read
the facts again and make the world match them.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime
from functools import partial, wraps
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.db import transaction
from django.utils.module_loading import import_string

from core import arrays, clock, queue
from core.models import Event, EventDelivery
from core.tenancy import current_workspace_id, tenant
from core.transactions import failing_as_one

logger = logging.getLogger(__name__)

Handler = Callable[[Event], None]
GroupHandler = Callable[[Sequence[tuple[Event, datetime]]], None]

_subscriptions: dict[str, tuple[str, ...]] = {}
_handlers: dict[str, Handler] = {}
_waker: Callable[[], None] | None = None
_inline: ContextVar[list[EventDelivery] | None] = ContextVar("inline", default=None)
_collected: ContextVar[list[Event] | None] = ContextVar("collected", default=None)


def in_groups(many: GroupHandler) -> Handler:
    """Make a handler of a function that takes several events of one workspace at once, oldest first.

    With each comes the real time at which it is delivered. The worker hands over what has come together,
    `as_one` all that one round of deliveries owes.
    """

    @wraps(many)
    def one(event: Event) -> None:
        many([(event, clock.now())])

    _groups[one] = many
    return one


_groups: dict[Handler, GroupHandler] = {}


def configure(subscriptions: Mapping[str, Sequence[str]], *, waker: Callable[[], None]) -> None:
    """Install the table of subscriptions; raises ImproperlyConfigured for a handler that does not exist.

    `waker` is called after each commit that wrote deliveries; it may fail, the sweeper comes behind.
    """
    global _waker
    _subscriptions.clear()
    for kind, names in subscriptions.items():
        for name in names:
            try:
                _handlers[name] = import_string(name)
            except ImportError as error:
                raise ImproperlyConfigured(f"{kind}: there is no handler {name}") from error
        _subscriptions[kind] = tuple(names)
    _waker = waker


def kinds() -> tuple[str, ...]:
    """Return every kind of event there is, sorted."""
    return tuple(sorted(_subscriptions))


def emit(kind: str, *, at: datetime, **data: Any) -> Event:
    """Write an event and what it owes to each handler, in the caller's tenant transaction.

    `data` takes public ids, codes and amounts, never personal data. Raises ValueError for an unknown kind and
    RuntimeError outside a tenant's transaction. Inside `together` and `as_one` the event has no key before
    the block ends.
    """
    if kind not in _subscriptions:
        raise ValueError(f"unknown event kind {kind!r}")
    workspace_id = current_workspace_id()
    if workspace_id is None:
        raise RuntimeError("emit() needs an open tenant()")
    event = Event(workspace_id=workspace_id, kind=kind, data=data, occurred_at=at)
    collected = _collected.get()
    if collected is not None:
        collected.append(event)
    else:
        _write([event])
    return event


@contextmanager
def together() -> Iterator[None]:
    """Write the events of a block at its end, in two statements however many there are.

    They have no key before. Should the block fail, none is written.
    """
    if _collected.get() is not None:
        yield
        return
    collected: list[Event] = []
    token = _collected.set(collected)
    try:
        yield
    finally:
        _collected.reset(token)
    _write(collected)


def _write(events: Sequence[Event]) -> None:
    """Write events and what they owe to their handlers, and see to it that somebody pays."""
    if not events:
        return
    arrays.insert(events)
    due_at = clock.now()
    deliveries = [
        EventDelivery(workspace_id=event.workspace_id, event=event, handler=name, due_at=due_at)
        for event in events
        for name in _subscriptions[event.kind]
    ]
    arrays.insert(deliveries)
    owed = _inline.get()
    if owed is not None:
        owed.extend(deliveries)
    elif deliveries:
        transaction.on_commit(_wake, robust=True)


def _wake() -> None:
    if _waker is not None:
        _waker()


def _deliver(delivery: EventDelivery) -> None:
    handler = _handlers.get(delivery.handler)
    if handler is None:
        raise LookupError(f"no handler is named {delivery.handler}")
    handler(delivery.event)


def deliver_due(*, limit: int = 200) -> int:
    """Deliver what is due, each to its handler in one tenant transaction; returns how many were tried.

    A handler that takes groups gets what it is owed by one workspace at once.
    """
    claims = queue.claim(EventDelivery, limit=limit, at=clock.now())
    for workspace_id in dict.fromkeys(claimed.workspace_id for claimed in claims):
        own = {claimed.pk: claimed for claimed in claims if claimed.workspace_id == workspace_id}
        with tenant(workspace_id):
            rows = EventDelivery.objects.for_workspace(workspace_id).filter(pk__in=own).order_by("pk")
            handlers = dict(rows.values_list("pk", "handler"))
        for name in dict.fromkeys(handlers.values()):
            _deliver_to(name, [own[pk] for pk, handler in handlers.items() if handler == name])
    return len(claims)


def _deliver_to(name: str, claims: Sequence[queue.Claim]) -> None:
    """Run the deliveries of one handler in one workspace; what fails together is tried one by one."""
    handler = _handlers.get(name)
    many = None if handler is None else _groups.get(handler)
    fresh = [claimed for claimed in claims if claimed.attempts == 1]
    if many is not None and len(fresh) > 1:
        done = queue.run_claims(EventDelivery, fresh, partial(_deliver_group, many))
        claims = [claimed for claimed in claims if claimed not in fresh] if done else claims
    for claimed in claims:
        queue.run_claim(EventDelivery, claimed, _deliver)


def _deliver_group(many: GroupHandler, rows: Sequence[EventDelivery]) -> None:
    now = clock.now()
    events = Event.objects.for_workspace(rows[0].workspace_id).in_bulk([row.event_id for row in rows])
    with together():
        many([(events[row.event_id], now) for row in rows])


@contextmanager
def inline() -> Iterator[None]:
    """Deliver what the block emits before its transaction commits, consequences of consequences included.

    For callers who asked to wait for the outcome. A handler that fails is rolled back alone, logged, and left
    to the worker, so waiting never loses the fact itself. Needs the tenant's transaction around it.
    """
    owed: list[EventDelivery] = []
    done: list[EventDelivery] = []
    token = _inline.set(owed)
    try:
        yield
        while owed:
            delivery = owed.pop(0)
            waiting = len(owed)
            try:
                with transaction.atomic():
                    _deliver(delivery)
                done.append(delivery)
            except Exception:
                logger.exception("%s failed in line, left to the worker", delivery.handler)
                # What the handler emitted was rolled back with it and must not be delivered.
                del owed[waiting:]
                transaction.on_commit(_wake, robust=True)
        if done:
            EventDelivery.objects.for_workspace(done[0].workspace_id).filter(
                pk__in=[delivery.pk for delivery in done]
            ).update(state="done", attempts=1)
    finally:
        _inline.reset(token)


@contextmanager
def as_one() -> Iterator[None]:
    """Write what the block emits in one go, and deliver it in rounds before the transaction commits.

    For loading much at once. Each handler hears of an event with the clock standing at the event's time.
    There is no worker behind it: a handler that fails raises, and the caller's transaction is undone with it.
    Needs the tenant's transaction around it.
    """
    collected: list[Event] = []
    done: list[EventDelivery] = []
    token = _collected.set(collected)
    try:
        with failing_as_one():
            yield
        while collected:
            events = sorted(collected, key=lambda event: event.occurred_at)
            collected.clear()
            Event.objects.bulk_create(events)
            owed: defaultdict[str, list[Event]] = defaultdict(list)
            for event in events:
                for name in _subscriptions[event.kind]:
                    owed[name].append(event)
            for name, owing in owed.items():
                with failing_as_one():
                    _play(_handlers[name], owing)
                done += [
                    EventDelivery(
                        workspace_id=event.workspace_id,
                        event=event,
                        handler=name,
                        due_at=event.occurred_at,
                        state=EventDelivery.State.DONE,
                        attempts=1,
                    )
                    for event in owing
                ]
        EventDelivery.objects.bulk_create(done)
    finally:
        _collected.reset(token)


def _play(handler: Handler, events: list[Event]) -> None:
    many = _groups.get(handler)
    if many is not None:
        with clock.standing_at(events[-1].occurred_at):
            many([(event, event.occurred_at) for event in events])
        return
    for event in events:
        with clock.standing_at(event.occurred_at):
            handler(event)


def replay(*, workspace_id: int, after: int = 0, handler: str | None = None) -> int:
    """Owe a workspace's past events again to their handlers (or one of them); returns how many are due.

    Safe at any time because handlers converge. Runs in the caller's tenant transaction.
    """
    deliveries = EventDelivery.objects.for_workspace(workspace_id).filter(event_id__gt=after)
    if handler is not None:
        deliveries = deliveries.filter(handler=handler)
    count: int = deliveries.update(state="pending", attempts=0, due_at=clock.now(), leased_until=None)
    transaction.on_commit(_wake, robust=True)
    return count
