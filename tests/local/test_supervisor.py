"""The supervisor with small programs in place of the platform's: a web server and two that wait."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest

from referral_platform.local import addresses
from referral_platform.local.processes import is_alive
from tests.local.conftest import eventually

PROJECT = Path(__file__).parents[2]

MANAGE = """
import os, sys
assert os.environ["DATABASE_URL"] and os.environ["DATABASE_OWNER_URL"] and os.environ["REDIS_URL"]
answers = {"migrate": "tables made", "load_demo": "people made", "demo_logins": "  ada@acme.example"}
print(answers[sys.argv[1]])
sys.exit(sys.argv[1] in os.environ.get("FAILS", "").split())
"""

DRIVER = """
import sys
from pathlib import Path
from referral_platform.local.supervisor import Supervisor

def programs(port, root):
    say = "import os; print('pid', os.getpid(), 'sees', os.environ['BASE_URL'], flush=True)"
    wait = [sys.executable, "-c", say + "; import time; time.sleep(600)"]
    serve = "from http.server import HTTPServer, SimpleHTTPRequestHandler as Handler;"
    serve += f"HTTPServer(('127.0.0.1', {port}), Handler).serve_forever()"
    web = [sys.executable, "-c", say + "; " + serve]
    return {"web": web, "worker": wait, "beat": wait}

sys.exit(Supervisor(root=Path(sys.argv[1]), programs=programs).run())
"""


class Run:
    """A supervisor in a process of its own, and what it has written so far."""

    def __init__(self, checkout: Path, **environment: str) -> None:
        (checkout / "manage.py").write_text(textwrap.dedent(MANAGE))
        self._output = checkout / f"output-{len(list(checkout.glob('output-*')))}"
        with self._output.open("w") as file:
            self.process = subprocess.Popen(
                [sys.executable, "-c", DRIVER, str(checkout)],
                cwd=checkout,
                env={"PYTHONPATH": str(PROJECT), "PATH": os.environ["PATH"], **environment},
                stdout=file,
                stderr=subprocess.STDOUT,
            )

    @property
    def output(self) -> str:
        return self._output.read_text()

    def wait_until_up(self) -> None:
        assert eventually(lambda: "Everything runs" in self.output, seconds=60), self.output
        assert eventually(lambda: len(self.pids) == 3), self.output

    @property
    def pids(self) -> dict[str, int]:
        found = re.findall(r"^(\w+) +\| pid (\d+)", self.output, re.MULTILINE)
        return {name: int(pid) for name, pid in found}

    def wait(self) -> int:
        return self.process.wait(60)


@pytest.fixture
def port() -> str:
    return str(addresses.free_port())


@pytest.fixture
def run(checkout: Path, port: str) -> Iterator[Run]:
    started = Run(checkout, WEB_PORT=port)
    started.wait_until_up()
    yield started
    started.process.kill()
    started.process.wait()


def _stopped_in_order(output: str) -> list[str]:
    return re.findall(r"\| Stopped ([a-z ]+) \(", output)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_stops_everything_in_reverse_order(run: Run, port: str, number: signal.Signals) -> None:
    assert run.output.count(f"sees http://127.0.0.1:{port}\n") == 3
    assert "migrate   | tables made\n" in run.output
    assert "load_demo | people made\n" in run.output
    assert "\n  ada@acme.example\n" in run.output

    run.process.send_signal(number)

    assert run.wait() == 0
    assert f"Stopping on {number.name}" in run.output
    assert _stopped_in_order(run.output) == ["beat", "worker", "web", "postgres and valkey"]
    assert not any(map(is_alive, run.pids.values()))


@pytest.mark.parametrize("part", ["web", "worker", "beat"])
def test_the_end_of_one_part_ends_all(run: Run, part: str) -> None:
    os.kill(run.pids[part], signal.SIGKILL)

    assert run.wait() == 1
    assert f"{part} was ended by SIGKILL; stopping the rest" in run.output
    assert _stopped_in_order(run.output) == [
        *(name for name in ("beat", "worker", "web") if name != part),
        "postgres and valkey",
    ]
    assert not any(map(is_alive, run.pids.values()))


def test_a_killed_supervisor_takes_its_parts_along_and_the_next_one_starts(
    run: Run, checkout: Path, port: str
) -> None:
    run.process.kill()
    run.process.wait()
    assert eventually(lambda: not any(map(is_alive, run.pids.values())))

    again = Run(checkout, WEB_PORT=port)
    again.wait_until_up()
    again.process.terminate()

    assert again.wait() == 0
    assert "Postgres: ready, data kept" in again.output


def test_a_second_supervisor_says_where_the_first_one_runs(run: Run, checkout: Path, port: str) -> None:
    second = Run(checkout, WEB_PORT=port)

    assert second.wait() == 1
    assert (
        f"runs in this checkout already at http://127.0.0.1:{port} (process {run.process.pid})"
        in second.output
    )
    assert all(map(is_alive, run.pids.values()))


def test_a_taken_port_is_named_and_the_next_free_one_used(checkout: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        run = Run(checkout, WEB_PORT=str(port))
        run.wait_until_up()
        run.process.terminate()

        assert run.wait() == 0
    match = re.search(rf"Port {port} is taken; using (\d+)", run.output)
    assert match is not None
    assert f"http://127.0.0.1:{match[1]}/" in run.output


def test_a_failing_step_stops_the_start(checkout: Path, port: str) -> None:
    run = Run(checkout, WEB_PORT=port, FAILS="load_demo")

    assert run.wait() == 1
    assert "manage.py load_demo failed with exit code 1" in run.output
    assert _stopped_in_order(run.output) == ["postgres and valkey"]


def test_a_port_that_is_no_number_is_refused(checkout: Path) -> None:
    run = Run(checkout, WEB_PORT="eighty")

    assert run.wait() == 1
    assert "WEB_PORT is 'eighty'; it must be a number from 1 to 65535." in run.output
