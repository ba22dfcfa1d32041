"""`python -m referral_platform.local run | with-test-servers -- COMMAND ... | clean`."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

from referral_platform.local import addresses
from referral_platform.local.folders import ROOT, folders, remove, socket_folder
from referral_platform.local.processes import ChildRecord, LocalError, spawn
from referral_platform.local.servers import Ownership, throw_away_servers
from referral_platform.local.supervisor import Supervisor

_USAGE = "usage: python -m referral_platform.local run | with-test-servers -- COMMAND ... | clean"


def main(arguments: Sequence[str]) -> int:
    """Do what the arguments say and return the exit code."""
    try:
        match list(arguments):
            case ["run"]:
                return Supervisor().run()
            case ["with-test-servers", "--", *command] if command:
                return with_test_servers(command)
            case ["clean"]:
                return clean()
    except LocalError as error:
        print(error, file=sys.stderr)
        return 1
    print(_USAGE, file=sys.stderr)
    return 2


def with_test_servers(command: Sequence[str], root: Path = ROOT) -> int:
    """Run a command against fresh servers and return its exit code, 128 + n when signal n ended it."""
    pending: list[int] = []

    def on_signal(number: int, frame: FrameType | None) -> None:
        pending.append(number)

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, on_signal)
    with throw_away_servers(root) as content:
        if pending:
            return 128 + pending[0]
        outside = {
            name: value
            for name, value in os.environ.items()
            if name not in {"DATABASE_URL", "DATABASE_OWNER_URL", "REDIS_URL", "REFERRAL_DATABASE_ROLE"}
        }
        child = {"DEBUG": "false", **addresses.fill_in(outside, content)}
        try:
            process = spawn(command, env=child, cwd=Path.cwd(), output=None, own_group=False)
        except OSError as error:
            raise LocalError(f"{command[0]} cannot be started: {error.strerror}") from error

        def pass_on(number: int, frame: FrameType | None) -> None:
            # The terminal sends Ctrl-C to the command as well.
            if number != signal.SIGINT or not os.isatty(0):
                process.send_signal(number)

        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, pass_on)
        for early in pending:
            process.send_signal(early)
        code = process.wait()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, on_signal)
        return code if code >= 0 else 128 - code


def clean(root: Path = ROOT) -> int:
    """Delete the local data, wherever it stands. Refuses while the servers run."""
    places = folders(root)
    ownership = Ownership(places)
    if not ownership.take("command"):
        raise LocalError(
            f"The embedded servers run (process {ownership.holder().get('pid')}); stop them first."
        )
    try:
        ChildRecord(places.run / "children.json").end_leftovers()
        remove(socket_folder(places.postgres, places.account))
        if places.outside:
            remove(places.postgres)
        remove(places.var)
    finally:
        ownership.release()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
