"""Decides where a link may lead: pure rules on the address as it is written."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Final
from urllib.parse import urlsplit

from core.errors import Invalid
from programs.terms import ProgramTerms

MAX_LENGTH: Final = 2000
LOCAL_HOSTS: Final = frozenset({"localhost", "127.0.0.1"})

# Only what RFC 3986 lets stand in an address, less the backslash and brackets that browsers read differently:
# printable ASCII without blanks, quotes, angle brackets, backslash, caret, backquote and braces.
_PLAIN = re.compile(r"[!#-;=?-\[\]_a-z~]+")


class DestinationInvalid(Invalid):
    """The address is none that this program's links may lead to; `code` says why."""

    default_code = "destination_invalid"


def allowed_hosts(terms: ProgramTerms) -> frozenset[str]:
    """Return the hosts that links may lead to: those listed, or else the program's own destination's."""
    own = urlsplit(terms.destination_url).hostname
    return frozenset(terms.allowed_hosts) or frozenset({own} if own else ())


def check_destination(
    url: str, hosts: Collection[str], *, allow_local: bool = False, param: str = "destination_url"
) -> str:
    """Return the address unchanged if a link may lead there; raises DestinationInvalid if not.

    It must be an https address whose host is, letter for letter, one of `hosts` (in small letters), without a
    user name before it. `allow_local` lets plain http reach this very machine, for development.
    """

    def refused(code: str, message: str) -> DestinationInvalid:
        return DestinationInvalid(message, code=code, param=param)

    if len(url) > MAX_LENGTH:
        raise refused("too_long", f"The address may have at most {MAX_LENGTH} characters.")
    if not _PLAIN.fullmatch(url):
        raise refused("invalid_characters", "The address holds characters that may not stand in one.")
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise refused("invalid_format", "This is not a full web address.") from None
    if not host or port == 0 or not url.lower().startswith(f"{parts.scheme}://{parts.netloc}".lower()):
        raise refused("invalid_format", "This must be a full web address like https://shop.example/page.")
    if "@" in parts.netloc:
        raise refused("user_name", "The address may not hold a user name.")
    if parts.scheme != "https" and not (allow_local and parts.scheme == "http" and host in LOCAL_HOSTS):
        raise refused("not_https", "The address must start with https://.")
    if host not in hosts:
        raise refused(
            "host_not_allowed",
            f"Links of this program may lead to {', '.join(sorted(hosts)) or 'no host yet'} only.",
        )
    return url
