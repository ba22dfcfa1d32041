"""The whole platform as processes of their own: web, worker, beat and Valkey, on a database of their own."""

from __future__ import annotations

import email
import email.policy
import os
import secrets
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from email.message import EmailMessage
from pathlib import Path
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit

import psycopg2
from redis import Redis

from referral_platform.local import addresses
from referral_platform.local.folders import ROOT, remove
from referral_platform.local.processes import kill_group, spawn, stop
from referral_platform.local.supervisor import platform_programs
from referral_platform.local.valkey import ValkeyServer
from tests.journeys.postgres import OwnPostgres

T = TypeVar("T")

SWEEP_SECONDS: Final = 0.5
_PATIENCE_SECONDS: Final = 120.0
"""How long anything may take on a busy machine before a test gives up; nothing is ever waited out."""

_GRACE_SECONDS: Final = 20.0


def _given(name: str) -> str:
    return os.environ.get(name) or addresses.load()[name.lower()]


def _owner_address() -> str:
    if os.environ.get("DATABASE_URL"):
        return os.environ.get("DATABASE_OWNER_URL") or os.environ["DATABASE_URL"]
    return addresses.load()["database_owner_url"]


def _in_database(url: str, name: str) -> str:
    return urlsplit(url)._replace(path=f"/{name}").geturl()


