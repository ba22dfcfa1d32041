"""Changes to links."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, TypedDict, Unpack

from django.conf import settings
from django.db import IntegrityError, transaction

from accounts.services import Actor, record_audit
from core.errors import Conflict, DomainError, Invalid
from core.notices import tell_of_change
from core.transactions import all_or_nothing
from programs.codes import check_code, readable_codes
from programs.destinations import allowed_hosts, check_destination
from programs.models import CodeRoute, Link, Participant
from programs.queries import live_terms, resolve_code
from programs.utm import check_utm

MOST_AT_ONCE: Final = 1000


class CodeTaken(Conflict):
    """The code belongs to someone, here or in another workspace; the answer does not tell which."""

    default_code = "code_taken"

    def __init__(self) -> None:
        super().__init__("This code is taken.", param="code")


class ParticipantSuspended(Conflict):
    """A suspended participant gets no new links or codes."""

    default_code = "participant_suspended"


class LinkChanges(TypedDict, total=False):
    """What can be changed about a link; what is left out stays."""

    destination_url: str
    campaign: str
    utm: Mapping[str, Any]
    expires_at: datetime | None
    status: str


@dataclass(frozen=True, slots=True)
class NewLink:
    """A link to be made; without a code it gets a readable random one."""

    participant: Participant
    code: str | None = None
    destination_url: str = ""
    campaign: str = ""
    utm: Mapping[str, Any] = field(default_factory=dict)
    expires_at: datetime | None = None


@all_or_nothing
def create_link(
    *,
    participant: Participant,
    code: str | None = None,
    destination_url: str = "",
    campaign: str = "",
    utm: Mapping[str, Any] | None = None,
    expires_at: datetime | None = None,
    actor: Actor,
    at: datetime,
) -> Link:
    """Create a link, with a readable random code unless one is chosen.

    Without a destination the link leads wherever the program does. Codes are case-blind and unique over all
    workspaces. Raises CodeTaken, ParticipantSuspended, DestinationInvalid, and Invalid naming `code`,
    `campaign`, `expires_at` or the part of `utm` at fault.
    """
    refuse_suspended(participant)
    link = Link(
        workspace=participant.workspace,
        participant=participant,
        destination_url=_destination(participant, destination_url),
        campaign=_campaign(campaign),
        utm=check_utm(utm or {}),
        expires_at=_expiry(expires_at, at),
        created_at=at,
    )
    if code:
        chosen = check_code(code)
        if resolve_code(chosen) is not None:
            # Also one whose owner was erased, of which no row holds the text any more.
            raise CodeTaken
        _insert(link, chosen)
    else:
        _insert_readable(link, participant.display_name)
    record_audit(
        workspace=participant.workspace,
        actor=actor,
        action="link.created",
        subject=link.public_id,
        # Not the code: it may hold a name, and what the audit holds cannot be erased.
        after={"participant": participant.public_id, **_values(link)},
    )
    return link


def create_links(*, links: Sequence[NewLink], actor: Actor, at: datetime) -> list[Link | DomainError]:
    """Create many links, each by itself; returns for each the link, or why there is none."""
    results: list[Link | DomainError] = []
    for new in links:
        try:
            with transaction.atomic():
                results.append(
                    create_link(
                        participant=new.participant,
                        code=new.code,
                        destination_url=new.destination_url,
                        campaign=new.campaign,
                        utm=new.utm,
                        expires_at=new.expires_at,
                        actor=actor,
                        at=at,
                    )
                )
        except DomainError as error:
            results.append(error)
    return results


@all_or_nothing
def update_link(*, link: Link, actor: Actor, at: datetime, **changes: Unpack[LinkChanges]) -> Link:
    """Change a link; its code never changes. The same values again change nothing.

    An archived link leads nowhere until its status is active again. Raises ParticipantSuspended for waking a
    suspended participant's, DestinationInvalid, and Invalid naming the field at fault.
    """
    rows = Link.objects.for_workspace(link.workspace_id)
    link.refresh_from_db(from_queryset=rows.select_for_update(no_key=True))
    before = _values(link)
    if "destination_url" in changes and changes["destination_url"] != link.destination_url:
        link.destination_url = _destination(link.participant, changes["destination_url"])
    if "campaign" in changes:
        link.campaign = _campaign(changes["campaign"])
    if "utm" in changes:
        link.utm = check_utm(changes["utm"])
    if "expires_at" in changes and changes["expires_at"] != link.expires_at:
        link.expires_at = _expiry(changes["expires_at"], at)
    if "status" in changes and changes["status"] != link.status:
        if changes["status"] not in Link.Status.values:
            raise Invalid("A link is active or archived.", param="status")
        if changes["status"] == Link.Status.ACTIVE:
            refuse_suspended(link.participant)
        link.status = changes["status"]
    after = _values(link)
    changed = [name for name in after if after[name] != before[name]]
    if not changed:
        return link
    link.save(update_fields=changed)
    action = {"archived": "link.archived", "active": "link.restored"}.get(
        link.status if changed == ["status"] else "", "link.changed"
    )
    tell_of_change(link.workspace_id)
    record_audit(
        workspace=link.workspace,
        actor=actor,
        action=action,
        subject=link.public_id,
        before={name: before[name] for name in changed},
        after={name: after[name] for name in changed},
    )
    return link


@all_or_nothing
def archive_link(*, link: Link, actor: Actor, at: datetime) -> Link:
    """Retire a link; its code stays taken. Repeating it changes nothing."""
    return update_link(link=link, status=Link.Status.ARCHIVED.value, actor=actor, at=at)


def refuse_suspended(participant: Participant) -> None:
    """Raise ParticipantSuspended for a suspended participant."""
    if participant.status == Participant.Status.SUSPENDED:
        raise ParticipantSuspended("This participant is suspended.", param="participant")


def _values(link: Link) -> dict[str, Any]:
    return {
        "destination_url": link.destination_url,
        "campaign": link.campaign,
        "utm": link.utm,
        "expires_at": link.expires_at and link.expires_at.isoformat(),
        "status": str(link.status),
    }


def _destination(participant: Participant, url: str) -> str:
    if not url:
        return ""
    return check_destination(url, allowed_hosts(live_terms(participant.program)), allow_local=settings.DEBUG)


def _campaign(text: str) -> str:
    name = text.strip()
    if len(name) > 80 or not name.isprintable():
        raise Invalid("A campaign is a line of at most 80 characters.", param="campaign")
    return name


def _expiry(expires_at: datetime | None, at: datetime) -> datetime | None:
    if expires_at is not None and expires_at <= at:
        raise Invalid("The link would have expired already.", code="in_the_past", param="expires_at")
    return expires_at


def _insert_readable(link: Link, name: str) -> None:
    for code in readable_codes(name):
        try:
            return _insert(link, code)
        except CodeTaken:
            continue
    raise CodeTaken


def _insert(link: Link, code: str) -> None:
    link.code, link.code_key = code, code.lower()
    try:
        with transaction.atomic():
            link.save(force_insert=True)
            CodeRoute.objects.create(code_key=link.code_key, workspace_id=link.workspace_id, link_id=link.pk)
    except IntegrityError:
        # The row is gone with the savepoint; a next try makes another.
        link.pk = None
        raise CodeTaken from None
