"""The click entry under load while Postgres, and the entry itself, are killed: real processes."""

from __future__ import annotations

import http.client
import json
import re
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psycopg2
import pytest

from benchmarks.ground import Ground, ground
from referral_platform.local import addresses
from referral_platform.local.folders import ROOT
from referral_platform.local.processes import kill_group

BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0"
_SHOP = """
import json, django
django.setup()
from benchmarks.shop import make_shop
print(json.dumps(make_shop(participants=10).codes))
"""


@pytest.fixture(scope="module")
def running() -> Iterator[Ground]:
    """Servers of this module's own: they are killed."""
    with ground() as servers:
        servers.migrate()
        yield servers


@pytest.fixture(scope="module")
def codes(running: Ground) -> list[str]:
    """The codes of a shop's links."""
    made = subprocess.run(
        [sys.executable, "-c", _SHOP], env=running.environment, cwd=ROOT, capture_output=True, text=True
    )
    assert made.returncode == 0, made.stderr
    found: list[str] = json.loads(made.stdout.splitlines()[-1])
    return found


@dataclass
class Crowd:
    """People who click, each again as soon as there is an answer, or the connection broke."""

    port: int
    codes: list[str]
    answered: list[str] = field(default_factory=list)
    others: Counter[int] = field(default_factory=Counter)
    _left: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)

    def __enter__(self) -> Crowd:
        self._threads = [threading.Thread(target=self._click, args=(number,)) for number in range(6)]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._left.set()
        for thread in self._threads:
            thread.join()

    def see(self, more: int) -> None:
        """Wait until so many more clicks have been answered."""
        wanted = len(self.answered) + more
        wait(lambda: len(self.answered) >= wanted, f"{more} more answers, {self.others} others")

    def _click(self, number: int) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        turn = 0
        while not self._left.is_set():
            turn += 1
            headers = {"User-Agent": BROWSER, "X-Forwarded-For": f"192.0.{number}.{turn % 250}"}
            try:
                connection.request("GET", f"/r/{self.codes[turn % len(self.codes)]}", headers=headers)
                answer = connection.getresponse()
                answer.read()
            except (OSError, http.client.HTTPException):
                connection.close()
                time.sleep(0.02)
                continue
            found = re.search("referral_click=(clk_[0-9a-z]{26})", answer.headers.get("Location", ""))
            if answer.status == 302 and found:
                self.answered.append(found[1])
            else:
                self.others[answer.status] += 1
                time.sleep(0.02)
        connection.close()


def wait(condition: Callable[[], bool], what: str, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"waited {seconds} s for {what}"
        time.sleep(0.05)


def stored(running: Ground) -> Counter[str]:
    """Count the stored clicks by id."""
    connection = psycopg2.connect(running.environment["DATABASE_URL"], options="-c app.door=clicks")
    with connection, connection.cursor() as cursor:
        cursor.execute("SELECT public_id FROM tracking_click")
        found = Counter(public_id for (public_id,) in cursor)
    connection.close()
    return found


def spooled(running: Ground) -> list[Path]:
    return list(Path(running.environment["CLICK_SPOOL_DIR"]).glob("*.clicks"))


def kill_postgres(running: Ground) -> None:
    """End Postgres as a power cut does."""
    process = running.postgres.process
    assert process is not None
    kill_group(process.pid)
    process.wait()


def test_clicks_outlive_postgres(running: Ground, codes: list[str]) -> None:
    with running.web() as port, Crowd(port, codes) as crowd:
        before = set(stored(running))
        crowd.see(200)
        kill_postgres(running)
        crowd.see(200)
        assert spooled(running)
        running.postgres.start()
        crowd.see(200)
        crowd.__exit__()
        wait(lambda: not spooled(running), "the spool to empty")
        found = stored(running)
    assert set(found.values()) == {1}
    assert len(set(crowd.answered)) == len(crowd.answered)
    assert set(found) - before == set(crowd.answered)


def test_answered_clicks_outlive_the_entry_and_postgres(running: Ground, codes: list[str]) -> None:
    port = addresses.free_port()
    with running.web(port=port), Crowd(port, codes) as crowd:
        crowd.see(100)
        kill_group(running.processes["web"].pid)
        with running.web(port=port):
            crowd.see(100)
            kill_postgres(running)
            crowd.see(100)
            kill_group(running.processes["web"].pid)
            assert spooled(running)
            running.postgres.start()
            with running.web(port=port):
                crowd.see(100)
                crowd.__exit__()
                wait(lambda: not spooled(running), "the spool to empty")
                found = stored(running)
    assert len(set(crowd.answered)) == len(crowd.answered) >= 400
    # A click whose answer was under way when the entry died is stored as well, once.
    assert set(crowd.answered) <= set(found)
    assert set(found.values()) == {1}
