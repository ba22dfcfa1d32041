"""`manage.py fraud_accuracy`: how right the fraud rules are where the truth is known."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts import queries as account_queries
from accounts.models import Workspace
from core.tenancy import tenant
from tracking import backtest_queries
from tracking.fraud.accuracy import LABELS, Confusion
from tracking.fraud.backtest import OUTCOMES
from tracking.fraud.shares import Share


class Command(BaseCommand):
    """Prints each workspace's table of truth by outcome, and precision, recall and false-positive rate.

    The truth is the field `demo_label` (`fraud` or `fine`) of a conversion's metadata, as in the demo.
    """

    help = "Print how right the fraud rules are over conversions whose metadata says what they were."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--workspace", metavar="SLUG", help="only this workspace")

    def handle(self, *args: Any, **options: Any) -> None:
        slug = options["workspace"]
        only = account_queries.workspace_with_slug(slug) if slug else None
        if slug and only is None:
            raise CommandError(f"There is no workspace {slug}.")
        printed = 0
        for workspace_id in account_queries.active_workspace_ids() if only is None else [only.pk]:
            with tenant(workspace_id):
                workspace = Workspace.objects.for_workspace(workspace_id).get()
                table, unjudged = backtest_queries.confusion(workspace)
            if table.of("fraud") or table.of("fine"):
                self._print(workspace.slug, table, unjudged)
                printed += 1
        if not printed:
            self.stdout.write(
                "No judged conversion has a label: nothing to measure. The demo (load_demo) has some."
            )

    def _print(self, slug: str, table: Confusion, unjudged: int) -> None:
        cases = table.of("fraud") + table.of("fine")
        self.stdout.write(f"{slug}: {cases} labelled conversions that were judged")
        if unjudged:
            self.stdout.write(f"  {unjudged} more had no referrer to be judged, and are left out")
        self.stdout.write("")
        self.stdout.write(f"  {'truth':<8}{''.join(f'{each:>8}' for each in OUTCOMES)}{'all':>8}")
        for label in LABELS:
            counts = "".join(f"{table.count(label, each):>8}" for each in OUTCOMES)
            self.stdout.write(f"  {label:<8}{counts}{table.of(label):>8}")
        whole = table.overall()
        self.stdout.write("")
        self.stdout.write("  An alarm is a hold or a denial.")
        self.stdout.write(f"  precision            {_told(whole.precision)}")
        self.stdout.write(f"  recall               {_told(whole.recall)}")
        self.stdout.write(f"  false-positive rate  {_told(whole.false_positive_rate)}")
        self.stdout.write("")
        self.stdout.write(
            f"  {'rule':<22}{'fraud':>6}{'fine':>6}{'precision':>11}{'recall':>9}{'false pos.':>12}"
        )
        for rule, each in table.by_rule().items():
            self.stdout.write(
                f"  {rule:<22}{each.true_alarms:>6}{each.false_alarms:>6}"
                f"{_percent(each.precision):>11}{_percent(each.recall):>9}{_percent(each.false_positive_rate):>12}"
            )
        self.stdout.write("")


def _percent(share: Share | None) -> str:
    return "-" if share is None else f"{share.value * 100:.1f} %"


def _told(share: Share | None) -> str:
    if share is None:
        return "-"
    bounds = f"95 %: {share.low * 100:.1f} to {share.high * 100:.1f} %"
    return f"{_percent(share):>7}  ({share.hits} of {share.of}; {bounds})"
