"""A file that is written piece by piece and downloaded."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from typing import IO

from django.http import FileResponse

IN_MEMORY = 1 << 20


def written(pieces: Iterable[str], *, name: str, content_type: str) -> FileResponse:
    """Return a download of the pieces, in UTF-8.

    They are written before the answer starts, while the workspace's transaction is open, so that what goes
    wrong is answered and not cut off; beyond a megabyte they go to the disk, and nobody keeps the whole file
    in memory.
    """
    spooled: IO[bytes] = tempfile.SpooledTemporaryFile(max_size=IN_MEMORY)  # noqa: SIM115 - closed with the answer
    for piece in pieces:
        spooled.write(piece.encode())
    size = spooled.tell()
    spooled.seek(0)
    response = FileResponse(spooled, as_attachment=True, filename=name, content_type=content_type)
    response.headers["Content-Length"] = str(size)
    response.headers["Cache-Control"] = "no-store"
    return response
