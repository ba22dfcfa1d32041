"""A name server on this machine that answers TXT questions out of a dictionary, over real UDP."""

from __future__ import annotations

import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import dns.flags
import dns.message
import dns.rcode
import dns.rrset


class NameServer:
    """Answers with the `records` of a name; a `broken` one fails each question."""

    def __init__(self) -> None:
        self.records: dict[str, str] = {}
        self.broken = False
        self.asked: list[str] = []

    def answer(self, question: bytes) -> bytes:
        """Return the answer to one question, as bytes on the wire."""
        query = dns.message.from_wire(question)
        name = query.question[0].name
        text = name.to_text().rstrip(".").lower()
        self.asked.append(text)
        reply = dns.message.make_response(query)
        reply.flags |= dns.flags.AA | dns.flags.RA
        if self.broken:
            reply.set_rcode(dns.rcode.SERVFAIL)
        elif text in self.records:
            reply.answer.append(dns.rrset.from_text(name, 60, "IN", "TXT", f'"{self.records[text]}"'))
        else:
            reply.set_rcode(dns.rcode.NXDOMAIN)
        return bytes(reply.to_wire())


@contextmanager
def name_server(settings: Any) -> Iterator[NameServer]:
    """Run a name server and have the product ask it."""
    server = NameServer()

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            question, connection = self.request
            connection.sendto(server.answer(question), self.client_address)

    with socketserver.ThreadingUDPServer(("127.0.0.1", 0), Handler) as udp:
        thread = threading.Thread(target=udp.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        settings.DNS_SERVERS = [f"127.0.0.1:{udp.server_address[1]}"]
        try:
            yield server
        finally:
            udp.shutdown()
            thread.join()
