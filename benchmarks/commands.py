"""Running a management command on a core of its own, and what it took."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from typing import Final

from benchmarks.ground import GENERATOR_CORE, Ground, on_core
from referral_platform.local.folders import ROOT
from referral_platform.local.processes import LocalError


@dataclass(frozen=True, slots=True)
class Done:
    """What the command said, its processor time, its time by the clock, and the most memory it had."""

    said: str
    seconds: float
    by_the_clock: float
    peak_mib: float


def run_command(ground: Ground, *arguments: str) -> Done:
    """Run `manage.py` with these arguments; LocalError when it fails."""
    command = [sys.executable, "manage.py", *arguments]
    # Started by a small process: one that is started takes over the peak of its parent.
    with on_core(GENERATOR_CORE):
        done = subprocess.run(
            [sys.executable, "-c", _LAUNCHER, *command],
            env=ground.environment,
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        )
    code, said, seconds, clock, peak_kib = json.loads(done.stdout)
    if code:
        raise LocalError(f"the command failed:\n{said[-3000:]}")
    return Done(said, seconds, clock, peak_kib / 1024)


_LAUNCHER: Final = """
import json, resource, subprocess, sys, time
began = time.monotonic()
done = subprocess.run(sys.argv[1:], capture_output=True, text=True)
took = time.monotonic() - began
used = resource.getrusage(resource.RUSAGE_CHILDREN)
seconds = used.ru_utime + used.ru_stime
print(json.dumps([done.returncode, done.stdout + done.stderr, seconds, took, used.ru_maxrss]))
"""
