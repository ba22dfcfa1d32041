"""Stores clicks in groups: whoever arrives while a group is written goes with the next one."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, NamedTuple

import psycopg2
from psycopg2.errors import CheckViolation

from tracking.entry.line import Away, Line
from tracking.entry.spool import Spool, SpoolFull

logger = logging.getLogger(__name__)

MOST_AT_ONCE: Final = 1000
_TRY_AGAIN: Final = 0.5
_MOST_AGENTS: Final = 50_000


class Row(NamedTuple):
    """A click to be stored; times are ISO 8601 texts. `known` if the browser brought its visitor id along."""

    workspace_id: int
    link_id: int
    participant_id: int
    program_id: int
    public_id: str
    visitor_id: str
    occurred_at: str
    reason: str
    channel: str
    referrer_host: str
    address_hash: str
    country: str
    known: bool
    browser: str
    system: str
    device: str


# A repetition is told by the database, for all processes alike, and only of browsers that came before.
_PREPARE: Final = """
PREPARE store_clicks (bigint[], bigint[], bigint[], bigint[], text[], text[], timestamptz[],
    text[], text[], text[], text[], text[], boolean[], bigint[]) AS
INSERT INTO tracking_click (workspace_id, link_id, participant_id, program_id, public_id, visitor_id,
    occurred_at, received_at, reason, counted, channel, referrer_host, address_hash, country, agent_id)
SELECT r.workspace_id, r.link_id, r.participant_id, r.program_id, r.public_id, r.visitor_id,
    r.at, r.at, s.reason, s.reason = '', r.channel, r.referrer_host, r.address_hash, r.country, r.agent_id
FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
    AS r (workspace_id, link_id, participant_id, program_id, public_id, visitor_id, at,
    reason, channel, referrer_host, address_hash, country, known, agent_id)
