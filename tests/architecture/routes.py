"""Every address of the product, read from the resolver, so that none can be forgotten."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.urls import URLPattern, URLResolver, get_resolver, reverse

from accounts.endpoint import WorkspaceEndpoint


@dataclass(frozen=True, slots=True)
class Route:
    """One address: its name, its pattern from the root, its arguments, and its class if a class answers."""

    name: str
    pattern: str
    arguments: tuple[str, ...]
    endpoint: type[Any] | None

    @property
    def is_console(self) -> bool:
        """Whether it is a page inside a workspace."""
        return self.pattern.startswith("w/<slug:slug>/")

    @property
    def is_api(self) -> bool:
        """Whether it is an endpoint for API keys."""
        return self.endpoint is not None and issubclass(self.endpoint, WorkspaceEndpoint)

    @property
    def own_arguments(self) -> tuple[str, ...]:
        """The arguments besides the workspace's slug."""
        return tuple(name for name in self.arguments if not (self.is_console and name == "slug"))

    def address(self, values: dict[str, Any]) -> str:
        """Return the address with these arguments."""
        return reverse(self.name, kwargs={name: values[name] for name in self.arguments})


def routes() -> list[Route]:
    """Return every route there is, in the resolver's order."""
    return list(_walk(get_resolver().url_patterns, "", ()))


def _walk(patterns: list[Any], before: str, arguments: tuple[str, ...]) -> Iterator[Route]:
    for each in patterns:
        pattern = before + str(each.pattern)
        regex = each.pattern.regex
        found = arguments + tuple(regex.groupindex)
        if isinstance(each, URLResolver):
            yield from _walk(each.url_patterns, pattern, found)
        else:
            assert isinstance(each, URLPattern)
            assert each.name, f"{pattern} has no name"
            yield Route(
                each.name,
                pattern,
                found,
                getattr(each.callback, "view_class", None) or getattr(each.callback, "cls", None),
            )
