"""Exchange rates: the European Central Bank's for everybody, and those a workspace entered itself."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from accounts.models import TenantModel, User
from core.ids import PublicIdField


class ReferenceRate(models.Model):
    """What one euro was worth on one day by the European Central Bank; the same for every workspace."""

    on = models.DateField()
    currency = models.CharField(max_length=3)
    per_euro = models.DecimalField(max_digits=24, decimal_places=12)
    imported_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["currency", "on"], name="reference_rate_once"),
            models.CheckConstraint(name="reference_rate_positive", condition=models.Q(per_euro__gt=0)),
        ]

    def __str__(self) -> str:
        return f"1 EUR = {self.per_euro} {self.currency} on {self.on}"


class EnteredRate(TenantModel):
    """A rate a person entered: `rate` of `quote` for one `base`, from a day on."""

    public_id = PublicIdField(prefix="fxr")
    base = models.CharField(max_length=3)
    quote = models.CharField(max_length=3)
    on = models.DateField()
    rate = models.DecimalField(max_digits=24, decimal_places=12)
    entered_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    entered_at = models.DateTimeField()

    class Meta(TenantModel.Meta):
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["workspace", "base", "quote", "on"], name="entered_rate_once"),
            models.CheckConstraint(
                name="entered_rate_sound",
                condition=models.Q(rate__gt=0) & ~models.Q(base=models.F("quote")),
            ),
        ]

    def __str__(self) -> str:
        return f"1 {self.base} = {self.rate.normalize():f} {self.quote} from {self.on}."
