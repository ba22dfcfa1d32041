"""Handing mails to the mail server: at most once each, whatever breaks in between.

A mail server takes a message over in one step that no transaction spans. So a message is marked as handed
over (`sent_at`, committed) before the server sees it:

- a definite refusal takes the mark back and tries again later, or gives up at once when the server says that
  the refusal is permanent;
- a broken connection, or a worker killed between the mark and the end, leaves an unknown outcome. Such a
  message is never sent again by itself; it becomes dead with that reason, and a person may send it once more.

Every attempt carries the same Message-ID, so that a receiver can drop a repetition too.
"""

from __future__ import annotations

import logging
import re
import smtplib
from datetime import datetime, timedelta
from email.utils import formataddr, parseaddr
from typing import Final
from urllib.parse import urlsplit

from django.conf import settings
from django.core import mail
from django.core.mail import EmailMultiAlternatives
from django.db import transaction

from accounts.models import Workspace
from accounts.services import Actor, record_audit
from core import clock, queue
from core.errors import Conflict
from core.queue import Claim
from core.tenancy import tenant
from engagement.models import Message
from engagement.services import confirmation
from engagement.services.sign_in import with_secret

logger = logging.getLogger(__name__)

BATCH: Final = 20
_ADDRESS: Final = re.compile(r"<?[^\s<>]+@[^\s<>]+>?")
LEASE: Final = timedelta(minutes=5)
SUSPENDED_PAUSE: Final = timedelta(minutes=10)
UNKNOWN_OUTCOME: Final = "The connection to the mail server broke off; whether it took the mail is not known."
INTERRUPTED: Final = "Sending was interrupted; whether the mail server took the mail is not known."


def send_due_messages() -> int:
    """Send what is due until nothing is left; returns how many messages the mail server took."""
    sent = 0
    while claims := queue.claim(Message, limit=BATCH, at=clock.now(), lease=LEASE):
        sent += _send_batch(claims)
    return sent


def _send_batch(claims: list[Claim]) -> int:
    connection = mail.get_connection()
    sent = 0
    try:
        for position, claimed in enumerate(claims):
            try:
                connection.open()
            except OSError as error:
                for waiting in claims[position:]:
                    _put_back(waiting, f"The mail server cannot be reached: {_said(error)}")
                break
            prepared = _hand_over(claimed)
            if prepared is None:
                continue
            try:
                connection.send_messages([prepared])
            except smtplib.SMTPServerDisconnected:
                connection.close()
                _bury(claimed, UNKNOWN_OUTCOME)
            except smtplib.SMTPException as error:
                connection.close()
                _refused(claimed, error)
            except OSError as error:
                connection.close()
                _bury(claimed, f"{UNKNOWN_OUTCOME} {_said(error)}")
            else:
                with tenant(claimed.workspace_id):
                    queue.mark_done(Message, claimed)
                sent += 1
    finally:
        connection.close()
    return sent


def _hand_over(claimed: Claim) -> EmailMultiAlternatives | None:
    """Mark a message as handed over and return the mail; None when it is not to be sent now."""
    now = clock.now()
    with tenant(claimed.workspace_id):
        rows = Message.objects.for_workspace(claimed.workspace_id).filter(pk=claimed.pk)
        # A lease may have run out meanwhile: the count of attempts tells whether it is still ours.
        message = (
            rows.select_for_update(of=("self",), no_key=True)
            .select_related("workspace")
            .filter(state=Message.State.PENDING, attempts=claimed.attempts)
            .first()
        )
        if message is None:
            return None
        if message.sent_at is not None:
            rows.update(state=Message.State.DEAD, leased_until=None, sent_at=None, last_error=INTERRUPTED)
            return None
        if message.workspace.status != Workspace.Status.ACTIVE:
            rows.update(due_at=now + SUSPENDED_PAUSE, leased_until=None, attempts=claimed.attempts - 1)
            return None
        try:
            prepared = _mail(message)
            # Built once before the mark, because a mail that cannot be built was certainly not sent.
            prepared.message()
        except ValueError as error:
            rows.update(state=Message.State.DEAD, leased_until=None, last_error=f"Not a valid mail: {error}")
            return None
        rows.update(sent_at=message.workspace.local_time(now), leased_until=now + LEASE)
    return prepared


