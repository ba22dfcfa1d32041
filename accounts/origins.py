"""Names of sites that people write: origins that may frame the portal, and hosts of a workspace's own."""

from __future__ import annotations

import re
from typing import Final

from core.errors import Invalid

_ORIGIN = re.compile(r"(?:(https?)://)?(\*\.)?([^/:@?#\s\\]+)(?::([0-9]{1,5}))?/?")
_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_THIS_MACHINE: Final = ("localhost", "127.0.0.1")


def parse_origin(text: str, *, param: str | None = None) -> str:
    """Read a host name or an origin into `https://shop.example`; names of other scripts become ASCII.

    `*.` before the name stands for all names below it. Only the machine itself may be without TLS, for
    development. Raises Invalid naming `param`.
    """
    match = _ORIGIN.fullmatch(text.strip().lower())
    host = _ascii(match[3]) if match else ""
    if match is None or not _is_host(host):
        raise Invalid(f"“{text.strip()[:100]}” is not a host name like shop.example.com.", param=param)
    scheme, wildcard, port = match[1] or "https", match[2] or "", match[4]
    local = host in _THIS_MACHINE
    if scheme == "http" and not local:
        raise Invalid(f"{host} has to be reached by https.", param=param)
    if wildcard and (local or host.count(".") < 1):
        raise Invalid(f"*.{host} would let in more than one company's sites.", param=param)
    if port and not 0 < int(port) < 65536:
        raise Invalid(f"{port} is not a port.", param=param)
    return f"{scheme}://{wildcard}{host}{f':{int(port)}' if port else ''}"


def parse_host(text: str, *, param: str | None = None) -> str:
    """Read a host name like `go.shop.example` into small ASCII letters. Raises Invalid naming `param`."""
    given = text.strip().lower().removesuffix(".")
    host = _ascii(given)
    if not re.fullmatch(r"[^/:@?#\s\\*]+", given) or host in _THIS_MACHINE or not _is_host(host):
        raise Invalid(f"“{text.strip()[:100]}” is not a host name like go.shop.example.", param=param)
    return host


def _ascii(host: str) -> str:
    try:
        return host.encode("idna").decode()
    except UnicodeError:
        return ""


def _is_host(host: str) -> bool:
    labels = host.split(".")
    if host in _THIS_MACHINE:
        return True
    named = len(labels) > 1 and not labels[-1].isdigit() and len(host) <= 253
    return named and all(_LABEL.fullmatch(label) for label in labels)
