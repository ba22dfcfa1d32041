"""A Postgres of the platform's own, which may be stopped in the middle of anything and started again."""

from __future__ import annotations

import signal
from pathlib import Path

from referral_platform.local import addresses
from referral_platform.local.folders import folders, home, remove, socket_folder
from referral_platform.local.postgres import Cluster, PostgresServer


class OwnPostgres:
    """One cluster, gone with its owner. `name` keeps runs at the same time apart."""

    def __init__(self, log: Path, name: str) -> None:
        places = folders()
        self._home = places.postgres / f"journey-{name}"
        remove(self._home)
        home(self._home, places.account)
        self._sockets = socket_folder(self._home, places.account)
        self.addresses = addresses.create(socket_folder=self._sockets)
        self._server = PostgresServer(
            Cluster(self._home, self._sockets, log, places.account, throw_away=True), content=self.addresses
        )

    def start(self) -> None:
        """Start it, with what was committed before; returns once it answers."""
        self._server.start()

    def die(self, how: signal.Signals) -> None:
        """End it without warning: SIGQUIT is `pg_ctl stop -m immediate`, SIGKILL leaves nobody to tidy up."""
        process = self._server.process
        assert process is not None
        process.send_signal(how)
        process.wait()

    def close(self) -> None:
        """Stop it and delete everything."""
        self._server.stop()
        for path in (self._sockets, self._home):
            remove(path)
