"""The settings of a real installation: headers, cookies, and Django's own checks."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.conf import settings
from django.test import Client

ROOT = Path(__file__).resolve().parents[2]

ACCEPTED_WARNINGS = {
    "security.W005": "subdomains belong to the domain's owner, who may serve some of them plainly",
    "security.W008": "the proxy in front redirects to HTTPS; health checks reach the server without it",
    "security.W021": "joining the browsers' preload list is a decision of the domain's owner",
}
"""What `check --deploy` says about a production installation and why it stands."""

REPORT = """
import json, django
django.setup()
from django.conf import settings
from django.core import checks
found = checks.run_checks(include_deployment_checks=True)
names = [name for name in dir(settings) if name.startswith(("SESSION_", "CSRF_", "SECURE_"))]
values = {name: getattr(settings, name) for name in [*names, "DEBUG", "ALLOWED_HOSTS"]}
print(json.dumps({"checks": [[each.id, each.msg] for each in found], "values": values}, default=str))
"""


@cache
def production() -> dict[str, Any]:
    """Return the settings and the checks' findings of an installation behind HTTPS."""
    environment = {
        **{name: value for name, value in os.environ.items() if name != "DEBUG"},
        "DJANGO_SETTINGS_MODULE": "referral_platform.settings",
        "BASE_URL": "https://refer.example.com",
        "ALLOWED_HOSTS": "refer.example.com",
        "SECRET_KEY": "correct-horse-battery-staple-0123456789-abcdefghijklmnop",
        "HASH_KEY": "another-horse-battery-staple-0123456789-abcdefghijklmnop",
        "CREDENTIALS_KEYS": Fernet.generate_key().decode(),
        "EMAIL_URL": "smtp://mail.example.com:25",
        "DATABASE_URL": "postgres://app:x@localhost/db",
        "DATABASE_OWNER_URL": "postgres://owner:x@localhost/db",
        "REDIS_URL": "redis://localhost:6379/0",
    }
    done = subprocess.run(
        [sys.executable, "-c", REPORT], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    report: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return report


def test_djangos_checks_find_nothing_unexplained() -> None:
    found = [(code, message) for code, message in production()["checks"] if code not in ACCEPTED_WARNINGS]
    # What the OpenAPI file warns of is checked where that file is compared with the committed one.
    unexplained = [f"{code}: {message}" for code, message in found if not code.startswith("drf_spectacular.")]
    assert not unexplained, "\n" + "\n".join(unexplained)


def test_a_production_installation_hides_its_faults_and_its_cookies() -> None:
    values = production()["values"]
    assert values["DEBUG"] is False
    assert values["ALLOWED_HOSTS"] == ["refer.example.com"]
    # The prefix makes browsers refuse the cookie from a subdomain or over plain HTTP.
    assert (values["SESSION_COOKIE_NAME"], values["CSRF_COOKIE_NAME"]) == ("__Host-session", "__Host-csrf")
    assert (values["SESSION_COOKIE_SECURE"], values["CSRF_COOKIE_SECURE"]) == (True, True)
    assert (values["SESSION_COOKIE_DOMAIN"], values["SESSION_COOKIE_PATH"]) == (None, "/")
    assert (values["CSRF_COOKIE_DOMAIN"], values["CSRF_COOKIE_PATH"]) == (None, "/")
    assert (values["SESSION_COOKIE_HTTPONLY"], values["SESSION_COOKIE_SAMESITE"]) == (True, "Lax")
    assert values["SECURE_HSTS_SECONDS"] >= 31_536_000
    assert values["SECURE_CONTENT_TYPE_NOSNIFF"] is True
    assert values["SECURE_PROXY_SSL_HEADER"] == ["HTTP_X_FORWARDED_PROTO", "https"]


def test_the_content_security_policy_allows_nothing_unsafe() -> None:
    policy: dict[str, dict[str, list[str]]] = settings.CONTENT_SECURITY_POLICY
    directives = policy["DIRECTIVES"]
    sources = {source for values in directives.values() for source in values}
    assert sources <= {"'self'", "'none'", "data:"}
    assert directives["default-src"] == ["'self'"]
    assert directives["script-src"] == ["'self'"]
    assert directives["object-src"] == ["'none'"]
    assert directives["frame-ancestors"] == ["'none'"]
    assert [name for name, values in directives.items() if "data:" in values] == ["img-src"]


@pytest.mark.django_db
def test_pages_carry_the_headers(client: Client) -> None:
    response = client.get("/accounts/login/")
    policy = response.headers["Content-Security-Policy"]
    assert "script-src 'self'" in policy
    assert "unsafe" not in policy
    assert response.headers["X-Frame-Options"] == "DENY"
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["Referrer-Policy"] == "same-origin"
    assert response.headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert response.headers["X-Request-Id"].startswith("req_")


@pytest.mark.django_db
def test_a_form_from_another_site_is_refused() -> None:
    strict = Client(enforce_csrf_checks=True)
    response = strict.post("/accounts/login/", {"login": "olga@acme.example", "password": "x"})
    assert response.status_code == 403


def test_work_is_acknowledged_only_when_it_is_done() -> None:
    assert settings.CELERY_TASK_ACKS_LATE is True
    assert settings.CELERY_TASK_REJECT_ON_WORKER_LOST is True
    transport: dict[str, int] = settings.CELERY_BROKER_TRANSPORT_OPTIONS
    visible = transport["visibility_timeout"]
    assert visible > settings.CELERY_TASK_TIME_LIMIT


def test_connections_have_deadlines_of_their_own() -> None:
    options: dict[str, int] = settings.DATABASES["default"]["OPTIONS"]
    assert options["connect_timeout"] <= 10
    assert options["tcp_user_timeout"] <= 30_000
    caches: dict[str, Any] = settings.CACHES
    assert caches["default"]["OPTIONS"]["socket_timeout"] <= 2
    assert settings.EMAIL_TIMEOUT <= 30
