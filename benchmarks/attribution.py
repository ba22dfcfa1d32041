"""How fast stored decisions are replayed on one core, in memory and through the database."""

from __future__ import annotations

import gc
import hashlib
import json
import os
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import psycopg2
from psycopg2.extras import execute_values

from benchmarks.commands import run_command
from benchmarks.ground import GENERATOR_CORE, Ground
from benchmarks.records import DISTINCT, Record, records
from referral_platform.local.processes import LocalError
from tracking import attribution
from tracking.attribution import AttributionRule

HEADING: Final = "## Replay of decisions"
TARGET: Final = 20_000
_REPEATS: Final = 7
_SECTION: Final = """\
{heading}

Made-up decisions of 1 to 8 touches, of every model and kind, a fifth of them with a bond: {bytes:,.0f} bytes
of JSON each. The target is {target:,} a second and core. Pure figures are processor time, the fastest of
{repeats} rounds over {distinct:,} different decisions. Through the database it is the whole command on core 1
and Postgres on core 0: per second of the command's own processor time, its start left out, and by the clock,
which other work on the machine slows down. Memory is the most that the command's process ever had.

    python -m benchmarks attribution{arguments}

| pure, one core | per second |
|---|---:|
{pure}

| through the database | decisions | per second and core | per second by the clock | peak memory |
|---|---:|---:|---:|---:|
{stored}

{date}. Load of other work before the run: {load}.
"""


@dataclass(frozen=True, slots=True)
class _Run:
    """One run of the command."""

    what: str
    decisions: int
    per_core: float
    by_the_clock: float
    peak_mib: float

    def row(self) -> str:
        return (
            f"| {self.what} | {self.decisions:,} | {self.per_core:,.0f} | {self.by_the_clock:,.0f} "
            f"| {self.peak_mib:,.0f} MiB |"
        )


def measure_pure() -> list[tuple[str, float]]:
    """Return what is done to a decision, and how often per second of processor time."""
    made = list(records())
    texts = [(json.dumps(each.inputs), json.dumps(each.result), each.digest) for each in made]
    read = [(json.loads(inputs), json.loads(result), digest) for inputs, result, digest in texts]
    window = timedelta(days=30)
    rule = AttributionRule(model="linear", click_window=window, code_window=window)

    def least() -> None:
        for inputs, result, _ in texts:
            hashlib.sha256((inputs + result).encode()).hexdigest()
            json.loads(inputs)
            json.loads(result)

    def decided() -> None:
        for inputs, _, _ in read:
            attribution.replay(inputs)

    def checked() -> None:
        for inputs, result, digest in read:
            _same(inputs, result, digest)

    def read_and_checked() -> None:
        for inputs, result, digest in texts:
            _same(json.loads(inputs), json.loads(result), digest)

    def under_another_rule() -> None:
        for inputs, _, _ in read:
            attribution.replay(attribution.under_rule(inputs, rule))

    # What stays for the whole run is nothing to collect again and again.
    gc.collect()
    gc.freeze()
    figures = [
        ("the machine's own limit: the same bytes hashed and read as JSON, nothing decided", least),
        ("decided again from inputs that are read", decided),
        ("decided by another rule", under_another_rule),
        ("replayed: decided again, result and digest compared to the byte", checked),
        ("the same, reading the record as JSON first", read_and_checked),
    ]
    best = _best([call for _, call in figures])
    return [(what, DISTINCT / seconds) for (what, _), seconds in zip(figures, best, strict=True)]


def _best(calls: Sequence[Callable[[], None]]) -> list[float]:
    """Return each call's fastest round; rounds take turns, so that all of them meet the same machine."""
    best = [float("inf")] * len(calls)
    for _ in range(_REPEATS):
        for index, call in enumerate(calls):
            began = time.process_time()
            call()
            best[index] = min(best[index], time.process_time() - began)
    return best


def _same(inputs: dict[str, Any], result: dict[str, Any], digest: str) -> None:
    found = attribution.check_record(inputs=inputs, result=result, stored_digest=digest)
    assert found is None, f"a replay differs: {found}"