CROSS JOIN LATERAL (SELECT CASE WHEN r.reason = '' AND r.known AND EXISTS (
    SELECT FROM tracking_click AS c
    WHERE c.workspace_id = r.workspace_id AND c.visitor_id = r.visitor_id AND c.link_id = r.link_id
      AND c.counted AND c.public_id <> r.public_id
      AND c.occurred_at > r.at - interval '1 hour' AND c.occurred_at <= r.at
) THEN 'duplicate' ELSE r.reason END AS reason) AS s
ON CONFLICT (workspace_id, public_id, occurred_at) DO NOTHING
"""
_INSERT: Final = f"EXECUTE store_clicks ({', '.join(['%s'] * 14)})"
_AGENTS: Final = """
INSERT INTO tracking_clickagent (browser, system, device)
SELECT DISTINCT * FROM unnest(%s::text[], %s::text[], %s::text[]) ON CONFLICT DO NOTHING
"""
_AGENT_IDS: Final = """
SELECT a.browser, a.system, a.device, a.id FROM tracking_clickagent AS a
JOIN unnest(%s::text[], %s::text[], %s::text[]) AS r (browser, system, device) USING (browser, system, device)
"""
_LOSS: Final = """
INSERT INTO tracking_clickloss (workspace_id, clicks, first_at, last_at) VALUES (%s, %s, %s, %s)
"""


@dataclass(slots=True)
class _Waiting:
    row: Row
    done: threading.Lock


@dataclass(slots=True)
class Losses:
    """What could be stored nowhere, by workspace, until Postgres can be told."""

    by_workspace: dict[int, list[Any]] = field(default_factory=dict)

    def add(self, rows: Iterable[Row]) -> None:
        """Count rows as lost."""
        for row in rows:
            loss = self.by_workspace.setdefault(row.workspace_id, [0, row.occurred_at, row.occurred_at])
            loss[0] += 1
            loss[1], loss[2] = min(loss[1], row.occurred_at), max(loss[2], row.occurred_at)


class Writer:
    """Makes clicks durable before they are answered.

    One thread writes what has gathered, in one statement and one commit, and lets all of its requests go
    on. While Postgres is away they go to the spool instead, and from there to the database once it is back;
    each click has an id, so one that was written before the connection broke is not written twice. What
    neither takes is answered all the same, logged as an error and counted as lost.
    """

    def __init__(self, spool: Spool) -> None:
        self._spool = spool
        self._waiting: list[_Waiting] = []
        self._changed = threading.Condition(threading.Lock())
        self._thread: threading.Thread | None = None
        self._closing = False
        self._line: Line | None = None
        self._tried = 0.0
        self._caught_up = 0.0
        self._agents: dict[tuple[str, str, str], int] = {}
        self._losses = Losses()

    def store(self, row: Row) -> None:
        """Return once the click is stored, or counted as lost."""
        done = threading.Lock()
        done.acquire()
        with self._changed:
            self._waiting.append(_Waiting(row, done))
            if len(self._waiting) == 1:
                self._changed.notify()
        self.start()
        done.acquire()

    def start(self) -> None:
        """Begin to store what the spool holds from before; repeating it changes nothing."""
        if self._thread is None:
            with self._changed:
                if self._thread is None:
                    self._thread = threading.Thread(target=self._run, name="click writer", daemon=True)
                    self._thread.start()

    def close(self) -> None:
        """Store what waits, end the thread and let go of everything; the writer stores nothing after it."""
        with self._changed:
            self._closing = True
            self._changed.notify()
            thread = self._thread
        if thread is not None:
            thread.join()
        if self._line is not None:
            self._line.close()
        self._spool.close()

    def _run(self) -> None:
        while True:
            with self._changed:
                if not self._waiting:
                    if self._closing:
                        return
                    self._changed.wait(_TRY_AGAIN)
                group, self._waiting = self._waiting[:MOST_AT_ONCE], self._waiting[MOST_AT_ONCE:]
            try:
                if group:
                    self._keep([each.row for each in group])
                else:
                    self._try_to_catch_up()
            except Exception:
                # Nobody else would answer the requests that wait.
                logger.exception("the click writer failed; %d clicks are lost", len(group))
                self._losses.add(each.row for each in group)
            for each in group:
                each.done.release()
            # Under load there is no idle moment, and what was spooled must not wait for one.
            if group and time.monotonic() >= self._caught_up + _TRY_AGAIN:
                self._try_to_catch_up()

    def _try_to_catch_up(self) -> None:
        self._caught_up = time.monotonic()
        try:
            self._catch_up()
        except Exception:
            # The thread must live on; the file is still there, and looked at again.
            logger.exception("clicks from the spool could not be stored")

    def _keep(self, rows: list[Row]) -> None:
        if self._line is not None or self._reconnect():
            try:
                self._write_what_is_taken(rows)
            except Away as error:
                logger.warning("Postgres is away, clicks go to the spool: %s", error)
                self._line = None
            else:
                return
        try:
            self._spool.append(rows)
        except SpoolFull as error:
            logger.error("%d clicks are lost, the spool takes no more: %s", len(rows), error)
            self._losses.add(rows)

    def _reconnect(self) -> bool:
        """Open the line if it was not tried just now: every try may hold up the requests that wait."""
        now = time.monotonic()
        if self._line is None and now >= self._tried + _TRY_AGAIN:
            self._tried = now
            try:
                line = Line(door="clicks")
                # Planned once: reading and planning the statement takes longer than running it.
                line.execute("SET plan_cache_mode = force_generic_plan")
                line.execute(_PREPARE)
                self._line = line
            except Away as error:
                logger.warning("Postgres is away: %s", error)
            self._tried = time.monotonic()
        return self._line is not None

    def _catch_up(self) -> None:
        """Bring what waits in the spool, and what was lost, to the database."""
        if not self._losses.by_workspace and not self._spool.any_waiting():
            return
        if not self._reconnect():
            return
        try:
            with self._spool.waiting() as found:
                if found is not None:
                    path, rows = found
                    for start in range(0, len(rows), MOST_AT_ONCE):
                        self._write_what_is_taken([Row(*row) for row in rows[start : start + MOST_AT_ONCE]])
                    logger.warning("%d clicks from the spool are stored: %s", len(rows), path.name)
            self._tell_losses()
        except Away as error:
            logger.warning("Postgres is away again: %s", error)
            self._line = None

    def _tell_losses(self) -> None:
        assert self._line is not None
        while self._losses.by_workspace:
            workspace_id, loss = next(iter(self._losses.by_workspace.items()))
            self._line.execute(_LOSS, [workspace_id, *loss])
            del self._losses.by_workspace[workspace_id]

    def _write_what_is_taken(self, rows: list[Row]) -> None:
        """Write a group, click by click if Postgres refuses it; what it does not take is lost.

        Raises Away, with nothing of the group counted as lost: all of it can be written again.
        """
        try:
            self._write(rows)
        except psycopg2.Error:
            logger.exception("a group of %d clicks was refused; writing them one by one", len(rows))
            refused = []
            for row in rows:
                try:
                    self._write([row])
                except psycopg2.Error:
                    logger.exception("a click is lost, Postgres does not take it")
                    refused.append(row)
            self._losses.add(refused)

    def _write(self, rows: list[Row]) -> None:
        if self._line is None:
            raise Away("the line is closed")
        self._learn_agents(rows)
        columns = [list(column) for column in zip(*(row[:13] for row in rows), strict=True)]
        columns.append([self._agents[row[13:]] for row in rows])
        self._mark_repeated(rows, columns[7])
        arrays = [_array(column) for column in columns]
        try:
            self._line.execute(_INSERT, arrays)
        except CheckViolation:
            # No partition for the month yet: the first clicks after a month has begun make it.
            for month in {row.occurred_at[:7] for row in rows}:
                self._line.execute("SELECT tracking_click_make_month(%s)", [f"{month}-02T00:00:00+00:00"])
            self._line.execute(_INSERT, arrays)

    @staticmethod
    def _mark_repeated(rows: Sequence[Row], reasons: list[Any]) -> None:
        """Mark what repeats another click of this very group, which the statement cannot see."""
        counted: set[tuple[str, int]] = set()
        for number, row in enumerate(rows):
            if row.known and not row.reason:
                pair = (row.visitor_id, row.link_id)
                if pair in counted:
                    reasons[number] = "duplicate"
                counted.add(pair)

    def _learn_agents(self, rows: Sequence[Row]) -> None:
        unknown = {row[13:] for row in rows} - self._agents.keys()
        if not unknown:
            return
        assert self._line is not None
        if len(self._agents) + len(unknown) > _MOST_AGENTS:
            self._agents.clear()
            unknown = {row[13:] for row in rows}
        names = [list(column) for column in zip(*unknown, strict=True)]
        self._line.execute(_AGENTS, names)
        for browser, system, device, number in self._line.execute(_AGENT_IDS, names):
            self._agents[browser, system, device] = number


def _array(values: Sequence[Any]) -> str:
    """Return values of one kind as the text of a Postgres array.

    A list would be sent as an ARRAY[...] expression, each element of which is a node for Postgres to check.
    """
    if isinstance(values[0], str):
        quoted = (value.replace("\\", "\\\\").replace('"', '\\"') for value in values)
        return '{"' + '","'.join(quoted) + '"}'
    return "{" + ",".join(map(str, values)) + "}"


def instant(at: datetime) -> str:
    """Return an instant as rows carry it."""
    return at.isoformat()
