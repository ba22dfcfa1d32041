"""Questions about conversions against real servers on loopback: answered, repeated, given up, fair to all."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext
from standardwebhooks import Webhook

from accounts.models import AuditEntry, User, Workspace
from accounts.services import SYSTEM
from core import clock, events
from core.errors import Invalid
from core.tenancy import tenant
from integrations import queries
from integrations.models import Connection, ValidationAttempt, ValidationKey, ValidationRequest
from integrations.services import asking
from integrations.services.connections import disable_connection, set_shop_keys
from integrations.services.validation import queue_questions, rotate_validation_key
from integrations.tasks import ask_about_conversions
from programs.models import Participant, ProgramVersion
from rewards.models import Reward
from tests.conftest import AT, make_workspace
from tests.engagement import rows
from tests.factories import ConversionFactory, CustomerFactory, ParticipantFactory, ProgramFactory, terms
from tests.integrations.receiver import Receiver, Reply, receiving
from tests.integrations.shops import connected, order
from tests.integrations.woo_shop import KEY, SECRET, WooShop, shop_open
from tracking import services as tracking
from tracking.models import Conversion, ConversionCheck

URL = "https://shop.example/validate"


def open_to(settings: Any, *ports: int) -> None:
    settings.OUTBOUND_ALLOW_NETWORKS = ["127.0.0.0/8"]
    settings.OUTBOUND_ALLOW_PORTS = list(ports)


@pytest.fixture
def receiver(settings: Any) -> Iterator[Receiver]:
    """The workspace's own system."""
    with receiving() as server:
        open_to(settings, server.server_port)
        yield server


@pytest.fixture
def shop(settings: Any) -> Iterator[WooShop]:
    """A WooCommerce shop that has order 17: paid, goods of 88.20 USD."""
    with shop_open() as server:
        open_to(settings, server.server_port)
        server.orders[17] = order("0015") | {"id": 17, "number": "17", "status": "processing"}
        yield server


def heard() -> None:
    while events.deliver_due():
        pass


def asked(
    workspace: Workspace,
    url: str = "",
    conversion: Conversion | None = None,
    credited: bool = True,
    **fraud: Any,
) -> ConversionCheck:
    """Ask about a purchase of 100.00 EUR; `url` takes the place of the address in the terms."""
    program = ProgramFactory.create(workspace=workspace, draft=terms(fraud=fraud or {"validation_url": URL}))
    participant: Participant = ParticipantFactory.create(workspace=workspace, program=program)
    conversion = conversion or ConversionFactory.create(
        workspace=workspace, customer=CustomerFactory.create(workspace=workspace, external_id=None)
    )
    if credited:
        rows.credit(rows.referral(participant, conversion.customer), conversion=conversion)
    version = ProgramVersion.objects.for_workspace(workspace).get(program=program)
    tracking.ask_checks(workspace=workspace, decided=[(conversion, version)], at=AT)
    heard()
    if url:
        # Terms take https on public hosts only.
        ValidationRequest.objects.for_workspace(workspace).filter(
            conversion_check__conversion=conversion
        ).update(url=url)
    check: ConversionCheck = ConversionCheck.objects.for_workspace(workspace).get(conversion=conversion)
    return check


def request_of(check: ConversionCheck) -> ValidationRequest:
    found: ValidationRequest = ValidationRequest.objects.for_workspace(check.workspace_id).get(
        conversion_check=check
    )
    return found


def standing(check: ConversionCheck) -> tuple[str, str, str]:
    check.refresh_from_db()
    return check.status, check.detail, request_of(check).state


def due_now(workspace: Workspace) -> None:
    ValidationRequest.objects.for_workspace(workspace).update(due_at=AT)


def tries(workspace: Workspace) -> list[tuple[int | None, str, str]]:
    found = ValidationAttempt.objects.for_workspace(workspace).order_by("pk")
    return list(found.values_list("status", "response", "error"))


# What is queued


