from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg2
import pytest
import redis

from referral_platform.local import addresses
from referral_platform.local.folders import Folders, folders, remove, socket_folder
from referral_platform.local.postgres import Cluster, PostgresServer
from referral_platform.local.processes import ChildRecord, LocalError, is_alive, spawn, stop
from referral_platform.local.servers import EmbeddedServers, Ownership, prepare, throw_away_servers
from tests.local.conftest import eventually


@contextmanager
def _started(checkout: Path) -> Iterator[EmbeddedServers]:
    places = folders(checkout)
    record = ChildRecord(places.run / "children.json")
    record.end_leftovers()
    servers = EmbeddedServers(places, {}, record)
    try:
        servers.start_postgres()
        servers.start_valkey()
        yield servers
    finally:
        servers.stop()
        record.clear()


def _rows(url: str, statement: str) -> list[tuple[Any, ...]]:
    connection = psycopg2.connect(url)
    try:
        with connection, connection.cursor() as cursor:
            cursor.execute(statement)
            return cursor.fetchall() if cursor.description else []
    finally:
        connection.close()


def test_servers_keep_their_data_and_leave_no_process(checkout: Path) -> None:
    with _started(checkout) as first:
        pids = [process.pid for process in first.processes.values()]
        _rows(
            first.content["database_owner_url"], "CREATE TABLE kept (id bigint GENERATED ALWAYS AS IDENTITY)"
        )
        _rows(first.content["database_url"], "INSERT INTO kept DEFAULT VALUES")
        with redis.Redis.from_url(first.content["redis_url"]) as client:
            client.set("kept", "yes")
    assert [is_alive(pid) for pid in pids] == [False, False]

    with _started(checkout) as second:
        assert second.content == first.content
        assert _rows(second.content["database_url"], "SELECT id FROM kept") == [(1,)]
        with redis.Redis.from_url(second.content["redis_url"]) as client:
            assert client.get("kept") == b"yes"


def test_neither_role_can_do_harm_and_nobody_else_gets_in(checkout: Path) -> None:
    with _started(checkout) as servers:
        url = servers.content["database_url"]
        roles = _rows(
            url,
            "SELECT rolname, rolsuper, rolbypassrls, rolcreaterole, rolcreatedb FROM pg_roles "
            "WHERE rolname LIKE 'referral%' ORDER BY 1",
        )
        assert roles == [
            ("referral_app", False, False, False, False),
            ("referral_owner", False, False, False, False),
        ]
        assert _rows(url, "SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = 'referral'") == [
            ("referral_owner",)
        ]
        with pytest.raises(psycopg2.errors.InsufficientPrivilege):
            _rows(url, "CREATE TABLE mine (id int)")
        with pytest.raises(psycopg2.OperationalError, match=r"no pg_hba\.conf entry"):
            _rows(url.replace("referral_app", "postgres"), "SELECT 1")
        with pytest.raises(psycopg2.OperationalError, match="password authentication failed"):
            _rows(url.replace("referral_app", "referral_owner"), "SELECT 1")


def test_servers_start_again_after_everything_was_killed(checkout: Path) -> None:
    with _started(checkout) as first:
        _rows(first.content["database_owner_url"], "CREATE TABLE kept AS SELECT 7 AS number")
        for process in first.processes.values():
            process.kill()
            process.wait()
        with _started(checkout) as second:
            assert _rows(second.content["database_url"], "SELECT number FROM kept") == [(7,)]


def test_lock_files_with_a_strangers_number_do_not_keep_postgres_from_starting(checkout: Path) -> None:
    with _started(checkout) as servers:
        url = servers.content["database_url"]
    places = folders(checkout)
    stranger = spawn(
        [sys.executable, "-c", "import time; time.sleep(600)"], env={}, cwd=checkout, output=None
    )
    text = f"{stranger.pid}\n{places.postgres / 'data'}\n0\n5432\n\n\n0 0\nready\n"
    (places.postgres / "data" / "postmaster.pid").write_text(text)
    (places.postgres / "run").mkdir(exist_ok=True)
    (places.postgres / "run" / ".s.PGSQL.5432.lock").write_text(text)

    with _started(checkout):
        assert _rows(url, "SELECT 1") == [(1,)]

    assert stranger.poll() is None
    stop(stranger, how=signal.SIGTERM, grace=5)


