"""The click entry: answers clicks on links in front of Django, each of them stored before it is answered."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any, Final
from urllib.parse import parse_qsl

from django.conf import settings
from django.http.request import validate_host

from core import clock
from core.ids import new_public_id
from tracking.agents import read_agent
from tracking.classification import ClickFacts, channel, classify, referrer_host
from tracking.entry import page_clicks
from tracking.entry.directory import Directory, Unknown
from tracking.entry.limits import Buckets
from tracking.entry.page_clicks import PageClicks
from tracking.entry.reading import Environ, client_address, facts_of
from tracking.entry.spool import Spool
from tracking.entry.writer import Row, Writer, instant
from tracking.identifiers import address_hash
from tracking.link_targets import Target
from tracking.redirects import VISITOR_COOKIE, destination, known_visitor

StartResponse = Callable[..., Any]
Application = Callable[[Environ, StartResponse], Iterable[bytes]]

_PATH: Final = "/r/"
_LONGEST_QUERY: Final = 8192
_FLOOD_RATE: Final = 20.0
_FLOOD_BURST: Final = 200.0
_MADE_UP_RATE: Final = 5.0
_MADE_UP_BURST: Final = 50.0
_ADDRESSES: Final = 20_000
_CLICK: Final = "clk_00000000000000000000000000"
"""Stands for a click's id in an address that is made once and used for many."""


