"""What differs from allauth's defaults."""

from allauth.account.adapter import DefaultAccountAdapter
from django.http import HttpRequest


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    """Sends people to the invitation they came from, else to their workspaces."""

    def get_login_redirect_url(self, request: HttpRequest) -> str:
        return str(request.session.pop("after_login", "") or super().get_login_redirect_url(request))

    def get_signup_redirect_url(self, request: HttpRequest) -> str:
        return self.get_login_redirect_url(request)

    def format_email_subject(self, subject: str) -> str:
        return subject
