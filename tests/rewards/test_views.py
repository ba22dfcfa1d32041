"""The console's pages: what each role sees and may do, and what the forms do and refuse."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from accounts.models import Member, Role, User, Workspace
from core.errors import Invalid
from core.ids import new_public_id
from core.tenancy import tenant
from rewards import queries, services
from rewards.forms import parse_results
from rewards.models import Account, Payout, PayoutBatch, Reward, Transfer
from rewards.services import ResultRow
from tests import factories
from tests.factories import AT
from tests.lists import assert_same_queries
from tests.rewards import builders
from tests.rewards.builders import approved, conversion, participant, person, program, rule, settled
from tests.rewards.test_settlement import balances


def page(name: str, *args: str) -> str:
    return reverse(name, args=["acme", *args])


def member(workspace: Workspace, role: str, email: str) -> Client:
    actor = person(email)
    assert actor.user is not None
    Member.objects.create(workspace=workspace, user=actor.user, role=role, joined_at=AT)
    return _in(actor.user)


def _in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def olga(workspace: Workspace, owner: User) -> Client:
    """The owner, signed in."""
    return _in(owner)


def told(response: Any) -> list[str]:
    """Follow a redirect and return the messages that the page shows."""
    shown = response.client.get(response["Location"])
    return [str(message) for message in shown.context["messages"]]


def text(response: Any) -> str:
    return str(response.content.decode())


def test_empty_pages_say_what_will_stand_there(olga: Client) -> None:
    assert "No rewards here yet" in text(olga.get(page("reward_list")))
    assert "No batches yet" in text(olga.get(page("batch_list")))
    assert "Nobody can be paid now" in text(olga.get(page("batch_new")))
    assert "No accounts here yet" in text(olga.get(page("ledger")))


def test_the_list_shows_totals_and_narrows(workspace: Workspace, olga: Client) -> None:
    ana = participant(program(workspace))
    settled(ana)
    approved(ana, amount_minor=25_000)
    other = settled(participant(program(workspace, rule(kind="credit"))))
    shown = olga.get(page("reward_list"))
    assert [
        (each["status"], each["count"], [(total.unit, total.net_minor) for total in each["totals"]])
        for each in shown.context["totals"]
    ] == [("pending", 2, [("EUR", 2000)]), ("approved", 1, [("EUR", 2500)])]

    def found(query: str) -> list[str]:
        return [r.public_id for r in olga.get(f"{page('reward_list')}?{query}").context["page"]]

    assert len(found("")) == 3
    assert len(found("status=approved")) == 1
    assert len(found("status=nonsense")) == 3
    assert found("kind=credit&side=referrer") == [other.public_id]
    assert found(f"program={other.program.public_id}") == [other.public_id]
    assert found(f"participant={other.participant.public_id}") == [other.public_id]
    assert found(f"referral={other.referral.public_id}") == [other.public_id]
    assert found(f"conversion={other.conversion.public_id}") == [other.public_id]
    assert found(f"customer={other.customer.public_id}") == [other.public_id]


def test_bulk_decisions_say_for_each_why_not(workspace: Workspace, olga: Client) -> None:
    ana = participant(program(workspace))
    first, second = settled(ana), settled(ana)
    done = services.approve_reward(reward=settled(ana), actor=person(), at=AT)

    def outcome(answer: Any) -> tuple[list[str], list[tuple[str, str]]]:
        """Follow the redirect; return the messages, and who could not be decided about and why."""
        shown = answer.client.get(answer["Location"])
        refused = (shown.context["outcome"] or {"refused": []})["refused"]
        return [str(message) for message in shown.context["messages"]], [
            (row["name"], row["why"]) for row in refused
        ]

    ids = [first.public_id, done.public_id]
    answer = olga.post(
        page("reward_bulk"), {"action": "approve", "reward": ids, "filters": "status=pending&side="}
    )
    assert answer["Location"] == f"{page('reward_list')}?status=pending&side="
    name = str(done.customer)
    assert outcome(answer) == (["1 approved."], [(name, "The reward is approved already.")])
    assert olga.get(page("reward_list")).context["outcome"] is None
    answer = olga.post(page("reward_bulk"), {"action": "deny", "reward": [second.public_id]})
    assert outcome(answer) == (["Say why the rewards are denied."], [])
    ids = [second.public_id, done.public_id, "rwd_none"]
    answer = olga.post(page("reward_bulk"), {"action": "deny", "reward": ids, "reason": "Staff"})
    assert outcome(answer) == (
        ["1 denied."],
        [
            (name, "Only a pending or held reward can be denied; this one is approved."),
            ("rwd_none", "There is no such reward."),
        ],
    )
    assert told(olga.post(page("reward_bulk"), {"action": "approve"})) == ["Choose at least one reward."]
    assert balances(workspace) == {"expense EUR": -2000, "payable EUR": 2000}


def test_only_what_is_undecided_can_be_chosen(workspace: Workspace, olga: Client) -> None:
    ana = participant(program(workspace))
    waiting, done = settled(ana), approved(ana)
    lines = olga.get(page("reward_list")).context["list"].lines
    assert {line.value: line.choosable for line in lines} == {waiting.public_id: True, done.public_id: False}


def test_each_list_asks_the_database_as_often_for_any_number_of_rows(
    workspace: Workspace, olga: Client
) -> None:
    shop = program(workspace)
    ana = participant(shop)
    sums: dict[str, Any] = {"total_minor": 1000, "currency": "EUR"}
    maker = person().user
    assert maker is not None
    batch = PayoutBatch.objects.create(
        workspace=workspace, payout_count=1, created_by=maker, created_at=AT, **sums
    )
    pending = Account.objects.create(workspace=workspace, kind="pending", unit="EUR")
    expense = Account.objects.create(workspace=workspace, kind="expense", unit="EUR")
    fact = conversion(ana)
    (model,) = services.settle_conversion(conversion=fact, at=AT)

    def customers(n: int) -> list[Any]:
        return factories.CustomerFactory.create_batch(n, workspace=workspace)

    def rewards(n: int) -> None:
        fields = {
            name: getattr(model, name)
            for name in (
                "program",
                "version",
                "conversion",
                "referral",
                "side",
                "participant",
                "kind",
                "unit",
            )
        }
        for each in customers(n):
            Reward.objects.create(
                workspace=workspace,
                customer=each,
                rule_key=each.public_id,
                base_minor=0,
                amount_minor=100,
                status="pending",
                available_at=AT,
                created_at=AT,
                **fields,
            )

    def batches(n: int) -> None:
        for _ in range(n):
            PayoutBatch.objects.create(
                workspace=workspace, payout_count=1, created_by=maker, created_at=AT, **sums
            )

    def payouts(n: int) -> None:
        for each in customers(n):
            Payout.objects.create(
                workspace=workspace, batch=batch, customer=each, amount_minor=10, currency="EUR"
            )

    def accounts(n: int) -> None:
        for each in customers(n):
            Account.objects.create(workspace=workspace, kind="credit", unit="EUR", customer=each)

    def transfers(n: int) -> None:
        for _ in range(n):
            Transfer.objects.create(
                workspace=workspace,
                key=new_public_id("trf"),
                debit=expense,
                credit=pending,
                unit="EUR",
                amount_minor=1,
                reward=model,
                memo="Promised",
                at=AT,
            )

    assert_same_queries(olga, page("reward_list"), rewards)
    assert_same_queries(olga, page("batch_list"), batches)
    assert_same_queries(olga, page("batch_detail", batch.public_id), payouts)
    assert_same_queries(olga, page("ledger"), accounts)
    assert_same_queries(olga, page("account_detail", pending.public_id), transfers)


def test_a_reward_tells_its_story(workspace: Workspace, olga: Client) -> None:
    fact = conversion(participant(program(workspace)))
    services.settle_conversion(conversion=fact, at=AT)
    (reward,) = services.settle_conversion(conversion=builders.refund(fact, 2000), at=AT)
    shown = olga.get(page("reward_detail", reward.public_id))
    assert [(s["title"], s["text"]) for s in shown.context["steps"]] == [
        ("Pending", ""),
        ("Partly taken back", "€20.00 of €100.00 refunded."),
    ]
    for words in ("10 % of €100.00 is €10.00.", "€8.00", "Program expense", "Promised for"):
        assert words in text(shown)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"kind": "discount", "amount": None, "discount": {"type": "percentage", "bps": 1500}}, "15 %"),
        ({"kind": "discount", "amount": None, "discount": {"type": "fixed", "minor": 500}}, "€5.00"),
        ({"kind": "product", "amount": None, "product": {"sku": "MUG-1", "name": "Mug"}}, "To do by hand"),
    ],
)
def test_what_was_given_is_shown(
    workspace: Workspace, olga: Client, changes: dict[str, Any], words: str
) -> None:
    reward = approved(participant(program(workspace, rule(**changes))))
    shown = text(olga.get(page("reward_detail", reward.public_id)))
    assert words in shown
    assert reward.fulfilment.get("code", "MUG-1") in shown
    assert "This reward moved no money." in shown


def test_approving_on_the_page(workspace: Workspace, olga: Client) -> None:
    reward = settled(participant(program(workspace)))
    answer = olga.post(page("reward_approve", reward.public_id), {"reason": ""})
    assert answer["Location"] == page("reward_detail", reward.public_id)
    assert told(answer) == ["The reward is approved."]
    again = olga.post(page("reward_approve", reward.public_id))
    assert again.status_code == 400
    assert "The reward is approved already." in text(again)


def test_a_held_reward_is_refused_without_a_reason_by_the_field(workspace: Workspace, olga: Client) -> None:
    ana = participant(program(workspace))
    fact = conversion(ana)
    builders.doubt(fact, ana, name="too_fast", outcome="hold")
    (reward,) = services.settle_conversion(conversion=fact, at=AT)
    answer = olga.post(page("reward_approve", reward.public_id))
    assert answer.status_code == 400
    assert answer.context["approve_form"].errors == {"reason": ["Say why this held reward can be trusted."]}
    assert balances(workspace) == {"expense EUR": -1000, "pending EUR": 1000}
    answer = olga.post(page("reward_approve", reward.public_id), {"reason": "x" * 201})
    assert answer.status_code == 400


def test_a_reward_on_hold_shows_until_when(workspace: Workspace, olga: Client) -> None:
    received = datetime(2098, 12, 31, 12, tzinfo=UTC)
    reward = settled(participant(program(workspace, hold_days=1)), received_at=received)
    shown = text(olga.get(page("reward_detail", reward.public_id)))
    assert re.search(r"The hold period runs until <time datetime=\"2099-01-01T12:00:00\+00:00\"", shown)


def test_denying_on_the_page(workspace: Workspace, olga: Client) -> None:
    reward = settled(participant(program(workspace)))
    missing = olga.post(page("reward_deny", reward.public_id))
    assert missing.status_code == 400
    assert missing.context["deny_form"].errors == {"reason": ["This field is required."]}
    answer = olga.post(page("reward_deny", reward.public_id), {"reason": "Staff member"})
    assert told(answer) == ["The reward is denied."]
    again = olga.post(page("reward_deny", reward.public_id), {"reason": "Staff member"})
    assert again.status_code == 400
    assert "this one is denied" in text(again)
    assert balances(workspace) == {}


def test_a_batch_from_preview_to_paid(workspace: Workspace, olga: Client) -> None:
    shop = program(workspace)
    approved(participant(shop))
    approved(participant(shop, account=""), amount_minor=5000)
    assert "€10.00" in text(olga.get(page("batch_list")))
    preview = olga.get(f"{page('batch_new')}?currency=EUR")
    found = preview.context["preview"]
    assert (found.total_minor, found.count, found.left_out_count) == (1000, 1, 1)
    assert "No payout account is known." in text(preview)

    made = olga.post(page("batch_new"), {"currency": "EUR"})
    batch = PayoutBatch.objects.for_workspace(workspace).get()
    detail = page("batch_detail", batch.public_id)
    assert made["Location"] == detail
    shown = text(olga.get(detail))
    assert "You made this batch." in shown
    assert page("batch_approve", batch.public_id) not in shown
    assert olga.post(page("batch_approve", batch.public_id)).status_code == 403
    assert olga.post(page("batch_export", batch.public_id)).status_code == 409

    fred = member(workspace, Role.FINANCE, "fred@acme.example")
    assert page("batch_approve", batch.public_id) in text(fred.get(detail))
    released = fred.post(page("batch_approve", batch.public_id))
    assert released["Location"] == detail
    assert told(released) == ["The batch is approved and can be exported."]
    exported = fred.post(page("batch_export", batch.public_id))
    assert exported["Content-Disposition"] == f'attachment; filename="{batch.public_id}.csv"'
    lines = exported.getvalue().decode().splitlines()
    assert len(lines) == 2

    filled = f"{lines[0]},status,reference\r\n{lines[1]},paid,bank-1\r\npyt_none,,,,,,paid,\r\n"
    upload = SimpleUploadedFile("results.csv", filled.encode("utf-8-sig"), content_type="text/csv")
    answer = fred.post(page("batch_results", batch.public_id), {"file": upload})
    assert answer["Location"] == detail
    assert told(answer) == [
        "1 paid, 0 failed, 0 unchanged.",
        "Line 3, payout_id: This batch has no such payout.",
    ]
    pasted = fred.post(page("batch_results", batch.public_id), {"text": filled})
    assert told(pasted) == [
        "0 paid, 0 failed, 1 unchanged.",
        "Line 3, payout_id: This batch has no such payout.",
    ]
    shown = text(olga.get(detail))
    assert "bank-1" in shown
    assert balances(workspace) == {"expense EUR": -1500, "paid_out EUR": 1000, "payable EUR": 500}


def test_many_refused_lines_are_counted(workspace: Workspace, olga: Client) -> None:
    approved(participant(program(workspace)))
    batch = services.prepare_batch(workspace=workspace, currency="EUR", actor=person(), at=AT)
    services.approve_batch(batch=batch, actor=person("second@acme.example"), at=AT)
    lines = "payout_id,status\n" + "pyt_none,paid\n" * 23
    answer = olga.post(page("batch_results", batch.public_id), {"text": lines})
    found = told(answer)
    assert (len(found), found[-1]) == (22, "3 more lines were refused.")


def test_a_second_preparation_is_refused_on_the_page(workspace: Workspace, olga: Client) -> None:
    answer = olga.post(page("batch_new"), {"currency": "EUR"})
    assert answer.status_code == 400
    assert "Nobody can be paid in EUR now." in text(answer)
    answer = olga.post(page("batch_new"), {"currency": "nonsense"})
    assert answer.status_code == 400
    assert not PayoutBatch.objects.for_workspace(workspace).exists()


def test_cancelling_a_draft_and_its_warning(workspace: Workspace, olga: Client) -> None:
    fact = conversion(participant(program(workspace)))
    (reward,) = services.settle_conversion(conversion=fact, at=AT)
    services.approve_reward(reward=reward, actor=person(), at=AT)
    batch = services.prepare_batch(workspace=workspace, currency="EUR", actor=person(), at=AT)
    services.settle_conversion(conversion=builders.refund(fact, 10_000), at=AT)
    assert "-€10.00" in text(olga.get(page("batch_detail", batch.public_id)))
    url = page("batch_cancel", batch.public_id)
    assert olga.post(url).status_code == 400
    assert told(olga.post(url, {"reason": "Refunded"})) == [
        "The batch is cancelled; its money is payable again."
    ]
    again = olga.post(url, {"reason": "Refunded"})
    assert again.status_code == 400
    assert "Only a draft can be cancelled" in text(again)
    assert balances(workspace) == {}


def test_results_that_cannot_be_read_are_refused_by_the_field(workspace: Workspace, olga: Client) -> None:
    approved(participant(program(workspace)))
    batch = services.prepare_batch(workspace=workspace, currency="EUR", actor=person(), at=AT)
    services.approve_batch(batch=batch, actor=person("second@acme.example"), at=AT)
    url = page("batch_results", batch.public_id)
    empty = olga.post(url, {})
    assert (empty.status_code, empty.context["results_form"].errors) == (
        400,
        {"__all__": ["Choose a file or paste its lines."]},
    )
    odd = olga.post(url, {"text": "name\nAna\n"})
    assert odd.context["results_form"].errors == {"text": ["Line 1 has no column payout_id."]}
    hollow = olga.post(url, {"file": SimpleUploadedFile("x.csv", b"")})
    assert "file" in hollow.context["results_form"].errors
    binary = olga.post(url, {"file": SimpleUploadedFile("x.csv", b"\xff\xfe")})
    assert binary.context["results_form"].errors == {"file": ["The file is not UTF-8 text."]}


def test_results_are_read_in_any_order_and_with_semicolons() -> None:
    raw = b"\n Status ;Reference;payout_id;mine\r\n PAID ;r1; p1 ;x\r\n\r\nfailed\r\n"
    assert parse_results(raw.lstrip(b"\n"), "EUR") == [
        ResultRow(2, "p1", "paid", "r1", ""),
        ResultRow(4, "", "failed", "", ""),
    ]
    for raw, code in (
        (b'payout_id,status\n"a', "not_csv"),
        (b"payout_id\n", "missing_column"),
        (b"", "missing_column"),
    ):
        with pytest.raises(Invalid) as refused:
            parse_results(raw, "EUR")
        assert (refused.value.code, refused.value.param) == (code, "file")


def test_the_ledger_and_its_accounts(workspace: Workspace, olga: Client) -> None:
    ana = participant(program(workspace))
    approved(ana)
    shown = olga.get(page("ledger"))
    assert [(a.kind, a.balance_minor) for a in shown.context["page"]] == [
        ("expense", -1000),
        ("payable", 1000),
        ("pending", 0),
    ]
    narrowed = olga.get(f"{page('ledger')}?kind=payable&unit=EUR&customer={ana.customer.public_id}")
    assert [a.kind for a in narrowed.context["page"]] == ["payable"]
    assert "The books are right" in text(olga.get(f"{page('ledger')}?check=1"))
    pending = Account.objects.for_workspace(workspace).get(kind="pending")
    account = olga.get(page("account_detail", pending.public_id))
    assert [transfer.change_minor for transfer in account.context["page"]] == [-1000, 1000]
    Account.objects.for_workspace(workspace).filter(pk=pending.pk).update(balance_minor=5)
    assert f"account {pending.public_id} (pending): expected 0 EUR, found 5" in text(
        olga.get(f"{page('ledger')}?check=1")
    )


def test_roles(workspace: Workspace, olga: Client) -> None:
    reward = settled(participant(program(workspace)))
    approved(participant(program(workspace)))
    batch = services.prepare_batch(workspace=workspace, currency="EUR", actor=person(), at=AT)
    account = Account.objects.for_workspace(workspace).first()
    assert account is not None
    readable = [
        page("reward_list"),
        page("reward_detail", reward.public_id),
        page("batch_list"),
        page("batch_new"),
        page("batch_detail", batch.public_id),
        page("ledger"),
        page("account_detail", account.public_id),
    ]
    review = [
        page("reward_bulk"),
        page("reward_approve", reward.public_id),
        page("reward_deny", reward.public_id),
    ]
    pay = [
        page("batch_new"),
        page("batch_approve", batch.public_id),
        page("batch_cancel", batch.public_id),
        page("batch_export", batch.public_id),
        page("batch_results", batch.public_id),
    ]
    rita = member(workspace, Role.READ_ONLY, "rita@acme.example")
    sam = member(workspace, Role.SUPPORT, "sam@acme.example")
    outsider = _in(builders.person("nobody@else.example").user)  # type: ignore[arg-type]
    for url in readable:
        assert rita.get(url).status_code == 200
        assert outsider.get(url).status_code == 404
        assert Client().get(url).status_code == 302
    for url in review + pay:
        assert rita.post(url).status_code == 403
        assert outsider.post(url).status_code == 404
        assert Client().post(url).status_code == 302
    for url in pay:
        assert sam.post(url).status_code == 403
    assert told(sam.post(page("reward_approve", reward.public_id))) == ["The reward is approved."]
    for words in ("bulk-reason", "data-choose-all"):
        assert words not in text(rita.get(page("reward_list")))


def test_another_workspaces_pages_do_not_exist(
    workspace: Workspace, other_workspace: Workspace, olga: Client
) -> None:
    with tenant(other_workspace):
        theirs = approved(participant(program(other_workspace)))
        batch = services.prepare_batch(workspace=other_workspace, currency="EUR", actor=person(), at=AT)
        account = Account.objects.for_workspace(other_workspace).first()
    assert account is not None
    for url in (
        page("reward_detail", theirs.public_id),
        page("batch_detail", batch.public_id),
        page("account_detail", account.public_id),
    ):
        assert olga.get(url).status_code == 404
    answer = olga.post(page("reward_bulk"), {"action": "approve", "reward": [theirs.public_id]})
    (refused,) = olga.get(answer["Location"]).context["outcome"]["refused"]
    assert refused == {"id": "", "name": theirs.public_id, "why": "There is no such reward."}
    with tenant(other_workspace):
        assert Reward.objects.for_workspace(other_workspace).get().status == "approved"
        assert queries.payouts_by_status(batch)["pending"] == (1, 1000)
