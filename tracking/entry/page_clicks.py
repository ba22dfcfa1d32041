"""Clicks that a page reports with its publishable key: the plain ones, stored as those on links are."""

from __future__ import annotations

import io
import json
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final

from accounts.cross_origin import ANSWER_HEADERS, lists_origin
from core import clock
from core.ids import new_public_id
from tracking.classification import ClickFacts, classify
from tracking.entry.directory import Directory, PageKey, Unknown
from tracking.entry.limits import Buckets
from tracking.entry.reading import Environ, client_address, facts_of_page
from tracking.link_targets import Target
from tracking.serializers import ClickBody

PATH: Final = "/api/v1/track/click"

_LONGEST: Final = 16_384
_PLAIN: Final = frozenset({"key", "domain", "url", "referrer"})
"""What a first visit tells. Who was here before is told apart by what is stored, which is the API's work."""

Store = Callable[[Target, ClickFacts, str, str, str], None]
"""Stores a click: its target, who clicked, why it does not count, its id and the visitor's."""


@dataclass(frozen=True, slots=True)
class PageClicks:
    """Answers the first report of a visitor itself; whatever is not plain is the application's.

    That is: keys that are unknown or not publishable, sites the key does not work on, bodies that are not
    valid, visitors who were here before, links that are no plain redirect. The application answers those as
    it would have without this class, errors included. Reports of an address that has tried many keys or codes
    that name nothing, on links as well, are handed on without a look-up.
    """

    directory: Directory
    visits: Buckets
    made_up: Buckets
    store: Store

    def answer(self, environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes] | None:
        """Answer a report, or return None to hand the request on."""
        if environ.get("CONTENT_TYPE", "").partition(";")[0].strip().lower() != "application/json":
            return None
        if "HTTP_IDEMPOTENCY_KEY" in environ:
            return None
        address = client_address(environ)
        try:
            key = self._key(environ, address)
            body = self._body(environ) if key is not None else None
            target = self._target(body["key"].strip().lower(), address) if body else None
        except Unknown:
            return None
        if key is None or body is None or target is None or target.workspace_id != key.workspace_id:
            return None
        at = clock.now()
        if not target.direct or (target.expires is not None and target.expires <= at.timestamp()):
            return None
        facts = facts_of_page(
            environ, url=body.get("url", ""), referrer=body.get("referrer", ""), address=address
        )
        reason = classify(facts)
        if not reason and not self.visits.take(address, time.monotonic()):
            reason = "flood"
        click_id, visitor_id = new_public_id("clk"), new_public_id("vis")
        self.store(target, facts, reason, click_id, visitor_id)
        text = json.dumps(
            {
                "click_id": click_id,
                "visitor_id": visitor_id,
                "counted": not reason,
                "reason": reason,
                "link": target.link_public_id,
            }
        ).encode()
        start_response(
            "201 Created",
            [
                ("Content-Type", "application/json"),
                ("Content-Length", str(len(text))),
                ("Cache-Control", "no-store"),
                *ANSWER_HEADERS.items(),
            ],
        )
        return [text]

    def _key(self, environ: Environ, address: str) -> PageKey | None:
        scheme, _, token = environ.get("HTTP_AUTHORIZATION", "").partition(" ")
        token = token.strip()
        readable = token.isascii() and token.isprintable() and len(token) <= 200
        if scheme.lower() != "bearer" or not token.startswith("pk_") or not readable:
            return None
        now = time.monotonic()
        if not self.made_up.has(address, now):
            return None
        key = self.directory.key(token)
        if key is None:
            self.made_up.take(address, now)
            return None
        if key.origins and not lists_origin(key.origins, environ.get("HTTP_ORIGIN", "")):
            return None
        return key

    def _target(self, code: str, address: str) -> Target | None:
        target = self.directory.find(code)
        if target is None:
            self.made_up.take(address, time.monotonic())
        return target

    def _body(self, environ: Environ) -> dict[str, Any] | None:
        """Return the validated body of a first visit, or None; the application can read it once more."""
        length = environ.get("CONTENT_LENGTH") or ""
        if not length.isdecimal() or not 0 < int(length) <= _LONGEST:
            return None
        sent = environ["wsgi.input"].read(int(length))
        environ["wsgi.input"] = io.BytesIO(sent)
        try:
            told = json.loads(sent)
        except ValueError:
            return None
        if not isinstance(told, dict):
            return None
        form = ClickBody(data=told)
        if not form.is_valid() or not form.validated_data.keys() <= _PLAIN:
            return None
        found: dict[str, Any] = form.validated_data
        return found
