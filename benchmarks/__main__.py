"""`python -m benchmarks [agents|attribution|clicks|ledger|overview|payouts|rewards]`: measure and write."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path

import django

from benchmarks import agents, attribution, ledger, overview, payouts, settling
from benchmarks.attribution import HEADING as REPLAYS
from benchmarks.ground import GENERATOR_CORE, ground
from benchmarks.overview import HEADING
from referral_platform.local.folders import ROOT
from referral_platform.local.processes import LocalError

_PAGE = Path("docs") / "performance.md"


def main() -> int:
    """Run everything; the exit code is 1 when the machine does not allow it."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "what",
        nargs="?",
        choices=["all", "agents", "attribution", "clicks", "ledger", "overview", "payouts", "rewards"],
        default="all",
        help="all but the replay of decisions, payouts and the ledger; or one of: how user agents are read, "
        "that replay, the clicks, the check of a long ledger, the console's pages, a large payout batch, the "
        "making of rewards",
    )
    parser.add_argument("--seconds", type=float, default=8.0, help="how long each figure is measured")
    parser.add_argument("--conversions", type=int, default=1_000_000, help="how many decisions are replayed")
    parser.add_argument("--payouts", type=int, default=100_000, help="how many people are paid")
    parser.add_argument("--transfers", type=int, default=1_000_000, help="how long the checked ledger is")
    parser.add_argument("--rewards", type=int, default=5_000, help="how many rewards are made")
    parser.add_argument("--no-page", action="store_true", help="print only")
    options = parser.parse_args()
    if options.what == "agents":
        print(agents.measure(ROOT))
        return 0
    cores = os.sched_getaffinity(0)
    if len(cores) < 2:
        print("Two cores are needed: one for the servers, one for the generator.", file=sys.stderr)
        return 1
    if options.what == "payouts":
        return _payouts(options.payouts, written=not options.no_page)
    if options.what in ("ledger", "rewards"):
        return _beside(options)
    before, _, kept = (ROOT / _PAGE).read_text().partition(REPLAYS)
    replays = f"{REPLAYS}{kept}" if kept else ""
    try:
        if options.what == "attribution":
            replays = measure_replays(options.conversions) + _money_sections(replays)
            rest, _, kept = before.partition(HEADING)
            pages = f"{HEADING}{kept}" if kept else ""
        elif options.what == "overview":
            pages = measure_pages(options.seconds)
            rest = before.partition(HEADING)[0]
        elif options.what == "clicks":
            print(measure(options.seconds, clicks_only=True))
            return 0
        else:
            rest = measure(options.seconds)
            os.sched_setaffinity(0, cores)
            pages = _measured_apart(options.seconds)
        text = "\n\n".join(part.strip() for part in (rest, pages, replays) if part) + "\n"
    except LocalError as error:
        print(error, file=sys.stderr)
        return 1
    print(text)
    if not options.no_page:
        (ROOT / _PAGE).write_text(text)
        print(f"Written to {_PAGE}")
    return 0


def _beside(options: argparse.Namespace) -> int:
    """Measure the check of the ledger or the making of rewards, and put the section in its place."""
    module = ledger if options.what == "ledger" else settling
    try:
        with ground() as running:
            _step("Servers run; making the tables")
            running.migrate()
            os.environ.update(running.environment)
            django.setup()
            if options.what == "ledger":
                section = ledger.measure(running, transfers=options.transfers)
            else:
                section = settling.measure(running, number=options.rewards)
    except LocalError as error:
        print(error, file=sys.stderr)
        return 1
    print(section)
    if not options.no_page:
        text = (ROOT / _PAGE).read_text()
        before, _, old = text.partition(module.HEADING)
        _, mark, after = old.partition("\n## ")
        parts = [before.strip(), section.strip(), f"## {after}".strip() if mark else ""]
        (ROOT / _PAGE).write_text("\n\n".join(part for part in parts if part) + "\n")
        print(f"Written to {_PAGE}")
    return 0