class ClickEntry:
    """Answers a request of a live link itself and hands everything else to the application behind it.

    A link is asked for as `/r/<code>` on the shared host, and as `/<code>` too on a workspace's own. What is
    no plain redirect (a link that is paused, expired or archived, a link preview, a sandbox) is the
    application's: it stores the click and shows the page that is due. A code that names nothing is the
    application's too, as long as one address does not try many: from there on the answer is a bare 429.

    A page's report of a click to the API is answered here too, if it is as plain (`page_clicks`).

    More requests from one address than a person makes are classified as a flood: stored, redirected, not
    counted.
    """

    def __init__(self, application: Application) -> None:
        self._application = application
        self._directory = Directory()
        self._writer = Writer(Spool(settings.CLICK_SPOOL_DIR, settings.CLICK_SPOOL_BYTES))
        self._visits = Buckets(_FLOOD_RATE, _FLOOD_BURST, _ADDRESSES)
        self._made_up = Buckets(_MADE_UP_RATE, _MADE_UP_BURST, _ADDRESSES)
        self._page_clicks = PageClicks(self._directory, self._visits, self._made_up, self._store)
        self._cookie_tail = f"; Max-Age={settings.VISITOR_DAYS * 86_400}; Path=/; HttpOnly; SameSite=Lax"

        self._writer.start()
        # Reading the patterns takes a second, which the first click should not wait for.
        threading.Thread(target=read_agent, args=("Mozilla/5.0",), name="agent patterns", daemon=True).start()

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Answer as WSGI asks."""
        if environ["REQUEST_METHOD"] == "POST" and environ.get("PATH_INFO") == page_clicks.PATH:
            answer = self._page_clicks.answer(environ, start_response)
            if answer is not None:
                return answer
        elif environ["REQUEST_METHOD"] in ("GET", "HEAD"):
            code = self._code(environ)
            if code:
                answer = self._click(environ, start_response, code)
                if answer is not None:
                    return answer
        return self._application(environ, start_response)

    def close(self) -> None:
        """Store what waits and end the threads."""
        self._writer.close()
        self._directory.close()

    def _code(self, environ: Environ) -> str:
        path: str = environ.get("PATH_INFO", "")
        if path.startswith(_PATH):
            code = path[len(_PATH) :]
        elif self._is_own(environ):
            code = path[1:]
        else:
            return ""
        return "" if "/" in code or len(code) > 40 or not code.isascii() else code.lower()

    def _is_own(self, environ: Environ) -> bool:
        return not _is_shared(_host(environ))

    def _click(self, environ: Environ, start_response: StartResponse, code: str) -> Iterable[bytes] | None:
        """Answer a click, or return None to hand the request on."""
        address = client_address(environ)
        is_link = environ["PATH_INFO"].startswith(_PATH)
        if (
            is_link
            and not self._directory.remembers(code)
            and not self._made_up.has(address, time.monotonic())
        ):
            # Whoever has tried too many codes that name nothing is answered without a look-up.
            return _not_now("429 Too Many Requests", "10", start_response)
        try:
            target = self._directory.find(code)
            if target is not None and self._is_own(environ):
                owner = self._directory.owner(_host(environ))
                target = target if owner == target.workspace_id else None
        except Unknown:
            return _not_now("503 Service Unavailable", "5", start_response)
        if target is None:
            # At the root of an own host there are other pages than links.
            if not is_link or self._made_up.take(address, time.monotonic()):
                return None
            return _not_now("429 Too Many Requests", "10", start_response)
        at = clock.now()
        if not target.direct or (target.expires is not None and target.expires <= at.timestamp()):
            return None
        text = environ.get("QUERY_STRING", "")
        tags = dict(parse_qsl(text)) if text and len(text) <= _LONGEST_QUERY else {}
        facts = facts_of(environ, tags, address)
        reason = classify(facts)
        if reason == "preview":
            return None
        if not reason and not self._visits.take(address, time.monotonic()):
            reason = "flood"
        click_id = new_public_id("clk")
        visitor = _visitor(environ)
        row = self._row(target, facts, reason, click_id, visitor or new_public_id("vis"), bool(visitor), at)
        self._writer.store(row)
        query = target.query(row.channel, tags)
        if query:
            location = destination(target.base, code=target.code, click_id=click_id, query=query)
        else:
            location = _plain_destination(target.base, target.code).replace(_CLICK, click_id)
        cookie = f"{VISITOR_COOKIE}={row.visitor_id}{self._cookie_tail}"
        start_response(
            "302 Found",
            [
                ("Location", location),
                ("Cache-Control", "no-store"),
                ("Referrer-Policy", "strict-origin-when-cross-origin"),
                ("Set-Cookie", f"{cookie}; Secure" if _is_secure(environ) else cookie),
                ("Content-Length", "0"),
            ],
        )
        return [b""]

    def _store(self, target: Target, facts: ClickFacts, reason: str, click_id: str, visitor_id: str) -> None:
        """Store the click of a visitor who was not here before."""
        self._writer.store(self._row(target, facts, reason, click_id, visitor_id, False, clock.now()))

    @staticmethod
    def _row(
        target: Target, facts: ClickFacts, reason: str, click_id: str, visitor: str, known: bool, at: Any
    ) -> Row:
        agent = read_agent(facts.user_agent)
        return Row(
            target.workspace_id,
            target.link_id,
            target.participant_id,
            target.program_id,
            click_id,
            visitor,
            instant(at),
            reason,
            channel(facts),
            referrer_host(facts.referrer).replace("\x00", ""),
            address_hash(facts.address, at),
            facts.country[:2].upper(),
            known,
            agent.browser,
            agent.system,
            agent.device,
        )


def _not_now(status: str, seconds: str, start_response: StartResponse) -> Iterable[bytes]:
    headers = [("Retry-After", seconds), ("Cache-Control", "no-store"), ("Content-Length", "0")]
    start_response(status, headers)
    return [b""]


@lru_cache(maxsize=10_000)
def _plain_destination(base: str, code: str) -> str:
    return destination(base, code=code, click_id=_CLICK, query={})


@lru_cache(maxsize=10_000)
def _is_shared(host: str) -> bool:
    """Tell whether all workspaces' links are on a host; every other one is a workspace's own, or nobody's."""
    return host in settings.SHARED_HOSTS or validate_host(host, settings.ALLOWED_HOSTS)


def _host(environ: Environ) -> str:
    host: str = environ.get("HTTP_HOST", "").lower()
    return host.rpartition(":")[0] if host.rpartition(":")[2].isdecimal() else host


def _is_secure(environ: Environ) -> bool:
    header = settings.SECURE_PROXY_SSL_HEADER
    if header is not None:
        return bool(environ.get(header[0]) == header[1])
    return bool(environ.get("wsgi.url_scheme") == "https")


def _visitor(environ: Environ) -> str:
    for part in environ.get("HTTP_COOKIE", "").split(";"):
        name, _, value = part.strip().partition("=")
        if name == VISITOR_COOKIE:
            return known_visitor(value)
    return ""
