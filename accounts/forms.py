"""Input of the account and workspace pages."""

from __future__ import annotations

from typing import Any
from zoneinfo import available_timezones

from django import forms
from django.db.models import QuerySet

from accounts.models import ApiKey, Role, Workspace
from accounts.permissions import BROWSER_SALE, SECRET_SCOPES
from core import lists, money

SCOPE_LABELS = {
    "track": "Track: send clicks, leads, sales and refunds",
    "read": "Read: everything in the workspace",
    "write": "Write: programs, participants, links, rewards",
    "payouts": "Payouts: prepare and approve batches",
    "portal": "Portal: sign participants in",
}


def _time_zones() -> list[tuple[str, str]]:
    return [(name, name.replace("_", " ")) for name in sorted(available_timezones())]


class WorkspaceForm(forms.Form):
    """What a new workspace needs."""

    name = forms.CharField(max_length=120, help_text="Your company or shop, as participants know it.")
    currency = forms.ChoiceField(
        choices=[(code, code) for code in sorted(money.CURRENCIES)],
        initial="EUR",
        help_text="New programs start with this currency.",
    )
    time_zone = forms.ChoiceField(choices=_time_zones, initial="UTC", help_text="Times are shown in it.")


class LockableForm(forms.Form):
    """A form that can be shown to people who may not change what it holds."""

    def __init__(self, *args: Any, locked: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            field.disabled = locked


class SettingsForm(LockableForm):
    """What can be changed about a workspace."""

    name = forms.CharField(max_length=120)
    time_zone = forms.ChoiceField(choices=_time_zones)
    email_from_name = forms.CharField(
        label="Sender name",
        max_length=120,
        required=False,
        help_text="Stands before the address in e-mails to participants; when empty, the name does.",
    )


class BrandForm(LockableForm):
    """The accent colour of a workspace's pages."""

    color = forms.CharField(
        label="Accent colour",
        max_length=7,
        help_text="Buttons, links and progress on your portal, landing pages and console.",
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )


class EmbedForm(LockableForm):
    """The sites that may show the portal in a frame, one on a line."""

    domains = forms.CharField(
        label="Sites",
        required=False,
        max_length=4000,
        help_text="One on a line, like <code>shop.example.com</code>. "
        "<code>*.example.com</code> stands for every name below example.com.",
        widget=forms.Textarea(attrs={"rows": 5, "spellcheck": "false", "autocapitalize": "off"}),
    )

    def clean_domains(self) -> list[str]:
        """Return the lines that are not empty."""
        return [line.strip() for line in self.cleaned_data["domains"].splitlines() if line.strip()]


class DomainForm(LockableForm):
    """A domain to add."""

    host = forms.CharField(
        label="Domain",
        max_length=300,
        help_text="A name below your shop's, like <code>go.your-shop.com</code>, that serves nothing else.",
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false", "inputmode": "url"}),
    )


class SuspendForm(forms.Form):
    """Why a workspace is stopped, and its name as a sign that this one is meant."""

    reason = forms.CharField(max_length=500, help_text="Kept in the audit log.")
    name = forms.CharField(max_length=120)

    def __init__(self, *args: Any, workspace: Workspace, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.workspace = workspace
        self.fields["name"].label = f"Write “{workspace.name}” to confirm"
        self.fields["name"].widget.attrs["autocomplete"] = "off"

    def clean_name(self) -> str:
        """Want the workspace's own name."""
        name: str = self.cleaned_data["name"]
        if name.strip() != self.workspace.name:
            raise forms.ValidationError("This is not the workspace's name.")
        return name


class ResumeForm(forms.Form):
    """Why a workspace goes on."""

    reason = forms.CharField(max_length=500, help_text="Kept in the audit log.")


class InvitationForm(forms.Form):
    """Whom to invite, and as what."""

    email = forms.EmailField(label="E-mail address")
    role = forms.ChoiceField(choices=Role.choices, initial=Role.READ_ONLY)


class RoleForm(forms.Form):
    """A member's new role."""

    role = forms.ChoiceField(choices=Role.choices)


class ApiKeyForm(forms.Form):
    """A new API key."""

    name = forms.CharField(
        max_length=80, help_text="Where the key will be used, for example “Checkout server”."
    )
    kind = forms.ChoiceField(
        choices=ApiKey.Kind.choices,
        initial=ApiKey.Kind.SECRET,
        widget=forms.RadioSelect,
        help_text="A publishable key may stand in a web page: it sends clicks and leads, and reads nothing.",
    )
    scopes = forms.MultipleChoiceField(
        choices=[(scope, SCOPE_LABELS[scope]) for scope in SECRET_SCOPES],
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text="What a secret key may do.",
    )
    origins = forms.CharField(
        label="Sites",
        required=False,
        max_length=4000,
        help_text="Of a publishable key: the only sites whose pages it works on, one on a line, like "
        "<code>shop.example.com</code>. When empty, any.",
        widget=forms.Textarea(attrs={"rows": 3, "spellcheck": "false", "autocapitalize": "off"}),
    )
    page_sales = forms.BooleanField(
        label="Pages may report sales",
        required=False,
        help_text="Of a publishable key. Anybody can then make sales up, so use it only where rewards are "
        "reviewed before they are paid.",
    )

    def clean(self) -> dict[str, Any] | None:
        """Want at least one scope of a secret key."""
        values = super().clean() or {}
        if values.get("kind") == ApiKey.Kind.SECRET and "scopes" in values and not values["scopes"]:
            self.add_error("scopes", "Choose at least one scope.")
        if values.get("kind") == ApiKey.Kind.PUBLISHABLE:
            values["scopes"] = [BROWSER_SALE] if values.get("page_sales") else []
        elif values.get("page_sales"):
            self.add_error("page_sales", "A secret key with the scope Track reports sales as it is.")
        values.pop("page_sales", None)
        return values

    def clean_origins(self) -> list[str]:
        """Return the lines that are not empty."""
        return [line.strip() for line in self.cleaned_data["origins"].splitlines() if line.strip()]


class ClockForm(forms.Form):
    """By how many days a sandbox's clock moves forward."""

    days = forms.IntegerField(min_value=1, max_value=3650, initial=1)


class ApiKeyFilterForm(lists.FilterForm):
    """Narrows the list of keys."""

    search = ("name", "prefix", "public_id")
    placeholder = "Name or first characters"
    quick = "state"

    state = forms.ChoiceField(choices=lists.choices([("live", "Live"), ("revoked", "Revoked")]))
    kind = forms.ChoiceField(choices=lists.choices(ApiKey.Kind.choices))

    def narrow_by(self, rows: QuerySet[Any], name: str, value: Any) -> QuerySet[Any]:
        """Return the keys that are live, or those that are revoked."""
        if name == "state":
            return rows.filter(revoked_at__isnull=value == "live")
        return super().narrow_by(rows, name, value)


class AuditFilterForm(lists.FilterForm):
    """Narrows the audit log."""

    search = ("actor", "subject", "reason")
    placeholder = "Person, id or reason"
    dates = "at"

    action = forms.ChoiceField()
    actor_kind = forms.ChoiceField(
        label="Done by",
        choices=lists.choices(
            [
                ("user", "A member"),
                ("api_key", "An API key"),
                ("participant", "A participant"),
                ("system", "The platform"),
            ]
        ),
    )

    def __init__(self, *args: Any, actions: list[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["action"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = lists.choices([(action, action) for action in actions])