def test_a_check_is_put_to_the_address_in_the_terms(workspace: Workspace) -> None:
    check = asked(workspace)
    row = request_of(check)
    assert (row.kind, row.url, row.state, row.attempts, row.asked_at) == ("callback", URL, "pending", 0, AT)
    assert row.began_at == row.due_at
    events.replay(workspace_id=workspace.pk)
    heard()
    assert ValidationRequest.objects.for_workspace(workspace).count() == 1


def test_many_are_queued_in_as_many_statements_as_one(workspace: Workspace) -> None:
    checks = [asked(workspace) for _ in range(5)]
    ValidationRequest.objects.for_workspace(workspace).delete()
    counts = []
    for chosen in (checks[:1], checks[1:]):
        with CaptureQueriesContext(database) as statements:
            queue_questions(workspace=workspace, asked=[(check, AT) for check in chosen])
        counts.append(len([s for s in statements if "SAVEPOINT" not in s["sql"]]))
    assert counts == [3, 3]
    assert ValidationRequest.objects.for_workspace(workspace).count() == 5


# Asking the workspace's own system


def test_the_question_says_what_happened_and_is_signed(workspace: Workspace, receiver: Receiver) -> None:
    secret = rotate_validation_key(workspace=workspace, actor=SYSTEM, at=clock.now())
    check = asked(workspace, receiver.url("/validate"))
    conversion = check.conversion
    assert ask_about_conversions() == 1

    ((path, headers, body),) = receiver.received
    assert (path, headers["content-type"]) == ("/validate", "application/json")
    assert headers["webhook-id"] == check.public_id
    participant = Participant.objects.for_workspace(workspace).select_related("program").get()
    assert Webhook(secret).verify(body, headers) == {
        "conversion": conversion.public_id,
        "kind": "purchase",
        "event_name": "",
        "source": "api",
        "order": conversion.source_key,
        "amount_minor": 10_000,
        "currency": "EUR",
        "occurred_at": "2026-03-02T12:00:00+00:00",
        "customer": conversion.customer.public_id,
        "customer_external_id": None,
        "credits": [
            {
                "program": participant.program.public_id,
                "participant": participant.public_id,
                "amount_minor": 10_000,
            }
        ],
        "rewards": [
            {
                "reward": reward.public_id,
                "program": participant.program.public_id,
                "participant": participant.public_id if reward.side == "referrer" else None,
                "side": reward.side,
                "kind": reward.kind,
                "amount_minor": reward.amount_minor,
                "unit": "EUR",
            }
            for reward in Reward.objects.for_workspace(workspace).order_by("pk")
        ],
        "check": check.public_id,
        "attempt": 1,
    }
    held = Reward.objects.for_workspace(workspace).filter(side="referrer").get()
    assert (held.reason, held.amount_minor) == ("not_validated", 1_000)
    assert conversion.customer.email.encode() not in body
    assert standing(check) == ("passed", "Your system approved it (HTTP 200).", "done")
    assert tries(workspace) == [(200, "ok", "")]
    assert ask_about_conversions() == 0


def test_two_secrets_sign_after_a_rotation(workspace: Workspace, receiver: Receiver) -> None:
    old = rotate_validation_key(workspace=workspace, actor=SYSTEM, at=clock.now())
    new = rotate_validation_key(workspace=workspace, actor=SYSTEM, at=clock.now())
    asked(workspace, receiver.url())
    ask_about_conversions()
    ((_, headers, body),) = receiver.received
    for secret in (old, new):
        Webhook(secret).verify(body, headers)
    key = ValidationKey.objects.for_workspace(workspace).get()
    assert queries.signing_secrets(key, at=clock.now()) == [new, old]
    assert queries.signing_secrets(key, at=clock.now() + timedelta(hours=25)) == [new]
    assert AuditEntry.objects.for_workspace(workspace).filter(action="validation_key.rotated").count() == 2


def test_an_unasked_for_secret_signs_the_first_question(workspace: Workspace, receiver: Receiver) -> None:
    asked(workspace, receiver.url())
    ask_about_conversions()
    ((_, headers, body),) = receiver.received
    key = ValidationKey.objects.for_workspace(workspace).get()
    (secret,) = queries.signing_secrets(key, at=clock.now())
    assert secret not in key.sealed_secret
    Webhook(secret).verify(body, headers)


