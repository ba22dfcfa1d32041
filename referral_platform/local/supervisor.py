"""`make run`: the servers, then web, worker and beat in the foreground until one stops or someone says so."""

from __future__ import annotations

import os
import select
import selectors
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

from referral_platform.local import addresses
from referral_platform.local.console import Console
from referral_platform.local.folders import ROOT, folders
from referral_platform.local.processes import ChildRecord, LocalError, kill_group, spawn
from referral_platform.local.servers import EmbeddedServers, Ownership

_DEFAULT_PORT = 8000
_WEB_SECONDS = 60.0
_GRACE_SECONDS = 15.0
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def platform_programs(port: int, root: Path) -> dict[str, list[str]]:
    """The command lines of the three parts, by name, in the order in which they start."""
    celery = [sys.executable, "-m", "celery", "-A", "referral_platform"]
    return {
        "web": [
            *(sys.executable, "-m", "granian", "--interface", "wsgi", "referral_platform.wsgi:application"),
            *("--host", "127.0.0.1", "--port", str(port), "--workers", "1", "--blocking-threads", "64"),
            *("--no-ws", "--access-log"),
        ],
        "worker": [*celery, "worker", "--concurrency", "2", "--loglevel", "INFO", "--without-mingle"],
        "beat": [
            *(*celery, "beat", "--loglevel", "INFO", "--pidfile="),
            *("--schedule", str(root / "var" / "beat-schedule")),
        ],
    }


@dataclass(slots=True, eq=False)
class _Part:
    name: str
    process: subprocess.Popen[bytes]
    rest: bytes = b""
    captured: list[str] | None = None


class _Stopped(Exception):
    """Someone asked to stop."""


class _PartDied(Exception):
    """A part ended by itself."""


