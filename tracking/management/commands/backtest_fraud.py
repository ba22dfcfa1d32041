"""`manage.py backtest_fraud`: judge a program's stored judgements again under other settings, all of them."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts.queries import workspace_with_slug
from core import clock
from core.tenancy import tenant
from programs.models import Program
from programs.terms import FRAUD_WEIGHTS, TermsInvalid, change_fraud
from tracking import backtest_queries
from tracking.fraud.backtest import OUTCOMES, Fates
from tracking.rules import settings_of


class Command(BaseCommand):
    """Prints what other settings would have made of a program's judgements; changes nothing."""

    help = "Judge a program's last days again under other fraud settings, and print what would have changed."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--workspace", metavar="SLUG", required=True)
        parser.add_argument("--program", metavar="ID", required=True, help="its public id")
        parser.add_argument("--days", type=int, default=90)
        parser.add_argument(
            "--set",
            action="append",
            default=[],
            metavar="NAME=VALUE",
            help="a rule's weight (same_ip=50) or a field of the terms' fraud in JSON (hold_at=40)",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        found = workspace_with_slug(options["workspace"])
        if found is None:
            raise CommandError(f"There is no workspace {options['workspace']}.")
        with tenant(found):
            program = Program.objects.for_workspace(found).filter(public_id=options["program"]).first()
            if program is None:
                raise CommandError(f"There is no program {options['program']}.")
            terms = backtest_queries.fraud_terms_of(program)
            try:
                terms = change_fraud(terms, _changes(options["set"]))
            except TermsInvalid as error:
                raise CommandError(
                    "; ".join(f"{each.param}: {each.message}" for each in error.errors)
                ) from error
            at = found.local_time(clock.now())
            tried = backtest_queries.back_test(
                found,
                program=program,
                since=at - timedelta(days=options["days"]),
                at=at,
                settings=settings_of(terms),
                progress=lambda done, whole: self.stderr.write(f"{done} of {whole}"),
            )
        result = tried.result
        self.stdout.write(f"{result.judged} judged again, {result.changed} differently")
        if result.skipped:
            self.stdout.write(f"{result.skipped} stored in another format, left out")
        self.stdout.write(f"{'was':<8}{''.join(f'{each:>8}' for each in OUTCOMES)}")
        for before in OUTCOMES:
            counts = "".join(f"{result.count(before, after):>8}" for after in OUTCOMES)
            self.stdout.write(f"{before:<8}{counts}")
        self.stdout.write(f"newly held: {_told(result.caught)}")
        self.stdout.write(f"released:   {_told(result.released)}")
        for change in tried.changes:
            self.stdout.write(
                f"{change.past.conversion} {change.before} -> {change.after}: {change.sentence}"
            )


def _changes(given: list[str]) -> dict[str, object]:
    changes: dict[str, object] = {}
    weights: dict[str, object] = {}
    for each in given:
        name, sign, text = each.partition("=")
        try:
            value = json.loads(text)
        except ValueError:
            value = None
        if not sign or value is None:
            raise CommandError(f"{each} is not NAME=VALUE with a value in JSON.")
        if name in FRAUD_WEIGHTS:
            weights[name] = value
        else:
            changes[name] = value
    return {**changes, "weights": weights} if weights else changes


def _told(fates: Fates) -> str:
    money = ", ".join(f"{unit} {minor}" for unit, minor in sorted(fates.money.items())) or "no money"
    known = f"{fates.fraud} fraud, {fates.fine} fine, {fates.unknown} not judged"
    return f"{fates.all} ({known}), {money}"
