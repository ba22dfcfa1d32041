"""`manage.py replay_attribution`: decide stored decisions again."""

from __future__ import annotations

import csv
from argparse import ArgumentParser, ArgumentTypeError
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any, Final

from django.core.management.base import BaseCommand, CommandError

from accounts import queries as account_queries
from accounts.models import Workspace
from core.money import format_major
from core.tenancy import tenant
from core.transactions import read_only
from programs import queries as program_queries
from programs.models import Program, ProgramVersion
from tracking import replay_queries
from tracking.management.progress import Progress

SHOWN: Final = 20
_CAVEAT = (
    "Amounts are the revenue credited. Rewards follow from the rules of each version and are not worked out "
    "here. Each decision is made from the facts stored with it: its touches, and whom the customer was bound "
    "to then."
)
_COLUMNS = ("participant", "currency", "credits_before", "credits_after", "amount_before", "amount_after")


def _day(text: str) -> datetime:
    try:
        return datetime.combine(date.fromisoformat(text), time(), UTC)
    except ValueError:
        raise ArgumentTypeError(f"{text!r} is no day such as 2026-01-31") from None


@dataclass(frozen=True, slots=True)
class _Asked:
    """Which decisions: of which workspaces and program, and from when to before when."""

    workspaces: list[Workspace]
    program: Program | None
    begins: datetime | None
    ends: datetime | None


