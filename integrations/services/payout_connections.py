"""Connections to payout providers: made, their keys replaced and checked."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from django.db import transaction

from accounts import secrets
from accounts.models import Workspace
from accounts.services import Actor, record_audit
from core.errors import Conflict, Invalid
from core.text import clean_line
from integrations.models import Connection
from integrations.payout_queries import payout_access
from integrations.providers import ProviderError, Retry
from integrations.providers.payout_registry import PAYOUT_PROVIDERS, PayoutProvider
from integrations.services.connections import locked_connection
from integrations.services.paying import wire

MAX_KEY: Final = 500
CHECK_SECONDS: Final = 10.0


@transaction.atomic
def connect_provider(
    *,
    workspace: Workspace,
    provider: str,
    name: str,
    environment: str,
    key: str = "",
    secret: str,
    webhook_secret: str = "",
    options: Mapping[str, str] | None = None,
    actor: Actor,
    at: datetime,
) -> Connection:
    """Connect a payout provider with the keys of its API; the webhook's part may follow later.

    Raises Invalid naming `provider`, `name`, `environment`, `key`, `secret`, `webhook_secret` or an option.
    """
    speaks = PAYOUT_PROVIDERS.get(provider)
    if speaks is None:
        raise Invalid(f"{provider!r} is not a payout provider.", param="provider")
    connection = Connection(
        workspace=workspace,
        provider=provider,
        name=clean_line(name, param="name", longest=80, required=True),
        created_at=at,
    )
    _fill(
        connection,
        speaks,
        environment,
        key=key,
        secret=secret,
        webhook_secret=webhook_secret,
        options=options,
    )
    connection.save(force_insert=True)
    record_audit(
        workspace=workspace,
        actor=actor,
        action="connection.created",
        subject=connection.public_id,
        after={"provider": provider, "name": connection.name, "address": connection.shop_url},
    )
    return connection


@transaction.atomic
def replace_provider_keys(
    *,
    connection: Connection,
    environment: str,
    key: str = "",
    secret: str = "",
    webhook_secret: str = "",
    options: Mapping[str, str] | None = None,
    actor: Actor,
) -> Connection:
    """Give a connection other keys; one that is left empty beside a known one stays as it was.

    Another environment needs its own keys. Raises Invalid as `connect_provider` does.
    """
    row = locked_connection(connection)
    speaks = PAYOUT_PROVIDERS[row.provider]
    known = payout_access(row) if row.sealed_keys else None
    if known is not None and speaks.addresses.get(environment) == known.api_url:
        key, secret = key.strip() or known.key, secret.strip() or known.secret
    _fill(row, speaks, environment, key=key, secret=secret, webhook_secret=webhook_secret, options=options)
    row.save(update_fields=["shop_url", "sealed_keys", "sealed_secret", "options"])
    record_audit(
        workspace=row.workspace,
        actor=actor,
        action="connection.keys_changed",
        subject=row.public_id,
        after={"address": row.shop_url},
    )
    return row


def check_provider(*, connection: Connection, at: datetime) -> str:
    """Ask the provider whether the keys open what is needed; returns its answer in a sentence.

    `at` is real time. Raises Conflict (`check_failed`) with the reason where they do not.
    """
    if not connection.sealed_keys:
        raise Conflict("No keys are known yet.", code="check_failed")
    speaks = PAYOUT_PROVIDERS[connection.provider]
    try:
        return speaks.check(wire(at=at, seconds=CHECK_SECONDS), payout_access(connection))
    except Retry as error:
        raise Conflict(
            f"{speaks.label} cannot be reached now, or is busy. Try again in a minute.", code="check_failed"
        ) from error
    except ProviderError as error:
        raise Conflict(str(error), code="check_failed") from error


def _fill(
    row: Connection,
    speaks: PayoutProvider,
    environment: str,
    *,
    key: str,
    secret: str,
    webhook_secret: str,
    options: Mapping[str, str] | None,
) -> None:
    address = speaks.addresses.get(environment)
    if address is None:
        raise Invalid(f"{speaks.label} has no environment {environment!r}.", param="environment")
    plain_key = _clean(key, "key", required=bool(speaks.key_label))
    plain_secret = _clean(secret, "secret", required=True)
    webhook = _clean(webhook_secret, "webhook_secret", required=False)
    row.shop_url = address
    row.sealed_keys = secrets.encrypt(f"{plain_key}:{plain_secret}", bound_to=row.public_id)
    if webhook or not row.sealed_secret:
        # Without the provider's own secret nothing can be signed with it: a random one lets no message in.
        row.sealed_secret = secrets.encrypt(webhook or secrets.new_secret(), bound_to=row.public_id)
    if options is not None:
        row.options = _options(speaks, options)


def _options(speaks: PayoutProvider, given: Mapping[str, str]) -> dict[str, str]:
    chosen = {name: clean_line(given.get(name, ""), param=name, longest=200) for name in speaks.options}
    for name in speaks.required_options:
        if not chosen[name]:
            raise Invalid("This field is required.", code="required", param=name)
    if speaks.one_of and not any(chosen[name] for name in speaks.one_of):
        raise Invalid("Choose what the recipient gets.", code="required", param=speaks.one_of[0])
    return {name: value for name, value in chosen.items() if value}


def _clean(text: str, param: str, *, required: bool) -> str:
    key = clean_line(text, param=param, longest=MAX_KEY, required=required)
    if not key.isascii() or " " in key or ":" in key:
        raise Invalid("A key has no blanks and no colon.", code="invalid_characters", param=param)
    return key
