"""Columns of the lists of API keys and of the audit log."""

from __future__ import annotations

from typing import Any

from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from accounts.models import ApiKey, AuditEntry
from core import lists
from core.templatetags.display import words


class ApiKeyTable(lists.Table):
    """The keys by their first characters; whoever sees the list may revoke them."""

    name = lists.Column("Name", sort="name", required=True)
    prefix = lists.Column("Key", sort="prefix", width="md")
    kind = lists.WordsColumn("Kind", sort="kind", width="lg")
    scopes = lists.Column("May", width="lg")
    state = lists.StatusColumn("State", sort=("revoked_at", "expires_at"))
    last_used_at = lists.MomentColumn("Last used", sort="last_used_at", initial_sort_descending=True)
    created_at = lists.MomentColumn("Created", sort="created_at", width="xl", initial_sort_descending=True)
    revoke = lists.Column("Action", "public_id", required=True, exported=False)

    def choosable(self, record: ApiKey) -> bool:
        """Only a live key can be revoked."""
        return record.revoked_at is None

    def label_of(self, record: ApiKey) -> str:
        """Return the key's name."""
        return record.name

    def render_prefix(self, value: str) -> SafeString:
        """Return what can be recognised of the key."""
        return format_html("<code>{}…</code>", value)

    def render_scopes(self, value: list[str]) -> str:
        """Return the scopes in one line."""
        return ", ".join(value)

    def value_scopes(self, value: list[str]) -> str:
        """Return the scopes in one cell."""
        return " ".join(value)

    def render_last_used_at(self, value: Any, record: ApiKey) -> str | SafeString:
        """Return the last use, or that there was none."""
        return self.all_columns["last_used_at"].cell(value, record, self.workspace) if value else "Never"

    def render_revoke(self, record: ApiKey) -> str | SafeString:
        """Return the button that ends the key; it belongs to the form under the list."""
        if record.revoked_at is not None:
            return ""
        return format_html(
            '<button class="button danger" type="submit" form="bulk" formaction="{}"'
            ' data-confirm="Click again to revoke" aria-label="Revoke {}">Revoke</button>',
            reverse("api_key_revoke", args=[self.workspace.slug, record.public_id]),
            record.name,
        )


class AuditTable(lists.Table):
    """Who did what to which thing."""

    at = lists.MomentColumn("When", sort="pk", required=True, initial_sort_descending=True)
    actor = lists.Column("Who", sort="actor", note="address")
    action = lists.Column("Did what", sort="action", required=True, note="reason")
    subject = lists.Column("To", sort="subject", width="lg")
    changes = lists.Column("Change", "after", width="md")
    actor_kind = lists.WordsColumn("Kind of actor", sort="actor_kind", shown=False)

    def render_action(self, value: str, record: AuditEntry) -> SafeString:
        """Return the action as words, and the reason that was given."""
        subject, _, done = value.partition(".")
        text = f"{words(subject).capitalize()}: {words(done)}" if done else words(value).capitalize()
        note = format_html('<span class="muted block text-xs font-normal">{}</span>', record.reason)
        return format_html('<span class="whole">{}</span>{}', text, note if record.reason else "")

    def render_subject(self, value: str) -> SafeString:
        """Return the thing's public id."""
        return format_html("<code>{}</code>", value)

    def render_changes(self, record: AuditEntry) -> str | SafeString:
        """Return each value that changed, with the one before it."""
        changes = _changes(record)
        if not changes:
            return "–"
        return format_html_join(
            "",
            '<p class="max-w-xs break-words"><span class="muted">{}</span> {}{}</p>',
            (
                (
                    words(name).capitalize(),
                    format_html('<del class="muted">{}</del> → ', before) if before else "",
                    after or format_html('<span class="muted">{}</span>', "nothing"),
                )
                for name, before, after in changes
            ),
        )

    def value_changes(self, record: AuditEntry) -> str:
        """Return the changes in one cell."""
        return "; ".join(
            f"{name}: {before or '–'} > {after or '–'}" for name, before, after in _changes(record)
        )


def _changes(record: AuditEntry) -> list[tuple[str, str, str]]:
    before, after = record.before or {}, record.after or {}
    names = list(dict.fromkeys([*before, *after]))
    pairs = [(name, _plain(before.get(name)), _plain(after.get(name))) for name in names]
    return [(name, old, new) for name, old, new in pairs if old != new]


def _plain(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return "" if value is None else str(value)
