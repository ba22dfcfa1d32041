"""Reads what the fraud rules found and what became of it: figures of rules, back-tests, labelled cases.

Judgements are read a thousand at a time, the newest first, so that the memory needed stays the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.db.models import Q, QuerySet

from accounts.models import AuditEntry, Workspace
from programs.models import Program, ProgramVersion
from programs.queries import draft_terms, live_version, terms_of
from programs.terms import FraudTerms
from tracking.fraud import FraudSettings, decode_judgement
from tracking.fraud.accuracy import Confusion
from tracking.fraud.backtest import (
    OUTCOMES,
    BackTest,
    BackTestResult,
    Change,
    Past,
    RuleFigures,
    RuleTally,
    Truth,
    reads_as_fraud,
)
from tracking.models import Conversion, Credit, FraudCase, FraudJudgement

CHUNK: Final = 1_000
UNOPPOSED_DAYS: Final = 60
"""After how long a conversion that nobody objected to is told as such."""

LABEL: Final = "demo_label"
"""The field of a conversion's metadata that states whether it is fraud, where that is known beforehand."""

Progress = Callable[[int, int], None]
"""Hears how many judgements are done, of how many."""


@dataclass(frozen=True, slots=True)
class Tried:
    """A back-test's figures, the first changes, and how many judgements there are in the period.

    `result.judged` is less than `total` where `most` cut the run short.
    """

    result: BackTestResult
    changes: Sequence[Change]
    total: int


def fraud_terms_of(program: Program) -> FraudTerms:
    """Return what a program states about fraud now; before its first version, the defaults."""
    version = live_version(program)
    return terms_of(version).fraud if version is not None else FraudTerms()


def drafted_fraud_terms(program: Program) -> FraudTerms:
    """Return what a program's draft states about fraud; raises TermsInvalid for an unreadable draft."""
    return draft_terms(program).fraud


def rule_figures(workspace: Workspace, *, program: Program, since: datetime) -> tuple[RuleFigures, ...]:
    """Return how each rule did in a program's judgements since an instant."""
    rows = _judgements(workspace, program, since)
    silent = rows.filter(result__signals=[])
    tally = RuleTally()
    told = _Truths(workspace, since)
    for chunk in _chunks(rows.exclude(result__signals=[])):
        truths = told.of(chunk)
        for row in chunk:
            tally.add(decode_judgement(row.result), truths[row.pk])
    tally.add_silent(silent.count())
    return tally.figures()


def back_test(
    workspace: Workspace,
    *,
    program: Program,
    since: datetime,
    at: datetime,
    settings: FraudSettings | None,
    listed: int = 50,
    most: int | None = None,
    progress: Progress | None = None,
) -> Tried:
    """Judge a program's judgements since an instant again, the newest first; at most `most` of them.

    Without settings under their own. `listed` is how many changes are returned one by one.
    """
    rows = _judgements(workspace, program, since)
    total = rows.count()
    run = BackTest(settings)
    told = _Truths(workspace, since)
    changes: list[Change] = []
    done = 0
    for chunk in _chunks(rows, most):
        for past in told.pasts(chunk, at):
            change = run.add(past)
            if change is not None and len(changes) < listed:
                changes.append(change)
        done += len(chunk)
        if progress is not None:
            progress(done, total if most is None else min(most, total))
    return Tried(run.result(), changes, total)


def confusion(workspace: Workspace) -> tuple[Confusion, int]:
    """Return the table of the labelled conversions that were judged, and how many labelled were not.

    What was never judged would have rewarded nobody. Of several judgements of one conversion the worst
    outcome counts.
    """
    table = Confusion()
    unjudged = 0
    rows = Conversion.objects.for_workspace(workspace).filter(metadata__has_key=LABEL).order_by("pk")
    last = 0
    while chunk := list(rows.filter(pk__gt=last).values_list("pk", "metadata")[:CHUNK]):
        last = chunk[-1][0]
        found: dict[int, list[FraudJudgement]] = {}
        for row in (
            FraudJudgement.objects.for_workspace(workspace)
            .filter(conversion__in=[pk for pk, _ in chunk])
            .only("conversion_id", "outcome", "result")
        ):
            found.setdefault(row.conversion_id, []).append(row)
        for pk, metadata in chunk:
            label, judged = metadata[LABEL], found.get(pk, [])
            if label not in ("fraud", "fine"):
                continue
            if not judged:
                unjudged += 1
                continue
            worst = max(OUTCOMES.index(row.outcome) for row in judged)
            table.add(
                label, OUTCOMES[worst], {each["rule"] for row in judged for each in row.result["signals"]}
            )
    return table, unjudged


