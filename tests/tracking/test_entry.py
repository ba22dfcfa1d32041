from __future__ import annotations

import errno
import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test import override_settings

from accounts import services
from accounts.models import Domain, Workspace
from accounts.services import SYSTEM
from core.tenancy import tenant
from programs import services as program_services
from programs.models import Link
from tests import factories
from tests.conftest import AT
from tracking.entry.directory import MOST, Directory, Unknown
from tracking.entry.front import ClickEntry
from tracking.entry.limits import Buckets
from tracking.entry.line import Away, Line
from tracking.entry.reading import client_address
from tracking.entry.spool import Spool, SpoolFull
from tracking.entry.writer import Row, Writer
from tracking.models import Click, ClickAgent, ClickLoss

BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0"
SHOP = "https://shop.example/welcome"


class Answer:
    """What the entry answers to one request."""

    def __init__(self, entry: ClickEntry, path: str, **environ: Any) -> None:
        self.status = ""
        self.headers: dict[str, str] = {}
        given = {
            "REQUEST_METHOD": "GET",
            "PATH_INFO": path,
            "QUERY_STRING": "",
            "HTTP_HOST": "127.0.0.1:8000",
            "HTTP_USER_AGENT": BROWSER,
            "REMOTE_ADDR": "192.0.2.7",
            "wsgi.url_scheme": "http",
            **environ,
        }
        self.body = b"".join(entry(given, self._start))

    def _start(self, status: str, headers: list[tuple[str, str]]) -> None:
        self.status, self.headers = status, dict(headers)


