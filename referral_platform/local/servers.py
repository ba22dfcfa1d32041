"""The embedded servers of a checkout: who runs them, who uses them, and the throw-away ones of the tests."""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from subprocess import Popen
from typing import IO

from referral_platform.local import addresses
from referral_platform.local.folders import ROOT, Folders, folders, home, remove, socket_folder
from referral_platform.local.postgres import Cluster, PostgresServer
from referral_platform.local.processes import ChildRecord, LocalError
from referral_platform.local.valkey import ValkeyServer

_READY_SECONDS = 180.0


class EmbeddedServers:
    """Postgres and Valkey of one checkout, or the one of them that no environment variable replaces."""

    def __init__(self, places: Folders, environment: Mapping[str, str], record: ChildRecord) -> None:
        self._places = places
        self._content = prepare(places)
        self._valkey: ValkeyServer | None = None
        self._postgres: PostgresServer | None = None
        if addresses.uses_embedded("DATABASE_URL", environment):
            self._postgres = PostgresServer(_lasting_cluster(places), content=self._content, record=record)
        if addresses.uses_embedded("REDIS_URL", environment):
            self._valkey = ValkeyServer(
                folder=places.var / "valkey",
                log=places.log / "valkey.log",
                url=self._content["redis_url"],
                lasting=True,
                record=record,
            )

    @property
    def content(self) -> dict[str, str]:
        """Addresses and keys as `addresses.load` gives them."""
        return self._content

    @property
    def processes(self) -> dict[str, Popen[bytes]]:
        """The servers that run, by name."""
        found = {
            "postgres": self._postgres.process if self._postgres else None,
            "valkey": self._valkey.process if self._valkey else None,
        }
        return {name: process for name, process in found.items() if process is not None}

    def start_postgres(self) -> str:
        """Start Postgres and say in a few words what was done."""
        if self._postgres is None:
            return "given by DATABASE_URL"
        return "new, with its roles and its database" if self._postgres.start() else "ready, data kept"

    def start_valkey(self) -> str:
        """Start Valkey and say in a few words what was done."""
        if self._valkey is None:
            return "given by REDIS_URL"
        given = self._content["redis_url"]
        actual = self._valkey.start()
        port = addresses.port_of(actual)
        if actual == given:
            return f"ready on port {port}"
        self._content["redis_url"] = actual
        addresses.save(self._places.root, self._content)
        return f"ready on port {port}, since port {addresses.port_of(given)} is taken"

    def stop(self) -> None:
        """Stop what runs, in reverse order."""
        if self._valkey is not None:
            self._valkey.stop()
        if self._postgres is not None:
            self._postgres.stop()


class Ownership:
    """One process owns the servers of a checkout; commands may use them meanwhile.

    Both are file locks, which the kernel takes back when their holder dies.
    """

    def __init__(self, places: Folders) -> None:
        self._owner_path = places.run / "owner.lock"
        self._users_path = places.run / "users.lock"
        self._owner: IO[str] | None = None

    def take(self, kind: str) -> bool:
        """Become the owner, unless another process is. `kind` is "run" or "command"."""
        file = self._owner_path.open("a+")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
            return False
        self._owner = file
        self.announce(kind=kind)
        return True

    def announce(self, *, kind: str, **facts: str | bool) -> None:
        """Write down for others who owns the servers, and whether they are `ready`."""
        if self._owner is not None:
            self._owner.seek(0)
            self._owner.truncate()
            self._owner.write(json.dumps({"pid": os.getpid(), "kind": kind, **facts}))
            self._owner.flush()

    def holder(self) -> dict[str, object]:
        """What the owner announced; empty when there is none or it has not spoken yet."""
        try:
            found = json.loads(self._owner_path.read_text())
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}

    def release(self) -> None:
        """Give ownership back."""
        if self._owner is not None:
            self._owner.seek(0)
            self._owner.truncate()
            self._owner.close()
            self._owner = None

    @contextmanager
    def using(self) -> Iterator[None]:
        """Keep an owner of the kind "command" from stopping the servers meanwhile."""
        with self._users_path.open("a+") as file:
            fcntl.flock(file, fcntl.LOCK_SH)
            yield

    def wait_for_users(self) -> None:
        """Return when nobody uses the servers, and nobody begins to."""
        with self._users_path.open("a+") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                print("Another command still uses the embedded servers; they stop with it.", file=sys.stderr)
                fcntl.flock(file, fcntl.LOCK_EX)
            self.announce(kind="command", ready=False)


