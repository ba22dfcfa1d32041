"""What tracking holds about an erased person: deleted, or made to name nobody. Counts and amounts stay."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from django.db import transaction
from django.db.models import Q

from accounts.models import Workspace
from accounts.services import forget_answers
from core.ids import new_public_id
from programs.models import Customer, Participant
from programs.queries import mailbox_of
from programs.tombstones import tombstone
from tracking.models import (
    Appeal,
    Click,
    Conversion,
    ConversionCheck,
    FraudCase,
    FraudListEntry,
    Sighting,
    Touchpoint,
)

ERASED_TEXT = "(erased)"


@transaction.atomic(savepoint=False)
def forget_customer(*, workspace: Workspace, customer: Customer) -> None:
    """Delete what tracking holds about an erased person; repeating it changes nothing.

    Deleted: identifiers seen on conversions, and what somebody wrote. Emptied: the browser and host on
    touchpoints, metadata of conversions. Clicks keep their place under a visitor id that means nothing, so
    that visitors are counted as before. Entries of the fraud lists about this very person go on working on
    what is left of the address. Judgements and decisions stay: they hold public ids and keyed hashes.
    """
    Sighting.objects.for_workspace(workspace).filter(customer=customer).delete()
    touches = Touchpoint.objects.for_workspace(workspace).filter(customer=customer)
    forget_visitors(
        workspace_id=workspace.pk,
        visitor_ids=set(touches.exclude(visitor_id="").values_list("visitor_id", flat=True)),
    )
    touches.exclude(visitor_id="", referrer_host="").update(visitor_id="", referrer_host="")
    unname_conversions(customer)
    conversions = Conversion.objects.for_workspace(workspace).filter(customer=customer)
    own = Participant.objects.for_workspace(workspace).filter(customer=customer)
    theirs = Q(conversion__in=conversions) | Q(participant__in=own)
    Appeal.objects.for_workspace(workspace).filter(theirs).update(message=ERASED_TEXT)
    Appeal.objects.for_workspace(workspace).filter(theirs).exclude(answer="").update(answer=ERASED_TEXT)
    FraudCase.objects.for_workspace(workspace).filter(theirs).exclude(note="").update(note=ERASED_TEXT)
    ConversionCheck.objects.for_workspace(workspace).filter(conversion__in=conversions).update(detail="")
    _unname_list_entries(workspace, customer)
    forget_answers(workspace=workspace, ids=list(conversions.values_list("public_id", flat=True)))


def forget_visitors(*, workspace_id: int, visitor_ids: Collection[str]) -> None:
    """Give the clicks of these browsers an id that no browser has, and drop the hash of the address."""
    for visitor_id in sorted(visitor_ids):
        Click.objects.for_workspace(workspace_id).filter(visitor_id=visitor_id).update(
            visitor_id=new_public_id("vis"), address_hash=""
        )


def unname_conversions(customer: Customer) -> None:
    """Empty the metadata of an erased person's conversions, and take the person's ids out of their keys.

    Told again under the old key they are known still, see `unnamed_key`.
    """
    rows = Conversion.objects.for_workspace(customer.workspace_id).filter(customer_id=customer.pk)
    rows.exclude(metadata={}).update(metadata={})
    for conversion in rows.only("source_key", "workspace_id"):
        key = unnamed_key(conversion.source_key, customer)
        if key != conversion.source_key:
            conversion.source_key = key
            conversion.save(update_fields=["source_key"])


def unnamed_key(source_key: str, customer: Customer) -> str:
    """Return a conversion's key with what is left of an erased person's id or address in the place of it.

    A sign-up's key is the event's name and the person's id, with a colon between them.
    """
    for before, rest in _splits(source_key):
        if customer.external_id and tombstone("external_id", rest) == customer.external_id:
            return f"{before}{customer.external_id}"[:255]
        mailbox = mailbox_of(rest) if "@" in rest else ""
        if mailbox and tombstone("mailbox", mailbox) == customer.mailbox:
            return f"{before}{customer.mailbox}"[:255]
    return source_key


def _splits(key: str) -> Iterator[tuple[str, str]]:
    yield "", key
    for place, letter in enumerate(key):
        if letter == ":":
            yield key[: place + 1], key[place + 1 :]


def _unname_list_entries(workspace: Workspace, customer: Customer) -> None:
    left = {"email": customer.mailbox, "customer": customer.external_id}
    entries = FraudListEntry.objects.for_workspace(workspace).filter(kind__in=left)
    for entry in entries.exclude(pattern__contains="*"):
        kept = left[entry.kind]
        if kept and tombstone("mailbox" if entry.kind == "email" else "external_id", entry.pattern) == kept:
            known = FraudListEntry.objects.for_workspace(workspace).filter(
                mode=entry.mode, kind=entry.kind, pattern=kept
            )
            if known.exclude(pk=entry.pk).exists():
                entry.delete()
                continue
            entry.pattern, entry.note = kept, ""
            entry.save(update_fields=["pattern", "note"])
