"""Which link a code names and where it leads: remembered in the process, and forgotten when it changes."""

from __future__ import annotations

import logging
import os
import select
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from django.db import Error, connection

from accounts import queries as account_queries
from accounts.models import ApiKey, Workspace
from accounts.permissions import BROWSER
from accounts.services import touch_api_key
from core import clock
from core.notices import CHANNEL
from core.tenancy import tenant
from tracking import link_targets
from tracking.entry.line import Away, Line
from tracking.link_targets import Target

logger = logging.getLogger(__name__)

MOST: Final = 100_000
"""How many codes are remembered, and how many that name nothing."""

_AGE: Final = 60.0
_AGE_UNTOLD: Final = 1.0
_AGE_NOTHING: Final = 2.0
_AT_ONCE: Final = 500
_PATIENCE: Final = 5.0
_TRY_AGAIN: Final = 1.0


class Unknown(Exception):
    """Postgres is away and nothing is remembered of this code."""


@dataclass(slots=True)
class _Remembered:
    target: Target | None
    loaded: float
    version: tuple[int, int]


_Kind = Literal["code", "host", "key"]


@dataclass(slots=True)
class _Question:
    kind: _Kind
    name: str
    answered: threading.Event = field(default_factory=threading.Event)
    answer: Any = None
    failed: bool = False


@dataclass(frozen=True, slots=True)
class PageKey:
    """A publishable key that reports clicks: of which workspace, and on which sites; none means any."""

    workspace_id: int
    origins: tuple[str, ...]