class Command(BaseCommand):
    """Replays stored decisions and compares them byte by byte, or decides them by another version's terms."""

    help = (
        "Decide stored decisions again from their stored inputs; exits with 1 when one is not the same to "
        "the byte. With --with-version, report what another version of the program would have credited."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--workspace", metavar="SLUG", help="only this workspace's decisions")
        parser.add_argument("--from", dest="begins", type=_day, metavar="DATE", help="first day, in UTC")
        parser.add_argument("--until", type=_day, metavar="DATE", help="last day, in UTC")
        parser.add_argument("--program", metavar="prg_...", help="only this program's decisions")
        parser.add_argument(
            "--with-version",
            metavar="prg_.../N",
            help="decide by the terms of version N of a program; with --program the number is enough",
        )
        parser.add_argument(
            "--csv", type=Path, metavar="FILE", help="with --with-version: every participant's credits"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        program_id, number = _version_asked(options["with_version"], options["program"])
        if options["csv"] is not None and number is None:
            raise CommandError("--csv needs --with-version.")
        asked = _asked(options, program_id)
        if number is None:
            self._replay(asked)
        else:
            self._what_if(asked, number, options["csv"])

    def _replay(self, asked: _Asked) -> None:
        counts: Counter[str] = Counter()
        differing: list[str] = []
        progress = Progress(self.stderr, of=sum(_count(asked, each) for each in asked.workspaces))
        for workspace in asked.workspaces:
            with tenant(workspace), read_only():
                for each in replay_queries.replays(_decisions(asked, workspace)):
                    counts[each.outcome] += 1
                    progress.step()
                    found = each.difference
                    if found is not None and len(differing) < SHOWN:
                        differing.append(
                            f"{workspace.slug} {each.public_id}: {found.field} is {found.stored}, "
                            f"replayed {found.replayed}; {found.meaning}"
                        )
        progress.close()
        self.stdout.write(
            f"{counts.total():,} decisions replayed, {progress.per_second:,.0f} a second: "
            f"{counts['same']:,} the same, {counts['differs']:,} different, "
            f"{counts['unreadable']:,} of another record format (their digests are right)."
        )
        for line in differing:
            self.stdout.write(line)
        if counts["differs"]:
            raise CommandError(f"{counts['differs']:,} decisions are not what their inputs say.")

    def _what_if(self, asked: _Asked, number: int, file: Path | None) -> None:
        [workspace], program = asked.workspaces, asked.program
        assert program is not None
        progress = Progress(self.stderr, of=_count(asked, workspace))
        with tenant(workspace):
            version = _version(program, number)
            found = replay_queries.what_if(
                workspace,
                program,
                program_queries.terms_of(version).attribution,
                asked.begins,
                asked.ends,
                tell=lambda done: progress.step(),
            )
        progress.close()
        self.stdout.write(
            f"{progress.done:,} decisions decided by another version, {progress.per_second:,.0f} a second."
        )
        self._report(found, f"{program.public_id}/{number}")
        if file is not None:
            try:
                _write(file, found.participants)
            except OSError as error:
                raise CommandError(f"--csv: {error}") from error
            self.stdout.write(f"{len(found.participants):,} lines written to {file}.")

    def _report(self, found: replay_queries.WhatIf, version: str) -> None:
        self.stdout.write(
            f"Under {version}: {found.changed:,} of {found.decisions:,} decisions credit differently; "
            f"{found.unreadable:,} could not be read. Nothing was written."
        )
        self.stdout.write(_CAVEAT)
        for total in found.totals:
            unit = total.currency
            self.stdout.write(
                f"{unit}: {format_major(total.moved_minor, unit)} moved; "
                f"credits {total.credits_before:,} -> {total.credits_after:,}, "
                f"amount {format_major(total.minor_before, unit)} -> {format_major(total.minor_after, unit)}"
            )
        changed = [each for each in found.participants if each.has_changed]
        for each in changed[:SHOWN]:
            unit = each.currency
            self.stdout.write(
                f"  {each.participant} {unit}: credits {each.credits_before:,} -> {each.credits_after:,}, "
                f"amount {format_major(each.minor_before, unit)} -> {format_major(each.minor_after, unit)}"
            )
        if len(changed) > SHOWN:
            self.stdout.write(f"  and {len(changed) - SHOWN:,} more; --csv writes all of them.")
        if found.examples:
            self.stdout.write(f"Changed, among others: {' '.join(found.examples)}")


def _version_asked(text: str | None, program_id: str | None) -> tuple[str | None, int | None]:
    """Read which program and version are meant from `prg_.../N`, or from a number beside a program."""
    if text is None:
        return program_id, None
    named, slash, number = text.rpartition("/")
    if not number.isdecimal() or bool(named) != bool(slash):
        raise CommandError(f"--with-version: {text!r} is no version such as prg_.../2.")
    if named and program_id and named != program_id:
        raise CommandError("--with-version names another program than --program.")
    if not (named or program_id):
        raise CommandError(f"--with-version: which program's version {number}? Write prg_.../{number}.")
    return named or program_id, int(number)


def _asked(options: dict[str, Any], program_id: str | None) -> _Asked:
    begins, last = options["begins"], options["until"]
    if begins is not None and last is not None and last < begins:
        raise CommandError("--until must not be before --from.")
    ends = None if last is None else last + timedelta(days=1)
    workspaces = account_queries.all_workspaces()
    if options["workspace"]:
        workspaces = [each for each in workspaces if each.slug == options["workspace"]]
        if not workspaces:
            raise CommandError(f"--workspace: there is no workspace {options['workspace']}.")
    if program_id is None:
        return _Asked(workspaces, None, begins, ends)
    for workspace in workspaces:
        with tenant(workspace):
            program = program_queries.programs_of(workspace).filter(public_id=program_id).first()
        if program is not None:
            return _Asked([workspace], program, begins, ends)
    raise CommandError(f"--program: there is no program {program_id}.")


def _version(program: Program, number: int) -> ProgramVersion:
    version = program_queries.versions_of(program).filter(number=number).first()
    if version is None:
        raise CommandError(f"--with-version: {program.public_id} has no version {number}.")
    return version


def _decisions(asked: _Asked, workspace: Workspace) -> Any:
    return replay_queries.stored_decisions(
        workspace, program=asked.program, begins=asked.begins, ends=asked.ends
    )


def _count(asked: _Asked, workspace: Workspace) -> int:
    with tenant(workspace):
        return int(_decisions(asked, workspace).count())


def _write(path: Path, participants: tuple[replay_queries.Moved, ...]) -> None:
    """Write a line for each participant and currency, amounts in the currency's major unit."""
    with path.open("w", newline="", encoding="utf-8") as file:
        lines = csv.writer(file)
        lines.writerow(_COLUMNS)
        for each in participants:
            amounts = (format_major(minor, each.currency) for minor in (each.minor_before, each.minor_after))
            credits = (each.credits_before, each.credits_after)
            lines.writerow((each.participant, each.currency, *credits, *amounts))
