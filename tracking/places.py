"""Tells the country a request comes from: by the CDN's header, else by a file of networks, or not."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from functools import lru_cache
from ipaddress import ip_address
from itertools import islice
from typing import Any, Final

import maxminddb
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

logger = logging.getLogger(__name__)

PROBED: Final = 1000
"""How many networks of a file are looked at for a country before it is refused."""

_COUNTRY = re.compile(r"[A-Za-z]{2}")
# What Cloudflare and others say for an address of no known country; T1 (Tor) has no form of a country anyway.
_NOWHERE = frozenset({"XX", "ZZ", "AP", "EU", "A1", "A2"})


def country_of(headers: Mapping[str, str], address: str) -> str:
    """Return the ISO code of the country, or nothing.

    Only the header that TRUSTED_COUNTRY_HEADER names is believed, because anybody can send the others; it is
    looked up as the setting spells it, in small letters, and as a WSGI environment does. The file of
    GEOIP_FILE answers where the header does not.
    """
    name: str = settings.TRUSTED_COUNTRY_HEADER
    if name:
        for spelling in _spellings(name):
            found = _code(headers.get(spelling))
            if found:
                return found
    path: str = settings.GEOIP_FILE
    return _country_in(_reader(path), address) if path and address else ""


def load_file() -> None:
    """Open the file of GEOIP_FILE, if one is set; raises ImproperlyConfigured for one that cannot be used."""
    if settings.GEOIP_FILE:
        _reader(settings.GEOIP_FILE)


@lru_cache(maxsize=4)
def _spellings(name: str) -> tuple[str, ...]:
    return f"HTTP_{name.upper().replace('-', '_')}", name, name.lower()


@lru_cache(maxsize=4)
def _reader(path: str) -> maxminddb.Reader:
    try:
        reader = maxminddb.open_database(path)
    except OSError as error:
        raise ImproperlyConfigured(f"GEOIP_FILE: {path} cannot be read: {error.strerror}.") from error
    except maxminddb.InvalidDatabaseError as error:
        raise ImproperlyConfigured(f"GEOIP_FILE: {path} is no MaxMind database, or a broken one.") from error
    try:
        known = any(_code_in(record) for _, record in islice(reader, PROBED))
    except maxminddb.InvalidDatabaseError as error:
        raise ImproperlyConfigured(f"GEOIP_FILE: {path} is no MaxMind database, or a broken one.") from error
    if not known:
        raise ImproperlyConfigured(
            f"GEOIP_FILE: {path} names no countries; a country or city file is needed."
        )
    return reader


def _country_in(reader: maxminddb.Reader, address: str) -> str:
    try:
        parsed = ip_address(address)
        # Servers that listen on both kinds of addresses write the old kind as one of the new.
        return _code_in(reader.get(getattr(parsed, "ipv4_mapped", None) or parsed))
    except ValueError:
        # No address, or one of IPv6 in a file of IPv4.
        return ""
    except maxminddb.InvalidDatabaseError:
        # A click is worth more than its country.
        logger.exception("The file of countries is broken.")
        return ""


def _code_in(record: Any) -> str:
    """Return the country of a record as MaxMind, DB-IP or IPinfo write it."""
    if not isinstance(record, dict):
        return ""
    for name in ("country", "registered_country", "country_code"):
        value = record.get(name)
        found = _code(value.get("iso_code") if isinstance(value, dict) else value)
        if found:
            return found
    return ""


def _code(text: object) -> str:
    if not isinstance(text, str) or not _COUNTRY.fullmatch(text):
        return ""
    code = text.upper()
    return "" if code in _NOWHERE else code
