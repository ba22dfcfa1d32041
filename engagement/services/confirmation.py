"""Asking friends to confirm their e-mail address.

Like a sign-in mail, the stored mail holds a mark where the link goes; the link is signed when the mail is
handed over, so that whoever reads the mail log cannot confirm for somebody else.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from django.core import signing

from accounts.models import Workspace
from core.transactions import all_or_nothing
from engagement.models import Message
from engagement.queries.addresses import confirm_url
from engagement.queries.confirmation import SALT, address_hash
from engagement.queries.people import first_name
from engagement.services.messages import Mail, queue_messages
from programs.models import Customer
from tracking.models import ConversionCheck

LIFETIME: Final = timedelta(days=30)
MOST_MAILS: Final = 3
PAUSE: Final = timedelta(days=1)
LINK_MARK: Final = "[personal-confirmation-link]"
KIND: Final = "verify_email"


@all_or_nothing
def ask_to_confirm(*, workspace: Workspace, asked: Sequence[tuple[ConversionCheck, datetime]]) -> None:
    """Mail the friends whose address is in question a link that confirms it.

    At most one mail a day and three in all to a customer, however many checks wait for it. The checks come
    with conversion and customer; nothing for one that does not wait any more.
    """
    due: dict[str, tuple[Customer, datetime]] = {}
    for check, at in asked:
        customer = check.conversion.customer
        waits = check.kind == ConversionCheck.Kind.EMAIL and check.status == ConversionCheck.Status.WAITING
        if waits and customer.email and customer.email_verified_at is None:
            due[customer.public_id] = (customer, at)
    if not due:
        return
    sent: defaultdict[str, list[datetime]] = defaultdict(list)
    keys = [_key(public_id, number) for public_id in due for number in range(1, MOST_MAILS + 1)]
    for about, created_at in (
        Message.objects.for_workspace(workspace).filter(key__in=keys).values_list("about", "created_at")
    ):
        sent[about].append(created_at)
    queue_messages(
        workspace=workspace,
        mails=(
            # Two who count at the same time make the same key, and one mail.
            Mail(
                key=_key(public_id, len(sent[public_id]) + 1),
                kind=KIND,
                to_email=customer.email,
                context={
                    "name": first_name(customer),
                    "confirm_url": LINK_MARK,
                    "days": LIFETIME.days,
                },
                about=public_id,
                at=at,
            )
            for public_id, (customer, at) in due.items()
            if len(sent[public_id]) < MOST_MAILS
            and all(at - created_at >= PAUSE for created_at in sent[public_id])
        ),
    )


def _key(customer_id: str, number: int) -> str:
    return f"{KIND}:{customer_id}:{number}"


def confirmation_token(*, workspace_id: int, customer_id: str, email: str, now: datetime) -> str:
    """Sign a token for 30 days from `now`, real time; the address stands in it as a keyed hash only."""
    said = {
        "w": workspace_id,
        "c": customer_id,
        "a": address_hash(customer_id, email),
        "e": int((now + LIFETIME).timestamp()),
    }
    return signing.Signer(salt=SALT).sign_object(said)


def working_link(message: Message, *, now: datetime) -> str:
    """Return the link that goes in place of a confirmation mail's mark."""
    token = confirmation_token(
        workspace_id=message.workspace_id, customer_id=message.about, email=message.to_email, now=now
    )
    return confirm_url(token)
