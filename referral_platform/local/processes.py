"""Child processes that do not outlive the process that started them."""

from __future__ import annotations

import ctypes
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

_PR_SET_PDEATHSIG = 1
_libc: Any = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


class LocalError(Exception):
    """Something on this machine keeps the local servers from working; the text says what to do."""


@dataclass(frozen=True, slots=True)
class Account:
    """An operating system account that a child runs as."""

    name: str
    uid: int
    gid: int


def spawn(
    argv: Sequence[str | Path],
    *,
    env: Mapping[str, str],
    cwd: Path,
    output: int | IO[bytes] | None,
    death_signal: signal.Signals = signal.SIGTERM,
    account: Account | None = None,
    own_group: bool = True,
) -> subprocess.Popen[bytes]:
    """Start a child that gets `death_signal` when this process dies, however it dies.

    Call it from the main thread: the kernel watches the thread that forked. A child in a group of its own
    does not see the terminal's Ctrl-C, so that the caller decides the order in which things stop. Changing
    the account clears the request to the kernel; `Popen` changes it before `preexec_fn` runs.
    """
    parent = os.getpid()

    def tie_to_parent() -> None:
        if _libc is not None:
            _libc.prctl(_PR_SET_PDEATHSIG, int(death_signal), 0, 0, 0)
        if os.getppid() != parent:
            os._exit(1)

    return subprocess.Popen(
        [str(part) for part in argv],
        env=dict(env),
        cwd=cwd,
        stdin=subprocess.DEVNULL if own_group else None,
        stdout=output,
        stderr=subprocess.STDOUT if output is not None else None,
        process_group=0 if own_group else None,
        user=account.uid if account else None,
        group=account.gid if account else None,
        extra_groups=[] if account else None,
        preexec_fn=tie_to_parent,
    )


def stop(process: subprocess.Popen[bytes], *, how: signal.Signals, grace: float) -> bool:
    """End a child of `spawn` and whatever is left of its group; False when it had to be killed.

    `grace` is the number of seconds that the child gets to end by itself after the signal `how`.
    """
    clean = True
    if process.poll() is None:
        process.send_signal(how)
        try:
            process.wait(grace)
        except subprocess.TimeoutExpired:
            clean = False
    kill_group(process.pid)
    process.wait()
    return clean


def kill_group(group: int) -> None:
    """Kill every process of a group; a group without processes is left alone."""
    try:
        os.killpg(group, signal.SIGKILL)
    except ProcessLookupError:
        return


@dataclass(frozen=True, slots=True)
class _Seen:
    """A line of /proc: `started` counts clock ticks since the machine booted."""

    pid: int
    group: int
    started: int
    state: str


def _look(pid: int) -> _Seen | None:
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    fields = text.rpartition(")")[2].split()
    return _Seen(pid=pid, group=int(fields[2]), started=int(fields[19]), state=fields[0])


def is_alive(pid: int) -> bool:
    """Whether a process runs; one that has ended and waits to be collected does not."""
    seen = _look(pid)
    return seen is not None and seen.state not in "ZX"


def _boot() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""


class ChildRecord:
    """The children of one owner, on disk, so that the next owner can end what a `kill -9` left behind."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._children: list[dict[str, int]] = []

    def add(self, process: subprocess.Popen[bytes]) -> None:
        """Write a child down as soon as it runs."""
        seen = _look(process.pid)
        if seen is None:
            return
        self._children.append({"pid": seen.pid, "started": seen.started})
        temporary = self._path.with_suffix(".new")
        temporary.write_text(json.dumps({"boot": _boot(), "children": self._children}))
        temporary.replace(self._path)

    def clear(self) -> None:
        """Forget the children: all of them have been stopped."""
        self._children = []
        self._path.unlink(missing_ok=True)

    def end_leftovers(self, *, grace: float = 20.0) -> int:
        """Wait for the children of a dead owner, then kill the rest; returns how many had to be killed.

        Each child was told of its owner's death by the kernel, so most end by themselves. A process counts as
        such a child only in the same boot, and only when it started no earlier than the child written down.
        """
        try:
            record = json.loads(self._path.read_text())
        except (OSError, ValueError):
            return 0
        if record.get("boot") != _boot():
            self.clear()
            return 0
        deadline = time.monotonic() + grace
        remaining = self._members(record["children"])
        while remaining and time.monotonic() < deadline:
            time.sleep(0.1)
            remaining = self._members(record["children"])
        for member in remaining:
            try:
                os.kill(member.pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        self.clear()
        return len(remaining)

    @staticmethod
    def _members(children: list[dict[str, int]]) -> list[_Seen]:
        running = [
            seen
            for entry in Path("/proc").glob("[0-9]*")
            if (seen := _look(int(entry.name))) is not None and seen.state not in "ZX"
        ]
        by_pid = {seen.pid: seen for seen in running}
        found: list[_Seen] = []
        for child in children:
            leader = by_pid.get(child["pid"])
            if leader is not None and leader.started != child["started"]:
                continue
            found += [s for s in running if s.group == child["pid"] and s.started >= child["started"]]
        return found