class Directory:
    """Answers what a code names from memory, and asks Postgres for many codes at once.

    A notice of a changed link, program, workspace or domain makes all codes of that workspace be read again.
    While no notices can be heard everything is older than a second at most. One thread asks, however many
    requests wait, so that a flood of made-up codes takes one connection; what is made up fills a memory of
    its own and does not push out real links.
    """

    def __init__(self) -> None:
        self._targets: dict[str, _Remembered] = {}
        self._nothing: dict[str, float] = {}
        self._recent: dict[tuple[_Kind, str], tuple[Any, float]] = {}
        self._versions: dict[int, int] = defaultdict(int)
        self._epoch = 0
        self._told = False
        self._questions: list[_Question] = []
        self._lock = threading.Lock()
        self._bell_reader, self._bell = os.pipe()
        self._thread: threading.Thread | None = None
        self._closing = False

    def find(self, key: str) -> Target | None:
        """Return the target of a code in lower case, or None for no such code.

        Raises Unknown where Postgres is away and the code is not remembered; a remembered one is then used
        however old it is.
        """
        now = time.monotonic()
        known = self._targets.get(key)
        if known is not None and self._is_fresh(known, now):
            return known.target
        until = self._nothing.get(key)
        if until is not None and now < until:
            return None
        question = _Question("code", key)
        if self._ask(question):
            found: Target | None = question.answer
            return found
        if known is None:
            raise Unknown(key)
        return known.target

    def remembers(self, key: str) -> bool:
        """Tell whether a code is known to name a link, as far as memory goes."""
        return key in self._targets

    def owner(self, host: str) -> int | None:
        """Return the primary key of the workspace whose verified domain a host is, or None.

        A second old at most, but while Postgres is away; raises Unknown then for a host not remembered.
        """
        owner: int | None = self._recently("host", host)
        return owner

    def key(self, token: str) -> PageKey | None:
        """Return the publishable key with this text if it may report clicks now, or None.

        A second old at most, but while Postgres is away; raises Unknown then for a key not remembered.
        """
        found: PageKey | None = self._recently("key", token)
        return found

    def _recently(self, kind: _Kind, name: str) -> Any:
        known = self._recent.get((kind, name))
        if known is not None and time.monotonic() - known[1] < _AGE_UNTOLD:
            return known[0]
        question = _Question(kind, name)
        if self._ask(question):
            return question.answer
        if known is None:
            raise Unknown(name)
        return known[0]

    def _ask(self, question: _Question) -> bool:
        with self._lock:
            self._questions.append(question)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="link directory", daemon=True)
                self._thread.start()
        os.write(self._bell, b"?")
        return question.answered.wait(_PATIENCE) and not question.failed

    def close(self) -> None:
        """End the thread and hang up."""
        with self._lock:
            self._closing = True
            thread = self._thread
        os.write(self._bell, b".")
        if thread is not None:
            thread.join()
        os.close(self._bell)
        os.close(self._bell_reader)

    def _is_fresh(self, known: _Remembered, now: float) -> bool:
        if now - known.loaded > (_AGE if self._told else _AGE_UNTOLD):
            return False
        target = known.target
        return target is None or known.version == (self._epoch, self._versions.get(target.workspace_id, 0))

    def _run(self) -> None:
        line: Line | None = None
        tried = -_TRY_AGAIN
        while not self._closing:
            if line is None and time.monotonic() > tried + _TRY_AGAIN:
                tried = time.monotonic()
                line = self._listen()
            try:
                ears: list[int] = [self._bell_reader, *([line.fileno()] if line else [])]
                readable = select.select(ears, [], [], _TRY_AGAIN)[0]
                if line is not None and line.fileno() in readable:
                    self._hear(line.notices())
            except (Away, OSError, ValueError) as error:
                logger.warning("no notices of changed links for now: %s", error)
                self._told, line = False, None
                continue
            if self._bell_reader in readable:
                os.read(self._bell_reader, 65_536)
                self._answer()
        if line is not None:
            line.close()
        connection.close()

    def _listen(self) -> Line | None:
        try:
            line = Line(door="")
            line.execute(f"LISTEN {CHANNEL}")
        except Away as error:
            logger.warning("no notices of changed links for now: %s", error)
            return None
        # What changed before the line was open was not heard.
        self._epoch += 1
        self._told = True
        return line

    def _hear(self, texts: list[str]) -> None:
        for text in texts:
            self._versions[int(text)] += 1

    def _answer(self) -> None:
        while True:
            with self._lock:
                questions, self._questions = self._questions[:_AT_ONCE], self._questions[_AT_ONCE:]
            if not questions:
                return
            asked: dict[_Kind, set[str]] = {"code": set(), "host": set(), "key": set()}
            for question in questions:
                asked[question.kind].add(question.name)
            try:
                answers = self._answers(asked)
            except Exception as error:
                # Whatever it was, everybody else's look-ups depend on this thread.
                logger.warning("codes cannot be looked up for now", exc_info=error)
                connection.close()
                for question in questions:
                    question.failed = True
                    question.answered.set()
                continue
            for question in questions:
                question.answer = answers[question.kind].get(question.name)
                question.answered.set()

    def _answers(self, asked: Mapping[_Kind, set[str]]) -> dict[_Kind, Mapping[str, Any]]:
        """Look everything up; once more on a new connection where the old one turns out to be dead."""
        was_open = connection.connection is not None
        try:
            return self._read(asked)
        except Error:
            if not was_open:
                raise
            connection.close()
            return self._read(asked)

    def _read(self, asked: Mapping[_Kind, set[str]]) -> dict[_Kind, Mapping[str, Any]]:
        return {
            "code": self._load(asked["code"]),
            "host": self._look_up("host", asked["host"], account_queries.host_owner),
            "key": self._look_up("key", asked["key"], _page_key),
        }

    def _look_up(self, kind: _Kind, names: set[str], find: Callable[[str], Any]) -> dict[str, Any]:
        found = {name: find(name) for name in names}
        now = time.monotonic()
        for name, answer in found.items():
            self._recent.pop((kind, name), None)
            self._recent[kind, name] = (answer, now)
        while len(self._recent) > MOST:
            del self._recent[next(iter(self._recent))]
        return found

    def _load(self, keys: set[str]) -> dict[str, Target]:
        # Taken before reading: a change that is told of from here on makes what is read stale.
        epoch, versions = self._epoch, dict(self._versions)
        found = link_targets.targets(keys)
        now = time.monotonic()
        for key, target in found.items():
            self._targets.pop(key, None)
            version = (epoch, versions.get(target.workspace_id, 0))
            self._targets[key] = _Remembered(target, now, version)
        for key in keys - found.keys():
            self._targets.pop(key, None)
            self._nothing.pop(key, None)
            self._nothing[key] = now + _AGE_NOTHING
        for memory in (self._targets, self._nothing):
            while len(memory) > MOST:
                del memory[next(iter(memory))]
        return found


def _page_key(token: str) -> PageKey | None:
    at = clock.now()
    key = account_queries.api_key_for(token, at=at)
    if key is None or key.kind != ApiKey.Kind.PUBLISHABLE or BROWSER not in key.scopes:
        return None
    # A sandbox has a clock of its own, and whoever is suspended has to be told.
    if key.workspace.status != Workspace.Status.ACTIVE or key.workspace.clock_offset:
        return None
    with tenant(key.workspace):
        touch_api_key(key=key, at=at)
    return PageKey(key.workspace_id, tuple(key.origins))
