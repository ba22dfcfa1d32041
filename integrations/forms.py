"""Forms of connections, webhook endpoints, and the filters of their lists."""

from __future__ import annotations

from typing import Any

from django import forms
from django.db.models import QuerySet

from accounts.models import Workspace
from core.models import Event
from integrations import queries
from integrations.models import Connection, InboxItem, WebhookDelivery, WebhookEndpoint
from integrations.providers.registry import PROVIDERS


def _choices(*choices: tuple[str, str]) -> list[tuple[str, str]]:
    return [("", "All"), *choices]


class ConnectionForm(forms.Form):
    """A new connection to a shop."""

    provider = forms.ChoiceField(
        label="Shop system", choices=[(each.name, each.label) for each in PROVIDERS.values()]
    )
    name = forms.CharField(max_length=80, help_text="For example the shop's address. Only members see it.")
    secret = forms.CharField(
        max_length=200,
        required=False,
        help_text="The one the shop's webhooks have already. Leave it empty to have one made.",
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )


class SecretForm(forms.Form):
    """Another secret for a connection."""

    secret = forms.CharField(
        label="New secret",
        max_length=200,
        required=False,
        help_text="Leave it empty to have one made.",
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    keep_old = forms.BooleanField(
        label="Accept the old secret for 24 hours too",
        required=False,
        initial=True,
        help_text="Switch this off only if the old secret has become known.",
    )


class InboxFilterForm(forms.Form):
    """Narrows a connection's list of messages."""

    standing = forms.ChoiceField(
        label="What came of it",
        choices=_choices(
            ("applied", "Applied"),
            ("ignored", "Ignored"),
            ("set_aside", "Set aside"),
            ("waiting", "Waiting"),
            ("failed", "Failed"),
        ),
        required=False,
    )
    topic = forms.CharField(max_length=80, required=False)

    def narrow(self, connection: Connection) -> QuerySet[InboxItem]:
        """Return the connection's messages that pass; a value that is not valid narrows nothing."""
        self.is_valid()
        return queries.inbox(connection, **self.cleaned_data)


class WebhookForm(forms.Form):
    """A new webhook endpoint."""

    url = forms.CharField(
        label="URL",
        max_length=2000,
        help_text="The address of your server that takes the events, reachable from the internet.",
        widget=forms.URLInput(attrs={"placeholder": "https://"}),
    )
    kinds = forms.MultipleChoiceField(
        label="Events",
        required=False,
        help_text="None ticked: all of them, those to come included.",
        widget=forms.CheckboxSelectMultiple,
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["kinds"]
        assert isinstance(field, forms.MultipleChoiceField)
        field.choices = [(kind, kind) for kind in queries.event_kinds()]


class _KindFilterForm(forms.Form):
    kind = forms.ChoiceField(required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["kind"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = _choices(*((kind, kind) for kind in queries.logged_kinds()))


class DeliveryFilterForm(_KindFilterForm):
    """Narrows an endpoint's list of deliveries."""

    standing = forms.ChoiceField(
        label="State",
        choices=_choices(
            ("waiting", "Waiting"),
            ("retrying", "Will retry"),
            ("delivered", "Delivered"),
            ("failed", "Failed"),
        ),
        required=False,
    )

    def narrow(self, endpoint: WebhookEndpoint) -> QuerySet[WebhookDelivery]:
        """Return the endpoint's deliveries that pass."""
        self.is_valid()
        return queries.deliveries_of(endpoint, **self.cleaned_data)


class EventFilterForm(_KindFilterForm):
    """Narrows the event log."""

    standing = forms.ChoiceField(
        label="Handlers", choices=_choices(("failed", "Some failed")), required=False
    )

    def narrow(self, workspace: Workspace) -> QuerySet[Event]:
        """Return the workspace's events that pass."""
        self.is_valid()
        return queries.event_log(workspace, **self.cleaned_data)
