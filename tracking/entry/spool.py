"""Clicks that Postgres could not take, kept in files until it can: written and synced before the answer."""

from __future__ import annotations

import fcntl
import json
import os
import uuid
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, Final

_SUFFIX: Final = ".clicks"
_FILE_BYTES: Final = 1 << 20
"""Where another file is begun: one is read whole, and stored between two groups of clicks."""

Row = Sequence[Any]
"""One click: values that JSON keeps as they are."""


class SpoolFull(Exception):
    """There is no room: the limit is reached, or the disk took nothing."""


@dataclass(slots=True)
class Spool:
    """One process's file in a folder that all processes of an installation share.

    A process locks its own file as long as it writes to it. A file that nobody has locked was left by a
    process that is gone, and belongs to whoever locks it next.
    """

    folder: Path
    limit: int
    _file: BinaryIO | None = field(default=None, init=False)
    _size: int = field(default=0, init=False)

    def append(self, rows: Sequence[Row]) -> None:
        """Write rows and wait for the disk. Raises SpoolFull, with nothing of them kept."""
        data = b"".join(json.dumps(row, separators=(",", ":")).encode() + b"\n" for row in rows)
        try:
            file = self._open()
            if self._taken() + len(data) > self.limit:
                raise SpoolFull(f"the limit of {self.limit} bytes is reached")
            try:
                file.write(data)
                os.fsync(file.fileno())
            except OSError:
                # Half a line would be read as a broken one later.
                os.ftruncate(file.fileno(), self._size)
                raise
        except OSError as error:
            raise SpoolFull(str(error)) from error
        self._size += len(data)
        if self._size >= _FILE_BYTES:
            self.close()

    @contextmanager
    def waiting(self) -> Iterator[tuple[Path, list[Row]] | None]:
        """Give one file's rows, this process's own first, and remove the file when the block ends well.

        None where nothing waits. A file that another process has locked is that one's business.
        """
        own = self._file
        if own is not None:
            path = Path(own.name)
            yield path, _rows(path)
            path.unlink()
            self.close()
            return
        for path in sorted(self.folder.glob(f"*{_SUFFIX}")):
            with ExitStack() as opened:
                try:
                    file = opened.enter_context(path.open("rb"))
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except (BlockingIOError, FileNotFoundError):
                    continue
                # Whoever had the lock before may have stored and removed the file meanwhile.
                if not path.exists():
                    continue
                yield path, _rows(path)
                path.unlink()
                return
        yield None

    def any_waiting(self) -> bool:
        """Tell whether there is any file, be it this process's or another's."""
        return self._file is not None or any(self.folder.glob(f"*{_SUFFIX}"))

    def close(self) -> None:
        """Let go of the file, for whoever looks next; repeating it changes nothing."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _open(self) -> BinaryIO:
        if self._file is None:
            self.folder.mkdir(parents=True, exist_ok=True)
            path = self.folder / f"{os.getpid()}-{uuid.uuid4().hex[:12]}{_SUFFIX}"
            file = path.open("ab", buffering=0)
            fcntl.flock(file, fcntl.LOCK_EX)
            # The name itself must be on the disk before the first click in it is answered.
            folder = os.open(self.folder, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
            self._file, self._size = file, 0
        return self._file

    def _taken(self) -> int:
        taken = 0
        for path in self.folder.glob(f"*{_SUFFIX}"):
            # Another process may have stored and removed it just now.
            with suppress(FileNotFoundError):
                taken += path.stat().st_size
        return taken


def _rows(path: Path) -> list[Row]:
    rows: list[Row] = []
    for line in path.read_bytes().splitlines():
        try:
            rows.append(json.loads(line))
        except ValueError:
            # Only the last line of a process that was killed while it wrote: nobody was answered for it.
            continue
    return rows
