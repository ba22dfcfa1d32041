"""Why a conversion was credited as it was, read off the stored decisions and judgements."""

from __future__ import annotations

from typing import Any

from core.answers import parts_of
from tracking import attribution, case_queries, queries
from tracking.models import Attribution, Conversion, FraudJudgement


def explanation(conversion: Conversion) -> dict[str, Any]:
    """Return why a conversion was credited as it was, from what is stored, in public ids only.

    Shape: `conversion`, `kind`, `status`, `sentence`, `decisions` (per program: `program_name`, `version`,
    `revision`, `cause`, `model`, `rule`, `reason`, `sentence`, `credits`, `rejected`, `touches`, `bond`,
    `bond_reason`, `digest`, `replays` telling whether the stored inputs still give the stored result, and
    `earlier` revisions), `fraud` (per participant: `outcome`, `score`, `reason`, `signals`, `case`), and
    what other apps add (`rewards`).
    """
    stored: dict[int, list[Attribution]] = {}
    for row in queries.attributions_of(conversion):
        stored.setdefault(row.program_id, []).append(row)
    decisions = [_decision(rows) for rows in stored.values()]
    sentence = " ".join(each["sentence"] for each in decisions) or (
        "No participant's link or code was in contact with this customer, so nobody was credited."
    )
    return {
        "conversion": conversion.public_id,
        "kind": conversion.kind,
        "status": conversion.status,
        "sentence": sentence,
        "decisions": decisions,
        "fraud": _judgements(conversion),
        **parts_of("conversion", conversion),
    }


def _decision(revisions: list[Attribution]) -> dict[str, Any]:
    *earlier, row = revisions
    replayed = attribution.encode_decision(attribution.replay(row.inputs))
    return {
        "id": row.public_id,
        "program": row.program.public_id,
        "program_name": row.program.name,
        "version": row.version.number,
        "revision": row.revision,
        "cause": row.cause,
        "model": row.model,
        "reason": row.reason,
        "sentence": row.result["sentence"],
        "rule": row.inputs["rule"],
        "touches": row.inputs["touches"],
        "bond": row.inputs["bond"],
        "bond_reason": row.result["bond_reason"],
        "credits": row.result["credits"],
        "rejected": row.result["rejected"],
        "decided_at": row.decided_at.isoformat(),
        "digest": row.digest,
        "replays": attribution.digest(row.inputs, replayed) == row.digest,
        "earlier": [
            {
                "id": each.public_id,
                "revision": each.revision,
                "cause": each.cause,
                "sentence": each.result["sentence"],
                "credits": each.result["credits"],
                "decided_at": each.decided_at.isoformat(),
                "digest": each.digest,
            }
            for each in earlier
        ],
    }


def _judgements(conversion: Conversion) -> list[dict[str, Any]]:
    cases = {case.participant_id: case for case in case_queries.cases_of(conversion)}
    rows = FraudJudgement.objects.for_workspace(conversion.workspace_id).filter(conversion=conversion)
    found = []
    for row in rows.select_related("participant").order_by("pk"):
        case = cases.get(row.participant_id)
        found.append(
            {
                "id": row.public_id,
                "participant": row.participant.public_id,
                "outcome": row.outcome,
                "score": row.score,
                "reason": row.reason,
                "signals": row.result["signals"],
                "digest": row.digest,
                "case": {"id": case.public_id, "status": case.status} if case else None,
            }
        )
    return found
