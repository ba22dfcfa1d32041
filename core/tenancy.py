"""Tenant isolation: which workspace a transaction may see, and the few named doors across workspaces.

Postgres enforces it by row-level security (`core.isolation` writes the policies). This module is the only
one that sets the two transaction-local settings the policies read, `app.workspace` and `app.door`. Without
either, a tenant table reads as empty and refuses every write.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Final, Protocol, Self, TypeVar

from django.db import connection, models, transaction

DOORS: Final[dict[str, str]] = {
    "resolve_code": "find which workspace a short link code belongs to",
    "clicks": "store a group of clicks on links of several workspaces in one statement",
    "resolve_api_key": "find which workspace an API key belongs to",
    "resolve_domain": "find which workspace an own domain belongs to, and the domains to look up again",
    "resolve_connection": "find which workspace an incoming webhook address belongs to",
    "resolve_portal": "find which workspace a portal address belongs to",
    "memberships": "find the workspaces of the person who is signed in",
    "invitations": "find the invitation that a mailed secret opens",
    "queue": "claim due work of every workspace (outbox, messages, deliveries, inbox, questions)",
    "workspaces": "walk over all workspaces in scheduled jobs and commands",
}
"""Every way to read across workspaces, with the reason. A policy opens each door on named tables only."""

_workspace: ContextVar[int | None] = ContextVar("workspace", default=None)
_door: ContextVar[str | None] = ContextVar("door", default=None)


class MissingTenant(Exception):
    """A tenant table was about to be read or changed without naming the workspace."""


class HasWorkspaceId(Protocol):
    """Anything with the primary key of a workspace."""

    @property
    def pk(self) -> Any: ...


def current_workspace_id() -> int | None:
    """Return the primary key of the workspace this context works for, or None."""
    return _workspace.get()


def current_door() -> str | None:
    """Return the name of the door that is open in this context, or None."""
    return _door.get()


def _apply(workspace_id: int | None, door: str | None) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT set_config('app.workspace', %s, true), set_config('app.door', %s, true)",
            ["" if workspace_id is None else str(workspace_id), door or ""],
        )


@contextmanager
def _scope(workspace_id: int | None, door: str | None) -> Iterator[None]:
    outer = (_workspace.get(), _door.get())
    with transaction.atomic():
        _apply(workspace_id, door)
        tokens = (_workspace.set(workspace_id), _door.set(door))
        try:
            yield
        finally:
            _workspace.reset(tokens[0])
            _door.reset(tokens[1])
        # On an exception the savepoint's rollback restores the settings by itself.
        if transaction.get_connection().in_atomic_block and not transaction.get_rollback():
            _apply(*outer)


@contextmanager
def tenant(workspace: HasWorkspaceId | int) -> Iterator[None]:
    """Run a block in one transaction that sees exactly this workspace's rows.

    Nested use switches the workspace and back. Raises MissingTenant for None or an unsaved workspace.
    """
    workspace_id = workspace if isinstance(workspace, int) else getattr(workspace, "pk", None)
    if not workspace_id:
        raise MissingTenant("tenant() needs a saved workspace")
    with _scope(int(workspace_id), None):
        yield


@contextmanager
def door(name: str) -> Iterator[None]:
    """Run a block in one transaction that may cross workspaces on the tables this door opens."""
    if name not in DOORS:
        raise MissingTenant(f"there is no door named {name!r}")
    with _scope(None, name):
        yield


_M = TypeVar("_M", bound=models.Model)


class TenantQuerySet(models.QuerySet[_M]):
    """A queryset that refuses to run until it names a workspace (or an open door)."""

    _scoped = False

    def for_workspace(self, workspace: HasWorkspaceId | int | None) -> Self:
        """Narrow to one workspace; None or an unsaved workspace raises MissingTenant."""
        workspace_id = workspace if isinstance(workspace, int) else getattr(workspace, "pk", None)
        if not workspace_id:
            raise MissingTenant(f"{self.model.__name__}.for_workspace() needs a saved workspace")
        narrowed = self.filter(**{self._tenant_column(): int(workspace_id)})
        narrowed._scoped = True
        return narrowed

    def through_door(self, name: str) -> Self:
        """Allow reading across workspaces while `door(name)` is open; row-level security still decides."""
        if _door.get() != name:
            raise MissingTenant(f"the door {name!r} is not open")
        opened: Self = self._chain()  # type: ignore[attr-defined]
        opened._scoped = True
        return opened

    def _tenant_column(self) -> str:
        return str(getattr(self.model, "TENANT_COLUMN", "workspace_id"))

    def _require_scope(self) -> None:
        if not self._scoped:
            raise MissingTenant(f"{self.model.__name__} was queried without for_workspace()")

    def _clone(self) -> Self:
        clone = super()._clone()  # type: ignore[misc]
        clone._scoped = self._scoped
        return clone  # type: ignore[no-any-return]

    def _fetch_all(self) -> None:
        self._require_scope()
        super()._fetch_all()

    def iterator(self, chunk_size: int | None = None) -> Iterator[_M]:
        self._require_scope()
        return super().iterator(chunk_size)

    def exists(self) -> bool:
        self._require_scope()
        return super().exists()

    def count(self) -> int:
        self._require_scope()
        return super().count()

    def aggregate(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        self._require_scope()
        return super().aggregate(*args, **kwargs)

    def update(self, **kwargs: Any) -> int:
        self._require_scope()
        return super().update(**kwargs)

    def _update(self, values: Any) -> int:
        self._require_scope()
        return super()._update(values)  # type: ignore[misc,no-any-return]

    def delete(self) -> tuple[int, dict[str, int]]:
        self._require_scope()
        return super().delete()


class TenantManager(models.Manager[_M]):
    """The only manager of tenant tables; following a relation stays inside the row's own workspace."""

    use_in_migrations = False

    def get_queryset(self) -> TenantQuerySet[_M]:
        """Return a queryset that is scoped already when it follows a relation of a row."""
        queryset: TenantQuerySet[_M] = TenantQuerySet(
            self.model, using=self._db, hints=getattr(self, "_hints", {})
        )
        # The row a relation starts from: a hint forwards, the related manager's own attribute backwards.
        instance = getattr(self, "_hints", {}).get("instance") or getattr(self, "instance", None)
        if instance is None:
            return queryset
        column = getattr(type(instance), "TENANT_COLUMN", "workspace_id")
        workspace_id = getattr(instance, column, None)
        return queryset.for_workspace(workspace_id) if workspace_id else queryset

    def for_workspace(self, workspace: HasWorkspaceId | int | None) -> TenantQuerySet[_M]:
        """Return one workspace's rows; None or an unsaved workspace raises MissingTenant."""
        return self.get_queryset().for_workspace(workspace)

    def through_door(self, name: str) -> TenantQuerySet[_M]:
        """Return what an open door lets through."""
        return self.get_queryset().through_door(name)


class TenantForeignKey(models.ForeignKey):  # type: ignore[type-arg]
    """A relation between two tenant tables of one workspace.

    The database key is composite with the workspace and made by `core.isolation.IsolateTable`, together with
    an index that leads with the workspace; deleting is left to that key, which refuses to orphan a row.
    One that is not `tied` has the index and no key: where the check would cost too much, or where the row it
    names may have been archived.
    """

    def __init__(self, to: Any, *, tied: bool = True, **kwargs: Any) -> None:
        self.tied = tied
        kwargs.setdefault("on_delete", models.DO_NOTHING)
        kwargs.setdefault("db_constraint", False)
        kwargs.setdefault("db_index", False)
        super().__init__(to, **kwargs)

    def deconstruct(self) -> Any:
        name, path, args, kwargs = super().deconstruct()
        return name, path, args, kwargs if self.tied else {**kwargs, "tied": False}
