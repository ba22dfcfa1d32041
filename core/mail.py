"""The e-mail backend of development: each message becomes a file in `var/mail`, newest name last."""

from collections.abc import Sequence
from pathlib import Path

from django.conf import settings
from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend

from core.ids import new_public_id


class FileBackend(BaseEmailBackend):
    """Writes each message whole as `<time-sorted id>.eml` and never talks to a server."""

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        """Write the messages; returns how many."""
        folder = Path(settings.EMAIL_FILE_PATH)
        folder.mkdir(parents=True, exist_ok=True)
        for message in email_messages:
            part = folder / f".{new_public_id('eml')}.part"
            part.write_bytes(message.message().as_bytes())
            # Renamed when complete, so that a reader never sees half a message.
            part.rename(folder / f"{part.stem[1:]}.eml")
        return len(email_messages)
