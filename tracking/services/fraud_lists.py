"""The lists of whom fraud rules always trust, and whom they never do."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction

from accounts.models import Workspace
from accounts.services import Actor, record_audit
from core.errors import Invalid
from tracking import fraud
from tracking.models import FraudListEntry


@transaction.atomic
def add_list_entry(
    *,
    workspace: Workspace,
    mode: str,
    kind: str,
    pattern: str,
    actor: Actor,
    at: datetime,
    note: str = "",
    expires_at: datetime | None = None,
) -> tuple[FraudListEntry, bool]:
    """Put something on the allow or block list; returns the entry and whether it is new.

    It counts for the conversions judged from now on. The same pattern again changes nothing and returns the
    entry that is known, unless that one has expired: then it is in force again, as given now. Raises Invalid
    naming `mode`, `kind`, `pattern`, `note` or `expires_at`.
    """
    if mode not in FraudListEntry.Mode.values:
        raise Invalid("An entry is on the allow or on the block list.", code="not_a_choice", param="mode")
    known_kind = next((each for each in fraud.LIST_KINDS if each == kind), None)
    if known_kind is None:
        raise Invalid("There is no such kind of entry.", code="not_a_choice", param="kind")
    try:
        clean = fraud.clean_pattern(known_kind, pattern)
    except ValueError as error:
        raise Invalid(str(error), code="invalid_format", param="pattern") from error
    note = note.strip()
    if len(note) > 200:
        raise Invalid("The note is at most 200 characters.", code="too_long", param="note")
    if expires_at is not None and expires_at <= at:
        raise Invalid("An entry can only expire in the future.", code="in_the_past", param="expires_at")
    terms = {"note": note, "created_by": actor.label[:120], "created_at": at, "expires_at": expires_at}
    new = FraudListEntry(workspace=workspace, mode=mode, kind=kind, pattern=clean, **terms)
    FraudListEntry.objects.bulk_create([new], ignore_conflicts=True)
    entry = (
        FraudListEntry.objects.for_workspace(workspace)
        .select_for_update()
        .get(mode=mode, kind=kind, pattern=clean)
    )
    if entry.public_id == new.public_id:
        record_audit(
            workspace=workspace,
            actor=actor,
            action="fraud_list_entry.added",
            subject=entry.public_id,
            after=_state(entry),
            reason=note,
        )
        return entry, True
    if entry.expires_at is None or entry.expires_at > at:
        return entry, False
    before = _state(entry)
    for name, value in terms.items():
        setattr(entry, name, value)
    entry.save(update_fields=list(terms))
    record_audit(
        workspace=workspace,
        actor=actor,
        action="fraud_list_entry.renewed",
        subject=entry.public_id,
        before=before,
        after=_state(entry),
        reason=note,
    )
    return entry, True


@transaction.atomic
def remove_list_entry(*, entry: FraudListEntry, actor: Actor, reason: str = "") -> None:
    """Take an entry off its list; one that is gone already stays so. What was judged by it stands."""
    row = (
        FraudListEntry.objects.for_workspace(entry.workspace_id)
        .select_for_update()
        .filter(pk=entry.pk)
        .first()
    )
    if row is None:
        return
    FraudListEntry.objects.for_workspace(row.workspace_id).filter(pk=row.pk).delete()
    record_audit(
        workspace=row.workspace_id,
        actor=actor,
        action="fraud_list_entry.removed",
        subject=row.public_id,
        before=_state(row),
        reason=reason,
    )


@transaction.atomic
def remove_list_entries(*, workspace: Workspace, public_ids: Sequence[str], actor: Actor) -> int:
    """Take these entries off their lists as `remove_list_entry` does; returns how many there were."""
    rows = FraudListEntry.objects.for_workspace(workspace).filter(public_id__in=public_ids)
    entries = list(rows.order_by("pk"))
    for entry in entries:
        remove_list_entry(entry=entry, actor=actor)
    return len(entries)


def _state(entry: FraudListEntry) -> dict[str, str | None]:
    return {
        "mode": entry.mode,
        "kind": entry.kind,
        "pattern": entry.pattern,
        "note": entry.note,
        "expires_at": entry.expires_at.isoformat() if entry.expires_at else None,
    }
