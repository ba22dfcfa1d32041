"""`python -m tests.e2e [pytest's arguments]`: start the stage, run the browser suite on it, stop it.

The tour and the journeys run two at a time; what is measured runs after them, alone. `serve` as the only
argument starts the stage, prints how to run single tests on it, and waits for Ctrl-C.
"""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from referral_platform.local.folders import ROOT
from tests.e2e.stage import NAMED_BY, Stage

FOLDER: Final = Path(__file__).parent
PICTURES: Final = ROOT / "var" / "e2e"
WORKERS: Final = "2"
MEASURED: Final = "test_speed.py"
_NO_TESTS: Final = 5
_SERVERS: Final = (
    "DATABASE_URL", "DATABASE_OWNER_URL", "REDIS_URL", "SECRET_KEY", "HASH_KEY", "CREDENTIALS_KEYS",
)  # fmt: skip
# What hangs outside of a page ends its test process, which says where; another one goes on.
_BOUND: Final = ("-o", "faulthandler_timeout=900", "-o", "faulthandler_exit_on_timeout=true")


def _pytest(stage: Stage, *arguments: str) -> int:
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *_BOUND, *arguments]
    return subprocess.run(command, cwd=ROOT, env={**os.environ, NAMED_BY: stage.description()}).returncode


def _exports(stage: Stage) -> str:
    """Return the line for the shell that single tests are started from."""
    given = {NAMED_BY: stage.description(), **{name: stage.environment[name] for name in _SERVERS}}
    return "export " + " ".join(f"{name}={shlex.quote(value)}" for name, value in given.items())


def _run(stage: Stage, arguments: Sequence[str]) -> int:
    chosen = [each for each in arguments if each.startswith("tests/")]
    options = [each for each in arguments if each not in chosen]
    if chosen:
        return _pytest(stage, *chosen, *options)
    codes = {
        _pytest(stage, str(FOLDER), f"--ignore={FOLDER / MEASURED}", "-n", WORKERS, *options),
        _pytest(stage, str(FOLDER / MEASURED), "-s", *options),
    }
    if codes <= {_NO_TESTS}:
        return _NO_TESTS
    return max(codes - {_NO_TESTS})


def main(arguments: Sequence[str]) -> int:
    """Do as the module says; the exit code is pytest's worse one."""
    began = time.monotonic()
    shutil.rmtree(PICTURES, ignore_errors=True)
    PICTURES.mkdir(parents=True)
    # The signals that end a program let the stage stop its servers first.
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda ended_by, _: sys.exit(128 + ended_by))
    with tempfile.TemporaryDirectory(prefix="e2e-") as folder:
        stage = Stage(Path(folder))
        try:
            stage.start()
            print(f"The demo is loaded at {stage.base_url} ({time.monotonic() - began:.0f} s)", flush=True)
            if list(arguments) == ["serve"]:
                print(_exports(stage), flush=True)
                signal.pause()
            return _run(stage, arguments)
        except KeyboardInterrupt:
            return 130
        finally:
            stage.close()
            print(f"{time.monotonic() - began:.0f} s; pictures are in {PICTURES}", flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