def prepare(places: Folders) -> dict[str, str]:
    """Make the checkout's addresses and keys unless they exist, and return them. Starts nothing."""
    cluster = _lasting_cluster(places)
    with (places.run / "prepare.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not addresses.exists(places.root):
            if cluster.is_made and not places.outside:
                raise LocalError(
                    f"{places.var / 'local.json'} is gone, and with it the keys of the data in "
                    f"{places.postgres}. Put it back, or start afresh with `make clean`."
                )
            # Data outside a checkout without its keys belongs to a deleted checkout of the same path.
            cluster.forget()
            addresses.save(places.root, addresses.create(socket_folder=cluster.sockets))
        content = addresses.load(places.root)
        moved = {
            "database_url": addresses.RUNTIME_ROLE,
            "database_owner_url": addresses.OWNER_ROLE,
        }
        current = {
            key: addresses.database_url(role, addresses.password_of(content[key]), cluster.sockets)
            for key, role in moved.items()
        }
        if any(content[key] != url for key, url in current.items()):
            content.update(current)
            addresses.save(places.root, content)
        return content


@contextmanager
def servers_for_command(root: Path = ROOT) -> Iterator[None]:
    """Have the servers up while a command runs: those of `make run`, or own ones that stop afterwards."""
    if not any(addresses.uses_embedded(name, os.environ) for name in ("DATABASE_URL", "REDIS_URL")):
        yield
        return
    places = folders(root)
    ownership = Ownership(places)
    while not ownership.take("command"):
        wait_until_ready(ownership)
        with ownership.using():
            if ownership.holder().get("ready"):
                yield
                return
        time.sleep(0.1)
    record = ChildRecord(places.run / "children.json")
    record.end_leftovers()
    servers = EmbeddedServers(places, os.environ, record)
    try:
        servers.start_postgres()
        servers.start_valkey()
        ownership.announce(kind="command", ready=True)
        try:
            yield
        finally:
            ownership.wait_for_users()
    finally:
        servers.stop()
        record.clear()
        ownership.release()


@contextmanager
def throw_away_servers(root: Path = ROOT) -> Iterator[dict[str, str]]:
    """Fresh servers for one run of tests, gone afterwards; yields addresses and keys.

    Several runs may happen at once: each has a folder of its own, and a lock in it that says it is in use.
    """
    places = folders(root)
    base = home(places.var / "test", places.account)
    with (places.run / "tests.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        _remove_dead_runs(places, base)
        folder = home(base / secrets.token_hex(4), places.account)
        in_use = (folder / "lock").open("w")
        fcntl.flock(in_use, fcntl.LOCK_EX)
    record = ChildRecord(folder / "children.json")
    cluster_home = home(_test_cluster_home(places, folder), places.account)
    sockets = socket_folder(cluster_home, places.account)
    content = addresses.create(socket_folder=sockets)
    cluster = Cluster(
        home=cluster_home,
        sockets=sockets,
        log=folder / "postgres.log",
        account=places.account,
        throw_away=True,
    )
    postgres = PostgresServer(cluster, content=content, record=record)
    valkey = ValkeyServer(
        folder=folder / "valkey",
        log=folder / "valkey.log",
        url=content["redis_url"],
        lasting=False,
        record=record,
    )
    try:
        postgres.start()
        content["redis_url"] = valkey.start()
        yield content
    finally:
        valkey.stop()
        postgres.stop()
        for path in (sockets, cluster_home, folder):
            remove(path)
        in_use.close()


def _remove_dead_runs(places: Folders, base: Path) -> None:
    for folder in base.iterdir():
        with (folder / "lock").open("a") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            ChildRecord(folder / "children.json").end_leftovers()
            cluster_home = _test_cluster_home(places, folder)
            if cluster_home.exists():
                remove(socket_folder(cluster_home, places.account))
                remove(cluster_home)
            remove(folder)


def _test_cluster_home(places: Folders, folder: Path) -> Path:
    return places.postgres / f"test-{folder.name}" if places.outside else folder / "postgres"


def _lasting_cluster(places: Folders) -> Cluster:
    return Cluster(
        home=places.postgres,
        sockets=socket_folder(places.postgres, places.account),
        log=places.log / "postgres.log",
        account=places.account,
    )


def wait_until_ready(ownership: Ownership) -> None:
    """Wait for the owner to have its servers up, or to be gone. Raises LocalError after three minutes."""
    deadline = time.monotonic() + _READY_SECONDS
    while time.monotonic() < deadline:
        holder = ownership.holder()
        if not holder or holder.get("ready"):
            return
        time.sleep(0.1)
    raise LocalError("The embedded servers are being started by another process, which does not get ready.")
