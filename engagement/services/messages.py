"""Writing mails: rendered once when they are queued, one for each person and occasion."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.db.models import QuerySet
from django.template.loader import render_to_string

from accounts.models import Workspace
from core import clock
from core.ids import new_public_id
from core.transactions import all_or_nothing
from engagement.models import Message

KINDS: Final[Mapping[str, str]] = {
    "invitation": "Invitation to take part",
    "magic_link": "Sign-in link",
    "verify_email": "Confirmation of an e-mail address",
    "friend_signed_up": "A friend signed up",
    "welcome_referee": "Welcome to a friend",
    "reward_earned": "Reward earned",
    "reward_issued": "Reward ready",
    "reward_payable": "Reward confirmed for payout",
    "reward_taken_back": "Reward taken back",
    "reward_restored": "Reward given back",
    "reward_denied": "Reward not granted",
    "reward_expiring": "Reward expires soon",
    "reward_expired": "Reward expired",
    "reward_paid": "Reward paid out",
    "payout_failed": "Payout did not arrive",
    "milestone_reached": "Milestone reached",
    "promotion_started": "Promotion started",
    "redemption_made": "Points or credit spent",
    "redemption_cancelled": "Points or credit given back",
    "adjustment_applied": "Balance adjusted",
    "budget_reached": "Budget nearly used up",
    "appeal_answered": "Answer to an appeal",
}
"""Every kind of mail with its name; `templates/engagement/emails/` holds three files for each."""

MAX_SUBJECT: Final = 200


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail to be written: the occasion and the person by `key`, and what its templates say of them.

    However often a key is queued, one mail exists. `about` is the public id of the occasion; `public_id`
    gives the message an id chosen beforehand.
    """

    key: str
    kind: str
    to_email: str
    context: Mapping[str, Any]
    about: str
    at: datetime
    public_id: str | None = None


@all_or_nothing
def queue_message(*, workspace: Workspace, mail: Mail) -> Message | None:
    """Render a mail and put it in the queue; None when the person has no address or had this mail already.

    ValueError for an unknown kind.
    """
    queued = queue_messages(workspace=workspace, mails=[mail])
    rows: QuerySet[Message] = Message.objects.for_workspace(workspace)
    return rows.filter(public_id__in=queued).first()


def queue_messages(*, workspace: Workspace, mails: Iterable[Mail]) -> list[str]:
    """Queue many mails as `queue_message` does, in one statement; returns the ids of those that are new."""
    messages = [_message(workspace, mail) for mail in mails if mail.to_email]
    Message.objects.bulk_create(messages, ignore_conflicts=True)
    return [message.public_id for message in messages]


def _message(workspace: Workspace, mail: Mail) -> Message:
    if mail.kind not in KINDS:
        raise ValueError(f"there is no mail of kind {mail.kind!r}")
    subject, text, html = render_mail(workspace=workspace, kind=mail.kind, context=mail.context)
    return Message(
        workspace=workspace,
        public_id=mail.public_id or new_public_id("msg"),
        key=mail.key,
        kind=mail.kind,
        to_email=mail.to_email,
        subject=subject,
        text=text,
        html=html,
        about=mail.about,
        # The queue runs on the real clock; a sandbox whose own clock is ahead must not wait for it.
        due_at=clock.now(),
        created_at=mail.at,
    )


def render_mail(*, workspace: Workspace, kind: str, context: Mapping[str, Any]) -> tuple[str, str, str]:
    """Return subject, text and HTML of a mail. Names in the subject cannot start a new header line."""
    whole = {"workspace_name": workspace.name, **context}
    files = f"engagement/emails/{kind}"
    subject = " ".join(render_to_string(f"{files}.subject", whole).split())[:MAX_SUBJECT]
    text = re.sub(r"\n\s*\n+", "\n\n", render_to_string(f"{files}.txt", whole)).strip()
    html = render_to_string(f"{files}.html", whole).strip()
    return subject, f"{text}\n", f"{html}\n"
