"""Handing mails to a mail server that takes, refuses, breaks off or is away: at most one for each key."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from email import message_from_bytes
from pathlib import Path
from typing import Any

import pytest
from django.core import mail
from django.core.mail.backends.locmem import EmailBackend as MemoryBackend

from accounts.models import Workspace
from accounts.services import SYSTEM
from core import clock, queue
from core.errors import Conflict
from core.tenancy import tenant
from engagement import services
from engagement.models import Message
from engagement.services import delivery
from engagement.services.sign_in import LINK_MARK, mailed_secret
from engagement.tasks import send_messages
from tests.conftest import as_owner, make_workspace
from tests.engagement.smtp_server import Inbox, mail_server
from tests.factories import AT, ParticipantFactory, UserFactory


def queue_mail(workspace: Workspace, key: str = "k1", amount: str = "€25.00") -> Message | None:
    return services.queue_message(
        workspace=workspace,
        mail=services.Mail(
            key=key,
            kind="reward_paid",
            to_email="ana@example.com",
            context={"name": "Ana", "amount": amount},
            about="pyt_1",
            at=AT,
        ),
    )


def row(workspace: Workspace, key: str = "k1") -> Message:
    with tenant(workspace):
        message: Message = Message.objects.for_workspace(workspace).get(key=key)
    return message


def make_due(workspace: Workspace) -> None:
    """Let the time pass that a message waits for its next attempt, or that a dead worker's lease lasts."""
    past = clock.now() - timedelta(hours=1)
    with tenant(workspace):
        rows = Message.objects.for_workspace(workspace)
        rows.filter(state="pending").update(due_at=past)
        rows.filter(leased_until__isnull=False).update(leased_until=past)


@pytest.fixture
def server(settings: Any) -> Iterator[Inbox]:
    with mail_server() as inbox:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", inbox.port
        settings.DEFAULT_FROM_EMAIL = "Platform <referrals@mail.example>"
        settings.BASE_URL = "https://refer.example"
        yield inbox


def test_the_same_occasion_is_queued_once_in_its_first_words(workspace: Workspace) -> None:
    first = queue_mail(workspace)
    assert first is not None
    assert queue_mail(workspace, amount="€1.00") is None
    assert first.subject == "Acme sent you €25.00"
    assert Message.objects.for_workspace(workspace).get() == first


def test_an_unknown_kind_is_a_fault_of_the_caller(workspace: Workspace) -> None:
    with pytest.raises(ValueError, match="no mail of kind 'spam'"):
        services.queue_message(
            workspace=workspace,
            mail=services.Mail(key="k", kind="spam", to_email="a@b.example", context={}, about="", at=AT),
        )


def test_names_are_escaped_in_html_and_cannot_start_a_header(workspace: Workspace) -> None:
    message = queue_mail(workspace, amount="<b>\r\nBcc: everybody@example.com")
    assert message is not None
    assert message.subject == "Acme sent you <b> Bcc: everybody@example.com"
    assert "<b>" not in message.html
    assert "&lt;b&gt;" in message.html
    assert "<b>" in message.text


def test_a_mail_goes_out_from_the_workspaces_name_with_a_stable_id(
    workspace: Workspace, server: Inbox
) -> None:
    Workspace.objects.for_workspace(workspace).update(email_from_name="Acme, Tea & Co")
    queue_mail(workspace)
    assert send_messages() == 1
    assert send_messages() == 0
    ((sender, to, sent),) = server.taken
    message = row(workspace)
    assert (sender, to) == ("referrals@mail.example", "ana@example.com")
    assert sent["From"] == '"Acme, Tea & Co" <referrals@mail.example>'
    assert sent["To"] == "ana@example.com"
    assert sent["Message-ID"] == f"<{message.public_id}@refer.example>"
    assert sent["Auto-Submitted"] == "auto-generated"
    assert [part.get_content_type() for part in sent.walk()] == [
        "multipart/alternative",
        "text/plain",
        "text/html",
    ]
    assert (message.state, message.attempts, message.last_error, message.leased_until) == (
        "done",
        1,
        "",
        None,
    )
    assert message.sent_at is not None


def test_the_workspaces_own_name_is_the_default_sender(workspace: Workspace, server: Inbox) -> None:
    queue_mail(workspace)
    send_messages()
    assert server.taken[0][2]["From"] == "Acme <referrals@mail.example>"


