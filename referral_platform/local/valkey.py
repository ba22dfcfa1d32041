"""An embedded Redis-compatible server on the loopback, with a password."""

from __future__ import annotations

import signal
import socket
import subprocess
import time
from pathlib import Path

from referral_platform.local import addresses
from referral_platform.local.folders import private_folder, valkey_program
from referral_platform.local.processes import ChildRecord, LocalError, spawn, stop

_START_SECONDS = 60.0
_STOP_SECONDS = 15.0


class ValkeyServer:
    """One running server; on the loopback, because broker and cache spell Unix sockets differently."""

    def __init__(
        self, *, folder: Path, log: Path, url: str, lasting: bool, record: ChildRecord | None = None
    ) -> None:
        self._folder = folder
        self._log = log
        self._url = url
        self._lasting = lasting
        self._record = record
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> str:
        """Start the server, wait until it answers, and return its address.

        The address differs from the one given when that port is taken.
        """
        password = addresses.password_of(self._url)
        if not addresses.port_is_free(addresses.port_of(self._url)):
            self._url = addresses.redis_url(password, addresses.free_port())
        private_folder(self._folder, None)
        configuration = self._folder / "valkey.conf"
        configuration.touch(mode=0o600)
        configuration.write_text(self._configuration(password))
        with self._log.open("wb") as log:
            self._process = spawn(
                [valkey_program(), configuration], env={"LC_ALL": "C"}, cwd=self._folder, output=log
            )
        if self._record is not None:
            self._record.add(self._process)
        deadline = time.monotonic() + _START_SECONDS
        while not self._answers(password):
            if self._process.poll() is not None:
                text = self._log.read_text(errors="replace").strip()
                raise LocalError("Valkey did not start:\n" + "\n".join(text.splitlines()[-15:]))
            if time.monotonic() > deadline:
                self.stop()
                raise LocalError(f"Valkey took longer than {_START_SECONDS:.0f} s to start; see {self._log}")
            time.sleep(0.03)
        return self._url

    def stop(self) -> None:
        """Write everything down and end."""
        if self._process is not None:
            stop(self._process, how=signal.SIGTERM, grace=_STOP_SECONDS)
            self._process = None

    @property
    def process(self) -> subprocess.Popen[bytes] | None:
        return self._process

    def _configuration(self, password: str) -> str:
        lines = [
            "bind 127.0.0.1",
            f"port {addresses.port_of(self._url)}",
            f"requirepass {password}",
            f'dir "{self._folder}"',
            'save ""',
            f"appendonly {'yes' if self._lasting else 'no'}",
            "appendfsync everysec",
            "maxmemory-policy noeviction",
            "daemonize no",
        ]
        return "\n".join(lines) + "\n"

    def _answers(self, password: str) -> bool:
        """Whether the server takes the password and has loaded its data."""
        try:
            with socket.create_connection(
                ("127.0.0.1", addresses.port_of(self._url)), timeout=2
            ) as connection:
                connection.sendall(f"AUTH {password}\r\nPING\r\n".encode())
                answer = b""
                while answer.count(b"\r\n") < 2 and (part := connection.recv(256)):
                    answer += part
        except OSError:
            return False
        return answer == b"+OK\r\n+PONG\r\n"
