"""A connection to Postgres of the click entry's own, which never waits longer than it was told to."""

from __future__ import annotations

import select
import time
from collections.abc import Sequence
from typing import Any, Final

import psycopg2
import psycopg2.extensions
from django.db import connection
from psycopg2.extensions import POLL_OK, POLL_READ

SECONDS: Final = 3.0
"""How long one statement, or opening the connection, may take before Postgres counts as away."""


class Away(Exception):
    """Postgres did not answer, or not in time. Whether it did what it was asked is unknown."""


class Line:
    """One asynchronous connection, used by one thread; every statement is a transaction by itself.

    `door` is the tenancy door that stands open on it, as `core.tenancy` names them.
    """

    def __init__(self, *, door: str) -> None:
        parameters = connection.get_connection_params()
        parameters.pop("cursor_factory", None)
        parameters.pop("context", None)
        parameters["options"] = f"-c app.door={door} {parameters.get('options', '')}".strip()
        try:
            self._connection: Any = psycopg2.connect(**parameters, async_=True)
            self._wait(SECONDS)
        except psycopg2.Error as error:
            raise Away(str(error)) from error
        self._cursor = self._connection.cursor()

    def execute(self, sql: str, parameters: Sequence[Any] = (), *, seconds: float = SECONDS) -> list[Any]:
        """Run a statement and return its rows.

        Raises Away, after which the line is closed; what Postgres has against the statement itself is raised
        as it comes, and the line stays.
        """
        try:
            self._cursor.execute(sql, parameters or None)
            self._wait(seconds)
        except (psycopg2.OperationalError, psycopg2.InterfaceError) as error:
            self.close()
            raise Away(str(error)) from error
        return self._cursor.fetchall() if self._cursor.description else []

    def notices(self) -> list[str]:
        """Return what has been sent to a channel this line listens to; raises Away."""
        try:
            self._connection.poll()
        except psycopg2.Error as error:
            self.close()
            raise Away(str(error)) from error
        if self._connection.closed:
            raise Away("the connection was closed")
        texts = [notice.payload for notice in self._connection.notifies]
        self._connection.notifies.clear()
        return texts

    def fileno(self) -> int:
        """Return the descriptor that becomes readable when Postgres says something."""
        return int(self._connection.fileno())

    def close(self) -> None:
        """Hang up; repeating it changes nothing."""
        self._connection.close()

    def _wait(self, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while (state := self._connection.poll()) != POLL_OK:
            left = deadline - time.monotonic()
            if left <= 0:
                raise Away(f"no answer within {seconds:.0f} s")
            reading = state == POLL_READ
            select.select([self] if reading else [], [] if reading else [self], [], left)
