"""Judging each participant's part in a conversion: facts in, findings, judgements and cases stored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from accounts.models import Workspace
from core.events import emit
from programs.models import ProgramVersion
from programs.queries import terms_of
from tracking import fraud
from tracking.models import FraudCase, FraudCaseChange, FraudJudgement, FraudSignal
from tracking.rules import settings_of
from tracking.services.contacts import Contacts
from tracking.services.evidence import Evidence, Suspect

RULES = "rules"
"""Who decides a case that no person has looked at."""

Pair = tuple[int, int]
"""Keys of a conversion and a participant."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What holds for one participant's part in one conversion: the rules' word, or a person's over it."""

    outcome: fraud.Outcome
    reason: str


def judge_suspects(
    *,
    workspace: Workspace,
    suspects: Sequence[tuple[Suspect, ProgramVersion]],
    contacts: Contacts,
    at: datetime,
    judged_before: bool = False,
) -> Mapping[Pair, Verdict]:
    """Judge who has not been judged yet, and return what holds for each conversion and participant.

    A judgement is made once: with `judged_before`, those on record stand, and so does what a person has made
    of their cases. A doubt opens a case, a proof one that the rules have rejected.
    """
    verdicts: dict[Pair, Verdict] = {}
    if judged_before:
        verdicts = _standing(workspace, [suspect for suspect, _ in suspects])
    fresh = [
        (suspect, version)
        for suspect, version in suspects
        if (suspect.conversion.pk, suspect.participant.pk) not in verdicts
    ]
    if not fresh:
        return verdicts
    evidence = Evidence(workspace, [suspect for suspect, _ in fresh], contacts, at)
    rows, signals, doubts = [], [], []
    for suspect, version in fresh:
        inputs = fraud.encode_inputs(evidence.facts(suspect), settings_of(terms_of(version).fraud))
        judgement = fraud.replay(inputs)
        row = _row(suspect, version, inputs, judgement, at)
        rows.append(row)
        signals += _signals(suspect, judgement, at)
        if judgement.outcome != "allow":
            doubts.append((suspect, row, judgement))
        key = (suspect.conversion.pk, suspect.participant.pk)
        verdicts[key] = Verdict(judgement.outcome, judgement.reason)
    FraudJudgement.objects.bulk_create(rows)
    FraudSignal.objects.bulk_create(signals, ignore_conflicts=True)
    _open_cases(doubts, at)
    return verdicts


def _standing(workspace: Workspace, suspects: Sequence[Suspect]) -> dict[Pair, Verdict]:
    conversions = {suspect.conversion.pk for suspect in suspects}
    rows = FraudJudgement.objects.for_workspace(workspace).filter(conversion__in=conversions)
    found = {
        (row.conversion_id, row.participant_id): Verdict(_outcome(row.outcome), row.reason) for row in rows
    }
    for case in FraudCase.objects.for_workspace(workspace).filter(conversion__in=conversions):
        found[case.conversion_id, case.participant_id] = verdict_of(case)
    return found


def verdict_of(case: FraudCase) -> Verdict:
    """Return what a case stands at: rejected denies, approved allows, open holds."""
    outcomes: dict[str, fraud.Outcome] = {
        FraudCase.Status.REJECTED: "deny",
        FraudCase.Status.APPROVED: "allow",
        FraudCase.Status.OPEN: "hold",
    }
    return Verdict(outcomes[case.status], case.reason)


def _outcome(text: str) -> fraud.Outcome:
    assert text in ("allow", "hold", "deny")
    return text  # type: ignore[return-value]


def _row(
    suspect: Suspect,
    version: ProgramVersion,
    inputs: dict[str, object],
    judgement: fraud.Judgement,
    at: datetime,
) -> FraudJudgement:
    result = fraud.encode_judgement(judgement)
    return FraudJudgement(
        workspace_id=suspect.conversion.workspace_id,
        conversion=suspect.conversion,
        participant=suspect.participant,
        version=version,
        outcome=judgement.outcome,
        shadow_outcome=judgement.shadow_outcome,
        score=judgement.score,
        reason=judgement.reason,
        inputs=inputs,
        result=result,
        digest=fraud.digest(inputs, result),
        at=at,
    )


def _signals(suspect: Suspect, judgement: fraud.Judgement, at: datetime) -> list[FraudSignal]:
    return [
        FraudSignal(
            workspace_id=suspect.conversion.workspace_id,
            conversion=suspect.conversion,
            participant=suspect.participant,
            rule=signal.rule,
            outcome=judgement.outcome,
            weight=signal.weight,
            shadow=signal.shadow,
            sentence=signal.sentence,
            evidence=dict(signal.evidence),
            at=at,
        )
        for signal in judgement.signals
    ]


def _open_cases(doubts: Sequence[tuple[Suspect, FraudJudgement, fraud.Judgement]], at: datetime) -> None:
    cases = []
    for suspect, row, judgement in doubts:
        denied = judgement.outcome == "deny"
        cases.append(
            FraudCase(
                workspace_id=suspect.conversion.workspace_id,
                conversion=suspect.conversion,
                participant=suspect.participant,
                program_id=suspect.participant.program_id,
                judgement=row,
                status=FraudCase.Status.REJECTED if denied else FraudCase.Status.OPEN,
                outcome=judgement.outcome,
                score=judgement.score,
                reason=judgement.reason,
                decided_at=at if denied else None,
                opened_at=at,
            )
        )
    FraudCase.objects.bulk_create(cases)
    FraudCaseChange.objects.bulk_create(
        FraudCaseChange(
            workspace_id=case.workspace_id,
            case=case,
            after=case.status,
            actor=RULES,
            reason=case.reason,
            at=at,
        )
        for case in cases
    )
    for case in cases:
        emit(
            "fraud.flagged",
            at=at,
            case=case.public_id,
            conversion=case.conversion.public_id,
            participant=case.participant.public_id,
            rule=case.reason,
            outcome=case.outcome,
        )
