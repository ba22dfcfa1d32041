"""What integrations hold about an erased person: the bodies of received messages.

What goes out to webhook endpoints holds public ids only, so there is nothing in it to forget.
"""

from __future__ import annotations

import re
from typing import Final

from django.db import transaction
from django.db.models import Q

from accounts.models import Workspace
from integrations.models import InboxItem
from programs.models import Customer
from programs.queries import mailbox_of
from programs.tombstones import tombstone
from tracking.models import Conversion

_ADDRESS: Final = re.compile(rb"[\w.!#$%&'*+/=?^`{|}~-]+@[\w.-]+")
_BATCH: Final = 500


@transaction.atomic(savepoint=False)
def forget_customer(*, workspace: Workspace, customer: Customer) -> int:
    """Delete the bodies of messages about an erased person; returns how many. Repeating it changes nothing.

    Known by what they became, or, where they became nothing, by the addresses in them. What still waits is
    left: it counts first, and reading it deletes the body (`forget_if_erased`).
    """
    conversions = Conversion.objects.for_workspace(workspace).filter(customer=customer)
    theirs = list(conversions.order_by("pk").values_list("public_id", flat=True))
    items = InboxItem.objects.for_workspace(workspace).exclude(body=b"")
    forgotten = 0
    for start in range(0, len(theirs), _BATCH):
        told = items.filter(subjects__has_any_keys=theirs[start : start + _BATCH])
        forgotten += told.update(body=b"")
    # Locked, so that one which is being read at this moment is looked at as that leaves it.
    silent = items.filter(subjects=[]).select_for_update(of=("self",), no_key=True).order_by("pk")
    for item in silent.iterator(chunk_size=_BATCH):
        if item.state != InboxItem.State.PENDING and customer.mailbox in _mailboxes(bytes(item.body)):
            item.body = b""
            item.save(update_fields=["body"])
            forgotten += 1
    return forgotten


def forget_if_erased(item: InboxItem) -> bool:
    """Empty the body of a message that has just been read if it tells of somebody erased; tell whether.

    The row is the caller's to save.
    """
    known = Q()
    mailboxes = _mailboxes(bytes(item.body))
    if mailboxes:
        known |= Q(mailbox__in=mailboxes)
    if item.subjects:
        about = Conversion.objects.for_workspace(item.workspace_id).filter(public_id__in=item.subjects)
        known |= Q(pk__in=about.values("customer_id"))
    erased = Customer.objects.for_workspace(item.workspace_id).filter(known, erased_at__isnull=False)
    if not known or not erased.exists():
        return False
    item.body = b""
    return True


def _mailboxes(body: bytes) -> set[str]:
    """Return what would be left of the addresses in a body if their owners were erased."""
    found = {match[0].decode("utf-8", "ignore").lower() for match in _ADDRESS.finditer(body)}
    return {tombstone("mailbox", mailbox) for address in found if (mailbox := mailbox_of(address))}
