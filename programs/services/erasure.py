"""Erasing one person: what names them goes at once, and every other app hears that it has to forget too."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from django.db.models import Q

from accounts.models import Workspace
from accounts.services import Actor, forget_answers, record_audit
from core.events import emit
from core.notices import tell_of_change
from core.transactions import all_or_nothing
from programs.models import CodeRoute, Customer, Link, Participant, PromoCode
from programs.tombstones import tombstone


@all_or_nothing
def erase_customer(*, customer: Customer, actor: Actor, at: datetime) -> Customer:
    """Delete what names a person, in all accounts that were merged; repeating it changes nothing.

    Name, address and attributes go, the own id and the mailbox become keyed hashes that find the row again;
    the country stays, which names nobody and keeps the figures by country. Their participations end:
    suspended, without a name, the links retired and the codes hashed. Amounts, decisions and the ledger
    stay. Emits `customer.erased`, on which the other apps delete what they hold.
    """
    rows = Customer.objects.for_workspace(customer.workspace_id).select_for_update(no_key=True)
    root = customer.same_person_id or customer.pk
    # In the order in which recording conversions locks them.
    people = list(rows.filter(Q(pk__in=[customer.pk, root]) | Q(same_person_id=root)).order_by("pk"))
    for person in people:
        if person.erased_at is None:
            _erase(person, actor, at)
    customer.refresh_from_db(from_queryset=Customer.objects.for_workspace(customer.workspace_id))
    return customer


def _erase(person: Customer, actor: Actor, at: datetime) -> None:
    if person.external_id is not None:
        person.external_id = tombstone("external_id", person.external_id)
    if person.mailbox:
        person.mailbox = tombstone("mailbox", person.mailbox)
    person.email = person.name = ""
    person.attributes = {}
    person.erased_at = at
    person.save(update_fields=["external_id", "mailbox", "email", "name", "attributes", "erased_at"])
    participants = _end_participations(person)
    tell_of_change(person.workspace_id)
    record_audit(
        workspace=person.workspace_id,
        actor=actor,
        action="customer.erased",
        subject=person.public_id,
        after={"participants": participants},
    )
    emit("customer.erased", at=at, customer=person.public_id, participants=participants)


def _end_participations(person: Customer) -> list[str]:
    workspace_id = person.workspace_id
    own = Participant.objects.for_workspace(workspace_id).filter(customer_id=person.pk)
    found = list(own.select_for_update(no_key=True).order_by("pk"))
    if not found:
        return []
    own.update(display_name="", status=Participant.Status.SUSPENDED)
    links = Link.objects.for_workspace(workspace_id).filter(participant__in=found).order_by("pk")
    for link in links.select_for_update(of=("self",), no_key=True):
        _retire_link(link)
    codes = PromoCode.objects.for_workspace(workspace_id).filter(participant__in=found).order_by("pk")
    for code in codes.select_for_update(of=("self",), no_key=True):
        code.code = code.code_key = tombstone("code", code.code_key)
        code.status = PromoCode.Status.ARCHIVED
        code.save(update_fields=["code", "code_key", "status"])
    return [participant.public_id for participant in found]


def _retire_link(link: Link) -> None:
    """Archive a link and hash its code, which may hold the name; the shared address still finds it."""
    route = CodeRoute.objects.for_workspace(link.workspace_id)
    route.filter(code_key=link.code_key).delete()
    link.code = link.code_key = tombstone("code", link.code_key)
    link.destination_url, link.utm, link.campaign = "", {}, ""
    link.status = Link.Status.ARCHIVED
    link.save(update_fields=["code", "code_key", "destination_url", "utm", "campaign", "status"])
    CodeRoute.objects.create(code_key=link.code_key, workspace_id=link.workspace_id, link_id=link.pk)


def forget_answers_about(*, workspace: Workspace, customer: Customer, others: Collection[str] = ()) -> int:
    """Delete the stored answers of API calls that name an erased person; returns how many.

    `others` are public ids of what else is theirs. Safe to repeat.
    """
    return forget_answers(workspace=workspace, ids=[*_ids_of(workspace, customer), *others])


def _ids_of(workspace: Workspace, customer: Customer) -> Sequence[str]:
    own = Participant.objects.for_workspace(workspace).filter(customer_id=customer.pk)
    return [customer.public_id, *own.values_list("public_id", flat=True)]
