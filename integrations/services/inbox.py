"""Incoming messages: stored before they are answered, read afterwards, tried again on request."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F, Q

from core.errors import Conflict, DomainError
from core.transactions import all_or_nothing
from integrations.models import Connection, InboxItem
from integrations.providers.payout_registry import PAYOUT_PROVIDERS
from integrations.providers.registry import PROVIDERS
from integrations.services.forgetting import forget_if_erased
from integrations.services.orders import Outcome, apply_event
from integrations.services.payout_messages import apply_payout_event
from integrations.wake import wake

READ_INBOX = "integrations.read_inbox"
_TELLING = (InboxItem.Outcome.SET_ASIDE, InboxItem.Outcome.APPLIED, InboxItem.Outcome.IGNORED)


@dataclass(frozen=True, slots=True)
class Received:
    """The stored message, and whether it had been received before."""

    item_id: str
    repeated: bool


@all_or_nothing
def receive(*, connection: Connection, topic: str, fingerprint: str, body: bytes, at: datetime) -> Received:
    """Store a verified message once per connection and fingerprint, and wake the reader; `at` is real time.

    A repetition is counted on the first one's row.
    """
    item = InboxItem(
        workspace_id=connection.workspace_id,
        connection=connection,
        fingerprint=fingerprint,
        topic=topic,
        body=body,
        received_at=at,
        due_at=at,
    )
    InboxItem.objects.bulk_create([item], ignore_conflicts=True)
    rows = InboxItem.objects.for_workspace(connection.workspace_id).filter(
        connection=connection, fingerprint=fingerprint
    )
    stored_id: str = rows.values_list("public_id", flat=True).get()
    repeated = stored_id != item.public_id
    if repeated:
        rows.update(repeats=F("repeats") + 1)
    else:
        wake(READ_INBOX)
    # To the minute, so that a busy shop's messages do not queue for one row.
    Connection.objects.for_workspace(connection.workspace_id).filter(
        Q(last_received_at__isnull=True) | Q(last_received_at__lte=at - timedelta(minutes=1)),
        pk=connection.pk,
    ).update(last_received_at=at)
    return Received(stored_id, repeated)


@all_or_nothing
def read_item(*, item: InboxItem) -> InboxItem:
    """Turn a stored message into facts, and note on it what came of it.

    Reading it again changes nothing that it had changed. A refusal by the rules of the domain undoes the
    message's effects and sets it aside with that reason; any other error is the caller's to retry. The body
    of one about somebody who was erased is deleted.
    """
    connection = item.connection
    at = item.workspace.local_time(item.received_at)
    try:
        with transaction.atomic():
            outcomes = _applied(connection, item, at)
    except DomainError as error:
        outcomes = [Outcome(InboxItem.Outcome.SET_ASIDE, error.code, error.message)]
    _note(item, outcomes)
    return item


def _applied(connection: Connection, item: InboxItem, at: datetime) -> list[Outcome]:
    topic, body, received_at = item.topic, bytes(item.body), item.received_at
    payer = PAYOUT_PROVIDERS.get(connection.provider)
    if payer is not None:
        return [
            apply_payout_event(connection=connection, event=event, at=at, received_at=received_at)
            for event in payer.events(topic, body)
        ]
    return [
        apply_event(connection=connection, event=event, at=at, received_at=received_at)
        for event in PROVIDERS[connection.provider].events(topic, body)
    ]


def _note(item: InboxItem, outcomes: Sequence[Outcome]) -> None:
    first = min(outcomes, key=lambda each: _TELLING.index(each.outcome))
    item.outcome = first.outcome
    item.reason = first.reason[:60]
    item.sentence = " ".join(each.sentence for each in outcomes)
    item.subjects = list(dict.fromkeys(subject for each in outcomes for subject in each.subjects))
    fields = ["outcome", "reason", "sentence", "subjects"]
    item.save(update_fields=[*fields, "body"] if forget_if_erased(item) else fields)


@all_or_nothing
def retry_item(*, item: InboxItem, at: datetime) -> InboxItem:
    """Read a failed message, or one that was set aside, again now; `at` is real time.

    Raises Conflict for one that is waiting or was read without a problem.
    """
    row: InboxItem = (
        InboxItem.objects.for_workspace(item.workspace_id).select_for_update(no_key=True).get(pk=item.pk)
    )
    aside = row.state == InboxItem.State.DONE and row.outcome == InboxItem.Outcome.SET_ASIDE
    if row.state != InboxItem.State.DEAD and not aside:
        raise Conflict("This message is not waiting for anybody to try it again.", code="not_failed")
    if not row.body:
        raise Conflict("This message was erased together with a person's data.", code="erased")
    row.state = InboxItem.State.PENDING
    row.attempts = 0
    row.due_at = at
    row.leased_until = None
    row.outcome = row.reason = row.sentence = ""
    row.save(update_fields=["state", "attempts", "due_at", "leased_until", "outcome", "reason", "sentence"])
    wake(READ_INBOX)
    return row
