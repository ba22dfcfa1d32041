"""Signing up and in through the mailed codes, and the pages around it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from django.core import mail
from django.test import Client
from django.urls import reverse

from accounts.models import User, Workspace
from tests.accounts.people import (
    mailed_code,
    sign_up,
    signed_in,
)
from tests.factories import PASSWORD

OLGA = "olga@acme.example"

BOB = "bob@new.example"


@pytest.mark.django_db(transaction=True)
def test_signing_up_and_in_by_password_and_by_code() -> None:
    client = Client()
    sign_up(client, "ada@new.example")
    ada = User.objects.get(email="ada@new.example")
    assert client.session["_auth_user_id"] == str(ada.pk)
    assert client.get("/")["Location"] == reverse("workspace_new")

    client.post(reverse("account_logout"))
    assert "_auth_user_id" not in client.session
    wrong = client.post(reverse("account_login"), {"login": ada.email, "password": "not-the-password"})
    assert wrong.status_code == 200
    assert "_auth_user_id" not in client.session
    client.post(reverse("account_login"), {"login": ada.email, "password": PASSWORD})
    assert client.session["_auth_user_id"] == str(ada.pk)

    client.post(reverse("account_logout"))
    asked = client.post(reverse("account_request_login_code"), {"email": ada.email})
    assert asked["Location"] == reverse("account_confirm_login_code")
    wrong = client.post(asked["Location"], {"code": "AAAA-AAAA"})
    assert "_auth_user_id" not in client.session
    client.post(asked["Location"], {"code": mailed_code()})
    assert client.session["_auth_user_id"] == str(ada.pk)


@pytest.mark.parametrize(
    ("email", "password", "field"),
    [("ada", PASSWORD, "email"), ("", PASSWORD, "email"), ("ada@new.example", "short", "password1")],
)
def test_a_bad_sign_up_names_the_field(db: None, email: str, password: str, field: str) -> None:
    page = Client().post(reverse("account_signup"), {"email": email, "password1": password})
    assert list(page.context["form"].errors) == [field]
    assert not User.objects.exists()


ACCOUNT_PAGES = ["account_login", "account_signup", "account_request_login_code", "account_reset_password"]


OWN_PAGES = ["account_email", "account_change_password", "account_logout"]


def test_the_pages_of_accounts_wear_our_frame_and_run_no_inline_script(acme: Workspace, owner: User) -> None:
    shown = [(Client(), name) for name in ACCOUNT_PAGES] + [(signed_in(owner), name) for name in OWN_PAGES]
    for client, name in shown:
        response = client.get(reverse(name))
        page = response.content.decode()
        assert response.status_code == 200, name
        assert 'href="/static/dist/app.css"' in page, name
        assert re.findall(r"<script(?![^>]*\bsrc=)", page) == [], name
        assert "style=" not in page, name
        assert "script-src 'self'" in response["Content-Security-Policy"], name


def test_development_mail_is_listed_and_shown_only_in_development(
    client: Client, db: None, settings: Any, tmp_path: Path
) -> None:
    settings.EMAIL_FILE_PATH = tmp_path
    settings.EMAIL_BACKEND = "core.mail.FileBackend"
    settings.DEBUG = True
    assert "No mail yet" in client.get(reverse("dev_mail")).content.decode()
    mail.send_mail("First <one>", "Hello, open https://shop.example/x", None, [BOB])
    mail.send_mail("Second", "Text", None, [BOB], html_message="<p onclick=x()>Hi</p>")
    page = client.get(reverse("dev_mail"))
    assert [m.subject for m in page.context["mails"]] == ["Second", "First <one>"]
    second, first = (m.name for m in page.context["mails"])
    letter = client.get(reverse("dev_mail_message", args=[first])).content.decode()
    assert "First &lt;one&gt;" in letter
    assert 'href="https://shop.example/x"' in letter
    assert "Show the HTML part" not in letter
    html = client.get(reverse("dev_mail_html", args=[second]))
    assert html.content.decode().strip() == "<p onclick=x()>Hi</p>"
    policy = html["Content-Security-Policy"]
    assert "sandbox" in policy
    assert "default-src 'none'" in policy
    assert "script-src" not in policy
    for name in ("eml_nothing", "..", "eml_01hzzzzzzzzzzzzzzzzzzzzzzz"):
        assert client.get(reverse("dev_mail_message", args=[name])).status_code == 404
    settings.DEBUG = False
    for closed in (
        reverse("dev_mail"),
        *(reverse(f"dev_mail_{x}", args=[first]) for x in ("message", "html")),
    ):
        assert client.get(closed).status_code == 404