def _money_sections(replays: str) -> str:
    """Return what stands behind the section about the replay, to be kept."""
    found = [replays.find(each.HEADING) for each in (ledger, settling) if each.HEADING in replays]
    return "\n" + replays[min(found) :] if found else ""


def measure(seconds: float, *, clicks_only: bool = False) -> str:
    """Measure all figures and return the page about them, or its part about clicks."""
    load_before = os.getloadavg()[0]
    with ground() as running:
        _step("Servers run; making the tables")
        running.migrate()
        os.environ.update(running.environment)
        django.setup()
        # These load models, which need Django's settings.
        from benchmarks import clicks, conversions, limits, report
        from benchmarks.shop import make_shop

        _step("Making a workspace")
        shop = make_shop()
        os.sched_setaffinity(0, {GENERATOR_CORE})
        _step("The machine's limits")
        constant = limits.constant_answers(running, seconds=seconds)
        commits = limits.commits(running, seconds=min(seconds, 4))
        figures = []
        _step("Clicks")
        figures.append(clicks.measure(running, shop, seconds=seconds))
        figures.append(clicks.measure_beside_made_up(running, shop, seconds=seconds))
        notes = []
        if not clicks_only:
            _step("Purchases, async, then the worker")
            stored, delivered = conversions.measure_async(running, shop, seconds=seconds)
            figures.append(stored)
            notes.append(delivered)
            _step("Purchases, wait")
            figures.append(conversions.measure_wait(running, shop, seconds=seconds))
        return report.page(
            command="python -m benchmarks" + ("" if seconds == 8 else f" --seconds {seconds:g}"),
            figures=figures,
            constant=constant,
            commits=commits,
            threads=limits.THREADS,
            notes=notes,
            load_before=load_before,
            seconds=seconds,
        )


def measure_pages(seconds: float) -> str:
    """Measure the console's pages over the demo shop and return the section about them."""
    with ground() as running:
        _step("Servers run; making the tables and loading the demo shop")
        running.migrate()
        os.environ.update(running.environment)
        django.setup()
        return overview.measure(running, seconds=seconds)


def measure_replays(conversions: int) -> str:
    """Measure the replay of stored decisions and return the section about it."""
    with ground() as running:
        _step("Servers run; making the tables and the decisions")
        running.migrate()
        os.environ.update(running.environment)
        django.setup()
        return attribution.measure(running, conversions=conversions)


def _payouts(number: int, *, written: bool) -> int:
    """Measure a payout batch, print its section and put it into the page in place of the one before."""
    try:
        with ground() as running:
            _step("Servers run; making the tables and the people")
            running.migrate()
            os.environ.update(running.environment)
            django.setup()
            section = payouts.measure(running, payouts=number).strip()
    except LocalError as error:
        print(error, file=sys.stderr)
        return 1
    print(section)
    if written:
        page = (ROOT / _PAGE).read_text()
        before, heading, rest = page.partition(payouts.HEADING)
        after = rest[rest.index("\n## ") :] if "\n## " in rest else ""
        replays, _, kept = before.partition(REPLAYS) if not heading else (before, "", "")
        parts = (replays, section, f"{REPLAYS}{kept}" if kept else after)
        (ROOT / _PAGE).write_text("\n\n".join(part.strip() for part in parts if part.strip()) + "\n")
    return 0


def _measured_apart(seconds: float) -> str:
    """Measure the pages in a process of its own: the demo wants an empty database, and Django knows one."""
    command = [sys.executable, "-m", "benchmarks", "overview", "--no-page", "--seconds", str(seconds)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        raise LocalError(f"the pages were not measured:\n{done.stderr[-3000:]}")
    _, heading, section = done.stdout.partition(REPLAYS)[0].partition(HEADING)
    return (heading + section).rstrip() + "\n"


def _step(text: str) -> None:
    print(f"- {text}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
