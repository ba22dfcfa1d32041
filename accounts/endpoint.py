"""The base of every API endpoint: one tenant transaction per request, idempotent POSTs."""

from __future__ import annotations

import hashlib
import json
from contextlib import ExitStack
from datetime import datetime
from typing import Any, ClassVar

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.encoders import JSONEncoder

from accounts import services
from accounts.models import ApiKey, IdempotencyKey, Workspace
from core import clock
from core.errors import Conflict, Invalid
from core.tenancy import tenant


class _Replayed(Exception):
    """Carries a stored answer past the handler."""

    def __init__(self, stored: IdempotencyKey) -> None:
        self.stored = stored


class WorkspaceEndpoint(GenericAPIView):  # type: ignore[type-arg]
    """An endpoint that acts in the API key's workspace.

    The handler runs in one transaction that sees only that workspace; an error rolls all of it back.
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
    workspace: Workspace
    at: datetime
    _idempotency: IdempotencyKey | None = None

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        # Left on return or on an unhandled error; core.api.exception_handler marks refusals for rollback.
        with ExitStack() as self._transaction:
            return super().dispatch(request, *args, **kwargs)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        key = request.auth
        assert isinstance(key, ApiKey)
        self._transaction.enter_context(tenant(key.workspace))
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
        stored = IdempotencyKey.objects.for_workspace(self.workspace).select_for_update().get(key=key)
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
        return super().handle_exception(exc)

    def finalize_response(
        self, request: Request, response: HttpResponseBase, *args: Any, **kwargs: Any
    ) -> HttpResponseBase:
        row = self._idempotency
        if row is not None and isinstance(response, Response) and response.status_code < 400:
            IdempotencyKey.objects.for_workspace(self.workspace).filter(pk=row.pk).update(
                status=response.status_code, body=json.loads(json.dumps(response.data, cls=JSONEncoder))
            )
        return super().finalize_response(request, response, *args, **kwargs)
