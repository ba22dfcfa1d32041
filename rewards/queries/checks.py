"""What the last check of the books found, and how far one that runs has come."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from accounts.models import Workspace
from rewards.models import BooksCheck
from rewards.queries.books import CHECKS, Sums, sums


@dataclass(frozen=True, slots=True)
class CheckReport:
    """One check as it was last run: `checked` is None where it never was.

    `shown` holds the first differences as they were stored: said, kind, public_id, under.
    """

    key: str
    sentence: str
    checked: int | None
    differing: int
    shown: tuple[dict[str, Any], ...]


@dataclass(frozen=True, slots=True)
class BooksReport:
    """A workspace's books: each unit's sums as they are now, and the checks as they were last run."""

    sums: tuple[Sums, ...]
    last: BooksCheck | None
    checks: tuple[CheckReport, ...]
    running: BooksCheck | None
    failed: BooksCheck | None

    @property
    def done(self) -> int:
        """How many checks of the run that goes on are done."""
        return len(self.running.results) if self.running else 0

    @property
    def total(self) -> int:
        """How many checks a run has."""
        return len(CHECKS)


def books_report(workspace: Workspace) -> BooksReport:
    """Return the report on a workspace's books."""
    runs = BooksCheck.objects.for_workspace(workspace).order_by("-pk")
    last = runs.filter(state=BooksCheck.State.DONE).first()
    latest = runs.first()
    results = {result["key"]: result for result in (last.results if last else [])}
    return BooksReport(
        sums=tuple(sums(workspace)),
        last=last,
        checks=tuple(_report(check.key, check.sentence, results.get(check.key)) for check in CHECKS),
        running=latest if latest and latest.state == BooksCheck.State.PENDING else None,
        failed=latest if latest and latest.state == BooksCheck.State.DEAD else None,
    )


def _report(key: str, sentence: str, result: dict[str, Any] | None) -> CheckReport:
    if result is None:
        return CheckReport(key, sentence, None, 0, ())
    return CheckReport(key, sentence, result["checked"], result["differing"], tuple(result["shown"]))
