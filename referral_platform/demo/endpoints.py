"""Who hears the demo's shop's webhooks: one server that answers nearly always, and one that went away."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from core.queue import MAX_ATTEMPTS, Claim
from integrations.models import WebhookDelivery
from integrations.services import sending, webhooks
from referral_platform.demo.stage import Stage

BACKEND: Final = "https://hooks.lumen-coffee.example/referrals"
CRM: Final = "https://crm.lumen-coffee.example/webhooks/referral"

_TAKEN: Final = sending.Answer(200, "ok", "", 84)
_BUSY: Final = sending.Answer(503, "upstream is restarting", "The receiver answered 503.", 2_310)
_AWAY: Final = sending.Answer(None, "", "The address could not be reached: connection refused.", 31)
_STUMBLES_EVERY: Final = 19
_LAST_TO_BE_RETRIED: Final = 3


def add(stage: Stage, at: datetime) -> None:
    """Add an endpoint of the shop's own server, and one of its customer database."""
    for url, kinds in (
        (BACKEND, ["conversion.created", "conversion.refunded", "reward.approved", "payout.completed"]),
        (CRM, ["participant.enrolled", "referral.converted"]),
    ):
        webhooks.create_endpoint(workspace=stage.workspace, url=url, kinds=kinds, actor=stage.olga, at=at)


def answer(stage: Stage, at: datetime) -> None:
    """Answer what is due: the server stumbles now and then, the customer database is gone."""
    for number, delivery in enumerate(_due(stage, at)):
        stumbles = number % _STUMBLES_EVERY == 7 and not delivery.attempts
        if delivery.endpoint.url == CRM:
            _record(stage, delivery, _AWAY, attempts=MAX_ATTEMPTS, at=at)
        else:
            _record(stage, delivery, _BUSY if stumbles else _TAKEN, attempts=delivery.attempts + 1, at=at)


def answer_last(stage: Stage, at: datetime) -> None:
    """Answer all that is left, so that nothing is due; the last ones are to be tried again hours later."""
    due = _due(stage, at + timedelta(days=1))
    for number, delivery in enumerate(due):
        late = number >= len(due) - _LAST_TO_BE_RETRIED
        away = late or delivery.endpoint.url == CRM
        attempts = MAX_ATTEMPTS - 4 if late else MAX_ATTEMPTS if away else delivery.attempts + 1
        _record(stage, delivery, _AWAY if away else _TAKEN, attempts=attempts, at=at)


def _due(stage: Stage, at: datetime) -> list[WebhookDelivery]:
    rows = WebhookDelivery.objects.for_workspace(stage.workspace).filter(
        state=WebhookDelivery.State.PENDING, due_at__lte=at
    )
    return list(rows.select_related("endpoint").order_by("pk"))


def _record(
    stage: Stage, delivery: WebhookDelivery, answered: sending.Answer, *, attempts: int, at: datetime
) -> None:
    WebhookDelivery.objects.for_workspace(stage.workspace).filter(pk=delivery.pk).update(attempts=attempts)
    claimed = Claim(delivery.pk, stage.workspace.pk, attempts)
    first = attempts == 1 and answered.accepted
    sending.record_answer(
        claimed=claimed, answer=answered, at=delivery.due_at + timedelta(seconds=1) if first else at
    )
