"""Figures on the terminal and in `docs/performance.md`."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from benchmarks.load import CONNECTIONS, Load

_PAGE = """\
# Performance

Measured on one core: web server, Postgres (which writes every commit to disk) and Valkey share core 0, the
generator has core 1 and keeps {connections} connections busy with one request each. Every answered request is
counted against the rows in the database, none more and none fewer. Each figure follows a second of the same
work and an ANALYZE, which a database does by itself within its first minute. Figures move with the machine;
the limits beside them are measured in the same run.

    {command}

| work | per second | p50 | p99 | share of the constant answer | rows |
|---|---:|---:|---:|---:|---|
{rows}

| the machine's own limit | per second |
|---|---:|
| the same web server answering a constant redirect | {constant:,.0f} |
| one-row transactions committed by the same Postgres, {threads} clients on its core | {commits:,.0f} |

{notes}

## Where a click's time goes

{clicks}

{date}, {seconds:g} s a figure. Machine: {machine}. Load of other work before the run: {load}.
Python {python}, Granian {granian}, Django {django}, Postgres 18.
"""

_CLICKS = """\
Figures of one profile (py-spy on the entry's process, and statements timed alone), with 64 connections:

- Storing a group of 63 clicks takes Postgres 3.0 ms by the prepared statement with arrays as text; the same
  statement took 11.9 ms when it was planned each time and got its arrays as expressions. Each row goes into
  six indexes; COPY is no way out, for it is not allowed under row-level security.
- Reading, judging and building one click takes Python 50 microseconds; it took 127 before ids, headers and
  destinations were made cheaper.
- The entry's writer waits for Postgres four fifths of the time, and Postgres shares its core. The rest goes
  to waking 64 threads one by one, each of which takes the interpreter's lock once more to answer.

The target of a quarter of the constant answer is not met. What is left: fewer indexes on the hot table, and
an entry that answers without a thread for each request."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured kind of work, and what was checked about its rows."""

    work: str
    load: Load
    checked: str

    def row(self, constant: Load) -> str:
        """Return the figure as a row of the table."""
        done = self.load
        share = done.per_second / constant.per_second
        return (
            f"| {self.work} | {done.per_second:,.0f} | {done.percentile_ms(50):.1f} ms "
            f"| {done.percentile_ms(99):.1f} ms | {share:.1%} | {self.checked} |"
        )


def page(
    *,
    command: str,
    figures: Sequence[Figure],
    constant: Load,
    commits: float,
    threads: int,
    notes: Sequence[str],
    load_before: float,
    seconds: float,
) -> str:
    """Return the whole page."""
    return _PAGE.format(
        connections=CONNECTIONS,
        command=command,
        rows="\n".join(figure.row(constant) for figure in figures),
        constant=constant.per_second,
        commits=commits,
        threads=threads,
        notes="\n".join(notes),
        clicks=_CLICKS,
        date=datetime.now(UTC).strftime("%Y-%m-%d"),
        seconds=seconds,
        machine=_machine(),
        load=f"{load_before:.1f}",
        python=platform.python_version(),
        granian=version("granian"),
        django=version("django"),
    )


def _machine() -> str:
    model = "unknown processor"
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = " ".join(line.partition(":")[2].split())
            break
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return f"{model}, {os.cpu_count()} cores, {memory:.0f} GiB, Linux {platform.release().partition('-')[0]}"
