"""What is measured: Postgres that writes to disk, Valkey and the web server, all of them on one core."""

from __future__ import annotations

import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import psycopg2

from benchmarks import load
from referral_platform.local import addresses
from referral_platform.local.folders import ROOT, folders, home, remove, socket_folder
from referral_platform.local.postgres import Cluster, PostgresServer
from referral_platform.local.processes import LocalError, spawn, stop
from referral_platform.local.supervisor import platform_programs
from referral_platform.local.valkey import ValkeyServer

SERVER_CORE: Final = 0
GENERATOR_CORE: Final = 1
_START_SECONDS: Final = 60.0


@contextmanager
def on_core(core: int) -> Iterator[None]:
    """Start the block's processes on one core: children inherit where their parent may run."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


@dataclass(slots=True)
class Ground:
    """The running servers; `environment` is what every part of the platform is started with."""

    folder: Path
    environment: dict[str, str]
    postgres: PostgresServer
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    @contextmanager
    def web(self, application: str | None = None, *, port: int | None = None) -> Iterator[int]:
        """Run the web server as `make run` does, or with another application; gives its port."""
        port = port or addresses.free_port()
        command = platform_programs(port, self.folder)["web"]
        # The access log costs time and belongs to development.
        command = [part for part in command if part != "--access-log"]
        if application is not None:
            command = [application if part.endswith("wsgi:application") else part for part in command]
        with self._running("web", command):
            _wait_for(port)
            yield port

    @contextmanager
    def worker(self) -> Iterator[None]:
        """Run the worker and beat."""
        programs = platform_programs(0, self.folder)
        with self._running("worker", programs["worker"]), self._running("beat", programs["beat"]):
            yield

    @contextmanager
    def _running(self, name: str, command: Sequence[str]) -> Iterator[None]:
        with on_core(SERVER_CORE), (self.folder / f"{name}.log").open("ab") as log:
            process = spawn(command, env=self.environment, cwd=ROOT, output=log)
        self.processes[name] = process
        try:
            yield
        finally:
            stop(process, how=signal.SIGTERM, grace=20)

    def migrate(self) -> None:
        """Make the tables."""
        done = subprocess.run(
            [sys.executable, "manage.py", "migrate", "--verbosity", "0"],
            env={**self.environment, "REFERRAL_DATABASE_ROLE": "owner"},
            cwd=ROOT,
            capture_output=True,
            text=True,
        )
        if done.returncode:
            raise LocalError(f"manage.py migrate failed:\n{done.stderr[-3000:]}")

    def analyze(self) -> None:
        """Let Postgres look at its tables, as it does by itself once a database is a minute old."""
        connection = psycopg2.connect(self.environment["DATABASE_OWNER_URL"])
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")
        connection.close()


@contextmanager
def ground() -> Iterator[Ground]:
    """Start fresh servers that keep what they are told, as in production, and remove them afterwards."""
    places = folders(ROOT)
    folder = home(home(places.var / "bench", places.account) / secrets.token_hex(4), places.account)
    beside = places.postgres / f"bench-{folder.name}"
    cluster_home = home(beside if places.outside else folder / "postgres", places.account)
    sockets = socket_folder(cluster_home, places.account)
    content = addresses.create(socket_folder=sockets)
    cluster = Cluster(home=cluster_home, sockets=sockets, log=folder / "postgres.log", account=places.account)
    postgres = PostgresServer(cluster, content=content)
    valkey = ValkeyServer(
        folder=folder / "valkey", log=folder / "valkey.log", url=content["redis_url"], lasting=True
    )
    (folder / "var").mkdir()
    try:
        with on_core(SERVER_CORE):
            postgres.start()
            content["redis_url"] = valkey.start()
        outside = {
            name: value
            for name, value in os.environ.items()
            if name not in {"DATABASE_URL", "DATABASE_OWNER_URL", "REDIS_URL", "REFERRAL_DATABASE_ROLE"}
        }
        yield Ground(
            folder,
            {
                **addresses.fill_in(outside, content),
                "DEBUG": "false",
                "ALLOWED_HOSTS": "127.0.0.1",
                "BASE_URL": "http://127.0.0.1",
                "EMAIL_URL": "",
                "MAIL_DIR": str(folder / "mail"),
                "LOG_LEVEL": "WARNING",
                "CLICK_SPOOL_DIR": str(folder / "clicks"),
                "TRUSTED_PROXIES": "1",
                # The limit of one key is not what is measured.
                "API_RATE": "100000000/min",
                "DJANGO_SETTINGS_MODULE": "referral_platform.settings",
            },
            postgres,
        )
    finally:
        valkey.stop()
        postgres.stop()
        for path in (sockets, cluster_home, folder):
            remove(path)


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + _START_SECONDS
    question = load.http("GET", "/", headers={})
    while time.monotonic() < deadline:
        with suppress(OSError):
            load.run(port, lambda _: question, seconds=0, connections=1)
            return
        time.sleep(0.1)
    raise LocalError(f"the web server does not answer after {_START_SECONDS:.0f} s")
