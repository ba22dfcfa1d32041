"""The form in which people sign up."""

from __future__ import annotations

from typing import Any

from allauth.account.forms import SignupForm
from allauth.core import context


class SignUpForm(SignupForm):  # type: ignore[misc]
    """Proposes the address that an invitation was sent to, which comes by the session and not in a URL."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        session = getattr(context.request, "session", {})
        self.fields["email"].initial = session.get("invited_email", "")
