"""Signing participants in by links that work once.

A sign-in mail is stored with a mark where the link goes; the secret is worked out from the message's id
and the server's key when the mail is handed over. So neither the mail log nor the database opens a portal.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.core.cache import cache
from django.db import transaction

from accounts import secrets
from accounts.models import Workspace
from core.errors import Conflict, RateLimited
from core.ids import new_public_id
from engagement.models import MagicLink, Message
from engagement.queries import sign_in as queries
from engagement.queries.addresses import enter_url
from engagement.services.messages import Mail, queue_message
from programs.models import Participant, Program
from tracking import services as tracking_services

LIFETIME: Final = timedelta(minutes=30)
LINK_MARK: Final = "[personal-sign-in-link]"
WINDOW_SECONDS: Final = 15 * 60
PER_MAILBOX: Final = 3
PER_ADDRESS: Final = 20


class SignInLinkClosed(Conflict):
    """The link is unknown, was used, or has expired."""

    status = 410
    default_code = "sign_in_link_closed"


class ParticipantNotActive(Conflict):
    """A suspended participant gets no sign-in link from the shop."""

    default_code = "participant_suspended"


@dataclass(frozen=True, slots=True)
class SignInLinkMade:
    """A fresh sign-in address; it is shown once and not stored."""

    url: str
    expires_at: datetime


def limit_sign_in_requests(*, program: Program, mailbox: str, address: str) -> None:
    """Count a request for a link; raises RateLimited beyond a few per mailbox and more per network address.

    Counted before anything is looked up, so being limited says nothing about who takes part.
    """
    limits = ((f"mailbox:{mailbox}", PER_MAILBOX), (f"address:{address}", PER_ADDRESS))
    for name, limit in limits:
        key = f"portal-sign-in:{program.public_id}:{secrets.keyed_hash(name)}"
        cache.add(key, 0, WINDOW_SECONDS)
        try:
            count = cache.incr(key)
        except ValueError:
            # The window ended between the two calls.
            count = 1
        if count > limit:
            raise RateLimited(
                "Too many links were asked for. Please wait a quarter of an hour and try again.",
                details={"retry_after": WINDOW_SECONDS},
            )


@transaction.atomic
def request_sign_in(*, program: Program, email: str, mailbox: str, at: datetime) -> None:
    """Mail a sign-in link to the participant who reads this mailbox, if there is one; tells nobody which.

    The mail goes to the address on file, never to the one typed. Where nobody takes part the same rows are
    written and taken back, so that the time of the answer does not tell either.
    """
    participant = queries.participant_at(program, mailbox=mailbox, email=email)
    known = participant is not None and participant.status == Participant.Status.ACTIVE
    message_id = new_public_id("msg")
    with transaction.atomic():
        MagicLink.objects.create(
            workspace=program.workspace,
            participant_id=participant.pk if participant is not None else 0,
            secret_hash=secrets.keyed_hash(mailed_secret(message_id)),
            mailed=True,
            created_at=at,
            expires_at=at + LIFETIME,
        )
        queue_message(
            workspace=program.workspace,
            mail=Mail(
                public_id=message_id,
                key=f"magic_link:{message_id}",
                kind="magic_link",
                to_email=participant.customer.email if participant is not None else email,
                context={
                    "program_name": program.name,
                    "sign_in_url": LINK_MARK,
                    "minutes": int(LIFETIME.total_seconds() // 60),
                },
                about=participant.public_id if participant is not None else "",
                at=at,
            ),
        )
        if not known:
            transaction.set_rollback(True)


def mailed_secret(message_id: str) -> str:
    """Return the secret that the sign-in mail with this public id carries."""
    return secrets.keyed_hash(f"sign-in mail {message_id}")


def with_secret(message: Message, body: str) -> str:
    """Return a sign-in mail's text or HTML with the working link in place of its mark."""
    return body.replace(LINK_MARK, enter_url(mailed_secret(message.public_id)))


@transaction.atomic
def create_portal_link(*, participant: Participant, at: datetime) -> SignInLinkMade:
    """Make a sign-in link for a customer whom the shop itself has signed in; a repetition makes another.

    Raises ParticipantNotActive for a suspended participant.
    """
    if participant.status != Participant.Status.ACTIVE:
        raise ParticipantNotActive("This participant is suspended.", param="participant")
    secret = secrets.new_secret()
    link = MagicLink.objects.create(
        workspace=participant.workspace,
        participant=participant,
        secret_hash=secrets.keyed_hash(secret),
        created_at=at,
        expires_at=at + LIFETIME,
    )
    return SignInLinkMade(url=enter_url(secret), expires_at=link.expires_at)


@transaction.atomic
def use_magic_link(*, workspace: Workspace, secret: str, at: datetime) -> Participant:
    """Use a link up and return whom it signs in; raises SignInLinkClosed but for its first, timely use.

    With a mailed link the participant has shown to read mail at the address on file.
    """
    used = (
        MagicLink.objects.for_workspace(workspace)
        .filter(secret_hash=secrets.keyed_hash(secret), used_at__isnull=True, expires_at__gt=at)
        .update(used_at=at)
    )
    link = queries.magic_link(workspace, secret)
    if not used or link is None:
        raise SignInLinkClosed("This sign-in link was used already or has expired.")
    participant: Participant = link.participant
    if link.mailed:
        tracking_services.verify_email(customer=participant.customer, at=at)
    return participant