class Platform:
    """One running platform. `name` names its database; `folder` holds its logs, mail and Valkey's files.

    With `own_postgres` its database is in a cluster of its own, which may die.
    """

    def __init__(self, folder: Path, name: str, *, own_postgres: bool = False, **settings: str) -> None:
        self.folder = folder
        self.postgres = OwnPostgres(folder / "postgres.log", name) if own_postgres else None
        self.mail = folder / "mail"
        self.database = name
        self._settings = settings
        self.port = addresses.free_port()
        self.base_url = f"http://127.0.0.1:{self.port}"
        self._redis_url = addresses.redis_url(secrets.token_urlsafe(18), addresses.free_port())
        self._valkey: ValkeyServer | None = None
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self.seen: list[str] = []
        """Every address that a browser asked for or was led to."""
        self.visitors = ExitStack()
        """Whoever opens connections to the platform leaves the way to close them here."""
        for path in (folder / "var", self.mail):
            path.mkdir(parents=True, exist_ok=True)

    def start(self) -> None:
        """Make the database, then start everything; raises with the last log lines when a part does not."""
        if self.postgres is not None:
            self.postgres.start()
        with self._owner() as cursor:
            cursor.execute(f'DROP DATABASE IF EXISTS "{self.database}" WITH (FORCE)')
            cursor.execute(f'CREATE DATABASE "{self.database}"')
            # What was committed outlives the server's processes, if not a power cut.
            cursor.execute(f'ALTER DATABASE "{self.database}" SET synchronous_commit = on')
        self.start_valkey()
        self._finish("migrate", ["manage.py", "migrate", "--verbosity", "0"])
        self.start_worker(wait=False)
        self.start_beat()
        self.start_web()
        self.wait("the worker to be ready", lambda: " ready." in self.log("worker"))

    def close(self) -> None:
        """Stop everything and drop the database."""
        self.visitors.close()
        for name in ("beat", "worker", "web"):
            self._stop(name)
        if self._valkey is not None:
            self._valkey.stop()
        if self.postgres is not None:
            self.postgres.close()
            return
        with self._owner() as cursor:
            cursor.execute(f'DROP DATABASE IF EXISTS "{self.database}" WITH (FORCE)')

    # The parts.

    @property
    def environment(self) -> dict[str, str]:
        """The environment of every part."""
        return {
            **os.environ,
            "DATABASE_URL": _in_database(self._runtime_address(), self.database),
            "DATABASE_OWNER_URL": _in_database(self._owner_address(), self.database),
            "REDIS_URL": self._redis_url,
            **{name: _given(name) for name in ("SECRET_KEY", "HASH_KEY", "CREDENTIALS_KEYS")},
            "DEBUG": "false",
            "ALLOWED_HOSTS": "127.0.0.1",
            "BASE_URL": self.base_url,
            "WEB_PORT": str(self.port),
            "EMAIL_URL": "",
            "MAIL_DIR": str(self.mail),
            "SWEEP_SECONDS": str(SWEEP_SECONDS),
            "OUTBOUND_ALLOW_NETWORKS": "127.0.0.0/8",
            "API_RATE": "100000/min",
            "TRUSTED_PROXIES": "1",
            "PYTHONUNBUFFERED": "1",
            "DJANGO_SETTINGS_MODULE": "referral_platform.settings",
            "REFERRAL_DATABASE_ROLE": "",
            **self._settings,
        }

    def _runtime_address(self) -> str:
        return self.postgres.addresses["database_url"] if self.postgres else _given("DATABASE_URL")

    def _owner_address(self) -> str:
        return self.postgres.addresses["database_owner_url"] if self.postgres else _owner_address()

    def _spawn(self, name: str, command: Sequence[str]) -> None:
        assert name not in self._processes, f"{name} runs already"
        with (self.folder / f"{name}.log").open("ab") as log:
            self._processes[name] = spawn(command, env=self.environment, cwd=ROOT, output=log)

    def _program(self, name: str) -> list[str]:
        return platform_programs(self.port, self.folder)[name]

    def start_web(self) -> None:
        """Start the web server and wait for its first answer."""
        self._spawn("web", self._program("web"))
        self.wait("the web server to answer", self._web_answers)

    def start_worker(self, *, wait: bool = True) -> None:
        """Start the worker."""
        before = self.log("worker").count(" ready.")
        self._spawn("worker", self._program("worker"))
        if wait:
            self.wait("the worker to be ready", lambda: self.log("worker").count(" ready.") > before)

    def start_beat(self) -> None:
        """Start beat."""
        self._spawn("beat", self._program("beat"))

    def kill(self, name: str) -> None:
        """End a part and all of its processes with SIGKILL."""
        process = self._processes.pop(name)
        kill_group(process.pid)
        process.wait()

    def start_valkey(self) -> None:
        """Start Valkey, at the same address as before."""
        self._valkey = ValkeyServer(
            folder=self.folder / "valkey", log=self.folder / "valkey.log", url=self._redis_url, lasting=True
        )
        assert self._valkey.start() == self._redis_url

    def restart_ended(self) -> list[str]:
        """Start again what has ended by itself, as the containers' `restart: unless-stopped` does."""
        ended = [name for name, process in self._processes.items() if process.poll() is not None]
        for name in ended:
            del self._processes[name]
            self._spawn(name, self._program(name))
        return ended

    def kill_valkey(self) -> None:
        """End Valkey with SIGKILL, and forget what it had written down."""
        assert self._valkey is not None
        process = self._valkey.process
        assert process is not None
        process.kill()
        process.wait()
        remove(self.folder / "valkey")

    def flush_valkey(self) -> None:
        """Let Valkey forget everything."""
        with Redis.from_url(self._redis_url) as client:
            client.flushall()

    def stop_valkey(self) -> None:
        """Stop Valkey; its address refuses connections from here on."""
        assert self._valkey is not None
        self._valkey.stop()

    def _stop(self, name: str) -> None:
        process = self._processes.pop(name, None)
        if process is not None:
            stop(process, how=signal.SIGTERM, grace=_GRACE_SECONDS)

    def _web_answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1) as connection:
                connection.sendall(b"GET /r/none HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n")
                return bool(select.select([connection], [], [], 5)[0] and connection.recv(1))
        except OSError:
            return False

    def _finish(self, name: str, arguments: Sequence[str]) -> str:
        done = subprocess.run(
            [sys.executable, *arguments],
            env={**self.environment, "REFERRAL_DATABASE_ROLE": "owner" if name == "migrate" else ""},
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=300,
        )
        assert done.returncode == 0, f"{name} failed:\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
        return done.stdout

    def manage(self, *arguments: str) -> str:
        """Run a manage.py command to its end and return what it printed; fails when it does."""
        return self._finish(arguments[0], ["manage.py", *arguments])

    # Waiting and looking.

    def log(self, name: str) -> str:
        """Return what a part has written so far."""
        path = self.folder / f"{name}.log"
        return path.read_text(errors="replace") if path.exists() else ""

    def wait(self, what: str, condition: Callable[[], T], *, seconds: float = _PATIENCE_SECONDS) -> T:
        """Look until a condition holds and return its value; fails with the last log lines."""
        deadline = time.monotonic() + seconds
        while True:
            value = condition()
            if value:
                return value
            for name, process in self._processes.items():
                assert process.poll() is None, (
                    f"{name} ended with {process.returncode} while waiting for {what}:\n{self._ends()}"
                )
            assert time.monotonic() < deadline, f"waited {seconds:.0f} s for {what}:\n{self._ends()}"
            time.sleep(0.05)

    def _ends(self) -> str:
        parts = []
        for path in sorted(self.folder.glob("*.log")):
            lines = path.read_text(errors="replace").splitlines()[-25:]
            parts.append("\n".join([f"--- {path.name}", *lines]))
        return "\n".join(parts)

    def mails(self, to: str | None = None) -> list[EmailMessage]:
        """Return the mail sent so far, oldest first; `to` narrows it to one address."""
        found = []
        for path in sorted(self.mail.glob("*.eml")):
            message = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
            if to is None or message["To"] == to:
                found.append(message)
        return found

    def wait_for_mail(self, to: str, *, count: int = 1) -> EmailMessage:
        """Return the newest mail to an address as soon as there are `count` of them."""
        self.wait(f"{count} mails to {to}", lambda: len(self.mails(to)) >= count)
        return self.mails(to)[-1]

    @contextmanager
    def _owner(self) -> Iterator[Any]:
        connection = psycopg2.connect(self._owner_address())
        connection.autocommit = True
        try:
            with connection.cursor() as cursor:
                yield cursor
        finally:
            connection.close()

    @contextmanager
    def reading(self, slug: str | None = None) -> Iterator[Any]:
        """Give a cursor of the runtime role that sees one workspace, or the list of all workspaces."""
        connection = psycopg2.connect(self.environment["DATABASE_URL"])
        try:
            with connection, connection.cursor() as cursor:
                cursor.execute("SELECT set_config('app.door', 'workspaces', true)")
                if slug is not None:
                    cursor.execute("SELECT id FROM accounts_workspace WHERE slug = %s", [slug])
                    found = cursor.fetchone()
                    assert found is not None, f"there is no workspace {slug}"
                    cursor.execute(
                        "SELECT set_config('app.door', '', true), set_config('app.workspace', %s, true)",
                        [str(found[0])],
                    )
                yield cursor
        finally:
            connection.close()

    def rows(self, slug: str, query: str) -> list[tuple[Any, ...]]:
        """Return what a query finds in one workspace."""
        with self.reading(slug) as cursor:
            cursor.execute(query)
            return list(cursor.fetchall())

    def expire_leases(self, slug: str) -> None:
        """Let the minute pass after which the work of a killed worker is free again; no worker may run."""
        assert "worker" not in self._processes
        with self.reading(slug) as cursor:
            for table in ("core_eventdelivery", "integrations_inboxitem", "engagement_message"):
                cursor.execute(
                    f"UPDATE {table} SET leased_until = now() - interval '1 second'"
                    " WHERE leased_until IS NOT NULL"
                )

    def pending(self, slug: str) -> int:
        """Return how many events, messages and incoming requests of a workspace wait to be worked on."""
        return int(
            self.rows(
                slug,
                """
                SELECT (SELECT count(*) FROM core_eventdelivery WHERE state = 'pending')
                     + (SELECT count(*) FROM engagement_message WHERE state = 'pending')
                     + (SELECT count(*) FROM integrations_inboxitem WHERE state = 'pending')
                """,
            )[0][0]
        )

    def settle(self, slug: str, *, seconds: float = _PATIENCE_SECONDS) -> None:
        """Wait until nothing of a workspace waits to be worked on."""
        self.wait(f"{slug} to settle", lambda: self.pending(slug) == 0, seconds=seconds)
