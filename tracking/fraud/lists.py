"""Entries of the allow and block lists: how they are written, and what they match. Pure."""

from __future__ import annotations

import ipaddress
import re
from typing import Final, Literal, get_args

from core.mailbox import normalise_domain, normalise_mailbox

ListKind = Literal["email", "domain", "source", "country", "customer", "participant", "address", "device"]
LIST_KINDS: Final[tuple[ListKind, ...]] = get_args(ListKind)

_LONGEST = 255
_HOST = re.compile(r"[a-z0-9_*-]+(?:\.[a-z0-9_*-]+)*")
_PARTICIPANT = re.compile(r"prt_[0-9a-z]{1,36}")
_RANGE = re.compile(r"((?:[0-9]{1,3}\.){3})\*")
_BEFORE_HOST = re.compile(r"\A[a-z][a-z0-9+.-]*://", re.IGNORECASE)
_AFTER_HOST = re.compile(r"[/?#].*\Z", re.DOTALL)
_PORT = re.compile(r":[0-9]+\Z")
_STAR_IN_FOREIGN_WORD = re.compile(r"[^.@]*(?:\*[^.@]*[^\x00-\x7f]|[^\x00-\x7f][^.@]*\*)")


def matches(pattern: str, value: str) -> bool:
    """Tell whether the pattern, with `*` for any text, is the whole value; capital letters are small ones.

    The time is linear in the value for each part between the stars, whatever the pattern is.
    """
    pattern, value = pattern.casefold(), value.casefold()
    first, *rest = pattern.split("*")
    if not rest:
        return pattern == value
    *middle, last = rest
    if len(value) < len(first) + len(last) or not (value.startswith(first) and value.endswith(last)):
        return False
    # The first place where a part fits leaves the most room for the parts after it.
    at, end = len(first), len(value) - len(last)
    for part in middle:
        at = value.find(part, at, end)
        if at < 0:
            return False
        at += len(part)
    return True


def source_matches(pattern: str, host: str) -> bool:
    """Tell whether a pattern names this host, or one it lies under: `x.example` names `www.x.example` too."""
    return matches(pattern, host) or matches(f"*.{pattern}", host)


def clean_pattern(kind: ListKind, text: str) -> str:
    """Return an entry as it is stored and compared.

    - `email`: a mailbox as `normalise_mailbox` writes it, `*` for any part: `*@bad.example`
    - `domain`: a domain of e-mail addresses, `*` for any part
    - `source`: a host that visitors come from, `*` for any part; of a whole URL the host is taken
    - `country`: an ISO 3166 code
    - `customer`: the shop's own id of a customer, `*` for any part
    - `participant`: a participant's public id
    - `address`: an IPv4 or IPv6 address, or an IPv4 one that ends in `.*`
    - `device`: a device's fingerprint

    Raises ValueError with a sentence for whoever typed it.
    """
    text = text.strip()
    if not text:
        raise ValueError("Write what the entry should match.")
    if len(text) > _LONGEST:
        raise ValueError(f"An entry has at most {_LONGEST} characters.")
    if not re.search(r"[^\W_]", text):
        raise ValueError("This would match everything. Write at least one letter or digit beside the stars.")
    match kind:
        case "email":
            return _mailbox(text)
        case "domain":
            return _host(text.removeprefix("*@").removeprefix("@"), "an e-mail domain like bad.example")
        case "source":
            host = _PORT.sub("", _AFTER_HOST.sub("", _BEFORE_HOST.sub("", text)))
            return _host(host, "a host like coupons.example")
        case "country":
            if not re.fullmatch(r"[A-Za-z]{2}", text):
                raise ValueError("A country is a code of two letters, like DE.")
            return text.upper()
        case "participant":
            if not _PARTICIPANT.fullmatch(text.lower()):
                raise ValueError("This is no participant's id; it starts with prt_.")
            return text.lower()
        case "address":
            return _address(text)
        case "device":
            if not re.fullmatch(r"[\w.:+/=-]+", text, re.ASCII):
                raise ValueError("A device is the fingerprint that a finding names, without a star.")
            return text
        case _:
            return text


def expand_address(pattern: str) -> tuple[str, ...]:
    """Return the exact addresses of a pattern: itself, or the 256 of an IPv4 pattern that ends in `.*`.

    Addresses are in their shortest spelling; IPv4 inside IPv6 is IPv4. Raises ValueError with a sentence for
    anything else.
    """
    clean = _address(pattern.strip())
    if not clean.endswith("*"):
        return (clean,)
    return tuple(f"{clean[:-1]}{last}" for last in range(256))


def _mailbox(text: str) -> str:
    if "@" not in text:
        raise ValueError("This is no e-mail address. Write one like ana@bad.example, or *@bad.example.")
    try:
        clean = normalise_mailbox(text)
    except ValueError:
        clean = ""
    domain = clean.rpartition("@")[2]
    if not _HOST.fullmatch(domain) or _STAR_IN_FOREIGN_WORD.search(text.rpartition("@")[2]):
        raise ValueError("This is no e-mail address. Write one like ana@bad.example, or *@bad.example.")
    if not re.search(r"[^\W_]", domain):
        raise ValueError("Name the domain, or a part of it: an e-mail entry for every domain is too wide.")
    return clean


def _host(text: str, example: str) -> str:
    try:
        # Punycode moves letters, so a star among them would match nothing.
        clean = "" if _STAR_IN_FOREIGN_WORD.search(text) else normalise_domain(text)
    except ValueError:
        clean = ""
    if not _HOST.fullmatch(clean) or not re.search(r"[^\W_]", clean):
        raise ValueError(f"Write {example}, with * for any part.")
    return clean


def _address(text: str) -> str:
    match = _RANGE.fullmatch(text)
    try:
        if match:
            return f"{ipaddress.IPv4Address(match[1] + '0')}"[:-1] + "*"
        found = ipaddress.ip_address(text)
    except ValueError:
        found = None
    if isinstance(found, ipaddress.IPv6Address):
        if found.scope_id is not None:
            found = None
        elif found.ipv4_mapped is not None:
            found = found.ipv4_mapped
    if found is None:
        raise ValueError("Write a network address like 203.0.113.7, 203.0.113.* or 2001:db8::7.")
    return str(found)
