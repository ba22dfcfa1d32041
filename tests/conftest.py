"""The suite's ground: a real Postgres owned by one role and used by another, and no network but loopback."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg2
import pytest
from django.apps import apps
from django.conf import settings
from django.core.management import call_command
from django.db import connection
from django.test import TransactionTestCase
from hypothesis import settings as hypothesis_settings
from pytest_socket import socket_allow_hosts
from xdist.scheduler import LoadScopeScheduling

from accounts import services as account_services
from accounts.models import User, Workspace
from core.partitions import make_month
from core.tenancy import TenantManager, current_door, tenant
from tests import factories
from tracking.models import Click

# A loaded machine is no reason for a property to fail.
hypothesis_settings.register_profile("suite", deadline=None)
hypothesis_settings.load_profile("suite")

ROOT = Path(__file__).resolve().parent.parent

AT = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
"""A Monday noon that tests use as now where nothing else matters."""


def _libpq(database: dict[str, Any], name: str) -> dict[str, Any]:
    known = {"user": "USER", "password": "PASSWORD", "host": "HOST", "port": "PORT"}
    parameters = {key: database[field] for key, field in known.items() if database.get(field)}
    return {**parameters, **database.get("OPTIONS", {}), "dbname": name}


@contextmanager
def as_owner(name: str | None = None) -> Iterator[Any]:
    """Give a cursor of the role that owns the tables, outside every transaction."""
    owner = settings.DATABASE_OWNER
    raw = psycopg2.connect(**_libpq(owner, name or connection.settings_dict["NAME"]))
    raw.autocommit = True
    try:
        with raw.cursor() as cursor:
            yield cursor
    finally:
        raw.close()


_TOGETHER = ("tests/journeys/", "tests/tracking/test_entry_survives.py")
"""What shares servers of its own, which take long to start."""


class JourneysTogether(LoadScopeScheduling):  # type: ignore[misc]  # typed nowhere
    """Hands out tests one by one, but the journeys as a whole, and first: they share one running platform."""

    def _split_scope(self, nodeid: str) -> str:
        return next((scope for scope in _TOGETHER if nodeid.startswith(scope)), nodeid)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> JourneysTogether:
    """Decide which of the parallel workers runs which test."""
    return JourneysTogether(config, log)


def _schema_digest() -> str:
    """Return a short text that differs whenever something differs that the tables are made from."""
    files = [
        *ROOT.glob("*/migrations/*.py"),
        ROOT / "core/isolation.py",
        ROOT / "core/tenancy.py",
        Path(__file__),
    ]
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in sorted(files)))
    return f"template_{digest.hexdigest()[:16]}"


def _make_tables() -> None:
    call_command("migrate", verbosity=0)
    for year, month in ((2025 + number // 12, number % 12 + 1) for number in range(6, 30)):
        # Made once here: a month that a test needs and makes is gone again with its transaction.
        make_month(Click, datetime(year, month, 1, tzinfo=UTC))


@pytest.fixture(scope="session")
def django_db_setup(django_db_blocker: Any) -> Iterator[None]:
    """Make this worker's own database as the owner, then hand the connection to the application's role."""
    name = f"test_referral_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}"
    runtime = {key: connection.settings_dict[key] for key in ("USER", "PASSWORD", "NAME")}
    owner = {key: settings.DATABASE_OWNER[key] for key in ("USER", "PASSWORD")}
    with as_owner(settings.DATABASE_OWNER["NAME"]) as cursor:
        template = f"test_referral_{_schema_digest()}"
        # Whoever comes first makes the tables, once for everybody; the others wait and copy them.
        cursor.execute("SELECT pg_advisory_lock(hashtext('test template'))")
        cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", [template])
        if cursor.fetchone() is None:
            with django_db_blocker.unblock():
                connection.close()
                connection.settings_dict.update(owner, NAME=f"{template}_new")
                cursor.execute(f'DROP DATABASE IF EXISTS "{template}_new" WITH (FORCE)')
                cursor.execute(f'CREATE DATABASE "{template}_new"')
                _make_tables()
                connection.close()
            # Named so once it is complete: one that was cut off is made anew.
            cursor.execute(f'ALTER DATABASE "{template}_new" RENAME TO "{template}"')
        cursor.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        cursor.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        cursor.execute("SELECT pg_advisory_unlock(hashtext('test template'))")
    with django_db_blocker.unblock():
        connection.close()
        connection.settings_dict.update(runtime, NAME=name)
    yield
    with django_db_blocker.unblock():
        connection.close()
        connection.settings_dict.update(runtime)
    with as_owner(settings.DATABASE_OWNER["NAME"]) as cursor:
        cursor.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


@pytest.fixture
def owner_connects(django_db_setup: None) -> Iterator[None]:
    """Let Django connect as the tables' owner, as the commands do that count or drop tables.

    A test asks for it before `db`, and carries no mark: the transaction must begin on the owner's connection.
    """
    runtime = {key: connection.settings_dict[key] for key in ("USER", "PASSWORD")}
    connection.close()
    connection.settings_dict.update({key: settings.DATABASE_OWNER[key] for key in runtime})
    yield
    connection.close()
    connection.settings_dict.update(runtime)


def _truncate(self: TransactionTestCase) -> None:
    """Empty the tables after a test that commits; the application's own role is not allowed to."""
    connection.close()
    tables = [
        f'"{model._meta.db_table}"'
        for model in apps.get_models(include_auto_created=True)
        if model._meta.managed and model._meta.app_label not in ("contenttypes",)
    ]
    with as_owner() as cursor:
        cursor.execute(f"TRUNCATE {', '.join(tables)} RESTART IDENTITY CASCADE")


