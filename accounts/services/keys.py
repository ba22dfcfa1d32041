"""Making, ending and noting the use of API keys."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from django.db import transaction

from accounts import secrets
from accounts.models import ApiKey, Workspace
from accounts.origins import parse_origin
from accounts.permissions import BROWSER, BROWSER_SALE, SECRET_SCOPES
from accounts.services.audit import Actor, record_audit
from core.errors import Invalid

MOST_ORIGINS: Final = 50


@transaction.atomic
def create_api_key(
    *,
    workspace: Workspace,
    kind: str,
    name: str,
    scopes: Sequence[str],
    actor: Actor,
    at: datetime,
    origins: Sequence[str] = (),
) -> tuple[ApiKey, str]:
    """Create a key; returns the row and the token, which is not stored of a secret key.

    A publishable key may send clicks and leads, and sales where `scopes` has `track:browser_sale`; `origins`
    are the only sites whose pages it works on, or none for any. Raises Invalid naming `kind`, `name`,
    `scopes` or `origins`.
    """
    if kind not in ApiKey.Kind.values:
        raise Invalid("A key is publishable (pk) or secret (sk).", param="kind")
    if not 1 <= len(name.strip()) <= 80:
        raise Invalid("Give the key a name of at most 80 characters.", param="name")
    public = kind == ApiKey.Kind.PUBLISHABLE
    allowed = list(dict.fromkeys(scopes))
    if public:
        allowed = [BROWSER, BROWSER_SALE] if BROWSER_SALE in allowed else [BROWSER]
    if not allowed or not (public or set(allowed) <= set(SECRET_SCOPES)):
        raise Invalid(f"Choose scopes out of {', '.join(SECRET_SCOPES)}.", param="scopes")
    sites = list(dict.fromkeys(parse_origin(each, param="origins") for each in origins))
    if sites and not public:
        raise Invalid("Only a publishable key is bound to sites.", param="origins")
    if len(sites) > MOST_ORIGINS:
        raise Invalid(f"A key works on at most {MOST_ORIGINS} sites, or on any.", param="origins")
    token = f"{kind}_{secrets.new_secret()}"
    key = ApiKey.objects.create(
        workspace=workspace,
        kind=kind,
        name=name.strip(),
        prefix=token[:12],
        secret_hash=secrets.keyed_hash(token),
        public_token=token if public else "",
        scopes=allowed,
        origins=sites,
        created_by=actor.user,
        created_at=at,
    )
    record_audit(
        workspace=workspace,
        actor=actor,
        action="api_key.created",
        subject=key.public_id,
        after={"kind": kind, "name": key.name, "scopes": allowed, **({"origins": sites} if sites else {})},
    )
    return key, token


@transaction.atomic
def revoke_api_key(*, key: ApiKey, actor: Actor, at: datetime) -> ApiKey:
    """End a key at once; repeating it changes nothing."""
    if key.revoked_at is None:
        key.revoked_at = at
        key.save(update_fields=["revoked_at"])
        record_audit(workspace=key.workspace, actor=actor, action="api_key.revoked", subject=key.public_id)
    return key


@transaction.atomic
def revoke_api_keys(*, keys: Sequence[ApiKey], actor: Actor, at: datetime) -> int:
    """End several keys at once; returns how many were live until then."""
    live = [key for key in keys if key.revoked_at is None]
    for key in live:
        revoke_api_key(key=key, actor=actor, at=at)
    return len(live)


@transaction.atomic
def touch_api_key(*, key: ApiKey, at: datetime) -> None:
    """Note that a key was used, to the minute, so that a busy key does not write on each call."""
    if key.last_used_at is None or at - key.last_used_at > timedelta(minutes=1):
        ApiKey.objects.for_workspace(key.workspace_id).filter(pk=key.pk).update(last_used_at=at)
