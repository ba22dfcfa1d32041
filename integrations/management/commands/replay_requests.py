"""`manage.py replay_requests DIR --url URL`: send captured webhooks to a running server."""

from __future__ import annotations

import base64
import hashlib
import hmac
import time
from argparse import ArgumentParser
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from django.core.management.base import BaseCommand, CommandError

from integrations.captured import CapturedRequest, load

# The connection sets these itself; sending the captured ones as well would contradict them.
_OWN_HEADERS = frozenset({"host", "connection", "content-length"})


@dataclass(frozen=True, slots=True)
class _Answer:
    request: CapturedRequest
    status: int | None
    detail: str
    elapsed_ms: int

    @property
    def accepted(self) -> bool:
        return self.status is not None and 200 <= self.status < 300


class Command(BaseCommand):
    """Sends every request of a folder with its own headers and its exact body, and reports each answer."""

    help = "Send captured webhook requests, byte for byte, to a connection's address on a running server."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("directory", type=Path, help="folder of .http files, sent in the order of names")
        parser.add_argument("--url", required=True, help="the connection's webhook address")
        parser.add_argument("--times", type=_positive, default=1, help="rounds over the whole folder")
        parser.add_argument("--concurrency", type=_positive, default=1, help="requests under way at once")
        parser.add_argument("--secret", help="sign again with this secret, for a connection that has another")
        parser.add_argument("--timeout", type=float, default=30.0, help="seconds to wait for each answer")

    def handle(self, *args: Any, **options: Any) -> None:
        url: str = options["url"]
        if not url.startswith(("http://", "https://")):
            raise CommandError("--url must begin with http:// or https://.")
        try:
            requests = list(load(options["directory"])) * options["times"]
        except (OSError, ValueError) as error:
            raise CommandError(str(error)) from error
        secret: str | None = options["secret"]
        workers: int = options["concurrency"]
        answers = []
        with (
            httpx.Client(
                timeout=options["timeout"], limits=httpx.Limits(max_connections=workers), trust_env=False
            ) as client,
            ThreadPoolExecutor(max_workers=workers) as pool,
        ):
            for answer in pool.map(lambda request: _send(client, url, request, secret), requests):
                self.stdout.write(_line(answer))
                answers.append(answer)
        counts = Counter(str(answer.status or answer.detail) for answer in answers)
        summary = ", ".join(f"{count} x {status}" for status, count in sorted(counts.items()))
        self.stdout.write(f"{len(answers)} sent: {summary}")
        refused = sum(not answer.accepted for answer in answers)
        if refused:
            raise CommandError(f"{refused} of {len(answers)} requests were not accepted.")


def _send(client: httpx.Client, url: str, request: CapturedRequest, secret: str | None) -> _Answer:
    headers = [(name, value) for name, value in request.headers if name.lower() not in _OWN_HEADERS]
    if secret is not None:
        headers = [
            (name, _signature(secret, request.body) if name.lower() == "x-wc-webhook-signature" else value)
            for name, value in headers
        ]
    began = time.monotonic()
    try:
        answer = client.request(request.method, url, headers=headers, content=request.body)
    except (httpx.TransportError, httpx.InvalidURL) as error:
        return _Answer(request, None, type(error).__name__, _elapsed_ms(began))
    detail = "" if answer.is_success else " ".join(answer.text.split())[:200]
    return _Answer(request, answer.status_code, detail, _elapsed_ms(began))


def _signature(secret: str, body: bytes) -> str:
    return base64.b64encode(hmac.new(secret.encode(), body, hashlib.sha256).digest()).decode()


def _elapsed_ms(began: float) -> int:
    return round((time.monotonic() - began) * 1000)


def _line(answer: _Answer) -> str:
    topic = answer.request.header("x-wc-webhook-topic") or "-"
    status = answer.status or "failed"
    line = f"{answer.request.name:<44} {topic:<34} {status} {answer.elapsed_ms:>5} ms"
    return f"{line}  {answer.detail}" if answer.detail else line


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ValueError(f"{text} is not 1 or more")
    return number