def test_a_passing_refusal_is_tried_again_with_the_same_id(workspace: Workspace, server: Inbox) -> None:
    queue_mail(workspace)
    server.behaviour = "greylist"
    assert send_messages() == 0
    waiting = row(workspace)
    assert (waiting.state, waiting.attempts, waiting.sent_at) == ("pending", 1, None)
    assert waiting.last_error == "The mail server refused it: 451 come back later"
    assert waiting.due_at > clock.now()
    assert send_messages() == 0
    make_due(workspace)
    server.behaviour = "accept"
    assert send_messages() == 1
    assert [sent["Message-ID"] for _, _, sent in server.taken] == [f"<{waiting.public_id}@refer.example>"]
    assert (row(workspace).state, row(workspace).attempts) == ("done", 2)


def test_refusals_end_after_the_limit_of_attempts(workspace: Workspace, server: Inbox) -> None:
    queue_mail(workspace)
    server.behaviour = "greylist"
    Message.objects.for_workspace(workspace).update(attempts=queue.MAX_ATTEMPTS - 1)
    assert send_messages() == 0
    assert row(workspace).state == "dead"


@pytest.mark.parametrize(
    ("behaviour", "said"), [("no_such_user", "550 (address): no such user"), ("spam", "554 looks like spam")]
)
def test_a_permanent_refusal_is_final_and_the_next_mail_goes_out(
    workspace: Workspace, server: Inbox, behaviour: str, said: str
) -> None:
    queue_mail(workspace)
    server.behaviour = behaviour
    assert send_messages() == 0
    given_up = row(workspace)
    assert (given_up.state, given_up.last_error, given_up.sent_at) == (
        "dead",
        f"The mail server refused it: {said}",
        None,
    )
    server.behaviour = "accept"
    queue_mail(workspace, "k2")
    assert send_messages() == 1
    assert len(server.taken) == 1


def test_a_broken_connection_is_never_repeated_by_itself(workspace: Workspace, server: Inbox) -> None:
    queue_mail(workspace)
    server.behaviour = "hang_up"
    assert send_messages() == 0
    make_due(workspace)
    server.behaviour = "accept"
    assert send_messages() == 0
    assert len(server.taken) == 1
    unknown = row(workspace)
    assert unknown.state == "dead"
    assert "whether it took the mail is not known" in unknown.last_error
    with tenant(workspace):
        services.retry_message(message=unknown, actor=SYSTEM, at=clock.now())
    assert send_messages() == 1
    ids = [sent["Message-ID"] for _, _, sent in server.taken]
    assert ids == [f"<{unknown.public_id}@refer.example>"] * 2


def test_a_server_that_is_away_keeps_everything_waiting(
    workspace: Workspace, server: Inbox, settings: Any
) -> None:
    queue_mail(workspace)
    queue_mail(workspace, "k2")
    settings.EMAIL_PORT = 1
    assert send_messages() == 0
    assert {(row(workspace, key).state, row(workspace, key).sent_at) for key in ("k1", "k2")} == {
        ("pending", None)
    }
    assert "The mail server cannot be reached" in row(workspace).last_error
    settings.EMAIL_PORT = server.port
    make_due(workspace)
    assert send_messages() == 2
    assert len(server.taken) == 2


class Killed(BaseException):
    """Stands for the end of the process."""


class KilledAfterTaking(MemoryBackend):
    """Takes the mail, and the worker dies before it hears of it."""

    def send_messages(self, messages: Any) -> int:
        super().send_messages(messages)
        raise Killed


@pytest.mark.django_db(transaction=True)
def test_a_worker_killed_while_sending_leaves_one_mail(settings: Any) -> None:
    workspace = make_workspace(UserFactory.create())
    with tenant(workspace):
        queue_mail(workspace)
    settings.EMAIL_BACKEND = f"{__name__}.KilledAfterTaking"
    with pytest.raises(Killed):
        send_messages()
    with as_owner() as cursor:
        cursor.execute("SELECT set_config('app.workspace', %s, false)", [str(workspace.pk)])
        cursor.execute("SELECT state, sent_at IS NOT NULL FROM engagement_message")
        assert cursor.fetchall() == [("pending", True)]
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    assert send_messages() == 0
    make_due(workspace)
    assert send_messages() == 0
    assert len(mail.outbox) == 1
    left = row(workspace)
    assert left.state == "dead"
    assert left.last_error == ("Sending was interrupted; whether the mail server took the mail is not known.")


