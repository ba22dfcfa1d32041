"""Addresses and keys of the embedded servers of this checkout, kept in `var/local.json`."""

from __future__ import annotations

import base64
import json
import os
import secrets
import socket
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote, urlsplit

from referral_platform.local.folders import ROOT
from referral_platform.local.processes import LocalError

OWNER_ROLE = "referral_owner"
RUNTIME_ROLE = "referral_app"
DATABASE = "referral"
_KEYS = ("database_url", "database_owner_url", "redis_url", "secret_key", "hash_key", "credentials_keys")


class ServersNotStarted(LocalError):
    """No embedded server was ever started in this checkout, and no address was given instead."""


def load(root: Path = ROOT) -> dict[str, str]:
    """The addresses and keys of the embedded servers.

    Keys: database_url (runtime role), database_owner_url (the role that migrates), redis_url, secret_key,
    hash_key, credentials_keys (comma-separated, the first one encrypts). Raises ServersNotStarted.
    """
    try:
        content = json.loads(_file(root).read_text())
    except FileNotFoundError as error:
        raise ServersNotStarted(
            "DATABASE_URL or REDIS_URL is not set, and this checkout's embedded servers were never started. "
            "Start them with `make run`, or set both variables."
        ) from error
    except (OSError, ValueError) as error:
        raise LocalError(f"{_file(root)} cannot be read: {error}") from error
    missing = [key for key in _KEYS if not isinstance(content.get(key), str)]
    if missing:
        raise LocalError(f"{_file(root)} lacks {', '.join(missing)}; `make clean` starts afresh.")
    return {str(key): str(value) for key, value in content.items()}


def exists(root: Path) -> bool:
    """Whether this checkout has addresses and keys already."""
    return _file(root).exists()


def create(*, socket_folder: Path) -> dict[str, str]:
    """New addresses and keys: random passwords and keys, a free port."""
    return {
        "database_url": database_url(RUNTIME_ROLE, secrets.token_urlsafe(24), socket_folder),
        "database_owner_url": database_url(OWNER_ROLE, secrets.token_urlsafe(24), socket_folder),
        "redis_url": redis_url(secrets.token_urlsafe(24), free_port()),
        "secret_key": secrets.token_urlsafe(48),
        "hash_key": secrets.token_urlsafe(48),
        "credentials_keys": base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
    }


def save(root: Path, content: dict[str, str]) -> None:
    """Write the file whole or not at all, readable by its owner only."""
    temporary = _file(root).with_suffix(".new")
    temporary.unlink(missing_ok=True)
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump(content, file, indent=1)
    temporary.replace(_file(root))


def uses_embedded(name: str, environment: Mapping[str, str]) -> bool:
    """Whether the embedded server is wanted: `name`, DATABASE_URL or REDIS_URL, is unset or empty."""
    return not environment.get(name)


def fill_in(environment: Mapping[str, str], content: dict[str, str]) -> dict[str, str]:
    """The environment of a child: what is set stays, the embedded servers' addresses and keys fill the gaps.

    The owner's address goes with the runtime role's: a given DATABASE_URL never meets an embedded owner.
    """
    filled = dict(environment)
    if uses_embedded("DATABASE_URL", environment):
        filled["DATABASE_URL"] = content["database_url"]
        filled["DATABASE_OWNER_URL"] = content["database_owner_url"]
    for key in ("redis_url", "secret_key", "hash_key", "credentials_keys"):
        if not filled.get(key.upper()):
            filled[key.upper()] = content[key]
    return filled


def database_url(role: str, password: str, socket_folder: Path) -> str:
    """A Postgres address over a Unix socket, in the form that libpq documents."""
    return f"postgres://{role}:{password}@/{DATABASE}?host={quote(str(socket_folder), safe='')}"


def redis_url(password: str, port: int) -> str:
    """The address of a server on this machine's loopback."""
    return f"redis://:{password}@127.0.0.1:{port}/0"


def password_of(url: str) -> str:
    """The password inside an address made here."""
    return urlsplit(url).password or ""


def port_of(url: str) -> int:
    """The port inside an address made here."""
    return urlsplit(url).port or 0


def port_is_free(port: int) -> bool:
    """Whether a server could listen on this loopback port now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def free_port(first: int | None = None) -> int:
    """The first free loopback port from `first` on, or any free one. Raises LocalError when 100 are taken."""
    if first is None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            return int(probe.getsockname()[1])
    for port in range(first, min(first + 100, 65536)):
        if port_is_free(port):
            return port
    raise LocalError(f"No port is free between {first} and {min(first + 99, 65535)}; set WEB_PORT.")


def _file(root: Path) -> Path:
    return root / "var" / "local.json"