def behind(environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
    start_response("299 Handed On", [])
    return [b"django"]


@pytest.fixture
def entry(tmp_path: Path, transactional_db: None) -> Iterator[ClickEntry]:
    with override_settings(
        CLICK_SPOOL_DIR=tmp_path / "clicks", CLICK_SPOOL_BYTES=1 << 20, SHARED_HOSTS=frozenset({"127.0.0.1"})
    ):
        entry = ClickEntry(behind)
        yield entry
        entry.close()


@pytest.fixture
def writer(tmp_path: Path) -> Iterator[Writer]:
    writer = Writer(Spool(tmp_path / "spool", 1 << 20))
    yield writer
    writer.close()


@pytest.fixture
def link(transactional_db: None) -> Link:
    owner = factories.UserFactory.create()
    workspace = services.create_workspace(owner=owner, name="Acme", currency="EUR", at=AT)
    with tenant(workspace):
        link: Link = factories.LinkFactory.create(workspace=workspace, code="Ana-K3F", destination_url=SHOP)
    return link


def clicks(workspace: Workspace) -> list[Click]:
    with tenant(workspace):
        return list(Click.objects.for_workspace(workspace).select_related("agent").order_by("public_id"))


def wait(condition: Callable[[], bool], seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.02)


def test_a_click_is_stored_and_sent_on(entry: ClickEntry, link: Link) -> None:
    answer = Answer(entry, "/r/ANA-k3f", HTTP_REFERER="https://www.instagram.com/p/1", HTTP_CF_IPCOUNTRY="de")
    (click,) = clicks(link.workspace)
    assert answer.status == "302 Found"
    assert answer.headers["Location"] == f"{SHOP}?via=Ana-K3F&referral_click={click.public_id}"
    assert answer.headers["Cache-Control"] == "no-store"
    cookie = answer.headers["Set-Cookie"]
    assert cookie == (
        f"referral_visitor={click.visitor_id}; Max-Age=34560000; Path=/; HttpOnly; SameSite=Lax"
    )
    assert (click.counted, click.reason, click.channel, click.country) == (True, "", "instagram", "DE")
    assert click.referrer_host == "instagram.com"
    assert (click.link_id, click.participant_id) == (link.pk, link.participant_id)
    assert click.agent is not None
    assert (click.agent.browser, click.agent.device) == ("Firefox 143", "desktop")
    assert len(click.address_hash) == 32


def test_a_repetition_is_stored_and_does_not_count(entry: ClickEntry, link: Link) -> None:
    first = Answer(entry, "/r/ana-k3f")
    cookie = first.headers["Set-Cookie"].partition(";")[0]
    for _ in range(2):
        again = Answer(entry, "/r/ana-k3f", HTTP_COOKIE=f"theme=dark; {cookie}")
        assert again.headers["Set-Cookie"].startswith(cookie)
    assert [click.reason for click in clicks(link.workspace)] == ["", "duplicate", "duplicate"]
    assert ClickAgent.objects.count() == 1


@pytest.mark.parametrize(
    ("environ", "reason"),
    [
        pytest.param({"REQUEST_METHOD": "HEAD"}, "head", id="head"),
        pytest.param({"HTTP_SEC_PURPOSE": "prefetch;prerender"}, "prefetch", id="prefetch"),
        pytest.param({"HTTP_USER_AGENT": "Googlebot/2.1 (+http://www.google.com/bot.html)"}, "bot", id="bot"),
        pytest.param({"HTTP_USER_AGENT": ""}, "no_user_agent", id="no agent"),
    ],
)
def test_who_is_no_person_is_sent_on_and_not_counted(
    entry: ClickEntry, link: Link, environ: dict[str, str], reason: str
) -> None:
    assert Answer(entry, "/r/ana-k3f", **environ).status == "302 Found"
    assert [(click.reason, click.counted) for click in clicks(link.workspace)] == [(reason, False)]


def test_a_flood_from_one_address_is_stored_and_leaves_others_alone(entry: ClickEntry, link: Link) -> None:
    entry._visits = Buckets(rate=0.001, burst=5, most=10)
    for _ in range(8):
        assert Answer(entry, "/r/ana-k3f").status == "302 Found"
    Answer(entry, "/r/ana-k3f", REMOTE_ADDR="192.0.2.8")
    reasons = [click.reason for click in clicks(link.workspace)]
    assert sorted(reasons) == [""] * 6 + ["flood"] * 3


@pytest.mark.parametrize(
    ("path", "environ"),
    [
        ("/r/nobody", {}),
        ("/r/ana-k3f", {"HTTP_USER_AGENT": "WhatsApp/2.25.10 A"}),
        ("/r/ana-k3f", {"REQUEST_METHOD": "POST"}),
        ("/r/ana-k3f/more", {}),
        ("/", {}),
        ("/w/acme/", {}),
    ],
)
def test_everything_else_is_handed_on(
    entry: ClickEntry, link: Link, path: str, environ: dict[str, str]
) -> None:
    assert Answer(entry, path, **environ).body == b"django"
    assert clicks(link.workspace) == []


def test_a_change_is_seen_within_two_seconds_in_every_process(entry: ClickEntry, link: Link) -> None:
    other = ClickEntry(behind)
    both = (entry, other)
    for each in both:
        assert Answer(each, "/r/ana-k3f").status == "302 Found"
    # Until the notices are heard everything is fresh anyway.
    wait(lambda: all(each._directory._told for each in both))
    for each in both:
        assert Answer(each, "/r/ana-k3f").status == "302 Found"
    with tenant(link.workspace):
        program_services.update_link(link=link, actor=SYSTEM, at=AT, destination_url=f"{SHOP}/new")
    wait(lambda: all("/new?" in Answer(each, "/r/ana-k3f").headers["Location"] for each in both), 2)
    with tenant(link.workspace):
        program_services.change_program_status(
            program=link.participant.program, status="paused", actor=SYSTEM, at=AT, reason="Stock"
        )
    wait(lambda: all(Answer(each, "/r/ana-k3f").status == "299 Handed On" for each in both), 2)
    other.close()


@pytest.mark.parametrize("change", ["archive", "publish", "suspend"])
def test_every_change_of_where_a_link_leads_is_told(entry: ClickEntry, link: Link, change: str) -> None:
    Answer(entry, "/r/ana-k3f")
    wait(lambda: entry._directory._told)
    Answer(entry, "/r/ana-k3f")
    version = entry._directory._versions[link.workspace_id]
    program = link.participant.program
    with tenant(link.workspace):
        if change == "archive":
            program_services.archive_link(link=link, actor=SYSTEM, at=AT)
        elif change == "publish":
            program_services.update_draft(
                program=program, terms={**program.draft, "destination_url": f"{SHOP}/v2"}, actor=SYSTEM
            )
            program_services.publish_program(program=program, actor=SYSTEM, at=AT)
        else:
            services.suspend_workspace(workspace=link.workspace, reason="Unpaid", actor=SYSTEM)
    wait(lambda: entry._directory._versions[link.workspace_id] > version, 2)


def test_the_links_utm_template_reaches_the_shop(entry: ClickEntry, link: Link) -> None:
    with tenant(link.workspace):
        utm = {"source": "referral", "content": "{code}", "medium": "{channel}"}
        program_services.update_link(link=link, actor=SYSTEM, at=AT, utm=utm)
    answer = Answer(entry, "/r/ana-k3f", QUERY_STRING="ch=qr&utm_medium=print")
    (click,) = clicks(link.workspace)
    assert answer.headers["Location"] == (
        f"{SHOP}?utm_source=referral&utm_medium=print&utm_content=Ana-K3F"
        f"&via=Ana-K3F&referral_click={click.public_id}"
    )
    assert click.channel == "qr"


def test_any_allowed_host_is_shared_and_an_own_one_has_its_own_links_only(
    entry: ClickEntry, link: Link
) -> None:
    with override_settings(ALLOWED_HOSTS=[".links.example"]):
        assert Answer(entry, "/r/ana-k3f", HTTP_HOST="eu.links.example").status == "302 Found"
    with tenant(link.workspace):
        domain = services.add_domain(workspace=link.workspace, host="go.acme.example", actor=SYSTEM, at=AT)
        Domain.objects.for_workspace(link.workspace).filter(pk=domain.pk).update(verified_at=AT)
    for path in ("/ana-k3f", "/r/ana-k3f"):
        assert Answer(entry, path, HTTP_HOST="GO.acme.example:443").status == "302 Found"
        assert Answer(entry, path, HTTP_HOST="go.other.example").body == b"django"
    for number in range(80):
        # No codes of links: whatever else is there is Django's.
        assert Answer(entry, f"/page-{number}", HTTP_HOST="go.acme.example").body == b"django"


def test_a_look_up_that_fails_leaves_the_next_ones_alone(
    entry: ClickEntry, link: Link, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as broken:
        broken.setattr("tracking.link_targets.targets", lambda _: 1 / 0)
        assert Answer(entry, "/r/ana-k3f").status == "503 Service Unavailable"
    assert Answer(entry, "/r/ana-k3f").status == "302 Found"


def test_a_connection_that_died_unnoticed_costs_no_click(entry: ClickEntry, link: Link) -> None:
    assert Answer(entry, "/r/nobody").body == b"django"
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE pid <> pg_backend_pid() AND datname = current_database() AND usename = current_user"
        )
    assert Answer(entry, "/r/ana-k3f").status == "302 Found"
    wait(lambda: len(clicks(link.workspace)) == 1)


def test_a_click_that_is_refused_does_not_block_the_spool(link: Link, writer: Writer) -> None:
    writer._spool.append([row(link, 1), row(link, 2, channel="x" * 99), row(link, 3)])
    writer.start()
    wait(lambda: not writer._spool.any_waiting())
    assert [click.public_id[-1] for click in clicks(link.workspace)] == ["1", "3"]


def test_the_spool_empties_under_load(link: Link, writer: Writer) -> None:
    writer._spool.append([row(link, number) for number in range(5)])
    number = 10
    while writer._spool.any_waiting():
        writer.store(row(link, number))
        number += 1
        assert number < 5000
    assert len(clicks(link.workspace)) == 5 + number - 10


def test_a_large_spool_is_many_files(tmp_path: Path) -> None:
    spool = Spool(tmp_path, 1 << 30)
    for _ in range(3):
        spool.append([["x" * (1 << 20)]])
    assert len(list(tmp_path.glob("*.clicks"))) == 3
    other = Spool(tmp_path, 1 << 30)
    with other.waiting() as found:
        assert found is not None
    assert len(list(tmp_path.glob("*.clicks"))) == 2


def test_a_new_code_is_known_within_two_seconds(entry: ClickEntry, link: Link) -> None:
    assert Answer(entry, "/r/bo-77x").status == "299 Handed On"
    with tenant(link.workspace):
        factories.LinkFactory.create(
            workspace=link.workspace, participant=link.participant, code="bo-77x", destination_url=SHOP
        )
    wait(lambda: Answer(entry, "/r/bo-77x").status == "302 Found", 3)


def test_made_up_codes_cost_one_connection_and_bounded_memory(
    entry: ClickEntry, link: Link, monkeypatch: pytest.MonkeyPatch
) -> None:
    statuses = {Answer(entry, f"/r/made-up-{number}").status for number in range(80)}
    assert statuses == {"299 Handed On", "429 Too Many Requests"}
    monkeypatch.setattr("tracking.entry.directory.MOST", 50)
    directory = Directory()
    for number in range(200):
        assert directory.find(f"nobody-{number}") is None
    assert len(directory._nothing) == 50
    assert directory.find("ana-k3f") is not None
    directory.close()
    assert MOST == 100_000


def test_a_known_link_works_on_while_postgres_is_away(
    entry: ClickEntry, link: Link, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert Answer(entry, "/r/ana-k3f").status == "302 Found"

    def away(*_: Any, **__: Any) -> None:
        raise Away("gone")

    with monkeypatch.context() as broken:
        broken.setattr(Line, "execute", away)
        broken.setattr(Line, "__init__", away)
        broken.setattr("tracking.link_targets.targets", _raise_operational)
        entry._directory._told = False
        time.sleep(1.1)
        for _ in range(5):
            assert Answer(entry, "/r/ana-k3f").status == "302 Found"
        assert Answer(entry, "/r/other").status == "503 Service Unavailable"
        with pytest.raises(Unknown):
            entry._directory.find("other")
        assert len(clicks(link.workspace)) == 1
        assert entry._writer._spool.any_waiting()
    wait(lambda: len(clicks(link.workspace)) == 6)
    wait(lambda: not entry._writer._spool.any_waiting())


def _raise_operational(*_: Any) -> None:
    from django.db import OperationalError

    raise OperationalError("gone")


def row(link: Link, number: int, **more: Any) -> Row:
    values = {
        "workspace_id": link.workspace_id,
        "link_id": link.pk,
        "participant_id": link.participant_id,
        "program_id": link.participant.program_id,
        "public_id": f"clk_{number:026d}",
        "visitor_id": f"vis_{number:026d}",
        "occurred_at": "2026-03-02T12:00:00+00:00",
        "reason": "",
        "channel": "link",
        "referrer_host": "",
        "address_hash": "",
        "country": "",
        "known": False,
        "browser": "Firefox 143",
        "system": "Linux",
        "device": "desktop",
    }
    return Row(**{**values, **more})


def test_many_at_once_are_each_stored_once(link: Link, writer: Writer) -> None:
    threads = [threading.Thread(target=writer.store, args=(row(link, number),)) for number in range(200)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert len({click.public_id for click in clicks(link.workspace)}) == 200
    # The same click once more, as after a connection that broke behind the commit.
    writer.store(row(link, 7))
    assert len(clicks(link.workspace)) == 200


def test_repetitions_in_one_group_are_told_too(link: Link) -> None:
    twice = [row(link, number, visitor_id="vis_1", known=True) for number in (1, 2)]
    reasons = ["", ""]
    Writer._mark_repeated(twice, reasons)
    assert reasons == ["", "duplicate"]


def test_the_first_click_of_a_month_makes_room_for_it(link: Link, writer: Writer) -> None:
    writer.store(row(link, 1, occurred_at="2031-07-31T23:59:59+00:00"))
    assert [click.occurred_at.year for click in clicks(link.workspace)] == [2031]
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass('tracking_click_203107') IS NOT NULL")
        assert cursor.fetchone() == (True,)


def test_what_postgres_refuses_is_counted_as_lost_and_takes_nobody_along(
    link: Link, writer: Writer, caplog: pytest.LogCaptureFixture
) -> None:
    assert writer._reconnect()
    writer._keep([row(link, 1), row(link, 2, channel="x" * 99), row(link, 3)])
    writer._catch_up()
    assert [click.public_id[-1] for click in clicks(link.workspace)] == ["1", "3"]
    with tenant(link.workspace):
        (loss,) = ClickLoss.objects.for_workspace(link.workspace)
    assert loss.clicks == 1
    assert "a click is lost" in caplog.text


def test_a_full_spool_is_loud_and_counted(
    link: Link, writer: Writer, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer._spool.limit = 1000
    with monkeypatch.context() as broken:
        broken.setattr(writer, "_reconnect", lambda: False)
        for number in range(10):
            writer._keep([row(link, number)])
    assert "lost, the spool takes no more" in caplog.text
    writer._catch_up()
    stored = len(clicks(link.workspace))
    with tenant(link.workspace):
        lost = sum(loss.clicks for loss in ClickLoss.objects.for_workspace(link.workspace))
    assert 0 < stored < 10
    assert stored + lost == 10


def test_a_disk_that_takes_nothing_leaves_no_half_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spool = Spool(tmp_path, 1 << 20)
    spool.append([[1, "a"]])

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as broken:
        broken.setattr(os, "fsync", full)
        with pytest.raises(SpoolFull, match="No space left"):
            spool.append([[2, "b"]])
    spool.append([[3, "c"]])
    with spool.waiting() as found:
        assert found is not None
        assert found[1] == [[1, "a"], [3, "c"]]
    assert not spool.any_waiting()
    spool.close()


def test_the_file_of_a_dead_process_is_taken_over_and_that_of_a_living_one_is_not(tmp_path: Path) -> None:
    living = Spool(tmp_path, 1 << 20)
    living.append([[1]])
    (tmp_path / "9-dead.clicks").write_bytes(b'[2]\n[3]\n[4,"half')
    other = Spool(tmp_path, 1 << 20)
    with other.waiting() as found:
        assert found is not None
        assert found[1] == [[2], [3]]
    with other.waiting() as found:
        assert found is None
    assert living.any_waiting()
    living.close()


def test_a_file_stays_when_storing_its_rows_fails(tmp_path: Path) -> None:
    spool = Spool(tmp_path, 1 << 20)
    spool.append([[1]])
    with pytest.raises(Away), spool.waiting():
        raise Away("gone")
    with spool.waiting() as found:
        assert found is not None
        assert found[1] == [[1]]


def test_buckets_fill_up_again_and_forget_the_oldest() -> None:
    buckets = Buckets(rate=1, burst=2, most=2)
    assert [buckets.take("a", 0.0) for _ in range(3)] == [True, True, False]
    assert buckets.take("a", 1.0)
    assert not buckets.take("a", 1.5)
    buckets.take("b", 1.5)
    buckets.take("c", 1.5)
    assert len(buckets) == 2
    assert buckets.take("a", 1.5)


@pytest.mark.parametrize(
    ("proxies", "forwarded", "address"),
    [
        (0, "203.0.113.9", "192.0.2.7"),
        (1, "203.0.113.9", "203.0.113.9"),
        (1, "10.9.9.9, 203.0.113.9", "203.0.113.9"),
        (2, "10.9.9.9, 203.0.113.9, 198.51.100.1", "203.0.113.9"),
        (2, "203.0.113.9", "192.0.2.7"),
        (1, "", "192.0.2.7"),
    ],
)
def test_the_address_is_that_of_the_last_trusted_proxy(proxies: int, forwarded: str, address: str) -> None:
    with override_settings(TRUSTED_PROXIES=proxies):
        environ = {"REMOTE_ADDR": "192.0.2.7", "HTTP_X_FORWARDED_FOR": forwarded}
        assert client_address(environ) == address


def test_who_tries_too_many_codes_is_refused_without_a_look_up(
    entry: ClickEntry, link: Link, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert Answer(entry, "/r/ana-k3f", REMOTE_ADDR="203.0.113.1").status == "302 Found"
    entry._made_up.rate, entry._made_up.burst = 0.0, 3.0
    statuses = [Answer(entry, f"/r/made-up-{n}", REMOTE_ADDR="203.0.113.8").status for n in range(5)]
    assert statuses == ["299 Handed On"] * 3 + ["429 Too Many Requests"] * 2
    monkeypatch.setattr("tracking.link_targets.targets", lambda _: 1 / 0)
    assert Answer(entry, "/r/made-up-9", REMOTE_ADDR="203.0.113.8").status == "429 Too Many Requests"
    # Links that are in memory go on working for them, and all links for everybody else.
    assert Answer(entry, "/r/ana-k3f", REMOTE_ADDR="203.0.113.8").status == "302 Found"
    assert Answer(entry, "/r/made-up-9", REMOTE_ADDR="203.0.113.1").status == "503 Service Unavailable"
