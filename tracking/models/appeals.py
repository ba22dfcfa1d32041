"""What participants ask to have looked at again."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from accounts.models import TenantModel
from core.ids import PublicIdField
from core.tenancy import TenantForeignKey
from programs.models import Participant
from tracking.models.conversions import Conversion


class Appeal(TenantModel):
    """A participant's objection to what became of a conversion, and the answer.

    Without a conversion: a friend whom the participant brought is missing altogether. `message` and `answer`
    are personal data and stand nowhere else but in the mail that told the answer.
    """

    class Status(models.TextChoices):
        OPEN = "open"
        GRANTED = "granted"
        DECLINED = "declined"

    public_id = PublicIdField(prefix="apl")
    conversion = TenantForeignKey(Conversion, null=True, related_name="appeals")
    participant = TenantForeignKey(Participant, related_name="appeals")
    message = models.TextField()
    status = models.CharField(max_length=8, choices=Status.choices, default=Status.OPEN)
    answer = models.TextField(blank=True, default="")
    answered_by = models.CharField(max_length=120, blank=True, default="")
    opened_at = models.DateTimeField()
    answered_at = models.DateTimeField(null=True)

    class Meta(TenantModel.Meta):
        constraints: ClassVar = [
            # Those without a conversion are unequal to each other here; the service counts them.
            models.UniqueConstraint(
                fields=["workspace", "conversion", "participant"],
                condition=models.Q(status="open"),
                name="appeal_open_once",
            )
        ]
        indexes: ClassVar = [
            models.Index(fields=["workspace", "status", "opened_at"], name="appeal_ws_status_idx")
        ]

    def __str__(self) -> str:
        return self.public_id
