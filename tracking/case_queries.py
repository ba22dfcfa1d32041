"""Reads about doubts: what holds for each participant's part in a conversion, and the cases behind it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from django.db.models import QuerySet

from accounts.models import Workspace
from tracking.fraud import DEFAULT_WEIGHTS
from tracking.models import Conversion, ConversionCheck, FraudCase, FraudCaseChange

_WORDS: Final[Mapping[str, Literal["hold", "deny", "allow"]]] = {
    FraudCase.Status.OPEN: "hold",
    FraudCase.Status.REJECTED: "deny",
    FraudCase.Status.APPROVED: "allow",
}
CHECK_REASONS: Final[Mapping[str, str]] = {
    ConversionCheck.Kind.EMAIL: "email_unconfirmed",
    ConversionCheck.Kind.STORE: "order_unconfirmed",
    ConversionCheck.Kind.CALLBACK: "not_validated",
}
"""Why rewards wait for a check, or are denied by one that failed."""

DOUBTS: Final = frozenset({*DEFAULT_WEIGHTS, *CHECK_REASONS.values(), "self_referral", "decided_anew"})
"""Reason codes that come and go with cases, checks and decisions."""


@dataclass(frozen=True, slots=True)
class Doubts:
    """What holds for one conversion: the reason for each participant who is denied or held, and the checks
    that are about everybody's rewards.
    """

    denied: Mapping[int, str]
    held: Mapping[int, str]
    everybody_denied: str = ""
    everybody_held: str = ""

    def denies(self, participant_id: int) -> str:
        """Return why a participant's part is denied, or nothing."""
        return self.denied.get(participant_id) or self.everybody_denied

    def holds(self, participant_id: int) -> str:
        """Return why a participant's part is on hold, or nothing."""
        return self.held.get(participant_id) or self.everybody_held


NO_DOUBTS: Final = Doubts({}, {})


def doubts_of(workspace: Workspace, conversions: Sequence[Conversion]) -> dict[int, Doubts]:
    """Return what holds for each conversion, by primary key, in two statements."""
    found: dict[int, Doubts] = {}
    denied: dict[int, dict[int, str]] = {}
    held: dict[int, dict[int, str]] = {}
    for case in FraudCase.objects.for_workspace(workspace).filter(conversion__in=conversions):
        kept = {"deny": denied, "hold": held}.get(_WORDS[case.status])
        if kept is not None:
            kept.setdefault(case.conversion_id, {})[case.participant_id] = case.reason
    failed: dict[int, str] = {}
    waiting: dict[int, str] = {}
    checks = ConversionCheck.objects.for_workspace(workspace).filter(conversion__in=conversions)
    for check in checks.exclude(status=ConversionCheck.Status.PASSED).order_by("-pk"):
        kept_checks = failed if check.status == ConversionCheck.Status.FAILED else waiting
        kept_checks[check.conversion_id] = CHECK_REASONS[check.kind]
    for pk in {*denied, *held, *failed, *waiting}:
        found[pk] = Doubts(denied.get(pk, {}), held.get(pk, {}), failed.get(pk, ""), waiting.get(pk, ""))
    return found


def cases(workspace: Workspace) -> QuerySet[FraudCase]:
    """Return all fraud cases with what a list shows, the newest first."""
    return (
        FraudCase.objects.for_workspace(workspace)
        .select_related("conversion__customer", "participant__customer", "program", "judgement")
        .order_by("-public_id")
    )


def cases_of(conversion: Conversion) -> QuerySet[FraudCase]:
    """Return the cases about one conversion."""
    return cases(conversion.workspace).filter(conversion=conversion)


def case_changes(case: FraudCase) -> QuerySet[FraudCaseChange]:
    """Return a case's steps, oldest first."""
    return FraudCaseChange.objects.for_workspace(case.workspace_id).filter(case=case).order_by("pk")
