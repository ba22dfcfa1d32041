"""A whole list as a CSV file.

UTF-8 with a byte order mark: the spreadsheets people open these files in take one without it for the
machine's old code page and garble every name outside ASCII; programs read it as `utf-8-sig`. Lines end in
CR LF (RFC 4180). Text that a spreadsheet would read as a formula is preceded by an apostrophe.
"""

from __future__ import annotations

import csv
import io
import tempfile
from typing import IO, Any

from django.db.models import QuerySet
from django.http import FileResponse

from core.lists.table import Table

IN_MEMORY = 1 << 20
ROWS_AT_A_TIME = 2000


def csv_file(table: Table, rows: QuerySet[Any], name: str) -> FileResponse:
    """Return a download of all rows.

    The rows are written before the answer starts, while the workspace's transaction is open, and to the disk
    beyond a megabyte; neither database nor server keeps the whole list in memory.
    """
    spooled: IO[bytes] = tempfile.SpooledTemporaryFile(max_size=IN_MEMORY)  # noqa: SIM115 - closed with the answer
    text = io.TextIOWrapper(spooled, encoding="utf-8-sig", newline="", write_through=True)
    writer = csv.writer(text)
    writer.writerow(table.file_heads())
    for record in rows.iterator(chunk_size=ROWS_AT_A_TIME):
        writer.writerow(table.file_line(record))
    text.detach()
    size = spooled.tell()
    spooled.seek(0)
    response = FileResponse(
        spooled, as_attachment=True, filename=f"{name}.csv", content_type="text/csv; charset=utf-8"
    )
    response.headers["Content-Length"] = str(size)
    response.headers["Cache-Control"] = "no-store"
    return response
