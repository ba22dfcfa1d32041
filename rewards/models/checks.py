"""The checks of the books that were asked for, and what they found."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from accounts.models import TenantModel
from core.ids import PublicIdField
from core.queue import QueueRow


class BooksCheck(TenantModel, QueueRow):
    """One run over a workspace's books, done by a worker check by check.

    `results` grows with each check: its key, how many rows it looked at, how many differ, and the first of
    them. A workspace has one run that waits or goes on at a time.
    """

    public_id = PublicIdField(prefix="bkc")
    requested_by = models.CharField(max_length=120)
    results = models.JSONField(default=list)
    differing = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)

    class Meta(TenantModel.Meta):
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["workspace"], name="books_check_one_at_a_time", condition=models.Q(state="pending")
            )
        ]
        indexes: ClassVar = [
            models.Index(fields=["due_at"], name="books_check_due_idx", condition=models.Q(state="pending"))
        ]

    def __str__(self) -> str:
        return self.public_id
