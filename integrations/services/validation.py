"""Questions to the shop and to the workspace's own system: queued from checks, and what signs them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from django.db import transaction

from accounts import secrets
from accounts.models import Workspace
from accounts.services import Actor, record_audit
from core.transactions import all_or_nothing
from integrations import webhook_signing
from integrations.models import ValidationKey, ValidationRequest
from integrations.queries import callback_urls
from integrations.wake import wake
from tracking.models import ConversionCheck

ASK: Final = "integrations.ask_about_conversions"
ROTATION_OVERLAP: Final = timedelta(hours=24)


@all_or_nothing
def queue_questions(*, workspace: Workspace, asked: Sequence[tuple[ConversionCheck, datetime]]) -> None:
    """Put questions in the queue, each with the real time; repeating it queues nothing twice.

    A check that was asked again since begins anew: due at once, with another 72 hours. What does not wait any
    more, and what others ask (e-mail addresses), is passed over.
    """
    due = {
        check.pk: (check, at)
        for check, at in asked
        if check.status == ConversionCheck.Status.WAITING and check.kind != ConversionCheck.Kind.EMAIL
    }
    if not due:
        return
    urls = callback_urls(
        workspace,
        [each.conversion_id for each, _ in due.values() if each.kind == ConversionCheck.Kind.CALLBACK],
    )
    rows = ValidationRequest.objects.for_workspace(workspace)
    known = {
        row.conversion_check_id: row
        for row in rows.select_for_update(no_key=True).filter(conversion_check__in=list(due)).order_by("pk")
    }
    fresh = [_question(workspace, check, at, urls) for pk, (check, at) in due.items() if pk not in known]
    ValidationRequest.objects.bulk_create(fresh, ignore_conflicts=True)
    for pk, row in known.items():
        check, at = due[pk]
        if row.asked_at < check.asked_at:
            _begin_anew(row, _question(workspace, check, at, urls))
    wake(ASK)


def _question(
    workspace: Workspace, check: ConversionCheck, at: datetime, urls: Mapping[int, str]
) -> ValidationRequest:
    return ValidationRequest(
        workspace=workspace,
        conversion_check=check,
        kind=check.kind,
        url=urls.get(check.conversion_id, "") if check.kind == ConversionCheck.Kind.CALLBACK else "",
        asked_at=check.asked_at,
        began_at=at,
        due_at=at,
    )


def _begin_anew(row: ValidationRequest, question: ValidationRequest) -> None:
    row.state, row.attempts, row.leased_until = ValidationRequest.State.PENDING, 0, None
    row.url, row.asked_at, row.began_at = question.url, question.asked_at, question.began_at
    row.due_at, row.last_error = question.due_at, ""
    row.save()


@transaction.atomic
def validation_key(*, workspace: Workspace | int, at: datetime) -> ValidationKey:
    """Return what signs the workspace's questions; made when first needed, so that none goes out unsigned."""
    workspace_id = workspace if isinstance(workspace, int) else workspace.pk
    rows = ValidationKey.objects.for_workspace(workspace_id)
    known: ValidationKey | None = rows.first()
    if known is not None:
        return known
    fresh = ValidationKey(workspace_id=workspace_id, created_at=at)
    fresh.sealed_secret = secrets.encrypt(webhook_signing.new_secret(), bound_to=fresh.public_id)
    ValidationKey.objects.bulk_create([fresh], ignore_conflicts=True)
    made: ValidationKey = rows.get()
    return made


@transaction.atomic
def rotate_validation_key(*, workspace: Workspace, actor: Actor, at: datetime) -> str:
    """Make a new secret for the workspace's questions and return it; for 24 hours the old one signs too.

    `at` is real time. It cannot be shown again. Rotating again within that time drops the older of the two.
    """
    key = validation_key(workspace=workspace, at=at)
    row = ValidationKey.objects.for_workspace(workspace).select_for_update(no_key=True).get(pk=key.pk)
    secret = webhook_signing.new_secret()
    row.sealed_previous_secret, row.previous_secret_until = row.sealed_secret, at + ROTATION_OVERLAP
    row.sealed_secret = secrets.encrypt(secret, bound_to=row.public_id)
    row.save(update_fields=["sealed_secret", "sealed_previous_secret", "previous_secret_until"])
    record_audit(workspace=workspace, actor=actor, action="validation_key.rotated", subject=row.public_id)
    return secret