def test_an_attempt_whose_lease_went_to_another_worker_sends_nothing(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    queue_mail(workspace)
    stale = queue.claim(Message, limit=1, at=clock.now())
    make_due(workspace)
    assert send_messages() == 1
    turns = iter([stale])
    monkeypatch.setattr(queue, "claim", lambda *args, **kwargs: next(turns, []))
    assert send_messages() == 0
    assert len(mail.outbox) == 1
    assert row(workspace).state == "done"


def test_a_suspended_workspace_sends_later_and_loses_nothing(workspace: Workspace) -> None:
    queue_mail(workspace)
    Workspace.objects.for_workspace(workspace).update(status="suspended")
    assert send_messages() == 0
    assert (row(workspace).state, row(workspace).attempts) == ("pending", 0)
    assert mail.outbox == []
    Workspace.objects.for_workspace(workspace).update(status="active")
    make_due(workspace)
    assert send_messages() == 1
    assert len(mail.outbox) == 1


def test_a_workspace_suspended_after_the_claim_sends_later_too(workspace: Workspace) -> None:
    queue_mail(workspace)
    claims = queue.claim(Message, limit=9, at=clock.now())
    Workspace.objects.for_workspace(workspace).update(status="suspended")
    assert delivery._send_batch(claims) == 0
    assert (row(workspace).state, row(workspace).attempts) == ("pending", 0)
    assert mail.outbox == []


def test_the_sign_in_link_is_put_in_while_sending(workspace: Workspace) -> None:
    ana = ParticipantFactory.create(workspace=workspace)
    services.request_sign_in(
        program=ana.program, email=ana.customer.email, mailbox=ana.customer.mailbox, at=AT
    )
    message = Message.objects.for_workspace(workspace).get()
    assert send_messages() == 1
    (sent,) = mail.outbox
    assert isinstance(sent, mail.EmailMultiAlternatives)
    url = f"http://127.0.0.1:8000/portal/enter/{mailed_secret(message.public_id)}/"
    bodies = [str(sent.body), str(sent.alternatives[0][0])]
    assert [body.count(url) for body in bodies] == [1, 1]
    assert [body.count(LINK_MARK) for body in bodies] == [0, 0]
    assert url not in row(workspace, message.key).text


def test_in_development_each_mail_is_a_file(workspace: Workspace, settings: Any, tmp_path: Path) -> None:
    settings.EMAIL_BACKEND = "core.mail.FileBackend"
    settings.EMAIL_FILE_PATH = tmp_path
    queue_mail(workspace)
    assert send_messages() == 1
    (written,) = tmp_path.iterdir()
    stored = message_from_bytes(written.read_bytes())
    assert stored["Message-ID"] == f"<{row(workspace).public_id}@127.0.0.1>"


def test_mails_of_all_workspaces_go_out(workspace: Workspace, other_workspace: Workspace) -> None:
    queue_mail(workspace)
    with tenant(other_workspace):
        queue_mail(other_workspace)
    assert send_messages() == 2
    assert sorted(sent.from_email.split(" <")[0] for sent in mail.outbox) == ["Acme", "Other"]


@pytest.mark.parametrize("state", ["pending", "done"])
def test_only_a_failed_message_can_be_sent_again(workspace: Workspace, state: str) -> None:
    message = queue_mail(workspace)
    assert message is not None
    Message.objects.for_workspace(workspace).update(state=state)
    with pytest.raises(Conflict) as refused:
        services.retry_message(message=message, actor=SYSTEM, at=clock.now())
    assert refused.value.code == "message_not_failed"
    assert row(workspace).state == state


def test_a_disk_that_fails_leaves_an_unknown_outcome(
    workspace: Workspace, settings: Any, tmp_path: Path
) -> None:
    settings.EMAIL_BACKEND = "core.mail.FileBackend"
    settings.EMAIL_FILE_PATH = tmp_path / "taken"
    settings.EMAIL_FILE_PATH.write_text("a file where the folder should be")
    queue_mail(workspace)
    assert send_messages() == 0
    assert row(workspace).state == "dead"
    assert "FileExistsError" in row(workspace).last_error


def test_a_mail_that_cannot_be_built_stops_no_other(workspace: Workspace) -> None:
    queue_mail(workspace)
    queue_mail(workspace, "k2")
    Message.objects.for_workspace(workspace).filter(key="k1").update(to_email="a@b.example\nBcc: c@d.example")
    assert send_messages() == 1
    assert (row(workspace).state, row(workspace).sent_at) == ("dead", None)
    assert row(workspace).last_error.startswith("Not a valid mail:")
    assert [sent.to for sent in mail.outbox] == [["ana@example.com"]]
