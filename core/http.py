"""Safe outbound HTTP: the one door through which addresses chosen by tenants or vendors are called.

A host name is resolved once, every address is judged, and the judged address is the one that is dialled, so a
name that changes its answer between check and call gains nothing. Redirects are returned, never followed.
"""

from __future__ import annotations

import re
import ssl
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from functools import lru_cache
from typing import Final

import httpcore
import httpx

from core.network import (
    Backend,
    Deadline,
    OutboundFailed,
    OutboundRefused,
    Policy,
    address_refused,
    parsed_address,
)

__all__ = [
    "PUBLIC",
    "OutboundFailed",
    "OutboundRefused",
    "Policy",
    "Response",
    "check_url",
    "get",
    "post",
    "request",
    "retry_after_seconds",
]

MAX_URL_LENGTH: Final = 2048
# Headers that frame the message or choose its receiver; a caller who sets them could contradict the URL.
_OWN_HEADERS: Final = frozenset(
    {
        "accept-encoding",
        "connection",
        "content-length",
        "expect",
        "host",
        "keep-alive",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)
_HEADER_NAME: Final = re.compile(r"[-!#$%&'*+.^_`|~0-9A-Za-z]+")
_HEADER_VALUE: Final = re.compile(r"(?:[!-~](?:[\t -~]*[!-~])?)?")
_AUTHORITY: Final = re.compile(r"[^:/?#]+://([^/?#]*)")


@dataclass(frozen=True, slots=True)
class Response:
    """An answer of any status. Header names are lower-case, repeated headers are joined by commas."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    truncated: bool
    elapsed_ms: int


PUBLIC: Final = Policy()


def check_url(url: str, *, policy: Policy = PUBLIC) -> None:
    """Raise OutboundRefused if `url` could never be called. Names are not resolved, so none is looked up."""
    _target(url, policy)


def get(
    url: str,
    *,
    headers: Mapping[str, str] | None = None,
    timeout: float = 10.0,
    limit: int = 1_048_576,
    whole: bool = True,
    policy: Policy = PUBLIC,
) -> Response:
    """Fetch `url`; see `request`."""
    return request("GET", url, headers=headers, timeout=timeout, limit=limit, whole=whole, policy=policy)


def post(
    url: str,
    *,
    body: bytes,
    headers: Mapping[str, str] | None = None,
    timeout: float = 15.0,
    limit: int = 65_536,
    whole: bool = False,
    policy: Policy = PUBLIC,
) -> Response:
    """Send `body` to `url`; see `request`."""
    return request(
        "POST", url, body=body, headers=headers, timeout=timeout, limit=limit, whole=whole, policy=policy
    )


def request(
    method: str,
    url: str,
    *,
    body: bytes | None = None,
    headers: Mapping[str, str] | None = None,
    timeout: float,
    limit: int,
    whole: bool,
    policy: Policy = PUBLIC,
) -> Response:
    """Make one HTTP request and return its answer, whatever its status, within `timeout` seconds in all.

    At most `limit` bytes of the answer are kept: a longer one raises OutboundFailed("too_large") if it is
    needed `whole`, else it is cut and marked. Compressed answers are not asked for. Raises OutboundRefused
    before any byte is sent, OutboundFailed after; a refused request has no effect, a failed one may have.
    """
    began = time.monotonic()
    deadline = Deadline(timeout)
    target = _target(url, policy)
    fields = _fields(target, headers or {})
    ssl_context = _ssl_context(policy.ca_file) if target.scheme == "https" else None
    origin = httpcore.URL(
        scheme=target.scheme.encode(),
        host=target.raw_host,
        port=_port(target),
        target=target.raw_path,
    )
    backend = Backend(policy, deadline)
    received = bytearray()
    try:
        with (
            httpcore.ConnectionPool(
                ssl_context=ssl_context, max_connections=1, network_backend=backend
            ) as pool,
            pool.stream(method, origin, headers=fields, content=body) as answer,
        ):
            for chunk in answer.iter_stream():
                received += chunk
                if len(received) > limit:
                    break
            status, raw_headers = answer.status, answer.headers
    except httpcore.TimeoutException as error:
        raise OutboundFailed("timeout", "The server did not answer in time.") from error
    except httpcore.ConnectError as error:
        raise OutboundFailed("connect", "The server could not be reached.") from error
    except (httpcore.RemoteProtocolError, httpcore.NetworkError) as error:
        raise OutboundFailed("protocol", "The server's answer was broken off or is not HTTP.") from error
    if whole and len(received) > limit:
        raise OutboundFailed("too_large", f"The answer is larger than {limit} bytes.")
    return Response(
        status=status,
        headers=_joined(raw_headers),
        body=bytes(received[:limit]),
        truncated=len(received) > limit,
        elapsed_ms=round((time.monotonic() - began) * 1000),
    )


def retry_after_seconds(headers: Mapping[str, str], *, at: datetime) -> int | None:
    """Read `Retry-After` (seconds or an HTTP date) as seconds from `at`; None if absent or malformed."""
    text = headers.get("retry-after", "").strip()
    if re.fullmatch(r"[0-9]{1,9}", text):
        return int(text)
    try:
        until = parsedate_to_datetime(text)
    except (ValueError, TypeError, OverflowError):
        return None
    if until.tzinfo is None:
        return None
    return max(0, round((until - at).total_seconds()))


def _target(url: str, policy: Policy) -> httpx.URL:
    if len(url) > MAX_URL_LENGTH:
        raise OutboundRefused("bad_url", f"The URL is longer than {MAX_URL_LENGTH} characters.")
    authority = _AUTHORITY.match(url)
    if authority is None or re.search(r"[\s\\\x00-\x20\x7f]", url):
        raise OutboundRefused("bad_url", "The URL must be absolute, without blanks or backslashes.")
    if "@" in authority[1]:
        raise OutboundRefused("userinfo", "The URL must not contain a user name or password.")
    try:
        target = httpx.URL(url)
    except (httpx.InvalidURL, ValueError) as error:
        raise OutboundRefused("bad_url", "The URL is malformed.") from error
    if target.scheme not in ("http", "https"):
        raise OutboundRefused("scheme", "The URL must begin with https:// or http://.")
    if not target.host:
        raise OutboundRefused("bad_url", "The URL names no host.")
    if _port(target) not in policy.allow_ports:
        raise OutboundRefused("port", f"Port {_port(target)} is not allowed.")
    literal = parsed_address(target.host)
    if literal is not None and not policy.allows(literal):
        raise address_refused()
    return target


def _port(target: httpx.URL) -> int:
    if target.port is not None:
        return target.port
    return 443 if target.scheme == "https" else 80


def _fields(target: httpx.URL, headers: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
    fields = [
        (b"Host", target.netloc),
        (b"Accept-Encoding", b"identity"),
        (b"Connection", b"close"),
    ]
    if "user-agent" not in {name.lower() for name in headers}:
        fields.append((b"User-Agent", b"referral-platform"))
    for name, value in headers.items():
        if name.lower() in _OWN_HEADERS:
            raise OutboundRefused("header", f"The header {name} is set by the platform.")
        if not _HEADER_NAME.fullmatch(name) or not _HEADER_VALUE.fullmatch(value):
            raise OutboundRefused("header", "Header names and values must be one line of plain ASCII.")
        fields.append((name.encode(), value.encode()))
    return fields


def _joined(raw: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    headers: dict[str, str] = {}
    for raw_name, raw_value in raw:
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return headers


@lru_cache(maxsize=8)
def _ssl_context(ca_file: str | None) -> ssl.SSLContext:
    if ca_file is None:
        return httpx.create_ssl_context(trust_env=False)
    return ssl.create_default_context(cafile=ca_file)