TransactionTestCase._fixture_teardown = _truncate  # type: ignore[attr-defined]


def pytest_configure() -> None:
    """Hash passwords cheaply: no test is about their strength, and most sign somebody in."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


def pytest_runtest_setup() -> None:
    """Let a test talk to this machine only."""
    socket_allow_hosts(["127.0.0.1", "::1"], allow_unix_socket=True)


def tenant_tables() -> list[str]:
    """Return the names of all tenant tables, the workspaces' own excepted."""
    return [
        model._meta.db_table
        for model in apps.get_models()
        if isinstance(model._default_manager, TenantManager) and model is not Workspace
    ]


def _names_its_workspace(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
    if current_door() is None and "workspace_id" not in sql:
        touched = [table for table in tenant_tables() if f'"{table}"' in sql]
        assert not touched, f"a statement on {touched} does not name its workspace: {sql}"
    return execute(sql, params, many, context)


@pytest.fixture(autouse=True)
def every_statement_names_its_workspace(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fail any statement on a tenant table that could not be routed to one workspace's shard."""
    if "db" not in request.fixturenames and request.node.get_closest_marker("django_db") is None:
        yield
        return
    with connection.execute_wrapper(_names_its_workspace):
        yield


@pytest.fixture
def at() -> datetime:
    """The instant a test calls now."""
    return AT


@pytest.fixture
def owner(db: None) -> User:
    """A person who owns the workspace."""
    return factories.UserFactory.create(email="olga@acme.example", name="Olga Owner")


def make_workspace(owner: User, name: str = "Acme", currency: str = "EUR") -> Workspace:
    """Create a live workspace (and its sandbox) through the service."""
    return account_services.create_workspace(owner=owner, name=name, currency=currency, at=AT)


@pytest.fixture
def workspace(owner: User) -> Iterator[Workspace]:
    """A live workspace, with the test running as its tenant."""
    made = make_workspace(owner)
    with tenant(made):
        yield made


@pytest.fixture
def other_workspace(workspace: Workspace) -> Workspace:
    """Somebody else's workspace, whose rows must never show; the test does not run as its tenant."""
    stranger = factories.UserFactory.create(email="stefan@other.example")
    return make_workspace(stranger, name="Other")
