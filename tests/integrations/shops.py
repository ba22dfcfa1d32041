"""Connected shops for tests, and the captured requests that they send."""

from __future__ import annotations

import base64
import copy
import hashlib
import hmac
import json
from pathlib import Path
from typing import Any

from django.test import Client
from django.urls import reverse

from accounts.models import Workspace
from accounts.services import SYSTEM
from integrations.captured import CapturedRequest, load
from integrations.models import Connection
from integrations.services.connections import create_connection
from tests.conftest import AT

FOLDER = Path(__file__).parents[1] / "contracts" / "woocommerce"
SECRET = 'whsec-test-<&>"quote'
CAPTURED = {request.name[:4]: request for request in load(FOLDER)}
_OWN_HEADERS = ("host", "connection", "content-length", "content-type", "accept-encoding")


def connected(workspace: Workspace, name: str = "Tee shop", secret: str = SECRET) -> Connection:
    """Return a WooCommerce connection whose webhooks are signed as the captured ones."""
    connection, _ = create_connection(
        workspace=workspace, provider="woocommerce", name=name, secret=secret, actor=SYSTEM, at=AT
    )
    return connection


def hook(connection: Connection) -> str:
    """Return the path that a connection's webhooks are posted to."""
    return reverse("hook", args=[connection.provider, connection.public_id])


def send(path: str, request: CapturedRequest, body: bytes | None = None, **headers: str) -> Any:
    """Post a captured request through a client, with some of its headers or its body replaced."""
    kept = {name: value for name, value in request.headers if name.lower() not in _OWN_HEADERS}
    return Client().post(
        path,
        data=request.body if body is None else body,
        content_type=request.header("content-type"),
        headers={**kept, **{name.replace("_", "-"): value for name, value in headers.items()}},
    )


def signature(body: bytes, secret: str = SECRET) -> str:
    """Return what the shop puts into X-WC-Webhook-Signature."""
    return base64.b64encode(hmac.new(secret.encode(), body, hashlib.sha256).digest()).decode()


def order(number: str = "0016", **changes: Any) -> dict[str, Any]:
    """Return a captured order with members replaced; 0016 is paid 88.20 and has a refund of 20.00."""
    payload: dict[str, Any] = copy.deepcopy(json.loads(CAPTURED[number].body))
    return {**payload, **changes}