def _judgements(workspace: Workspace, program: Program, since: datetime) -> QuerySet[FraudJudgement]:
    versions = ProgramVersion.objects.for_workspace(workspace).filter(program=program)
    return (
        FraudJudgement.objects.for_workspace(workspace)
        # Their keys, not a join: a program has few versions, and the index on time stays in use.
        .filter(version__in=list(versions.values_list("pk", flat=True)), at__gte=since)
        .order_by("-at", "-pk")
    )


def _chunks(rows: QuerySet[FraudJudgement], most: int | None = None) -> Iterator[list[FraudJudgement]]:
    left = most
    after = Q()
    while left is None or left > 0:
        size = CHUNK if left is None else min(CHUNK, left)
        chunk = list(rows.filter(after).select_related("conversion", "participant")[:size])
        if not chunk:
            return
        yield chunk
        last = chunk[-1]
        after = Q(at__lt=last.at) | Q(at=last.at, pk__lt=last.pk)
        left = None if left is None else left - len(chunk)


class _Truths:
    """What people found out about judgements."""

    def __init__(self, workspace: Workspace, since: datetime) -> None:
        self._workspace = workspace
        rejected = AuditEntry.objects.for_workspace(workspace).filter(
            action="conversion.rejected", actor_kind="user", at__gte=since
        )
        # In one go: the audit log has no index on what its entries are about, and people reject few.
        self._rejected = {
            subject for subject, reason in rejected.values_list("subject", "reason") if reads_as_fraud(reason)
        }

    def of(self, chunk: Sequence[FraudJudgement]) -> dict[int, Truth]:
        """Return the truth about each judgement by primary key."""
        return self._from(chunk, self._cases(chunk))

    def pasts(self, chunk: Sequence[FraudJudgement], at: datetime) -> Iterator[Past]:
        """Give each judgement with what is known of it at an instant."""
        cases = self._cases(chunk)
        truths = self._from(chunk, cases)
        credits = {
            (conversion, participant): (amount, currency)
            for conversion, participant, amount, currency in Credit.objects.for_workspace(self._workspace)
            .filter(conversion__in={row.conversion_id for row in chunk})
            .values_list("conversion_id", "participant_id", "amount_minor", "currency")
        }
        long_ago = at - timedelta(days=UNOPPOSED_DAYS)
        for row in chunk:
            conversion, key = row.conversion, (row.conversion_id, row.participant_id)
            amount, currency = credits.get(key, (conversion.amount_minor, conversion.currency))
            yield Past(
                conversion=conversion.public_id,
                participant=row.participant.public_id,
                inputs=row.inputs,
                outcome=row.outcome,  # type: ignore[arg-type]
                truth=truths[row.pk],
                unopposed=conversion.occurred_at < long_ago
                and conversion.status == Conversion.Status.RECORDED
                and key not in cases,
                amount_minor=amount,
                currency=currency,
            )

    def _cases(self, chunk: Sequence[FraudJudgement]) -> Mapping[tuple[int, int], FraudCase]:
        rows: Any = FraudCase.objects.for_workspace(self._workspace).filter(
            conversion__in={row.conversion_id for row in chunk}
        )
        return {(case.conversion_id, case.participant_id): case for case in rows}

    def _from(
        self, chunk: Sequence[FraudJudgement], cases: Mapping[tuple[int, int], FraudCase]
    ) -> dict[int, Truth]:
        truths: dict[int, Truth] = {}
        for row in chunk:
            case = cases.get((row.conversion_id, row.participant_id))
            decided: Truth = "unknown"
            # The rules' own denials stand as rejected too, and nobody has looked at them.
            if case is not None and case.decided_by:
                decided = _DECIDED.get(case.status, "unknown")
            if decided == "unknown" and row.conversion.public_id in self._rejected:
                decided = "fraud"
            truths[row.pk] = decided
        return truths


_DECIDED: Final[Mapping[str, Truth]] = {
    FraudCase.Status.APPROVED: "fine",
    FraudCase.Status.REJECTED: "fraud",
}
