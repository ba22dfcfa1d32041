"""Own domains: claimed, proved by a real DNS answer, shared, looked at again, lost and removed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection

from accounts import proofs, queries, services, tasks
from accounts.models import AuditEntry, Domain, Workspace
from accounts.origins import parse_host
from accounts.services import Actor
from core import clock
from core.errors import Conflict, Invalid
from core.tenancy import tenant
from tests.accounts.name_server import NameServer, name_server
from tests.conftest import AT

pytestmark = pytest.mark.django_db
HER = Actor(kind="user", label="olga@acme.example")


@pytest.fixture
def names(settings: Any) -> Iterator[NameServer]:
    """A name server that knows nothing yet."""
    with name_server(settings) as server:
        yield server


def claimed(workspace: Workspace, host: str = "go.shop.example") -> Domain:
    """Add a domain."""
    return services.add_domain(workspace=workspace, host=host, actor=HER, at=AT)


def verification(workspace: Workspace, host: str = "go.shop.example") -> datetime | None:
    """Return since when a domain is verified, as it is stored."""
    return queries.domains(workspace).get(host=host).verified_at


def looked_up(domain: Domain, *, after: timedelta = timedelta()) -> Domain:
    """Look the record up and note what was found."""
    proof = proofs.look_up(domain.host, domain.token)
    return services.record_check(domain=domain, proof=proof, actor=HER, at=AT + after)


def publish(names: NameServer, domain: Domain) -> None:
    """Let the DNS hold the record."""
    names.records[proofs.record_name(domain.host)] = proofs.record_value(domain.token)


def verified(workspace: Workspace, names: NameServer, host: str = "go.shop.example") -> Domain:
    """Add a domain and prove it."""
    domain = claimed(workspace, host)
    publish(names, domain)
    return looked_up(domain)


def link_host(workspace: Workspace) -> str:
    """Return the stored host of shared links."""
    return Workspace.objects.for_workspace(workspace).get().link_host


@pytest.mark.parametrize(
    ("text", "host"),
    [
        ("go.shop.example", "go.shop.example"),
        ("  GO.Shop.Example. ", "go.shop.example"),
        ("bücher.example", "xn--bcher-kva.example"),
    ],
)
def test_a_host_is_stored_in_one_form(text: str, host: str) -> None:
    assert parse_host(text) == host


@pytest.mark.parametrize(
    "text",
    [
        *("", "shop", "localhost", "127.0.0.1", "https://go.shop.example", "go.shop.example/x"),
        *(
            "go.shop.example:443",
            "*.shop.example",
            "a b.example",
            "me@shop.example",
            "-a.example",
            "a..example",
        ),
        *("[::1]", "go.shop.example\n.evil.example", f"{'a' * 64}.example", "\x00.example"),
    ],
)
def test_what_is_no_host_is_refused_by_name(workspace: Workspace, text: str) -> None:
    with pytest.raises(Invalid) as caught:
        claimed(workspace, text)
    assert caught.value.param == "host"


def test_the_platforms_own_names_are_refused(workspace: Workspace, settings: Any) -> None:
    settings.ALLOWED_HOSTS = ["refer.example.com", ".platform.example"]
    for name in ("refer.example.com", "platform.example", "shop.platform.example"):
        with pytest.raises(Invalid, match="platform") as caught:
            claimed(workspace, name)
        assert (caught.value.code, caught.value.param) == ("reserved", "host")


def test_a_domain_serves_once_its_record_is_seen(workspace: Workspace, names: NameServer) -> None:
    domain = claimed(workspace)
    assert queries.host_owner("go.shop.example") is None
    looked_up(domain)
    assert verification(workspace) is None
    assert domain.problem == "There is no TXT record at _referral.go.shop.example yet."
    names.records["_referral.go.shop.example"] = "v=spf1 -all"
    looked_up(domain)
    assert "says “v=spf1 -all”" in domain.problem
    publish(names, domain)
    looked_up(domain)
    assert (verification(workspace), domain.problem, domain.is_primary) == (AT, "", True)
    assert names.asked == ["_referral.go.shop.example"] * 3
    for host in ("go.shop.example", "GO.shop.example:8443", "go.shop.example."):
        assert queries.host_owner(host) == workspace.pk
    for host in ("", "shop.example", "x.go.shop.example", "\x00", "go.shop.example\r\n", "ü.example"):
        assert queries.host_owner(host) is None
    assert link_host(workspace) == "go.shop.example"
    actions = AuditEntry.objects.for_workspace(workspace).order_by("pk").values_list("action", flat=True)
    assert list(actions)[-3:] == ["domain.added", "domain.verified", "workspace.link_host_changed"]


def test_a_domain_is_added_once_and_ten_at_most(workspace: Workspace) -> None:
    claimed(workspace)
    with pytest.raises(Conflict) as caught:
        claimed(workspace)
    assert (caught.value.code, caught.value.param) == ("domain_exists", "host")
    for number in range(9):
        claimed(workspace, f"go{number}.shop.example")
    with pytest.raises(Invalid) as refused:
        claimed(workspace, "go9.shop.example")
    assert (refused.value.code, refused.value.param) == ("too_many", "host")


def test_a_claim_keeps_nobody_out_and_a_proof_does(
    workspace: Workspace, other_workspace: Workspace, names: NameServer
) -> None:
    claimed(workspace)
    with tenant(other_workspace):
        theirs = verified(other_workspace, names)
        assert theirs.verified_at == AT
    mine = queries.domains(workspace).get()
    publish(names, mine)
    with pytest.raises(services.DomainTaken) as caught:
        looked_up(mine)
    assert caught.value.param == "host"
    assert queries.host_owner("go.shop.example") == other_workspace.pk


def test_a_domain_lapses_three_days_after_its_record_went(workspace: Workspace, names: NameServer) -> None:
    first, second = verified(workspace, names), verified(workspace, names, "ref.shop.example")
    assert (first.is_primary, second.is_primary) == (True, False)
    names.broken = True
    for day in range(1, 20):
        looked_up(first, after=timedelta(days=day))
    assert verification(workspace) == AT
    assert first.missing_since is None
    assert "did not answer" in first.problem
    names.broken = False
    names.records.pop("_referral.go.shop.example")
    for day in (20, 21, 22):
        looked_up(first, after=timedelta(days=day))
        assert verification(workspace) == AT
    # A record that came back in between begins the count anew.
    publish(names, first)
    looked_up(first, after=timedelta(days=22, hours=12))
    assert first.missing_since is None
    names.records.pop("_referral.go.shop.example")
    looked_up(first, after=timedelta(days=23))
    looked_up(first, after=timedelta(days=26))
    assert verification(workspace) is None
    assert queries.host_owner("go.shop.example") is None
    assert link_host(workspace) == "ref.shop.example"


def test_the_shared_domain_is_chosen_and_given_up(workspace: Workspace, names: NameServer) -> None:
    first, second = verified(workspace, names), verified(workspace, names, "ref.shop.example")
    third = claimed(workspace, "new.shop.example")
    with pytest.raises(Conflict) as caught:
        services.set_primary_domain(domain=third, actor=HER)
    assert caught.value.code == "domain_not_verified"
    services.set_primary_domain(domain=second, actor=HER)
    assert link_host(workspace) == "ref.shop.example"
    services.remove_domain(domain=second, actor=HER)
    assert link_host(workspace) == "go.shop.example"
    services.share_platform_domain(workspace=workspace, actor=HER)
    assert link_host(workspace) == ""
    services.remove_domain(domain=first, actor=HER)
    assert queries.host_owner("go.shop.example") is None
    assert [domain.host for domain in queries.domains(workspace)] == ["new.shop.example"]


def test_the_daily_job_looks_at_verified_and_at_new_domains(
    workspace: Workspace, names: NameServer, other_workspace: Workspace
) -> None:
    now = clock.now()
    old = services.add_domain(
        workspace=workspace, host="old.shop.example", actor=HER, at=now - timedelta(days=8)
    )
    new = services.add_domain(workspace=workspace, host="new.shop.example", actor=HER, at=now)
    publish(names, old)
    publish(names, new)
    with tenant(other_workspace):
        kept = verified(other_workspace, names, "theirs.example")
        names.records.clear()
        publish(names, new)
    assert tasks.recheck_domains() == 2
    with tenant(workspace):
        assert [d.host for d in queries.domains(workspace) if d.verified_at] == ["new.shop.example"]
    with tenant(other_workspace):
        kept.refresh_from_db(from_queryset=queries.domains(other_workspace))
        assert kept.missing_since is not None
        assert kept.verified_at == AT


def test_an_owner_is_found_with_one_look_at_the_table(
    workspace: Workspace, names: NameServer, django_assert_num_queries: Any
) -> None:
    verified(workspace, names)
    asked: list[str] = []

    def listen(execute: Any, sql: str, *rest: Any) -> Any:
        asked.append(sql)
        return execute(sql, *rest)

    with connection.execute_wrapper(listen):
        queries.host_owner("go.shop.example")
    assert len([sql for sql in asked if "accounts_domain" in sql]) == 1
