"""Captured requests: whole HTTP requests kept in `.http` files, read back byte for byte."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_REQUEST_LINE = re.compile(r"([A-Z]+) (/[!-~]*) HTTP/1\.[01]")


@dataclass(frozen=True, slots=True)
class CapturedRequest:
    """One request. `headers` keeps the order and the spelling; `body` is exactly Content-Length bytes."""

    name: str
    method: str
    path: str
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def header(self, name: str) -> str:
        """Return the first header of that name in any spelling; empty if there is none."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), "")


def load(directory: Path) -> Iterator[CapturedRequest]:
    """Yield the requests of a folder's `.http` files in the order of their names.

    A file is a request line, headers, an empty line (all ended by CR LF) and a body to the end of the file.
    ValueError naming the file for one that is not, or whose body is not as long as it says; also if the
    folder holds none.
    """
    files = sorted(directory.glob("*.http"))
    if not files:
        raise ValueError(f"{directory} holds no .http files.")
    for file in files:
        yield _read(file)


def _read(file: Path) -> CapturedRequest:
    head, separator, body = file.read_bytes().partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    request_line = _REQUEST_LINE.fullmatch(first)
    if not separator or request_line is None:
        raise ValueError(f"{file.name} is not a whole HTTP request with CR LF line ends.")
    headers = []
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon:
            raise ValueError(f"{file.name} has a header line without a colon: {line[:60]!r}.")
        headers.append((name, value.strip()))
    request = CapturedRequest(file.stem, request_line[1], request_line[2], tuple(headers), body)
    if request.header("content-length") != str(len(body)):
        raise ValueError(
            f"{file.name} says Content-Length {request.header('content-length')!r} but has {len(body)} bytes."
        )
    return request
