"""Forms of payout providers' connections, and the filters of their runs."""

from __future__ import annotations

from typing import Any

from django import forms

from core import lists
from integrations.models import PayoutRun
from integrations.providers.payout_registry import PayoutProvider

_PLAIN = {"autocomplete": "off", "spellcheck": "false"}
_OPTION_HELP = {
    "funding_source_id": "The id of what pays, from Tremendous under Billing.",
    "campaign_id": "The id of the campaign whose products the recipient may choose from.",
    "products": "Or the ids of single products, with commas between them.",
}
_ENVIRONMENTS = {"live": "Live", "sandbox": "Sandbox, for trying"}


class PayoutKeysForm(forms.Form):
    """The keys of a provider's API and what its webhooks are known by, as the provider names them."""

    environment = forms.ChoiceField(label="Environment")
    key = forms.CharField(max_length=500, required=False, widget=forms.TextInput(attrs=_PLAIN))
    secret = forms.CharField(max_length=500, required=False, widget=forms.PasswordInput(attrs=_PLAIN))
    webhook_secret = forms.CharField(
        max_length=500,
        required=False,
        help_text="Needed for its messages; without it results come a little later. It may follow.",
        widget=forms.TextInput(attrs=_PLAIN),
    )

    def __init__(self, *args: Any, provider: PayoutProvider, known: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        environment = self.fields["environment"]
        assert isinstance(environment, forms.ChoiceField)
        environment.choices = [(name, _ENVIRONMENTS[name]) for name in provider.addresses]
        if not provider.key_label:
            del self.fields["key"]
        else:
            self.fields["key"].label = provider.key_label
            self.fields["key"].required = not known
        self.fields["secret"].label = provider.secret_label
        self.fields["secret"].required = not known
        self.fields["webhook_secret"].label = provider.webhook_label
        if known:
            self.fields["secret"].help_text = "Left empty, the known one stays."
            self.fields["webhook_secret"].help_text = "Left empty, the known one stays."
        self.option_names = tuple(provider.options)
        for name, label in provider.options.items():
            self.fields[name] = forms.CharField(
                label=label,
                max_length=200,
                required=name in provider.required_options,
                help_text=_OPTION_HELP.get(name, ""),
                widget=forms.TextInput(attrs=_PLAIN),
            )

    def given(self) -> dict[str, Any]:
        """Return what the service takes: the keys, and the options under one name."""
        values = dict(self.cleaned_data)
        options = {name: values.pop(name) for name in self.option_names}
        return {**values, "options": options}


class PayoutProviderForm(PayoutKeysForm):
    """A new connection to a payout provider."""

    name = forms.CharField(max_length=80, help_text="For example the account's name. Only members see it.")
    field_order = ("name",)


class RunFilterForm(lists.FilterForm):
    """Narrows the list of a provider's runs."""

    search = ("reference", "batch_id", "provider_batch_id", "last_error")
    placeholder = "Batch, or the provider's id"
    dates = "created_at"
    dates_label = "Begun"
    quick = "state"

    state = forms.ChoiceField(
        label="State",
        choices=lists.choices([("pending", "Under way"), ("done", "Done"), ("dead", "Stopped")]),
    )
    step = forms.ChoiceField(label="Step", choices=lists.choices(PayoutRun.Step.choices))
