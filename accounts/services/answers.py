"""Stored answers of API calls."""

from __future__ import annotations

import json
from collections.abc import Collection
from functools import reduce
from operator import or_
from typing import Any, Final

from django.db import transaction
from django.db.models import Q

from accounts.models import IdempotencyKey, Workspace

GONE: Final = {"erased": "The person this answer was about was erased since."}
_BATCH: Final = 200


@transaction.atomic(savepoint=False)
def forget_answers(*, workspace: Workspace, ids: Collection[str]) -> int:
    """Replace the stored answers that name one of these public ids; returns how many there were.

    A repeated call still gets the status it got before. Of the answer to a call about many things only those
    parts go that name one. It reads all stored answers, so it is for rare occasions.
    """
    if not ids:
        return 0
    wanted = reduce(or_, (Q(body__icontains=each) for each in ids))
    rows = IdempotencyKey.objects.for_workspace(workspace).filter(wanted).order_by("pk")
    # The answer to the erasing itself holds nothing personal.
    rows = rows.exclude(path__endswith="/erase")
    forgotten = 0
    for row in rows.select_for_update(no_key=True).iterator(chunk_size=_BATCH):
        without = _without(row.body, ids)
        if without != row.body:
            row.body = without
            row.save(update_fields=["body"])
            forgotten += 1
    return forgotten


def _without(body: Any, ids: Collection[str]) -> Any:
    if isinstance(body, dict) and isinstance(body.get("results"), list):
        parts = [GONE if _names(part, ids) else part for part in body["results"]]
        return {**body, "results": parts}
    return GONE if _names(body, ids) else body


def _names(part: Any, ids: Collection[str]) -> bool:
    text = json.dumps(part)
    return any(f'"{each}"' in text for each in ids)