@pytest.mark.parametrize(
    ("reply", "status", "detail"),
    [
        (Reply(200), "passed", "Your system approved it (HTTP 200)."),
        (Reply(204, b""), "passed", "Your system approved it (HTTP 204)."),
        (Reply(400, b""), "failed", "Your system rejected it."),
        (
            Reply(400, b"card\x00 was\n  <b>stolen</b> "),
            "failed",
            "Your system rejected it: card was <b>stolen</b>",
        ),
        (Reply(400, b"x" * 500), "failed", f"Your system rejected it: {'x' * 200}"),
        (Reply(400, b"\xff"), "failed", "Your system rejected it: \ufffd"),
    ],
)
def test_a_yes_and_a_no_end_it(
    workspace: Workspace, receiver: Receiver, reply: Reply, status: str, detail: str
) -> None:
    check = asked(workspace, receiver.url())
    receiver.script = [reply]
    ask_about_conversions()
    assert standing(check) == (status, detail, "done")
    due_now(workspace)
    assert ask_about_conversions() == 0


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (205, "Your system answered 205."),
        (302, "Your system answered 302; redirects are not followed."),
        (401, "Your system answered 401."),
        (410, "Your system answered 410."),
        (500, "Your system answered 500."),
    ],
)
def test_anything_else_is_asked_again_under_the_same_id(
    workspace: Workspace, receiver: Receiver, status: int, error: str
) -> None:
    check = asked(workspace, receiver.url())
    receiver.script = [
        Reply(status, b"" if status == 205 else b"hm", {"Location": receiver.url("/elsewhere")})
    ]
    began = clock.now()
    assert ask_about_conversions() == 1
    row = request_of(check)
    assert (row.state, row.attempts, row.last_error) == ("pending", 1, error)
    assert timedelta(seconds=30) <= row.due_at - began < timedelta(seconds=48)
    assert standing(check)[0] == "waiting"
    assert ask_about_conversions() == 0

    due_now(workspace)
    assert ask_about_conversions() == 1
    assert receiver.ids == [check.public_id] * 2
    assert [path for path, _, _ in receiver.received] == ["/hook", "/hook"]
    assert [json.loads(body)["attempt"] for _, _, body in receiver.received] == [1, 2]
    assert standing(check) == ("passed", "Your system approved it (HTTP 200).", "done")
    assert [each[2] for each in tries(workspace)] == [error, ""]


def test_the_wish_to_wait_is_honoured(workspace: Workspace, receiver: Receiver) -> None:
    check = asked(workspace, receiver.url())
    receiver.script = [Reply(503, headers={"Retry-After": "900"})]
    began = clock.now()
    ask_about_conversions()
    assert timedelta(seconds=900) <= request_of(check).due_at - began < timedelta(seconds=915)


def test_after_72_hours_nobody_has_answered(workspace: Workspace, receiver: Receiver) -> None:
    check = asked(workspace, receiver.url())
    receiver.script = [Reply(500)] * 40
    began = request_of(check).began_at
    times: list[datetime] = []
    while request_of(check).state == "pending":
        at = max(request_of(check).due_at, clock.now())
        with clock.standing_at(at):
            assert ask_about_conversions() == 1
        times.append(at)

    assert 15 <= len(times) <= 25
    assert times[-1] == began + timedelta(hours=72)
    pauses = [later - earlier for earlier, later in pairwise(times)]
    assert max(pauses) <= timedelta(hours=7.5)
    assert standing(check) == (
        "unanswered",
        "No answer for 72 hours. Your system answered 500.",
        "dead",
    )
    assert len(tries(workspace)) == len(times)


