"""What `manage.py` needs before Django reads its settings."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from referral_platform.local import addresses
from referral_platform.local.folders import ROOT, folders
from referral_platform.local.servers import prepare, servers_for_command

# Loading the demo has Postgres count rows as it goes, and archiving drops tables: only their owner may.
_OWNER_COMMANDS = {
    "archive_clicks",
    "load_demo",
    "makemigrations",
    "migrate",
    "showmigrations",
    "sqlmigrate",
    "squashmigrations",
}
_WITHOUT_DATABASE = {
    "check",
    "collectstatic",
    "compilemessages",
    "diffsettings",
    "findstatic",
    "help",
    "makemessages",
    "startapp",
    "version",
}


@contextmanager
def surroundings(arguments: Sequence[str], root: Path = ROOT) -> Iterator[None]:
    """Choose the database role for a manage.py command, and have the servers up for it if it needs them.

    `arguments` are those behind "manage.py".
    """
    command = arguments[0] if arguments else "help"
    if command in _OWNER_COMMANDS:
        os.environ["REFERRAL_DATABASE_ROLE"] = "owner"
    if needs_servers(arguments):
        with servers_for_command(root):
            yield
        return
    if any(addresses.uses_embedded(name, os.environ) for name in ("DATABASE_URL", "REDIS_URL")):
        prepare(folders(root))
    yield


def needs_servers(arguments: Sequence[str]) -> bool:
    """Whether a command does more than print or write files."""
    return (
        bool(arguments)
        and not arguments[0].startswith("-")
        and arguments[0] not in _WITHOUT_DATABASE
        and not {"-h", "--help"} & set(arguments)
    )