def _mail(message: Message) -> EmailMultiAlternatives:
    workspace = message.workspace
    name = " ".join((workspace.email_from_name or workspace.name).split())
    host = urlsplit(settings.BASE_URL).hostname or "localhost"
    text, html = message.text, message.html
    if message.kind == "magic_link":
        text, html = with_secret(message, text), with_secret(message, html)
    elif message.kind == confirmation.KIND:
        link = confirmation.working_link(message, now=clock.now())
        text, html = (body.replace(confirmation.LINK_MARK, link) for body in (text, html))
    prepared = EmailMultiAlternatives(
        subject=message.subject,
        body=text,
        from_email=formataddr((name, parseaddr(settings.DEFAULT_FROM_EMAIL)[1])),
        to=[message.to_email],
        headers={"Message-ID": f"<{message.public_id}@{host}>", "Auto-Submitted": "auto-generated"},
    )
    prepared.attach_alternative(html, "text/html")
    return prepared


def _refused(claimed: Claim, error: smtplib.SMTPException) -> None:
    reason = f"The mail server refused it: {_said(error)}"
    if _is_permanent(error):
        _bury(claimed, reason)
    else:
        _put_back(claimed, reason)


def _is_permanent(error: smtplib.SMTPException) -> bool:
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return all(code >= 500 for code, _ in error.recipients.values())
    return isinstance(error, smtplib.SMTPResponseException) and error.smtp_code >= 500


def _said(error: Exception) -> str:
    """Return what the server said, without the addresses in it and those that the exceptions carry along."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        said = "; ".join(f"{code} {_text(said)}" for code, said in error.recipients.values())
    elif isinstance(error, smtplib.SMTPResponseException):
        said = f"{error.smtp_code} {_text(error.smtp_error)}"
    else:
        said = f"{type(error).__name__}: {error}"
    # It goes to the log as well, and servers like to repeat whom they refuse.
    return _ADDRESS.sub("(address)", said)


def _text(said: bytes | str) -> str:
    return said.decode("utf-8", "replace") if isinstance(said, bytes) else said


def _put_back(claimed: Claim, reason: str) -> None:
    logger.warning("message %s goes back to the queue: %s", claimed.pk, reason)
    with tenant(claimed.workspace_id):
        Message.objects.for_workspace(claimed.workspace_id).filter(pk=claimed.pk).update(sent_at=None)
        queue.mark_failed(Message, claimed, reason, at=clock.now())


def _bury(claimed: Claim, reason: str) -> None:
    logger.warning("message %s was given up: %s", claimed.pk, reason)
    with tenant(claimed.workspace_id):
        Message.objects.for_workspace(claimed.workspace_id).filter(pk=claimed.pk).update(
            state=Message.State.DEAD, leased_until=None, sent_at=None, last_error=reason[:2000]
        )


@transaction.atomic
def retry_message(*, message: Message, actor: Actor, at: datetime) -> None:
    """Send a message that was given up once more, from now on with fresh attempts; at is the real time.

    Raises Conflict for a message that waits, was sent, or was to somebody erased.
    """
    if not message.to_email:
        raise Conflict("This person was erased; there is nobody to send it to.", code="message_erased")
    again = queue.retry_dead(Message, workspace_id=message.workspace_id, pk=message.pk, at=at)
    if not again:
        raise Conflict("Only a message that failed can be sent again.", code="message_not_failed")
    Message.objects.for_workspace(message.workspace_id).filter(pk=message.pk).update(sent_at=None)
    record_audit(
        workspace=message.workspace,
        actor=actor,
        action="message.retried",
        subject=message.public_id,
        reason=message.last_error,
    )
