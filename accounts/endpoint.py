"""The base of every API endpoint: one tenant transaction per request, idempotent POSTs."""

from __future__ import annotations

import hashlib
import json
from contextlib import ExitStack
from datetime import datetime
from typing import Any, ClassVar

from django.db import OperationalError, transaction
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.encoders import JSONEncoder

from accounts import services
from accounts.cross_origin import ANSWER_HEADERS, PREFLIGHT_HEADERS
from accounts.models import ApiKey, IdempotencyKey, Workspace
from accounts.permissions import PUBLISHABLE_SCOPES
from core import clock
from core.errors import Conflict, Invalid
from core.tenancy import tenant

TRIES = 3
_LOST_A_RACE = frozenset({"40001", "40P01"})
"""SQLSTATEs of a serialization failure and of a deadlock: nothing was done, and a second try succeeds."""


class _Replayed(Exception):
    """Carries a stored answer past the handler."""

    def __init__(self, stored: IdempotencyKey) -> None:
        self.stored = stored


class WorkspaceEndpoint(GenericAPIView):  # type: ignore[type-arg]
    """An endpoint that acts in the API key's workspace.

    The handler runs in one transaction that sees only that workspace; an error rolls all of it back, and a
    deadlock runs it again.
    `scopes` maps each method to the scopes of which the key needs one. `self.workspace` and `self.at` (the
    workspace's own time) are set before the handler runs. A POST with an `Idempotency-Key` header is answered
    from the stored answer when repeated (`Idempotent-Replayed: true`), and refused with 409 when the address
    or the body differs; two at once wait for each other. Refused requests are not stored and may be retried.
    """

    scopes: ClassVar[dict[str, tuple[str, ...]]] = {
        "GET": ("read",),
        "POST": ("write",),
        "PATCH": ("write",),
        "DELETE": ("write",),
    }
    # DRF's OPTIONS would fail where there is no serializer; the OpenAPI file describes every endpoint.
    http_method_names = ["get", "head", "post", "patch", "delete"]
    workspace: Workspace
    at: datetime
    _idempotency: IdempotencyKey | None = None
    _entered = False

    @classmethod
    def serves_pages(cls) -> bool:
        """Tell whether a publishable key opens it, so that pages of other sites call it."""
        return not PUBLISHABLE_SCOPES.isdisjoint(cls.scopes.get("POST", ()))

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if request.method == "OPTIONS" and self.serves_pages():
            return HttpResponse(status=204, headers=dict(PREFLIGHT_HEADERS))
        tries = 1
        if not (request.content_type or "").startswith("multipart/"):
            # Held in memory from here on, so that a second try reads the same body.
            _ = request.body
            tries = TRIES
        while True:
            tries -= 1
            self._idempotency, self._entered = None, False
            try:
                # Left on return or on an unhandled error; handle_exception marks refusals for rollback.
                with ExitStack() as self._transaction:
                    return super().dispatch(request, *args, **kwargs)
            except OperationalError as error:
                if not tries or getattr(error.__cause__, "pgcode", None) not in _LOST_A_RACE:
                    raise

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        key = request.auth
        assert isinstance(key, ApiKey)
        self._transaction.enter_context(tenant(key.workspace))
        self._entered = True
        self.workspace = key.workspace
        self.at = self.workspace.local_time(clock.now())
        services.touch_api_key(key=key, at=clock.now())
        if request.method == "POST" and "Idempotency-Key" in request.headers:
            self._idempotency = self._claim(request, request.headers["Idempotency-Key"])

    def _claim(self, request: Request, key: str) -> IdempotencyKey:
        if not 1 <= len(key) <= 255 or not key.isprintable():
            raise Invalid("Idempotency-Key is 1 to 255 printable characters.", param="Idempotency-Key")
        digest = hashlib.sha256(request._request.body).hexdigest()
        IdempotencyKey.objects.bulk_create(
            [
                IdempotencyKey(
                    workspace=self.workspace,
                    key=key,
                    method="POST",
                    path=request.path[:255],
                    body_hash=digest,
                    created_at=clock.now(),
                )
            ],
            ignore_conflicts=True,
        )
        stored: IdempotencyKey = (
            IdempotencyKey.objects.for_workspace(self.workspace).select_for_update().get(key=key)
        )
        if stored.path != request.path[:255] or stored.body_hash != digest:
            raise Conflict(
                "This Idempotency-Key was used for a different request.",
                code="idempotency_key_reused",
                param="Idempotency-Key",
            )
        if stored.status is not None:
            raise _Replayed(stored)
        return stored

    def handle_exception(self, exc: Exception) -> Response:
        if isinstance(exc, _Replayed):
            headers = {"Idempotent-Replayed": "true"}
            return Response(exc.stored.body, status=exc.stored.status, headers=headers)
        response = super().handle_exception(exc)
        if self._entered:
            transaction.set_rollback(True)
        return response

    def finalize_response(self, request: Request, response: Response, *args: Any, **kwargs: Any) -> Response:
        row = self._idempotency
        if row is not None and response.status_code < 400:
            IdempotencyKey.objects.for_workspace(self.workspace).filter(pk=row.pk).update(
                status=response.status_code, body=json.loads(json.dumps(response.data, cls=JSONEncoder))
            )
        if self.serves_pages():
            for name, value in ANSWER_HEADERS.items():
                response.headers[name] = value
        return super().finalize_response(request, response, *args, **kwargs)
