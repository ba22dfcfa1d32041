"""A row for any table, built from its columns alone, so that a new table needs no builder to be tested."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import models

from tests.architecture.catalogue import numbers

_SAMPLES: dict[type[models.Field[Any, Any]], Any] = {
    models.DateTimeField: datetime(2026, 3, 2, 12, tzinfo=UTC),
    models.DateField: date(2026, 3, 2),
    models.DurationField: timedelta(),
    models.JSONField: {},
    models.BooleanField: False,
    models.DecimalField: Decimal(1),
    models.BinaryField: b"x",
}

_WANTED = {("rewards_fulfilment", "reward_id")}
"""Columns that may be empty, but not all of a choice of them."""
_GIVEN: Mapping[tuple[str, str | None], Any] = {
    ("programs_promotion", "ends_at"): datetime(2026, 3, 9, 12, tzinfo=UTC),
    ("rewards_enteredrate", "base"): "EUR",
    ("rewards_enteredrate", "quote"): "USD",
    ("rewards_adjustment", "unit"): "EUR",
    ("rewards_redemption", "unit"): "PTS",
}
"""Columns that a check ties to another one, and units, which pages write out."""


def value_of(field: models.Field[Any, Any], related: Mapping[type[models.Model], int]) -> Any:
    """Return a plausible value for a column that has no default."""
    target = field.related_model
    if target is not None and target in related:
        return related[target]
    for kind, sample in _SAMPLES.items():
        if isinstance(field, kind):
            # What ends does so after it began.
            return sample + timedelta(days=1) if field.name.startswith("ends_") else sample
    if field.choices:
        return next(iter(field.flatchoices))[0]
    if field.is_relation or isinstance(field, models.BigIntegerField | models.BigAutoField):
        # Foreign keys are checked at the end of the transaction, which never comes.
        return next(numbers)
    if isinstance(field, models.IntegerField):
        return 1
    # Its last digits: two short columns of a row differ.
    return f"{next(numbers)}"[-(field.max_length or 40) :]


def row_for(
    model: type[models.Model], workspace_id: int, related: Mapping[type[models.Model], int] | None = None
) -> models.Model:
    """Build an unsaved row of any tenant table; nullable columns stay empty.

    Relations point at the rows in `related`, else nowhere.
    """
    values: dict[str, Any] = {}
    for field in model._meta.local_concrete_fields:
        if field.column == "workspace_id":
            values[field.attname] = workspace_id
        elif (model._meta.db_table, field.column) in _WANTED or not (
            field.null or field.has_default() or isinstance(field, models.AutoField)
        ):
            given = _GIVEN.get((model._meta.db_table, field.column))
            values[field.attname] = given or value_of(field, related or {})
    return model(**values)
