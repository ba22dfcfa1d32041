"""How a workspace looks to participants, and which sites may show its portal."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction

from accounts.logos import read_logo
from accounts.models import BrandLogo, Workspace
from accounts.origins import parse_origin
from accounts.services.audit import Actor, record_audit
from core.colour import parse_colour, require_visible
from core.errors import Invalid

MAX_EMBED_DOMAINS = 20


@transaction.atomic
def set_brand(*, workspace: Workspace, color: str, actor: Actor) -> Workspace:
    """Give a workspace its accent colour, `#rrggbb`; the same one again changes nothing.

    Raises Invalid naming `color`, and ColourTooPale with the nearest shade for one that light pages swallow.
    Pages darken or lighten it by themselves where text or dark pages need that.
    """
    chosen = parse_colour(color, param="color")
    require_visible(chosen, param="color")
    return _set(workspace, "brand_color", str(chosen), "workspace.brand_changed", actor)


@transaction.atomic
def set_embed_domains(*, workspace: Workspace, domains: Sequence[str], actor: Actor) -> Workspace:
    """Name the sites that may show the portal in a frame; none of them when empty.

    Each is stored as an origin, `https://shop.example`, once. Raises Invalid naming `domains`.
    """
    origins = list(dict.fromkeys(parse_origin(domain, param="domains") for domain in domains))
    if len(origins) > MAX_EMBED_DOMAINS:
        raise Invalid(f"Name at most {MAX_EMBED_DOMAINS} sites.", param="domains")
    return _set(workspace, "embed_domains", origins, "workspace.embed_domains_changed", actor)


@transaction.atomic
def set_logo(*, workspace: Workspace, content: bytes, actor: Actor, at: datetime) -> BrandLogo:
    """Give a workspace its logo, drawn anew from a PNG, JPEG or WebP file. Raises Invalid naming `logo`."""
    read = read_logo(content)
    logo, _ = BrandLogo.objects.for_workspace(workspace).update_or_create(
        workspace=workspace,
        defaults={
            "media_type": "image/png",
            "content": read.content,
            "digest": read.digest,
            "width": read.width,
            "height": read.height,
            "stored_at": at,
        },
    )
    record_audit(
        workspace=workspace,
        actor=actor,
        action="workspace.logo_changed",
        subject=workspace.public_id,
        after={"digest": read.digest, "width": read.width, "height": read.height},
    )
    return logo


@transaction.atomic
def remove_logo(*, workspace: Workspace, actor: Actor) -> None:
    """Take a workspace's logo away; without one this changes nothing."""
    removed, _ = BrandLogo.objects.for_workspace(workspace).delete()
    if removed:
        record_audit(
            workspace=workspace,
            actor=actor,
            action="workspace.logo_removed",
            subject=workspace.public_id,
        )


def _set(workspace: Workspace, field: str, value: object, action: str, actor: Actor) -> Workspace:
    before = getattr(workspace, field)
    if before == value:
        return workspace
    Workspace.objects.for_workspace(workspace).update(**{field: value})
    setattr(workspace, field, value)
    record_audit(
        workspace=workspace,
        actor=actor,
        action=action,
        subject=workspace.public_id,
        before={field: before},
        after={field: value},
    )
    return workspace