def test_a_person_begins_again(workspace: Workspace, receiver: Receiver) -> None:
    check = asked(workspace, receiver.url())
    ValidationRequest.objects.for_workspace(workspace).update(began_at=clock.now() - timedelta(hours=73))
    receiver.script = [Reply(500)]
    ask_about_conversions()
    assert standing(check)[0] == "unanswered"

    tracking.ask_again(check=check, actor=SYSTEM, at=AT + timedelta(days=4))
    heard()
    row = request_of(check)
    assert (row.state, row.attempts, row.url, row.last_error) == ("pending", 0, URL, "")
    assert clock.now() - row.began_at < timedelta(minutes=1)
    ValidationRequest.objects.for_workspace(workspace).update(url=receiver.url())
    assert ask_about_conversions() == 1
    assert standing(check)[0] == "passed"
    # What was heard once more changes nothing.
    events.replay(workspace_id=workspace.pk)
    heard()
    assert standing(check)[2] == "done"


def test_a_receiver_that_hangs_meets_the_deadline_and_holds_up_nobody(
    workspace: Workspace, other_workspace: Workspace, receiver: Receiver
) -> None:
    release = threading.Event()
    stuck = [asked(workspace, receiver.url("/stuck")) for _ in range(4)]
    with tenant(other_workspace):
        quick = asked(other_workspace, receiver.url("/quick"))
    order_of_answers: list[str] = []

    def hang() -> None:
        order_of_answers.append("stuck")
        release.wait(20)

    receiver.script = [Reply(before=hang), Reply(before=hang)]
    ValidationRequest.objects.for_workspace(workspace).update(due_at=AT)
    with tenant(other_workspace):
        ValidationRequest.objects.for_workspace(other_workspace).update(due_at=AT + timedelta(seconds=1))
    claims = asking.claim_questions(limit=8, at=clock.now())
    assert sorted(each.workspace_id for each in claims) == [workspace.pk] * 2 + [other_workspace.pk]
    for each in (workspace, other_workspace):
        with tenant(each):
            ValidationRequest.objects.for_workspace(each).update(leased_until=None, attempts=0)

    asking.ask_due(deadline_seconds=0.5, run_seconds=0.1)
    release.set()
    with tenant(other_workspace):
        assert standing(quick)[0] == "passed"
    errors = [request_of(check).last_error for check in stuck]
    assert sorted(errors) == ["", "", *["The server did not answer in time."] * 2]
    assert tries(workspace) == [(None, "", "The server did not answer in time.")] * 2


def test_an_address_that_is_private_is_never_called(
    workspace: Workspace, receiver: Receiver, settings: Any
) -> None:
    check = asked(workspace, receiver.url())
    settings.OUTBOUND_ALLOW_NETWORKS = []
    ask_about_conversions()
    assert receiver.received == []
    assert standing(check)[0] == "waiting"
    assert tries(workspace) == [(None, "", "The URL leads to an address that is not on the public internet.")]


def test_what_needs_no_answer_any_more_is_not_asked(workspace: Workspace, receiver: Receiver) -> None:
    rejected, answered = asked(workspace, receiver.url()), asked(workspace, receiver.url())
    tracking.reject_conversion(conversion=rejected.conversion, reason="test", actor=SYSTEM, at=AT)
    tracking.answer_check(check=answered, passed=True, detail="By hand.", at=AT)
    assert ask_about_conversions() == 0
    assert receiver.received == []
    assert standing(rejected) == ("unanswered", asking.REJECTED, "dead")
    assert standing(answered) == ("passed", "By hand.", "done")


def test_a_suspended_workspace_asks_nothing(workspace: Workspace, receiver: Receiver) -> None:
    check = asked(workspace, receiver.url())
    Workspace.objects.for_workspace(workspace).update(status="suspended")
    assert ask_about_conversions() == 0
    assert request_of(check).attempts == 0


def test_what_cannot_be_built_is_tried_again_and_holds_up_nobody(
    workspace: Workspace, other_workspace: Workspace, receiver: Receiver, settings: Any
) -> None:
    rotate_validation_key(workspace=workspace, actor=SYSTEM, at=clock.now())
    ValidationKey.objects.for_workspace(workspace).update(sealed_secret="torn")
    torn = asked(workspace, receiver.url())
    with tenant(other_workspace):
        whole = asked(other_workspace, receiver.url())
    ask_about_conversions()
    with tenant(other_workspace):
        assert standing(whole)[0] == "passed"
    assert request_of(torn).last_error == "It could not be asked: InvalidToken."
    assert standing(torn) == ("waiting", "", "pending")


