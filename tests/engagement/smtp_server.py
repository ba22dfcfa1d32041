"""A small mail server on loopback that remembers what it took and can be told to misbehave."""

from __future__ import annotations

import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import Message as Mail


@dataclass
class Inbox:
    """What the server took; `behaviour` is accept, or how it fails."""

    port: int = 0
    behaviour: str = "accept"
    taken: list[tuple[str, str, Mail]] = field(default_factory=list)


@contextmanager
def mail_server() -> Iterator[Inbox]:
    """Run the server in a thread; it can accept, greylist (451), no_such_user (550), spam (554), hang_up."""
    inbox = Inbox()

    class Session(socketserver.StreamRequestHandler):
        def say(self, line: str) -> None:
            self.wfile.write(f"{line}\r\n".encode())

        def handle(self) -> None:
            self.say("220 ready")
            sender, to = "", ""
            while line := self.rfile.readline():
                command = line.decode().strip()
                verb = command.upper()
                if verb.startswith("MAIL"):
                    sender = command.partition(":")[2].split()[0].strip("<>")
                    self.say("250 ok")
                elif verb.startswith("RCPT"):
                    to = command.partition(":")[2].split()[0].strip("<>")
                    refusal = {
                        "greylist": "451 come back later",
                        "no_such_user": "550 <ana@example.com>: no such user",
                    }
                    self.say(refusal.get(inbox.behaviour, "250 ok"))
                elif verb == "DATA":
                    self.say("354 go on")
                    raw = b""
                    while (data := self.rfile.readline()) != b".\r\n":
                        raw += data
                    if inbox.behaviour == "spam":
                        self.say("554 looks like spam")
                        continue
                    inbox.taken.append((sender, to, message_from_bytes(raw)))
                    if inbox.behaviour == "hang_up":
                        return
                    self.say("250 taken")
                elif verb == "QUIT":
                    self.say("221 bye")
                    return
                else:
                    self.say("250 ok")

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True
        allow_reuse_address = True

    with Server(("127.0.0.1", 0), Session) as server:
        inbox.port = server.server_address[1]
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield inbox
        server.shutdown()
