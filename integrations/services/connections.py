"""Connections to shops: made, switched off and on, their secrets replaced."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from django.db import transaction

from accounts import secrets
from accounts.models import Workspace
from accounts.services import Actor, record_audit
from core.errors import Invalid
from core.http import OutboundRefused, check_url
from core.outbound import outbound_policy
from core.text import clean_line
from integrations.models import Connection
from integrations.providers.registry import PROVIDERS
from integrations.queries import shop_access

SECRET_OVERLAP: Final = timedelta(hours=24)
MAX_SECRET: Final = 200
MIN_SECRET: Final = 8
MAX_SHOP_URL: Final = 500


@transaction.atomic
def create_connection(
    *, workspace: Workspace, provider: str, name: str, secret: str = "", actor: Actor, at: datetime
) -> tuple[Connection, str]:
    """Connect a shop; returns the row and the secret its webhooks are signed with.

    Without a `secret` a new one is made. It cannot be shown again. Raises Invalid naming `provider`, `name`
    or `secret`.
    """
    if provider not in PROVIDERS:
        raise Invalid(f"{provider!r} is not a provider.", param="provider")
    connection = Connection(
        workspace=workspace,
        provider=provider,
        name=clean_line(name, param="name", longest=80, required=True),
        created_at=at,
    )
    plain = _chosen(secret)
    connection.sealed_secret = secrets.encrypt(plain, bound_to=connection.public_id)
    connection.save(force_insert=True)
    record_audit(
        workspace=workspace,
        actor=actor,
        action="connection.created",
        subject=connection.public_id,
        after={"provider": provider, "name": connection.name},
    )
    return connection, plain


@transaction.atomic
def replace_secret(
    *, connection: Connection, secret: str = "", keep_old: bool = True, actor: Actor, at: datetime
) -> str:
    """Give a connection another secret and return it; `at` is real time.

    The old one stays good for 24 hours unless `keep_old` is off, which is for one that has become known.
    """
    plain = _chosen(secret)
    row = locked_connection(connection)
    row.sealed_previous_secret = row.sealed_secret if keep_old else ""
    row.previous_secret_until = at + SECRET_OVERLAP if keep_old else None
    row.sealed_secret = secrets.encrypt(plain, bound_to=row.public_id)
    row.save(update_fields=["sealed_secret", "sealed_previous_secret", "previous_secret_until"])
    record_audit(
        workspace=row.workspace,
        actor=actor,
        action="connection.secret_replaced",
        subject=row.public_id,
        after={"old_secret_kept_hours": 24 if keep_old else 0},
    )
    return plain


@transaction.atomic
def enable_connection(*, connection: Connection, actor: Actor) -> Connection:
    """Accept messages again; repeating it changes nothing."""
    return _switch(connection, Connection.Status.ACTIVE, "connection.enabled", actor)


@transaction.atomic
def disable_connection(*, connection: Connection, actor: Actor) -> Connection:
    """Refuse further messages. What was accepted before is still read; repeating it changes nothing."""
    return _switch(connection, Connection.Status.DISABLED, "connection.disabled", actor)


@transaction.atomic
def set_shop_keys(
    *, connection: Connection, shop_url: str, consumer_key: str, consumer_secret: str, actor: Actor
) -> Connection:
    """Keep the keys by which the shop's API is asked about orders; all three empty takes them away.

    A key that is left empty beside a known one stays as it was. Raises Invalid naming `shop_url`,
    `consumer_key` or `consumer_secret`.
    """
    row = locked_connection(connection)
    if not shop_url and not consumer_key and not consumer_secret:
        row.shop_url = row.sealed_keys = ""
    else:
        if len(shop_url) > MAX_SHOP_URL or "?" in shop_url or "#" in shop_url:
            raise Invalid("Give the address of the shop's front page.", code="bad_url", param="shop_url")
        try:
            check_url(shop_url.strip(), policy=outbound_policy())
        except OutboundRefused as error:
            raise Invalid(error.message, code=error.code, param="shop_url") from error
        known = shop_access(row) if row.sealed_keys else None
        key = _key(consumer_key, "consumer_key") or (known.consumer_key if known else "")
        secret = _key(consumer_secret, "consumer_secret") or (known.consumer_secret if known else "")
        for value, param in ((key, "consumer_key"), (secret, "consumer_secret")):
            if not value:
                raise Invalid("This field is required.", code="required", param=param)
        row.shop_url = shop_url.strip()
        row.sealed_keys = secrets.encrypt(f"{key}:{secret}", bound_to=row.public_id)
    row.save(update_fields=["shop_url", "sealed_keys"])
    record_audit(
        workspace=row.workspace,
        actor=actor,
        action="connection.keys_changed",
        subject=row.public_id,
        after={"shop_url": row.shop_url},
    )
    return row


def _key(text: str, param: str) -> str:
    key = clean_line(text, param=param, longest=MAX_SECRET)
    if not key.isascii() or " " in key or ":" in key:
        raise Invalid("A key has no blanks and no colon.", code="invalid_characters", param=param)
    return key


def _switch(connection: Connection, status: str, action: str, actor: Actor) -> Connection:
    row = locked_connection(connection)
    if row.status != status:
        before, row.status = row.status, status
        row.save(update_fields=["status"])
        record_audit(
            workspace=row.workspace,
            actor=actor,
            action=action,
            subject=row.public_id,
            before={"status": before},
            after={"status": status},
        )
    return row


def locked_connection(connection: Connection) -> Connection:
    """Make the caller the only one to change a connection; returns it as it stands now."""
    row: Connection = (
        Connection.objects.for_workspace(connection.workspace_id)
        .select_for_update(no_key=True)
        .get(pk=connection.pk)
    )
    return row


def _chosen(secret: str) -> str:
    if not secret:
        return secrets.new_secret()
    plain = clean_line(secret, param="secret", longest=MAX_SECRET)
    if len(plain) < MIN_SECRET:
        raise Invalid(f"A secret has at least {MIN_SECRET} characters.", param="secret")
    return plain