@pytest.mark.django_db(transaction=True)
def test_two_workers_ask_once(owner: User, receiver: Receiver) -> None:
    workspace = make_workspace(owner)
    with tenant(workspace):
        checks = [asked(workspace, receiver.url()) for _ in range(4)]
    barrier = threading.Barrier(2)
    counts: list[int] = []

    def work() -> None:
        barrier.wait(10)
        counts.append(ask_about_conversions())
        database.close()

    workers = [threading.Thread(target=work) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    counts.append(ask_about_conversions())
    assert sum(counts) == 4
    assert sorted(receiver.ids) == sorted(check.public_id for check in checks)
    with tenant(workspace):
        assert {standing(check)[0] for check in checks} == {"passed"}


# Asking the shop


def woo(workspace: Workspace, shop: WooShop, **keys: str) -> Connection:
    given = {"shop_url": shop.url, "consumer_key": KEY, "consumer_secret": SECRET, **keys}
    return set_shop_keys(connection=connected(workspace), **given, actor=SYSTEM)


def bought(workspace: Workspace, **fact: Any) -> Conversion:
    given = {"source_key": "17", "amount_minor": 8_820, "currency": "USD", **fact}
    customer = CustomerFactory.create(workspace=workspace)
    made: Conversion = ConversionFactory.create(workspace=workspace, customer=customer, **given)
    return made


@pytest.mark.parametrize("own", [True, False])
def test_the_shop_confirms_an_order_as_it_was_told(workspace: Workspace, shop: WooShop, own: bool) -> None:
    connection = woo(workspace, shop)
    source = connection.public_id if own else "api"
    check = asked(workspace, conversion=bought(workspace, source=source), validate_orders=True)
    assert ask_about_conversions() == 1
    assert shop.asked == ["/shop/wp-json/wc/v3/orders/17"]
    assert standing(check) == (
        "passed",
        "Order 17 is paid in the shop and comes to what was told.",
        "done",
    )
    # The answer names the buyer, so none of it is kept.
    assert tries(workspace) == [(200, "", "")]


@pytest.mark.parametrize(
    ("there", "fact", "status", "detail"),
    [
        ({"status": "completed"}, {}, "passed", "Order 17 is paid in the shop and comes to what was told."),
        ({}, {"amount_minor": 9_000}, "failed", "Order 17 comes to $88.20 in the shop, and $90.00 was told."),
        ({}, {"currency": "EUR"}, "failed", "Order 17 comes to $88.20 in the shop, and €88.20 was told."),
        ({"status": "cancelled"}, {}, "failed", "Order 17 is cancelled in the shop."),
        ({"status": "refunded"}, {}, "failed", "Order 17 is refunded in the shop."),
        ({"status": "trash"}, {}, "failed", "Order 17 was deleted in the shop."),
        ({}, {"source_key": "18"}, "failed", "The shop knows no such order."),
        ({}, {"source_key": "#17"}, "passed", "Order 17 is paid in the shop and comes to what was told."),
        ({}, {"source_key": "../17"}, "failed", "../17 is not an order number of this shop."),
    ],
)
def test_the_shops_word_decides(
    workspace: Workspace, shop: WooShop, there: dict[str, Any], fact: dict[str, Any], status: str, detail: str
) -> None:
    shop.orders[17] |= there
    woo(workspace, shop)
    check = asked(workspace, conversion=bought(workspace, **fact), validate_orders=True)
    ask_about_conversions()
    assert standing(check) == (status, detail, "done")


HTML = (200, {"Content-Type": "text/html"}, b"<html>Briefly unavailable for maintenance.</html>")
NO_ROUTE = b'{"code":"rest_no_route","message":"No route.","data":{"status":404}}'


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ((429, {"Retry-After": "120"}, b"{}"), "The shop answered 429."),
        ((503, {}, b"<html>down</html>"), "The shop answered 503."),
        (HTML, "The shop answered 200, and not with an order."),
        ((404, {}, b"<html>not here</html>"), "The shop answered 404, and not with an order."),
        ((404, {}, NO_ROUTE), "The shop answered 404, and not with an order."),
        (
            (301, {"Location": "https://www.shop.example/"}, b""),
            "The shop answered 301, and not with an order.",
        ),
        ((403, {}, b"<html>blocked</html>"), "The shop refuses the keys (HTTP 403)."),
        (
            (200, {}, b'{"id": 17}'),
            "The shop's answer cannot be read. The field status is missing.",
        ),
    ],
)
def test_a_shop_that_says_nothing_of_use_is_asked_again(
    workspace: Workspace, shop: WooShop, answer: tuple[int, dict[str, str], bytes], error: str
) -> None:
    woo(workspace, shop)
    check = asked(workspace, conversion=bought(workspace), validate_orders=True)
    shop.script = [answer]
    began = clock.now()
    ask_about_conversions()
    row = request_of(check)
    assert (row.state, row.last_error, standing(check)[0]) == ("pending", error, "waiting")
    assert row.due_at - began >= timedelta(seconds=120 if answer[0] == 429 else 30)
    due_now(workspace)
    ask_about_conversions()
    assert standing(check)[0] == "passed"


