"""The frame around every console page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django import template

from accounts import queries
from accounts.models import Member
from accounts.navigation import COOKIE, Group, entrance, menu

register = template.Library()


@dataclass(frozen=True, slots=True)
class Place:
    """A workspace the person may switch to."""

    name: str
    address: str
    current: bool


@dataclass(frozen=True, slots=True)
class Shell:
    """The menu, the person's workspaces, and the live workspace of a sandbox or the sandbox of a live one."""

    groups: tuple[Group, ...]
    workspaces: tuple[Place, ...]
    twin: Place | None


@register.simple_tag(takes_context=True)
def console_shell(context: template.Context) -> Shell:
    """Return what the frame shows for the request's member."""
    request: Any = context["request"]
    member: Member = request.member
    here = member.workspace
    places: list[Place] = []
    twin: Place | None = None
    for other in queries.memberships_of(request.user):
        current = other.workspace_id == here.pk
        place = Place(name=other.workspace.name, address=entrance(other), current=current)
        places.append(place)
        if here.sandbox_of_id == other.workspace_id or other.workspace.sandbox_of_id == here.pk:
            twin = place
    return Shell(
        groups=menu(member, request.path, request.COOKIES.get(COOKIE)), workspaces=tuple(places), twin=twin
    )
