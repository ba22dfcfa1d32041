"""How long the overview and the search take over the demo shop, beside an empty page of the same console."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from benchmarks import load
from benchmarks.ground import GENERATOR_CORE, Ground
from referral_platform.local.folders import ROOT
from referral_platform.local.processes import LocalError

HEADING: Final = "## Console pages"
TARGET_MS: Final = 100
_SECTION: Final = """\
{heading}

One request at a time over the demo shop ({rows}): web server and Postgres on core 0, as above, signed in as
the shop's owner. The target is {target} ms. Statements are all that Postgres is sent, the frame around the
page included; they are the same in number however many rows there are.

    python -m benchmarks overview

| page | p50 | p95 | statements | bytes |
|---|---:|---:|---:|---:|
{pages}

{date}, {seconds:g} s a figure. Load of other work before the run: {load}.
"""


@dataclass(frozen=True, slots=True)
class _Page:
    name: str
    load: load.Load
    statements: int | None
    size: int | None

    def row(self) -> str:
        times = f"{self.load.percentile_ms(50):.1f} ms | {self.load.percentile_ms(95):.1f} ms"
        statements = "" if self.statements is None else str(self.statements)
        return f"| {self.name} | {times} | {statements} | {'' if self.size is None else f'{self.size:,}'} |"


def measure(ground: Ground, *, seconds: float) -> str:
    """Load the demo into fresh servers, ask for the pages, and return the section about them.

    `django.setup()` must have been called with the ground's environment. AssertionError for an answer that is
    not the page.
    """
    load_before = os.getloadavg()[0]
    _manage(ground, "load_demo", "--force")
    ground.analyze()
    os.sched_setaffinity(0, {GENERATOR_CORE})
    # Its imports load models, which need Django's settings.
    from django.conf import settings
    from django.test import Client

    from accounts.models import User
    from referral_platform.demo import cast

    client = Client(SERVER_NAME="127.0.0.1")
    client.force_login(User.objects.get(email=cast.LOGINS[0].email))
    cookie = f"{settings.SESSION_COOKIE_NAME}={client.cookies[settings.SESSION_COOKIE_NAME].value}"
    root = f"/w/{cast.SLUG}/"
    asked = (
        ("overview, 30 days", root),
        ("overview, 90 days", f"{root}?from={_days_ago(89)}&to={_days_ago(0)}"),
        ("search for a name", f"{root}search/?q=ana"),
    )
    pages = []
    with ground.web() as port:
        for name, path in asked:
            done = _ask(port, path, cookie, seconds)
            statements, size = _look(client, path)
            pages.append(_Page(name, done, statements, size))
    with ground.web("benchmarks.empty_page:application") as port:
        limit = _ask(port, root, cookie, seconds)
    pages.append(_Page("the machine's own limit: an empty page of the same console", limit, None, 0))
    return _SECTION.format(
        heading=HEADING,
        rows=_rows(cast.SLUG),
        target=TARGET_MS,
        pages="\n".join(page.row() for page in pages),
        date=datetime.now(UTC).strftime("%Y-%m-%d"),
        seconds=seconds,
        load=f"{load_before:.1f}",
    )


def _manage(ground: Ground, *command: str) -> None:
    done = subprocess.run(
        [sys.executable, "manage.py", *command],
        env=ground.environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise LocalError(f"manage.py {command[0]} failed:\n{done.stderr[-3000:]}")


def _days_ago(days: int) -> str:
    from core import clock

    return datetime.fromordinal(clock.now().toordinal() - days).strftime("%Y-%m-%d")


def _ask(port: int, path: str, cookie: str, seconds: float) -> load.Load:
    question = load.http("GET", path, headers={"Cookie": cookie, "Accept": "text/html"})
    # Templates are read and statements planned by the first requests.
    load.run(port, lambda _: question, seconds=1, connections=1)
    done = load.run(port, lambda _: question, seconds=seconds, connections=1)
    assert set(done.statuses) == {200}, f"{path} was answered by {dict(done.statuses)}"
    return done


def _look(client: Any, path: str) -> tuple[int, int]:
    """Return how many statements a page sends and how many bytes it has, asked for within this process."""
    from django.db import connection

    sent = 0

    def count(execute: Callable[..., Any], *statement: Any) -> Any:
        nonlocal sent
        sent += 1
        return execute(*statement)

    client.get(path)
    with connection.execute_wrapper(count):
        answer = client.get(path)
    assert answer.status_code == 200, path
    return sent, len(answer.content)


def _rows(slug: str) -> str:
    from accounts.queries import workspace_with_slug
    from core.tenancy import tenant
    from programs.models import Participant
    from tracking.models import Click, Conversion

    workspace = workspace_with_slug(slug)
    assert workspace is not None
    with tenant(workspace):
        counts = {
            "participants": Participant.objects.for_workspace(workspace).count(),
            "clicks": Click.objects.for_workspace(workspace).count(),
            "conversions": Conversion.objects.for_workspace(workspace).count(),
        }
    return ", ".join(f"{count:,} {name}" for name, count in counts.items())