def test_an_order_that_is_not_paid_yet_may_be_paid_later(workspace: Workspace, shop: WooShop) -> None:
    shop.orders[17]["status"] = "on-hold"
    woo(workspace, shop)
    check = asked(workspace, conversion=bought(workspace), validate_orders=True)
    ask_about_conversions()
    assert request_of(check).last_error == "Order 17 is not paid yet."
    shop.orders[17]["status"] = "processing"
    due_now(workspace)
    ask_about_conversions()
    assert standing(check)[0] == "passed"


def test_wrong_keys_can_be_mended_within_the_time(workspace: Workspace, shop: WooShop) -> None:
    connection = woo(workspace, shop, consumer_secret="cs_wrong")
    check = asked(workspace, conversion=bought(workspace), validate_orders=True)
    ask_about_conversions()
    assert request_of(check).last_error == "The shop refuses the keys (HTTP 401)."
    set_shop_keys(
        connection=connection, shop_url=shop.url, consumer_key="", consumer_secret=SECRET, actor=SYSTEM
    )
    due_now(workspace)
    ask_about_conversions()
    assert standing(check)[0] == "passed"


def test_without_one_shop_to_ask_the_question_waits(workspace: Workspace, shop: WooShop) -> None:
    check = asked(workspace, conversion=bought(workspace), validate_orders=True)
    ask_about_conversions()
    assert request_of(check).last_error == (
        "No connected shop can be asked: give one of them the keys of its API."
    )
    first, second = woo(workspace, shop), woo(workspace, shop)
    due_now(workspace)
    ask_about_conversions()
    assert request_of(check).last_error == (
        "Several shops are connected, and nothing says which one has the order."
    )
    disable_connection(connection=second, actor=SYSTEM)
    due_now(workspace)
    ask_about_conversions()
    assert standing(check)[0] == "passed"
    assert first.sealed_keys != second.sealed_keys


# The keys


@pytest.mark.parametrize(
    ("changes", "param"),
    [
        ({"shop_url": ""}, "shop_url"),
        ({"shop_url": "https://10.0.0.1/"}, "shop_url"),
        ({"shop_url": "https://user:x@shop.example/"}, "shop_url"),
        ({"shop_url": "https://shop.example/?a=b"}, "shop_url"),
        ({"consumer_key": ""}, "consumer_key"),
        ({"consumer_key": "ck:1"}, "consumer_key"),
        ({"consumer_secret": ""}, "consumer_secret"),
        ({"consumer_secret": "cs 1"}, "consumer_secret"),
        ({"consumer_secret": "x" * 201}, "consumer_secret"),
    ],
)
def test_bad_keys_name_the_field_and_are_not_kept(
    workspace: Workspace, changes: dict[str, str], param: str
) -> None:
    connection = connected(workspace)
    given = {"shop_url": "https://shop.example", "consumer_key": KEY, "consumer_secret": SECRET, **changes}
    with pytest.raises(Invalid) as refused:
        set_shop_keys(connection=connection, **given, actor=SYSTEM)
    assert refused.value.param == param
    connection.refresh_from_db()
    assert (connection.shop_url, connection.sealed_keys) == ("", "")


