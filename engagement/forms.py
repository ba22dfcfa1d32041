"""Forms of the portal's sign-in and appeals, and the filters of the mail log."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Final

from django import forms
from django.db.models import QuerySet

from core import lists
from core.errors import DomainError
from core.mailbox import normalise_mailbox
from engagement.services.messages import KINDS
from tracking.services.appeals import LONGEST, SHORTEST

STATES = {"pending": "Waiting", "done": "Sent", "dead": "Failed"}
"""What a message's state is called in the console."""


class SignInForm(forms.Form):
    """The address that takes part; `cleaned_data["mailbox"]` is the mailbox it reaches."""

    email = forms.EmailField(
        label="Your e-mail address",
        max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "email", "autocapitalize": "none"}),
    )

    def clean_email(self) -> str:
        """Refuse an address that cannot reach a mailbox."""
        email: str = self.cleaned_data["email"]
        try:
            self.cleaned_data["mailbox"] = normalise_mailbox(email)
        except ValueError:
            raise forms.ValidationError("Enter a valid email address.", code="invalid") from None
        return email


class AppealForm(forms.Form):
    """What a participant thinks is wrong; `refused_by` is why it was not taken."""

    refused_by: DomainError | None = None

    message = forms.CharField(
        label="What is wrong?",
        min_length=SHORTEST,
        max_length=LONGEST,
        widget=forms.Textarea(attrs={"rows": 4}),
    )


class MissingFriendForm(AppealForm):
    """Of a friend who does not appear; nothing is looked up, a person reads it."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["message"].label = "What happened?"
        self.fields["message"].help_text = "When you shared your link or code, and when your friend used it."


STAGES: Final[Mapping[str, tuple[str, tuple[str, ...]]]] = {
    "invite": ("Invitations", ("invitation", "magic_link")),
    "friend": ("Friends", ("friend_signed_up", "welcome_referee")),
    "reward": ("Rewards", ("reward_earned", "reward_issued")),
    "payout": ("Payouts", ("reward_paid",)),
    "support": ("Support", ("appeal_answered",)),
}
"""The mails in the order in which a referral meets them: name and kinds of each stage."""


class MessageFilterForm(lists.FilterForm):
    """Narrows the mail log."""

    search = ("to_email", "subject", "public_id", "about")
    placeholder = "Address, subject or id"
    dates = "created_at"
    dates_label = "Written"
    quick = "stage"
    lookups: ClassVar[dict[str, str]] = {"email": "to_email__iexact"}

    stage = forms.ChoiceField(choices=lists.choices([(key, name) for key, (name, _) in STAGES.items()]))
    state = forms.ChoiceField(choices=lists.choices(STATES.items()))
    kind = forms.ChoiceField(choices=lists.choices(KINDS.items()))
    email = forms.CharField(label="To", max_length=254, widget=forms.HiddenInput)

    def narrow_by(self, rows: QuerySet[Any], name: str, value: Any) -> QuerySet[Any]:
        """Return the mails of a stage, or what the field names."""
        return (
            rows.filter(kind__in=STAGES[value][1])
            if name == "stage"
            else super().narrow_by(rows, name, value)
        )


class SpendForm(forms.Form):
    """Which item of the catalogue is redeemed, under a key of the page's own."""

    item = forms.CharField(max_length=40)
    key = forms.CharField(max_length=80)
