from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from referral_platform.local.__main__ import clean, main
from referral_platform.local.folders import folders
from referral_platform.local.processes import LocalError
from referral_platform.local.servers import Ownership
from tests.local.conftest import eventually

DRIVER = (
    "import sys\nfrom pathlib import Path\nfrom referral_platform.local.__main__ import with_test_servers\n"
    "sys.exit(with_test_servers(sys.argv[2:], Path(sys.argv[1])))\n"
)


def _start(checkout: Path, *command: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", DRIVER, str(checkout), *command],
        cwd=checkout,
        env={
            "PYTHONPATH": str(Path(__file__).parents[2]),
            "PATH": os.environ["PATH"],
            "DATABASE_URL": "other",
        },
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def test_a_command_runs_on_servers_of_its_own_and_its_code_comes_back(checkout: Path) -> None:
    run = _start(checkout, "sh", "-c", 'echo "$DATABASE_URL"; exit 7')

    output, _ = run.communicate(timeout=60)

    assert run.returncode == 7
    assert output.startswith("postgres://referral_app:")
    assert len(output.splitlines()) == 1
    assert list((checkout / "var" / "test").iterdir()) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_reaches_the_command_and_the_servers_go(checkout: Path, number: signal.Signals) -> None:
    run = _start(checkout, "sleep", "600")
    assert eventually(lambda: _children_of(run.pid) >= {"postgres", "valkey-server", "sleep"})

    run.send_signal(number)
    run.communicate(timeout=60)

    assert run.returncode == 128 + number
    assert list((checkout / "var" / "test").iterdir()) == []


def test_a_command_that_does_not_exist_is_named(checkout: Path) -> None:
    run = _start(checkout, "no-such-command")

    output, _ = run.communicate(timeout=60)

    assert run.returncode == 1
    assert "no-such-command cannot be started: " in output


def test_clean_refuses_while_the_servers_run(checkout: Path) -> None:
    ownership = Ownership(folders(checkout))
    assert ownership.take("run")

    with pytest.raises(LocalError, match="stop them first"):
        clean(checkout)
    ownership.release()


def test_anything_else_prints_the_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["dance"]) == 2
    assert capsys.readouterr().err.startswith("usage: ")


def _children_of(pid: int) -> set[str]:
    listed = subprocess.run(
        ["ps", "-o", "comm=", "--ppid", str(pid)], capture_output=True, text=True, check=False
    )
    return set(listed.stdout.split())