def test_keys_are_sealed_to_their_connection_and_can_be_taken_away(workspace: Workspace) -> None:
    connection = set_shop_keys(
        connection=connected(workspace),
        shop_url=" https://shop.example/ ",
        consumer_key=KEY,
        consumer_secret=SECRET,
        actor=SYSTEM,
    )
    assert SECRET not in connection.sealed_keys
    access = queries.shop_access(connection)
    assert (access.shop_url, access.consumer_key, access.consumer_secret) == (
        "https://shop.example/",
        KEY,
        SECRET,
    )
    gone = set_shop_keys(
        connection=connection, shop_url="", consumer_key="", consumer_secret="", actor=SYSTEM
    )
    assert (gone.shop_url, gone.sealed_keys) == ("", "")
    entries = AuditEntry.objects.for_workspace(workspace).filter(action="connection.keys_changed")
    assert SECRET not in str(list(entries.values()))


# The pages


def test_the_pages_show_checks_with_what_was_answered(
    client: Client, workspace: Workspace, owner: User, receiver: Receiver
) -> None:
    check = asked(workspace, receiver.url(), credited=False)
    receiver.script = [Reply(500, b"<b>broken</b>")]
    ask_about_conversions()
    client.force_login(owner)
    home = f"/w/{workspace.slug}"
    shown = client.get(f"{home}/checks/?status=waiting&kind=callback").content.decode()
    assert "Approved by your own system" in shown
    assert "Your system answered 500." in shown
    assert "Try again" in shown
    assert check.public_id not in client.get(f"{home}/checks/?status=passed").content.decode()
    page = client.get(f"{home}/checks/{check.public_id}/").content.decode()
    assert "&lt;b&gt;broken&lt;/b&gt;" in page
    assert "HTTP 500" in page
    story = client.get(f"{home}/conversions/{check.conversion.public_id}/").content.decode()
    assert f"{home}/checks/{check.public_id}/" in story

    done = client.post(f"{home}/checks/{check.public_id}/retry/")
    assert (done.status_code, done["Location"]) == (302, f"{home}/checks/{check.public_id}/")
    heard()
    assert request_of(check).attempts == 0
    tracking.answer_check(check=check, passed=True, detail="", at=AT)
    assert client.post(f"{home}/checks/{check.public_id}/retry/").status_code == 409
    assert "Try again" not in client.get(f"{home}/checks/{check.public_id}/").content.decode()


def test_the_signing_secret_is_shown_once(client: Client, workspace: Workspace, owner: User) -> None:
    client.force_login(owner)
    shown = client.post(f"/w/{workspace.slug}/checks/secret/").content.decode()
    key = ValidationKey.objects.for_workspace(workspace).get()
    newest, _ = queries.signing_secrets(key, at=clock.now())
    assert newest in shown
    page = client.get(f"/w/{workspace.slug}/checks/").content.decode()
    assert newest not in page
    assert "The old signing secret signs too until" in page


def test_the_keys_of_the_shop_are_saved_on_its_page(
    client: Client, workspace: Workspace, owner: User
) -> None:
    connection = connected(workspace)
    client.force_login(owner)
    home = f"/w/{workspace.slug}/connections/{connection.public_id}"
    body = {"shop_url": "https://shop.example", "consumer_key": KEY, "consumer_secret": SECRET}
    refused = client.post(f"{home}/keys/", {**body, "consumer_key": ""})
    assert refused.status_code == 400
    assert client.post(f"{home}/keys/", body).status_code == 302
    page = client.get(f"{home}/").content.decode()
    assert "The shop can be asked." in page
    assert "https://shop.example" in page
    assert KEY not in page
    assert SECRET not in page
