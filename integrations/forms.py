"""Forms of connections, webhook endpoints, and the filters of their lists."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from django import forms
from django.db.models import QuerySet

from accounts.forms import LockableForm
from core import lists
from integrations import queries
from integrations.models import WebhookEndpoint
from integrations.providers.registry import PROVIDERS
from tracking.models import ConversionCheck


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


class ShopKeysForm(forms.Form):
    """The keys by which the shop's API is asked about orders."""

    shop_url = forms.CharField(
        label="Address of the shop",
        max_length=500,
        required=False,
        help_text="The shop's front page, like https://shop.example. Three empty fields take the keys away.",
        widget=forms.URLInput(attrs={"placeholder": "https://"}),
    )
    consumer_key = forms.CharField(
        max_length=200,
        required=False,
        help_text="It begins with ck_; reading is enough. Left empty, the known one stays.",
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    consumer_secret = forms.CharField(
        max_length=200,
        required=False,
        help_text="It begins with cs_. Left empty, the known one stays.",
        widget=forms.PasswordInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )


class InboxFilterForm(lists.FilterForm):
    """Narrows a connection's list of messages."""

    search = ("sentence", "topic", "public_id", "last_error")
    placeholder = "Order number, reason or id"
    dates = "received_at"
    dates_label = "Received"
    quick = "standing"

    standing = forms.ChoiceField(
        label="What came of it",
        choices=lists.choices(
            [
                ("applied", "Applied"),
                ("ignored", "Ignored"),
                ("set_aside", "Set aside"),
                ("open", "Waiting"),
                ("failed", "Failed"),
            ]
        ),
    )
    topic = forms.ChoiceField()

    def __init__(self, *args: Any, topics: Sequence[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _offer(self, "topic", topics)

    def narrow_by(self, rows: QuerySet[Any], name: str, value: Any) -> QuerySet[Any]:
        """Return the rows of a standing; "open" are those not read yet, whether or not it was tried."""
        return _of_standing(rows, value) if name == "standing" else super().narrow_by(rows, name, value)


def _of_standing(rows: QuerySet[Any], value: str) -> QuerySet[Any]:
    return rows.filter(standing__in=["waiting", "retrying"] if value == "open" else [value])


def _offer(form: forms.Form, name: str, values: Sequence[str]) -> None:
    field = form.fields[name]
    assert isinstance(field, forms.ChoiceField)
    field.choices = lists.choices([(value, value) for value in values])


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


class EndpointFilterForm(lists.FilterForm):
    """Narrows the list of endpoints."""

    search = ("url", "public_id")
    placeholder = "Part of the URL"
    quick = "status"

    status = forms.ChoiceField(choices=lists.choices(WebhookEndpoint.Status.choices))


class DeliveryFilterForm(lists.FilterForm):
    """Narrows an endpoint's list of deliveries."""

    search = ("event__public_id", "event__kind", "public_id", "last_error")
    placeholder = "Event, id or error"
    dates = "created_at"
    dates_label = "Queued"
    quick = "standing"
    lookups: ClassVar[dict[str, str]] = {"kind": "event__kind"}

    standing = forms.ChoiceField(
        label="State",
        choices=lists.choices(
            [
                ("waiting", "Waiting"),
                ("retrying", "Will retry"),
                ("delivered", "Delivered"),
                ("failed", "Failed"),
                ("open", "On the way"),
            ]
        ),
    )
    kind = forms.ChoiceField(label="Event")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _offer(self, "kind", queries.logged_kinds())

    def narrow_by(self, rows: QuerySet[Any], name: str, value: Any) -> QuerySet[Any]:
        """Return the rows of a standing; "open" are those that are waiting or will be tried again."""
        return _of_standing(rows, value) if name == "standing" else super().narrow_by(rows, name, value)


class EventFilterForm(lists.FilterForm):
    """Narrows the event log."""

    search = ("public_id", "kind", "data")
    placeholder = "Event, or an id it names"
    dates = "occurred_at"
    quick = "standing"

    standing = forms.ChoiceField(label="Handlers", choices=lists.choices([("failed", "Some failed")]))
    kind = forms.ChoiceField(label="Event")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _offer(self, "kind", queries.logged_kinds())

    def narrow_by(self, rows: QuerySet[Any], name: str, value: Any) -> QuerySet[Any]:
        """Return the events that some handler gave up on, or those of a kind."""
        return rows.filter(has_failed=True) if name == "standing" else super().narrow_by(rows, name, value)


class OwnSystemForm(LockableForm):
    """Which of the workspace's own systems hands rewards over."""

    give_url = forms.URLField(
        label="Address of your own system",
        max_length=2000,
        required=False,
        assume_scheme="https",
        help_text="Hears of every reward of the kind “given by your own system”. Empty: a person gives it.",
        widget=forms.URLInput(attrs={"placeholder": "https://"}),
    )


class CheckFilterForm(lists.FilterForm):
    """Narrows the list of checks."""

    search = (
        "conversion__source_key",
        "conversion__customer__name",
        "conversion__customer__email",
        "public_id",
        "detail",
    )
    placeholder = "Order, customer or id"
    dates = "asked_at"
    dates_label = "Asked"
    quick = "status"
    lookups: ClassVar[dict[str, str]] = {"conversion": "conversion__public_id"}

    status = forms.ChoiceField(label="State", choices=lists.choices(ConversionCheck.Status.choices))
    kind = forms.ChoiceField(label="Check", choices=lists.choices(ConversionCheck.Kind.choices))
    conversion = forms.CharField(max_length=40, widget=forms.HiddenInput)
