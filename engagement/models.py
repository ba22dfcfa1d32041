"""What we say: e-mails on their way, and the links that sign participants in."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from accounts.models import TenantModel
from core.ids import PublicIdField
from core.queue import QueueRow
from core.tenancy import TenantForeignKey
from programs.models import Participant


class Message(TenantModel, QueueRow):
    """One e-mail to one person. `key` makes it unique: an occasion never mails the same person twice."""

    public_id = PublicIdField(prefix="msg")
    key = models.CharField(max_length=160)
    kind = models.CharField(max_length=40)
    to_email = models.EmailField()
    subject = models.CharField(max_length=255)
    text = models.TextField()
    html = models.TextField(blank=True, default="")
    about = models.CharField(max_length=40, blank=True, default="", help_text="public id of the occasion")
    sent_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField()

    class Meta(TenantModel.Meta):
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["workspace", "key"], name="message_key_once")
        ]
        indexes: ClassVar = [
            models.Index(fields=["due_at"], name="message_due_idx", condition=models.Q(state="pending"))
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.public_id}"


class MagicLink(TenantModel):
    """A secret that signs a participant in to the portal once; stored as a keyed hash.

    Only one that was `mailed` shows by its use that the participant reads mail at the address.
    """

    participant = TenantForeignKey(Participant, related_name="magic_links")
    secret_hash = models.CharField(max_length=64)
    mailed = models.BooleanField(default=False)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)

    class Meta(TenantModel.Meta):
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["workspace", "secret_hash"], name="magic_link_once")
        ]
        indexes: ClassVar = [models.Index(fields=["secret_hash"], name="magic_link_hash_idx")]

    def __str__(self) -> str:
        return f"for participant {self.participant_id}"
