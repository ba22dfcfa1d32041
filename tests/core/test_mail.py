"""Development's e-mail: each message a whole file, in order, nothing half written."""

from __future__ import annotations

from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

import pytest
from django.core.mail import EmailMessage, EmailMultiAlternatives, get_connection

from core.ids import is_public_id


@pytest.fixture
def folder(tmp_path: Path, settings: Any) -> Path:
    """A folder that does not exist yet."""
    settings.EMAIL_FILE_PATH = tmp_path / "var" / "mail"
    return tmp_path / "var" / "mail"


def test_messages_become_files_that_sort_by_time(folder: Path) -> None:
    connection = get_connection("core.mail.FileBackend")
    first = EmailMultiAlternatives("Grüße", "Hello Zoë", "from@example.com", ["to@example.com"])
    first.attach_alternative("<p>Hello Zoë</p>", "text/html")
    assert connection.send_messages([first]) == 1
    second = EmailMessage("Second", "Text", "from@example.com", ["a@example.com", "b@example.com"])
    assert connection.send_messages([second, second]) == 2
    files = sorted(folder.iterdir())
    assert [file.suffix for file in files] == [".eml"] * 3
    assert all(is_public_id(file.stem, "eml") for file in files)
    parsed = message_from_bytes(files[0].read_bytes(), policy=policy.default)
    assert (parsed["Subject"], parsed["To"]) == ("Grüße", "to@example.com")
    plain, html = parsed.get_body(("plain",)), parsed.get_body(("html",))
    assert plain is not None
    assert html is not None
    assert plain.get_content().strip() == "Hello Zoë"
    assert html.get_content().strip() == "<p>Hello Zoë</p>"


def test_nothing_to_send_writes_nothing(folder: Path) -> None:
    assert get_connection("core.mail.FileBackend").send_messages([]) == 0
    assert list(folder.iterdir()) == []


def test_a_message_that_cannot_be_written_leaves_no_file(folder: Path) -> None:
    forged = EmailMessage("Two\nlines", "Text", "from@example.com", ["to@example.com"])
    with pytest.raises(ValueError, match="newlines"):
        get_connection("core.mail.FileBackend").send_messages([forged])
    assert [file for file in folder.iterdir() if file.suffix == ".eml"] == []
