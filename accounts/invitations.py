"""The e-mail that carries an invitation's secret, which is stored nowhere in the clear."""

from __future__ import annotations

from django.conf import settings
from django.core.mail import send_mail
from django.template.loader import render_to_string
from django.urls import reverse

from accounts.models import Invitation


def mail_invitation(*, invitation: Invitation, secret: str) -> None:
    """Send the invitation to its address; raises OSError (SMTPException is one) when the server refuses."""
    context = {
        "invitation": invitation,
        "workspace": invitation.workspace,
        "inviter": invitation.invited_by,
        "address": settings.BASE_URL + reverse("invitation_accept", args=[secret]),
    }
    send_mail(
        # A header holds one line, whatever the workspace is called.
        subject=" ".join(f"{invitation.invited_by} invites you to {invitation.workspace.name}".split()),
        message=render_to_string("accounts/emails/invitation.txt", context),
        from_email=None,
        recipient_list=[invitation.email],
    )
