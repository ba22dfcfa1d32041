"""An embedded Postgres: made, started and stopped without a login that could do harm.

Access. The cluster listens on a Unix socket in a folder that only its own account (and root) can enter.
Its superuser cannot log in at all: roles and database are made in single-user mode, and pg_hba.conf knows the
two roles only. They use passwords (SCRAM) generated for this checkout. `peer` would have to tell both roles
apart by the one account that runs every process, and that account is another one than the database's when
root starts it.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

import psycopg2

from referral_platform.local import addresses
from referral_platform.local.folders import postgres_programs, private_folder, remove
from referral_platform.local.processes import Account, ChildRecord, LocalError, is_alive, spawn, stop

_START_SECONDS = 120.0
_STOP_SECONDS = 30.0
_OLD_SERVER_SECONDS = 20.0

_COMMON = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] %u@%d ",
    "jit": "off",
    "shared_buffers": "128MB",
}
_LASTING = {**_COMMON, "max_connections": "100"}
# A cluster that is thrown away may lose everything at a power cut, and gains a suite that runs faster.
_THROW_AWAY = {
    **_COMMON,
    "max_connections": "200",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "autovacuum_naptime": "10min",
    "max_wal_size": "2GB",
}


@dataclass(frozen=True, slots=True)
class Cluster:
    """What a server needs to run: `home` holds its data, `sockets` its socket, `log` is a file."""

    home: Path
    sockets: Path
    log: Path
    account: Account | None
    throw_away: bool = False

    @property
    def data(self) -> Path:
        return self.home / "data"

    @property
    def is_made(self) -> bool:
        """Whether roles and database stand."""
        return self._mark.exists()

    def mark_as_made(self) -> None:
        """Say that roles and database stand."""
        self._mark.touch()

    def forget(self) -> None:
        """Have the next start make the cluster anew."""
        self._mark.unlink(missing_ok=True)

    @property
    def _mark(self) -> Path:
        return self.data / "referral-ready"


class PostgresServer:
    """One running cluster; `start` makes it first when it is new."""

    def __init__(
        self, cluster: Cluster, *, content: dict[str, str], record: ChildRecord | None = None
    ) -> None:
        self._cluster = cluster
        self._content = content
        self._record = record
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> bool:
        """Start the server and wait until it answers; True when the cluster was made just now.

        Raises LocalError with the end of the server's log.
        """
        cluster = self._cluster
        self._end_old_server()
        new = not cluster.is_made
        if new:
            self._make()
        deadline = time.monotonic() + _START_SECONDS
        while not self._try_to_start(deadline):
            # The processes of a killed server hold its shared memory for a moment.
            time.sleep(0.5)
        with psycopg2.connect(self._content["database_url"], connect_timeout=10):
            pass
        return new

    def stop(self) -> None:
        """End all sessions and write everything down ("fast" shutdown)."""
        if self._process is not None:
            stop(self._process, how=signal.SIGINT, grace=_STOP_SECONDS)
            self._process = None

    @property
    def process(self) -> subprocess.Popen[bytes] | None:
        return self._process

    def _try_to_start(self, deadline: float) -> bool:
        """False when the attempt failed on a leftover that goes away by itself."""
        cluster = self._cluster
        with cluster.log.open("wb") as log:
            self._process = spawn(
                [self._program("postgres"), "-D", cluster.data, "-k", cluster.sockets],
                env=_environment(),
                cwd=Path("/"),
                output=log,
                # "Fast" shutdown: nothing is lost even when the process that started this one is killed.
                death_signal=signal.SIGINT,
                account=cluster.account,
            )
        if self._record is not None:
            self._record.add(self._process)
        while not self._is_ready():
            if self._process.poll() is not None:
                text = cluster.log.read_text(errors="replace")
                if "pre-existing shared memory block" in text and time.monotonic() < deadline:
                    return False
                raise LocalError(f"Postgres did not start:\n{_end_of(text)}")
            if time.monotonic() > deadline:
                self.stop()
                raise LocalError(
                    f"Postgres took longer than {_START_SECONDS:.0f} s to start; see {cluster.log}"
                )
            time.sleep(0.03)
        return True

    def _is_ready(self) -> bool:
        """The server writes its state into the eighth line of its pid file."""
        try:
            lines = (self._cluster.data / "postmaster.pid").read_text().splitlines()
        except OSError:
            return False
        mine = self._process is not None and lines[:1] == [str(self._process.pid)]
        return mine and len(lines) >= 8 and lines[7].strip() == "ready"

    def _end_old_server(self) -> None:
        """End a server of this cluster that outlived its owner, and remove lock files that nobody owns.

        Postgres itself refuses to start while the number in such a file is any process, and that it may be
        after a restart of the machine, or where nobody collects the dead.
        """
        file = self._cluster.data / "postmaster.pid"
        try:
            pid = int(file.read_text().splitlines()[0])
        except (OSError, ValueError, IndexError):
            pid = 0
        deadline = time.monotonic() + _OLD_SERVER_SECONDS
        while self._is_ours(pid):
            os.kill(pid, signal.SIGINT if time.monotonic() < deadline else signal.SIGKILL)
            time.sleep(0.2)
        for leftover in (file, *self._cluster.sockets.glob(".s.PGSQL.*")):
            leftover.unlink(missing_ok=True)

    def _is_ours(self, pid: int) -> bool:
        try:
            return (
                is_alive(pid)
                and Path(f"/proc/{pid}/cwd").resolve(strict=True) == self._cluster.data.resolve()
            )
        except OSError:
            return False

    def _make(self) -> None:
        """Make the cluster, its two roles and the database; an attempt that was cut off is thrown away."""
        cluster = self._cluster
        remove(cluster.data)
        private_folder(cluster.data, cluster.account)
        sync = ["--no-sync"] if cluster.throw_away else []
        self._run(
            [
                *("initdb", "--pgdata", str(cluster.data), "--username", "postgres", "--encoding", "UTF8"),
                *("--locale", "C", "--locale-provider", "builtin", "--builtin-locale", "C.UTF-8"),
                *("--auth-local", "reject", "--auth-host", "reject", *sync),
            ]
        )
        roles = "\n".join(
            f"local all {role} scram-sha-256" for role in (addresses.OWNER_ROLE, addresses.RUNTIME_ROLE)
        )
        (cluster.data / "pg_hba.conf").write_text(roles + "\n")
        chosen = _THROW_AWAY if cluster.throw_away else _LASTING
        with (cluster.data / "postgresql.conf").open("a") as file:
            file.writelines(f"{name} = '{value}'\n" for name, value in chosen.items())
        self._single_user("template1", _ROLES.format(**self._passwords(), createdb=self._createdb()))
        self._single_user("postgres", _DATABASE)
        cluster.mark_as_made()

    def _passwords(self) -> dict[str, str]:
        return {
            "owner_password": addresses.password_of(self._content["database_owner_url"]),
            "runtime_password": addresses.password_of(self._content["database_url"]),
        }

    def _createdb(self) -> str:
        return "CREATEDB" if self._cluster.throw_away else "NOCREATEDB"

    def _single_user(self, database: str, statements: str) -> None:
        """Run statements, one per line, with nobody connected; the first one that fails ends it."""
        options = ["-c", "exit_on_error=on", "-c", "log_min_messages=error"]
        self._run(
            ["postgres", "--single", "-j", "-D", str(self._cluster.data), *options, database],
            text=statements.strip().replace("\n", "\n\n") + "\n",
        )

    def _run(self, command: list[str], *, text: str = "") -> None:
        account = self._cluster.account
        done = subprocess.run(
            [str(self._program(command[0])), *command[1:]],
            input=text.encode(),
            capture_output=True,
            env=_environment(),
            cwd="/",
            user=account.uid if account else None,
            group=account.gid if account else None,
            extra_groups=[] if account else None,
            timeout=_START_SECONDS,
            check=False,
        )
        if done.returncode != 0:
            output = (done.stdout + done.stderr).decode(errors="replace")
            raise LocalError(f"Postgres' {command[0]} failed:\n{_end_of(output)}")

    def _program(self, name: str) -> Path:
        return postgres_programs(self._cluster.account) / name


# What the owner creates from now on is usable by the runtime role; a migration takes away where it must.
# Being in template1, this holds for the databases that the test suite makes, too.
_ROLES = """
CREATE ROLE referral_owner LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEROLE {createdb} PASSWORD '{owner_password}';
CREATE ROLE referral_app LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEROLE NOCREATEDB PASSWORD '{runtime_password}';
ALTER DEFAULT PRIVILEGES FOR ROLE referral_owner IN SCHEMA public GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO referral_app;
ALTER DEFAULT PRIVILEGES FOR ROLE referral_owner IN SCHEMA public GRANT USAGE ON SEQUENCES TO referral_app;
"""  # noqa: E501 - single-user mode takes one statement per paragraph
_DATABASE = """
CREATE DATABASE referral OWNER referral_owner TEMPLATE template1;
REVOKE ALL ON DATABASE referral FROM PUBLIC;
GRANT CONNECT, TEMPORARY ON DATABASE referral TO referral_app;
"""


def _environment() -> dict[str, str]:
    return {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}


def _end_of(text: str) -> str:
    return "\n".join(text.strip().splitlines()[-15:])