def test_a_cluster_whose_making_was_cut_off_is_made_anew(checkout: Path) -> None:
    places = folders(checkout)
    (places.postgres / "data").mkdir()
    (places.postgres / "data" / "PG_VERSION").write_text("18\n")

    with _started(checkout) as servers:
        assert _rows(servers.content["database_url"], "SELECT current_user") == [("referral_app",)]


def test_valkey_takes_another_port_when_its_own_is_taken(checkout: Path) -> None:
    places = folders(checkout)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        content = prepare(places)
        port = taken.getsockname()[1]
        password = addresses.password_of(content["redis_url"])
        addresses.save(checkout, {**content, "redis_url": addresses.redis_url(password, port)})
        servers = EmbeddedServers(
            places, {"DATABASE_URL": "given"}, ChildRecord(places.run / "children.json")
        )
        try:
            assert servers.start_postgres() == "given by DATABASE_URL"
            assert servers.start_valkey().endswith(f"since port {port} is taken")
        finally:
            servers.stop()
    assert addresses.port_of(addresses.load(checkout)["redis_url"]) != port


def test_keys_that_were_lost_are_not_replaced_over_existing_data(checkout: Path) -> None:
    places = folders(checkout)
    inside = Folders(root=places.root, account=None, postgres=places.var / "postgres")
    (inside.postgres / "data").mkdir(parents=True)
    (inside.postgres / "data" / "referral-ready").touch()

    with pytest.raises(LocalError, match=r"local\.json is gone"):
        prepare(inside)
    remove(socket_folder(inside.postgres, None))


def test_a_broken_cluster_fails_with_the_end_of_its_log(checkout: Path) -> None:
    with _started(checkout) as servers:
        content = servers.content
    places = folders(checkout)
    with (places.postgres / "data" / "postgresql.conf").open("a") as file:
        file.write("no_such_setting = 1\n")
    cluster = Cluster(
        home=places.postgres,
        sockets=places.postgres / "run",
        log=places.log / "postgres.log",
        account=places.account,
    )

    with pytest.raises(LocalError, match="no_such_setting"):
        PostgresServer(cluster, content=content).start()


def test_one_owner_at_a_time(checkout: Path) -> None:
    places = folders(checkout)
    first, second = Ownership(places), Ownership(places)

    assert first.take("run")
    first.announce(kind="run", ready=True, address="http://127.0.0.1:8000")
    assert not second.take("command")
    assert second.holder() == {
        "pid": os.getpid(),
        "kind": "run",
        "ready": True,
        "address": "http://127.0.0.1:8000",
    }

    first.release()
    assert second.take("command")
    second.release()


def test_throw_away_servers_are_gone_afterwards_and_apart_from_each_other(checkout: Path) -> None:
    with throw_away_servers(checkout) as one, throw_away_servers(checkout) as other:
        assert one["database_url"] != other["database_url"]
        _rows(one["database_owner_url"], "CREATE TABLE only_here (id int)")
        assert _rows(other["database_url"], "SELECT to_regclass('only_here')") == [(None,)]
        assert _rows(one["database_url"], "SHOW fsync") == [("off",)]
    assert list((checkout / "var" / "test").iterdir()) == []
    assert [path.name for path in folders(checkout).postgres.iterdir() if path.name.startswith("test")] == []


def test_the_folder_of_a_killed_test_run_is_removed_by_the_next(checkout: Path) -> None:
    program = (
        "import sys, time\nfrom pathlib import Path\n"
        "from referral_platform.local.servers import throw_away_servers\n"
        "with throw_away_servers(Path(sys.argv[1])):\n    print('up', flush=True)\n    time.sleep(600)\n"
    )
    run = subprocess.Popen(
        [sys.executable, "-c", program, str(checkout)],
        env={"PYTHONPATH": str(Path(__file__).parents[2])},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert run.stdout is not None
    assert run.stdout.readline() == "up\n"
    run.kill()
    run.wait()
    run.stdout.close()
    (left,) = (checkout / "var" / "test").iterdir()

    with throw_away_servers(checkout):
        assert not left.exists()

    assert eventually(lambda: not list((checkout / "var" / "test").iterdir()))
