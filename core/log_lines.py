"""How a line of the log is written: with the request's id, and without whatever tells who somebody is."""

from __future__ import annotations

import logging
import re
from typing import Final

_TELLING: Final = re.compile(
    r"""
    (?P<mail>[\w.+-]+(?:@|%40)[\w-]+(?:\.[\w-]+)+)
    | (?P<ipv4>(?<![\d.])(?!127\.)\d{1,3}(?:\.\d{1,3}){3}(?![\d.]))
    | (?P<ipv6>(?<![\w:.])(?=[0-9a-f:]*::|(?:[0-9a-f]+:){7})[0-9a-f]{1,4}(?::[0-9a-f]{0,4}){2,7}(?![\w:]))
    | (?P<secret>(?<=/portal/enter/)[^/\s"']+|(?<=/invitations/)[^/\s"']+|(?<=/reset/key/)[^/\s"']+)
    | (?P<visitor>\bvis_[0-9A-Za-z_-]+)
    """,
    re.VERBOSE | re.IGNORECASE,
)
_INSTEAD: Final = {
    "mail": "(mail address)",
    "ipv4": "(network address)",
    "ipv6": "(network address)",
    "secret": "(secret)",
    "visitor": "(visitor)",
}


def without_persons(line: str) -> str:
    """Return a text without e-mail and network addresses, mailed secrets in paths, and visitors' ids.

    Addresses of this machine stay, and so do public ids and codes.
    """
    return _TELLING.sub(lambda found: _INSTEAD[found.lastgroup or "mail"], line)


class LineFormatter(logging.Formatter):
    """Writes records of any logger, tracebacks included, as `without_persons` has them."""

    def format(self, record: logging.LogRecord) -> str:
        return without_persons(super().format(record))
