"""`python -m benchmarks [--seconds N] [--no-page]`: measure, print, and write `docs/performance.md`."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

import django

from benchmarks.ground import GENERATOR_CORE, ground
from referral_platform.local.folders import ROOT
from referral_platform.local.processes import LocalError

_PAGE = Path("docs") / "performance.md"


def main() -> int:
    """Run everything; the exit code is 1 when the machine does not allow it."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--seconds", type=float, default=8.0, help="how long each figure is measured")
    parser.add_argument("--no-page", action="store_true", help="print only")
    options = parser.parse_args()
    if len(os.sched_getaffinity(0)) < 2:
        print("Two cores are needed: one for the servers, one for the generator.", file=sys.stderr)
        return 1
    try:
        text = measure(options.seconds)
    except LocalError as error:
        print(error, file=sys.stderr)
        return 1
    print(text)
    if not options.no_page:
        (ROOT / _PAGE).write_text(text)
        print(f"Written to {_PAGE}")
    return 0


def measure(seconds: float) -> str:
    """Measure all figures and return the page about them."""
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
        _step("Purchases, async, then the worker")
        stored, delivered = conversions.measure_async(running, shop, seconds=seconds)
        figures.append(stored)
        _step("Purchases, wait")
        figures.append(conversions.measure_wait(running, shop, seconds=seconds))
        return report.page(
            command="python -m benchmarks" + ("" if seconds == 8 else f" --seconds {seconds:g}"),
            figures=figures,
            constant=constant,
            commits=commits,
            threads=limits.THREADS,
            notes=[delivered],
            load_before=load_before,
            seconds=seconds,
        )


def _step(text: str) -> None:
    print(f"- {text}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
