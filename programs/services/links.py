"""Changes to links and promo codes."""

from __future__ import annotations

from datetime import datetime

from django.conf import settings
from django.db import IntegrityError, transaction

from accounts.services import Actor, record_audit
from core.errors import Conflict
from core.transactions import all_or_nothing
from programs.codes import check_code, readable_codes
from programs.destinations import allowed_hosts, check_destination
from programs.models import CodeRoute, Link, Participant, PromoCode
from programs.queries import live_terms


class CodeTaken(Conflict):
    """The code belongs to someone, here or in another workspace; the answer does not tell which."""

    default_code = "code_taken"

    def __init__(self) -> None:
        super().__init__("This code is taken.", param="code")


class ParticipantSuspended(Conflict):
    """A suspended participant gets no new links or codes."""

    default_code = "participant_suspended"


@all_or_nothing
def create_link(
    *,
    participant: Participant,
    code: str | None = None,
    destination_url: str = "",
    actor: Actor,
    at: datetime,
) -> Link:
    """Create a link, with a readable random code unless one is chosen.

    Without a destination the link leads wherever the program does. Codes are case-blind and unique over all
    workspaces. Raises CodeTaken, ParticipantSuspended, Invalid naming `code`, and DestinationInvalid.
    """
    _refuse_suspended(participant)
    if destination_url:
        hosts = allowed_hosts(live_terms(participant.program))
        check_destination(destination_url, hosts, allow_local=settings.DEBUG)
    if code:
        link = _insert(participant, check_code(code), destination_url, at)
    else:
        link = _insert_readable(participant, destination_url, at)
    record_audit(
        workspace=participant.workspace,
        actor=actor,
        action="link.created",
        subject=link.public_id,
        after={"participant": participant.public_id, "code": link.code, "destination_url": destination_url},
    )
    return link


def _insert_readable(participant: Participant, destination_url: str, at: datetime) -> Link:
    for code in readable_codes(participant.display_name):
        try:
            return _insert(participant, code, destination_url, at)
        except CodeTaken:
            continue
    raise CodeTaken


def _insert(participant: Participant, code: str, destination_url: str, at: datetime) -> Link:
    try:
        with transaction.atomic():
            link = Link.objects.create(
                workspace=participant.workspace,
                participant=participant,
                code=code,
                code_key=code.lower(),
                destination_url=destination_url,
                created_at=at,
            )
            CodeRoute.objects.create(
                code_key=link.code_key, workspace_id=participant.workspace_id, link_id=link.pk
            )
    except IntegrityError:
        raise CodeTaken from None
    return link


@all_or_nothing
def archive_link(*, link: Link, actor: Actor) -> Link:
    """Retire a link for good; its code stays taken. Repeating it changes nothing."""
    rows = Link.objects.for_workspace(link.workspace_id)
    link.refresh_from_db(from_queryset=rows.select_for_update(no_key=True))
    if link.status == Link.Status.ARCHIVED:
        return link
    link.status = Link.Status.ARCHIVED
    link.save(update_fields=["status"])
    record_audit(
        workspace=link.workspace,
        actor=actor,
        action="link.archived",
        subject=link.public_id,
        before={"status": Link.Status.ACTIVE.value},
        after={"status": Link.Status.ARCHIVED.value},
    )
    return link


@all_or_nothing
def create_promo_code(*, participant: Participant, code: str, actor: Actor, at: datetime) -> PromoCode:
    """Give a participant a text code that credits them without a click; case-blind, once in the workspace.

    Raises CodeTaken, ParticipantSuspended, and Invalid naming `code`.
    """
    _refuse_suspended(participant)
    text = check_code(code)
    try:
        with transaction.atomic():
            promo = PromoCode.objects.create(
                workspace=participant.workspace,
                participant=participant,
                code=text,
                code_key=text.lower(),
                created_at=at,
            )
    except IntegrityError:
        raise CodeTaken from None
    record_audit(
        workspace=participant.workspace,
        actor=actor,
        action="promo_code.created",
        subject=promo.public_id,
        after={"participant": participant.public_id, "code": text},
    )
    return promo


def _refuse_suspended(participant: Participant) -> None:
    if participant.status == Participant.Status.SUSPENDED:
        raise ParticipantSuspended("This participant is suspended.", param="participant")
