"""Who calls the API, and whether the key's scopes allow it."""

from __future__ import annotations

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework import authentication, exceptions, permissions, throttling
from rest_framework.request import Request

from accounts import queries, services
from accounts.cross_origin import refuse_secret_in_page, refuse_strange_origin
from accounts.models import ApiKey, Workspace
from core import clock
from core.errors import Forbidden, Unauthorised


class ApiKeyAuthentication(authentication.BaseAuthentication):
    """`Authorization: Bearer sk_…` (or a publishable `pk_…`); `request.auth` is the ApiKey."""

    def authenticate(self, request: Request) -> tuple[None, ApiKey] | None:
        header = request.headers.get("Authorization", "")
        scheme, _, token = header.partition(" ")
        if not header:
            return None
        readable = token.isascii() and token.isprintable()
        if scheme.lower() != "bearer" or not token.startswith(("sk_", "pk_")) or not readable:
            raise Unauthorised("Send the API key as `Authorization: Bearer sk_…`.", code="bad_authorization")
        if token.startswith("sk_"):
            refuse_secret_in_page(request)
        key = queries.api_key_for(token.strip(), at=clock.now())
        if key is None:
            raise Unauthorised("This API key is unknown, revoked or expired.", code="bad_api_key")
        if key.workspace.status != Workspace.Status.ACTIVE:
            raise Forbidden("This workspace is suspended.", code="workspace_suspended")
        refuse_strange_origin(request, key)
        return None, key

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="api"'


class ApiKeyScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """How the API's description names the key."""

    target_class = ApiKeyAuthentication
    name = "ApiKey"

    def get_security_definition(self, auto_schema: Any) -> dict[str, Any]:
        return {"type": "http", "scheme": "bearer", "bearerFormat": "sk_…"}


class HasScope(permissions.BasePermission):
    """Lets a key in when it carries one of the view's scopes for this method (`scopes[method]`)."""

    def has_permission(self, request: Request, view: Any) -> bool:
        key = request.auth
        if not isinstance(key, ApiKey):
            raise Unauthorised("Send an API key as `Authorization: Bearer sk_…`.", code="no_api_key")
        if request.method not in view.allowed_methods:
            raise exceptions.MethodNotAllowed(str(request.method))
        wanted = view.scopes.get("GET" if request.method in ("HEAD", "OPTIONS") else request.method, ())
        if not set(wanted) & set(key.scopes):
            raise Forbidden(
                f"This key lacks the scope this call needs: {' or '.join(wanted) or 'none will do'}.",
                code="missing_scope",
                details={"scopes": list(wanted)},
            )
        return True


class KeyRateThrottle(throttling.SimpleRateThrottle):
    """Limits each API key; without Redis nothing is limited (see core.cache)."""

    scope = "key"

    def get_cache_key(self, request: Request, view: Any) -> str | None:
        key = request.auth
        return f"throttle:{key.public_id}" if isinstance(key, ApiKey) else None


def actor_of(request: Request) -> services.Actor:
    """Return the acting API key for audit entries."""
    key = request.auth
    assert isinstance(key, ApiKey)
    return services.Actor(kind="api_key", label=f"{key.name} ({key.prefix}…)")