@dataclass(slots=True)
class Supervisor:
    """Starts everything in order, shows the logs, and stops everything in reverse order."""

    root: Path = ROOT
    environment: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))
    programs: Callable[[int, Path], dict[str, list[str]]] = platform_programs
    _console: Console = field(init=False)
    _selector: selectors.BaseSelector = field(init=False, default_factory=selectors.DefaultSelector)
    _parts: list[_Part] = field(init=False, default_factory=list)
    _servers: EmbeddedServers | None = field(init=False, default=None)
    _record: ChildRecord = field(init=False)
    _asked: signal.Signals | None = field(init=False, default=None)

    def run(self) -> int:
        """Run until stopped; the exit code is 0 when someone asked to stop, else 1."""
        began = time.monotonic()
        self._console = Console(self.environment)
        places = folders(self.root)
        ownership = Ownership(places)
        self._listen_for_signals()
        try:
            self._take(ownership)
            self._record = ChildRecord(places.run / "children.json")
            self._record.end_leftovers()
            self._start(ownership, began)
            self._watch()
        except _Stopped:
            name = self._asked.name if self._asked else "the end of the output"
            self._console.line("local", f"Stopping on {name}")
            return 0
        except (_PartDied, LocalError) as error:
            self._console.line("local", str(error))
            return 1
        finally:
            ownership.announce(kind="run", ready=False)
            self._stop_everything()
            ownership.release()
        raise AssertionError("watching ends with an exception")

    def _take(self, ownership: Ownership) -> None:
        told = False
        while not ownership.take("run"):
            holder = ownership.holder()
            if holder.get("kind") == "run":
                where = f" at {holder['address']}" if holder.get("address") else ""
                raise LocalError(
                    f"`make run` runs in this checkout already{where} (process {holder['pid']})."
                )
            if not told:
                self._console.line("local", "A command uses the embedded servers; waiting for it to end")
                told = True
            self._pump(0.2)

    def _start(self, ownership: Ownership, began: float) -> None:
        self._servers = EmbeddedServers(folders(self.root), self.environment, self._record)
        for name, start in (
            ("Postgres", self._servers.start_postgres),
            ("Valkey", self._servers.start_valkey),
        ):
            step_began = time.monotonic()
            self._console.step(f"{name}: {start()}", step_began)
            self._check_asked()
        port = self._choose_port()
        base_url = self.environment.get("BASE_URL") or f"http://127.0.0.1:{port}"
        child = {
            "DEBUG": "true",
            **addresses.fill_in(self.environment, self._servers.content),
            "WEB_PORT": str(port),
            "BASE_URL": base_url,
            "PYTHONUNBUFFERED": "1",
            "DJANGO_SETTINGS_MODULE": "referral_platform.settings",
        }
        ownership.announce(kind="run", ready=True, address=base_url)
        self._finish("migrate", "Schema is up to date", child)
        self._finish("load_demo", "Demo data is there", child)
        logins = self._finish("demo_logins", None, child)
        for name, command in self.programs(port, self.root).items():
            self._add(name, command, child)
        self._wait_for_web(port)
        self._console.step("Everything runs", began)
        self._console.text(_welcome(base_url, logins))

    def _choose_port(self) -> int:
        text = self.environment.get("WEB_PORT") or str(_DEFAULT_PORT)
        if not text.isdecimal() or not 0 < int(text) < 65536:
            raise LocalError(f"WEB_PORT is {text!r}; it must be a number from 1 to 65535.")
        port = addresses.free_port(int(text))
        if port != int(text):
            self._console.line("local", f"Port {text} is taken; using {port}")
        return port

    def _finish(self, command: str, done: str | None, child: Mapping[str, str]) -> str:
        """Run a manage.py command to its end; shown as it runs when `done` is given, else returned."""
        began = time.monotonic()
        captured: list[str] | None = None if done else []
        part = self._add(command, [sys.executable, "manage.py", command], child, captured=captured)
        while part.process.poll() is None:
            self._pump(0.1)
        self._drop(part)
        if part.process.returncode != 0:
            if captured:
                self._console.text("\n".join(captured))
            raise LocalError(f"manage.py {command} failed with exit code {part.process.returncode}")
        if done:
            self._console.step(done, began)
        return "\n".join(captured or [])

    def _add(
        self, name: str, command: Sequence[str], child: Mapping[str, str], captured: list[str] | None = None
    ) -> _Part:
        process = spawn(command, env=child, cwd=self.root, output=subprocess.PIPE)
        part = _Part(name=name, process=process, captured=captured)
        self._parts.append(part)
        self._record.add(process)
        assert process.stdout is not None
        os.set_blocking(process.stdout.fileno(), False)
        self._selector.register(process.stdout, selectors.EVENT_READ, part)
        return part

    def _drop(self, part: _Part) -> None:
        """Forget a part that has ended: whatever it left behind is killed, its last lines are shown."""
        kill_group(part.process.pid)
        part.process.wait()
        assert part.process.stdout is not None
        while self._read(part):
            pass
        if part.rest:
            self._show(part, part.rest)
        if part.process.stdout.fileno() in self._selector.get_map():
            self._selector.unregister(part.process.stdout)
        part.process.stdout.close()
        self._parts.remove(part)

    def _read(self, part: _Part) -> bool:
        """Show the complete lines a part has written; False when there was nothing to read."""
        assert part.process.stdout is not None
        try:
            block = os.read(part.process.stdout.fileno(), 65536)
        except BlockingIOError:
            return False
        if not block:
            if part.process.stdout.fileno() in self._selector.get_map():
                self._selector.unregister(part.process.stdout)
            return False
        *lines, part.rest = (part.rest + block).split(b"\n")
        for line in lines:
            self._show(part, line)
        return True

    def _show(self, part: _Part, line: bytes) -> None:
        text = line.decode(errors="replace").rstrip("\r")
        if part.captured is not None:
            part.captured.append(text)
        else:
            self._console.line(part.name, text)

    def _pump(self, seconds: float, *, stopping: bool = False) -> None:
        """Show what the parts write for at most `seconds`, then look whether someone asked to stop."""
        for key, _ in self._selector.select(seconds):
            if isinstance(key.data, _Part):
                self._read(key.data)
            elif isinstance(key.fileobj, socket.socket):
                key.fileobj.recv(64)
        if not stopping:
            self._check_asked()

    def _check_asked(self) -> None:
        if self._asked is not None or self._console.closed:
            raise _Stopped

    def _wait_for_web(self, port: int) -> None:
        """Return at the first answer: the web server listens before it has loaded the application."""
        deadline = time.monotonic() + _WEB_SECONDS
        question = f"GET / HTTP/1.0\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode()
        while time.monotonic() < deadline:
            self._pump(0.1)
            self._check_parts()
            try:
                with socket.create_connection(("127.0.0.1", port), timeout=1) as connection:
                    connection.sendall(question)
                    while not select.select([connection], [], [], 0)[0] and time.monotonic() < deadline:
                        self._pump(0.1)
                        self._check_parts()
                    if connection.recv(1):
                        return
            except OSError:
                continue
        raise LocalError(f"The web server does not answer on port {port} after {_WEB_SECONDS:.0f} s")

    def _watch(self) -> None:
        while True:
            self._pump(0.25)
            self._check_parts()

    def _check_parts(self) -> None:
        servers = self._servers.processes if self._servers else {}
        for part in self._parts:
            if part.process.poll() is not None:
                self._drop(part)
                raise _PartDied(_death(part.name, part.process.returncode))
        for name, process in servers.items():
            if process.poll() is not None:
                raise _PartDied(_death(name, process.returncode) + f"; see var/log/{name}.log")

    def _stop_everything(self) -> None:
        for part in reversed(self._parts.copy()):
            began = time.monotonic()
            if part.process.poll() is None:
                part.process.terminate()
            while part.process.poll() is None and time.monotonic() < began + _GRACE_SECONDS:
                self._pump(0.05, stopping=True)
            how = "Stopped" if part.process.poll() is not None else "Killed"
            self._drop(part)
            self._console.step(f"{how} {part.name}", began)
        if self._servers is not None:
            began = time.monotonic()
            names = " and ".join(self._servers.processes)
            self._servers.stop()
            self._record.clear()
            if names:
                self._console.step(f"Stopped {names}", began)

    def _listen_for_signals(self) -> None:
        reader, writer = socket.socketpair()
        for end in (reader, writer):
            end.setblocking(False)
        signal.set_wakeup_fd(writer.fileno(), warn_on_full_buffer=False)
        self._selector.register(reader, selectors.EVENT_READ, writer)
        for number in _SIGNALS:
            signal.signal(number, self._on_signal)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        self._asked = self._asked or signal.Signals(number)


def _welcome(base_url: str, logins: str) -> str:
    rows = [
        ("Console", f"{base_url}/"),
        ("API", f"{base_url}/api/docs/"),
        ("Mail", "var/mail/"),
        ("Stop", "Ctrl-C"),
    ]
    listed = "\n".join(f"  {name:<8} {value}" for name, value in rows)
    return f"\n{listed}\n\n{logins.rstrip()}\n"


def _death(name: str, code: int) -> str:
    if code < 0:
        return f"{name} was ended by {signal.Signals(-code).name}; stopping the rest"
    return f"{name} ended with exit code {code}; stopping the rest"