def measure(ground: Ground, *, conversions: int) -> str:
    """Store decisions in fresh servers, run the command over a tenth and over all, and return the section.

    `django.setup()` must have been called with the ground's environment. LocalError when the command finds a
    decision that differs or not as many as were stored.
    """
    load_before = os.getloadavg()[0]
    from benchmarks.shop import make_shop
    from core.tenancy import tenant
    from programs.models import Program

    shop = make_shop(participants=2)
    with tenant(shop.workspace):
        program = Program.objects.for_workspace(shop.workspace).get()
    os.sched_setaffinity(0, {GENERATOR_CORE})
    pure = measure_pure()
    made = list(records())
    runs = []
    version = f"{program.public_id}/{program.live_version}"
    for number, arguments in ((max(conversions // 10, 1), ["--with-version", version]), (conversions, [])):
        _store(ground, shop.workspace.pk, program.pk, made, until=number)
        ground.analyze()
        runs.append(_run(ground, "replayed", number))
        if arguments:
            runs.append(_run(ground, "decided by another version", number, *arguments))
    return _SECTION.format(
        heading=HEADING,
        bytes=sum(len(json.dumps(each.inputs)) + len(json.dumps(each.result)) for each in made) / len(made),
        target=TARGET,
        repeats=_REPEATS,
        distinct=DISTINCT,
        arguments="" if conversions == 1_000_000 else f" --conversions {conversions}",
        pure="\n".join(f"| {what} | {per_second:,.0f} |" for what, per_second in pure),
        stored="\n".join(run.row() for run in runs),
        date=datetime.now(UTC).strftime("%Y-%m-%d"),
        load=f"{load_before:.1f}",
    )


def _run(ground: Ground, what: str, number: int, *arguments: str) -> _Run:
    command = ("replay_attribution", "--workspace", "bench")
    start = run_command(ground, *command, "--from", "2999-01-01", *arguments)
    done = run_command(ground, *command, *arguments)
    count = re.search(r"([0-9,]+) decisions[^\n]*, ([0-9,]+) a second", done.said)
    if count is None or int(count[1].replace(",", "")) != number:
        raise LocalError(f"{number} decisions were stored, and the command said:\n{done.said[-3000:]}")
    per_core = number / (done.seconds - start.seconds)
    print(f"- {what}, {number:,}: {per_core:,.0f} a second and core", flush=True)
    return _Run(what, number, per_core, float(count[2].replace(",", "")), done.peak_mib)


def _store(ground: Ground, workspace: int, program: int, made: Sequence[Record], *, until: int) -> None:
    """Store decisions up to a number of them, a hundred thousand at a time, each record again and again."""
    connection = psycopg2.connect(ground.environment["DATABASE_OWNER_URL"])
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('app.workspace', %s, false)", [str(workspace)])
        cursor.execute(
            "CREATE TEMP TABLE made (n integer PRIMARY KEY, model text, reason text, inputs jsonb, "
            "result jsonb, digest text)"
        )
        rows = [
            (n, r.result["model"], r.result["reason"], json.dumps(r.inputs), json.dumps(r.result), r.digest)
            for n, r in enumerate(made)
        ]
        execute_values(cursor, "INSERT INTO made VALUES %s", rows)
        connection.commit()
        cursor.execute("SELECT count(*) FROM tracking_attribution")
        [begins] = cursor.fetchone() or [0]
        for first in range(begins, until, 100_000):
            span = {"ws": workspace, "program": program, "first": first, "last": min(first + 100_000, until)}
            span["distinct"] = len(made)
            cursor.execute(_CONVERSIONS, span)
            cursor.execute(_DECISIONS, span)
            connection.commit()
    connection.close()


_CONVERSIONS: Final = """
INSERT INTO tracking_conversion (workspace_id, public_id, kind, event_name, customer_id, source, source_key,
    status, amount_minor, currency, refunded_minor, metadata, sequence, occurred_at, received_at)
SELECT %(ws)s, 'cnv_' || lpad(n::text, 26, '0'), 'purchase', '', (SELECT min(id) FROM programs_customer),
    'bench', n::text, 'recorded', 100, 'EUR', 0, '{}', 1, now(), now()
FROM generate_series(%(first)s, %(last)s - 1) n
"""
_DECISIONS: Final = """
INSERT INTO tracking_attribution (workspace_id, public_id, conversion_id, program_id, version_id, model,
    reason, inputs, result, digest, decided_at)
SELECT %(ws)s, 'atr_' || lpad(c.source_key, 26, '0'), c.id, %(program)s,
    (SELECT min(id) FROM programs_programversion), made.model, made.reason, made.inputs, made.result,
    made.digest, now()
FROM tracking_conversion c JOIN made ON made.n = c.source_key::integer %% %(distinct)s
WHERE c.workspace_id = %(ws)s AND c.source = 'bench'
    AND c.source_key::integer >= %(first)s AND c.source_key::integer < %(last)s
ORDER BY c.source_key::integer
"""
