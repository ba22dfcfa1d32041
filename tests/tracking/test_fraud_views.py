"""The review of fraud cases in the console: the queue, a case's page, deciding, undoing, and the lists."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import AuditEntry, Member, User, Workspace
from accounts.services import SYSTEM
from core import clock, events
from programs.models import Customer, Participant, Program
from rewards.models import Reward
from tests import factories
from tests.lists import assert_same_queries
from tests.rewards.test_settlement import balances
from tests.tracking.conftest import NOW, Clicker
from tracking import services
from tracking.identifiers import Traces
from tracking.models import FraudCase, FraudListEntry

REWARD = {
    "key": "commission",
    "side": "referrer",
    "event": "purchase",
    "kind": "cash",
    "amount": {"type": "percentage", "bps": 1000},
}


@pytest.fixture
def program(workspace: Workspace) -> Program:
    """A program that pays 10 % of a purchase in cash, without a hold."""
    document = factories.terms(rewards=[REWARD], hold_days=0, eligibility={})
    made: Program = factories.ProgramFactory.create(workspace=workspace, draft=document)
    return made


@pytest.fixture
def console(client: Client, owner: User, workspace: Workspace) -> Client:
    """The owner's browser."""
    client.force_login(owner)
    return client


Holder = Callable[..., FraudCase]


@pytest.fixture
def hold(workspace: Workspace, ana: Participant, click: Clicker) -> Holder:
    """Have an order held because it follows its click at once: `hold("Fay", minutes=3)`."""
    made = iter(range(1, 1000))

    def run(
        name: str = "Fay",
        *,
        minutes: int = 0,
        amount_minor: int = 10_000,
        by: Participant = ana,
        traces: Traces | None = None,
        customer: Customer | None = None,
    ) -> FraudCase:
        number = next(made)
        friend = customer or factories.CustomerFactory.create(workspace=workspace, name=name)
        at = NOW + timedelta(minutes=minutes)
        conversion = services.record_conversion(
            workspace=workspace,
            fact=services.ConversionFact(
                kind="purchase",
                customer=friend,
                source="api",
                source_key=f"order-{number}",
                amount_minor=amount_minor,
                currency="EUR",
                occurred_at=at,
                at=at,
                click=click(by, days_ago=(5 - minutes * 60) / 86_400, visitor=f"vis_{number}"),
                traces=traces or Traces(),
            ),
        ).conversion
        return FraudCase.objects.for_workspace(workspace).get(conversion=conversion)

    return run


def deliver() -> None:
    """Let every handler hear what was emitted."""
    for _ in range(20):
        if not events.deliver_due():
            return
    raise AssertionError("the outbox does not run dry")


def page(name: str, *args: str, query: str = "") -> str:
    """Return a page's address."""
    return reverse(name, args=["acme", *args]) + query


def text_of(answer: Any) -> str:
    """Return a page's text in one line."""
    return " ".join(answer.content.decode().split())


def told(answer: Any) -> list[str]:
    """Follow a redirect and return the messages that the page shows."""
    shown = answer.client.get(answer["Location"])
    return [str(message) for message in shown.context["messages"]]


def queued(answer: Any) -> list[str]:
    """Return the cases of a queue's page, in their order."""
    return [line.value for line in answer.context["list"].lines]


def status_of(case: FraudCase) -> str:
    """Return what a case stands at."""
    return FraudCase.objects.for_workspace(case.workspace_id).get(pk=case.pk).status


def decide(console: Client, case: FraudCase, status: str, query: str = "", **more: str) -> Any:
    """Press a button on a case's page."""
    data = {"status": status, "seen": status_of(case), **more}
    return console.post(page("fraud_resolve", case.public_id, query=query), data)


def test_an_empty_queue_says_so(console: Client) -> None:
    shown = text_of(console.get(page("fraud_queue")))
    assert "Nothing waits for a look" in shown
    assert page("fraud_lists") in shown


def test_the_queue_holds_what_is_open_the_oldest_first(console: Client, hold: Holder) -> None:
    late, early, done = hold("Late", minutes=9), hold("Early", minutes=1), hold("Done", minutes=5)
    services.resolve_case(case=done, status="rejected", actor=SYSTEM, at=NOW)
    deliver()
    answer = console.get(page("fraud_queue"))
    assert queued(answer) == [early.public_id, late.public_id]
    shown = text_of(answer)
    for text in ("Early", "brought by Ana", "Too fast", "50", "€10.00"):
        assert text in shown
    assert queued(console.get(page("fraud_queue", query="?status=rejected"))) == [done.public_id]
    everything = console.get(page("fraud_queue", query="?status=all"))
    assert queued(everything) == [late.public_id, done.public_id, early.public_id]


def test_the_queue_is_narrowed_and_keeps_its_filters_on_the_way(
    console: Client, hold: Holder, ana: Participant, ben: Participant
) -> None:
    mine, other = hold("Fay"), hold("Gil", by=ben)
    for query, found in (
        (f"?participant={ana.public_id}", [mine]),
        (f"?conversion={other.conversion.public_id}", [other]),
        (f"?customer={other.conversion.customer.public_id}", [other]),
        (f"?program={ana.program.public_id}&rule=too_fast&outcome=hold&q=gil", [other]),
        ("?rule=self_referral", []),
        ("?outcome=deny", []),
        ("?from=2026-03-03", []),
    ):
        answer = console.get(page("fraud_queue", query=query))
        assert queued(answer) == [each.public_id for each in found], query
    shown = text_of(console.get(page("fraud_queue", query="?q=gil&page=1")))
    assert page("fraud_case", other.public_id, query="?q=gil") in shown


def test_the_queue_asks_the_database_as_often_for_any_number_of_rows(console: Client, hold: Holder) -> None:
    def grow(count: int) -> None:
        for _ in range(count):
            hold()

    assert_same_queries(console, page("fraud_queue"), grow)


def test_the_file_has_amounts_and_people(console: Client, hold: Holder) -> None:
    case = hold("Fay")
    deliver()
    answer = console.get(page("fraud_queue", query="?export=csv"))
    text = b"".join(answer.streaming_content).decode("utf-8-sig")  # type: ignore[attr-defined]
    [row] = list(csv.DictReader(io.StringIO(text)))
    assert (row["Id"], row["Friend"], row["Brought by"]) == (case.public_id, "Fay", "Ana")
    assert (row["Money on hold"], row["Money on hold unit"], row["Status"]) == ("10.00", "EUR", "open")


def test_a_cases_page_tells_the_finding_the_money_and_the_people(
    console: Client, hold: Holder, ana: Participant
) -> None:
    factories.CustomerFactory.create(workspace=ana.workspace, name="Nobody special")
    twin = hold("Tim", minutes=1, traces=Traces(device="phone-7", payment="card-1", address="203.0.113.7"))
    case = hold("Fay", minutes=30, traces=Traces(device="phone-7", address="203.0.113.7"))
    deliver()
    answer = console.get(page("fraud_case", case.public_id))
    shown = text_of(answer)
    assert (
        answer.context["headline"]
        == "The conversion came 5 s after the click; under 10 s is held for a look."
    )
    for text in (
        "Fay, brought by Ana",
        "held from 50, one finding of 100 refuses",
        "Time after the click: 5 s",
        "Least that is no finding: 10 s",
        "“We are checking this referral; this usually takes a few days.”",
        "Once rejected: “This referral does not count under the program&#x27;s terms.”",
        page("participant_detail", ana.public_id),
        page("version_detail", case.program.public_id, "1"),
        page("fraud_case", twin.public_id),
        "Held by the rules",
    ):
        assert text in shown, text
    assert answer.context["on_hold"] == [(1000, "EUR")]
    [reward] = answer.context["rewards"]
    assert (reward["status"], reward["reason"], reward["net_minor"]) == ("held", "too_fast", 1000)
    assert page("reward_detail", reward["id"]) in shown
    [(related, shares)] = answer.context["related"]
    assert (related.customer.name, shares) == ("Tim", ["the same device", "the same network address"])
    # What people are told apart by stays unseen.
    for digest in case.conversion.customer.sightings.for_workspace(ana.workspace).values_list(
        "digest", flat=True
    ):
        assert digest not in shown
    assert "203.0.113.7" not in shown
    assert "Nobody special" not in shown


def test_evidence_names_people_and_leads_to_them(
    console: Client, hold: Holder, workspace: Workspace, ana: Participant
) -> None:
    for name in ("Tim", "Tom"):
        hold(name, minutes=1, traces=Traces(device="phone-7"))
    case = hold("Fay", minutes=200, traces=Traces(device="phone-7"))
    answer = console.get(page("fraud_case", case.public_id))
    ring = next(each for each in answer.context["findings"] if each.signal.rule == "ring")
    assert ring.name == "Ring"
    evidence = dict(ring.evidence)
    assert evidence["Other friends"] == [("2", "")]
    assert [text for text, url in evidence["Customers"] if url] == ["Tim", "Tom"]
    tim = Customer.objects.for_workspace(workspace).get(name="Tim")
    assert evidence["Customers"][0][1] == page("customer_detail", tim.public_id)


def test_a_rule_on_trial_is_marked(
    console: Client, workspace: Workspace, hold: Holder, program: Program, ana: Participant
) -> None:
    case = hold("Fay")
    case.conversion.fraud_signals.create(
        workspace=workspace,
        participant=ana,
        rule="same_ip",
        outcome="hold",
        weight=90,
        shadow=True,
        sentence="They used the same network address.",
        evidence={},
        at=NOW,
    )
    answer = console.get(page("fraud_case", case.public_id))
    assert [each.signal.rule for each in answer.context["findings"]] == ["too_fast", "same_ip"]
    assert "on trial, counts nothing" in text_of(answer)
    assert answer.context["headline"].startswith("The conversion came 5 s")


def test_a_cases_page_asks_the_database_as_often_for_any_number_of_others(
    console: Client, hold: Holder, django_assert_max_num_queries: Any
) -> None:
    case = hold("Fay", traces=Traces(device="phone-7"))
    address = page("fraud_case", case.public_id)
    console.get(address)
    with django_assert_max_num_queries(40) as one:
        console.get(address)
    for number in range(3):
        hold(f"Friend {number}", minutes=number, traces=Traces(device="phone-7"))
    with django_assert_max_num_queries(40) as three:
        console.get(address)
    # The people who are related are read in one more statement than nobody is.
    assert len(three) - len(one) <= 1


def test_deciding_moves_on_to_the_next_and_ends_at_the_list(console: Client, hold: Holder) -> None:
    first, second, third = (hold(name, minutes=at) for name, at in (("A", 1), ("B", 2), ("C", 3)))
    answer = console.get(page("fraud_case", second.public_id))
    assert answer.context["next_url"] == page("fraud_case", third.public_id)
    assert decide(console, second, "approved")["Location"] == page("fraud_case", third.public_id)
    # After the last one, those who were passed by come again.
    assert decide(console, third, "rejected")["Location"] == page("fraud_case", first.public_id)
    assert decide(console, first, "rejected", reason="Own household")["Location"] == page("fraud_queue")
    assert [status_of(each) for each in (first, second, third)] == ["rejected", "approved", "rejected"]
    shown = text_of(console.get(page("fraud_queue")))
    assert "Nothing waits for a look" in shown
    assert "<strong>A</strong>: rejected." in shown
    case = FraudCase.objects.for_workspace(first.workspace).get(pk=first.pk)
    assert (case.note, case.decided_by) == ("Own household", "olga@acme.example")
    audit = AuditEntry.objects.for_workspace(first.workspace).get(subject=first.public_id)
    assert (audit.action, audit.before, audit.after, audit.reason, audit.actor) == (
        "fraud_case.rejected",
        {"status": "open"},
        {"status": "rejected"},
        "Own household",
        "olga@acme.example",
    )


def test_moving_on_stays_within_the_filters(
    console: Client, hold: Holder, ana: Participant, ben: Participant
) -> None:
    first, _, third = hold("A", minutes=1), hold("B", minutes=2, by=ben), hold("C", minutes=3)
    query = f"?participant={ana.public_id}"
    answer = decide(console, first, "approved", query)
    assert answer["Location"] == page("fraud_case", third.public_id, query=query)
    assert decide(console, third, "approved", query)["Location"] == page("fraud_queue", query=query)


def test_the_archive_is_gone_through_the_newest_first(console: Client, hold: Holder) -> None:
    early, late = hold("A", minutes=1), hold("B", minutes=2)
    for each in (early, late):
        services.resolve_case(case=each, status="approved", actor=SYSTEM, at=NOW)
    answer = console.get(page("fraud_case", late.public_id, query="?status=approved"))
    assert answer.context["next_url"] == page("fraud_case", early.public_id, query="?status=approved")
    again = decide(console, late, "open", "?status=approved")
    assert again["Location"] == page("fraud_case", late.public_id, query="?status=approved")
    assert status_of(late) == "open"


def test_a_decision_is_undone_and_the_case_shown_again(console: Client, hold: Holder) -> None:
    case, other = hold("A", minutes=1), hold("B", minutes=2)
    decide(console, case, "rejected")
    assert "Undo" in text_of(console.get(page("fraud_case", other.public_id)))
    answer = console.post(page("fraud_undo"))
    assert answer["Location"] == page("fraud_case", case.public_id)
    assert told(answer) == ["Undone."]
    assert status_of(case) == "open"
    assert told(console.post(page("fraud_undo"))) == ["There is nothing to undo any more."]


def test_undoing_brings_back_what_the_rules_had_refused(
    console: Client, workspace: Workspace, hold: Holder
) -> None:
    services.add_list_entry(
        workspace=workspace, mode="block", kind="domain", pattern="example.com", actor=SYSTEM, at=NOW
    )
    case = hold("A")
    assert case.status == "rejected"
    decide(console, case, "approved", "?status=rejected")
    assert status_of(case) == "approved"
    console.post(page("fraud_undo"))
    assert status_of(case) == "rejected"


def test_what_others_decided_meanwhile_is_not_undone(console: Client, hold: Holder) -> None:
    case = hold("A")
    decide(console, case, "rejected")
    services.resolve_case(case=case, status="approved", actor=SYSTEM, at=NOW)
    assert told(console.post(page("fraud_undo"))) == [
        "It was decided otherwise meanwhile, so nothing was undone."
    ]
    assert status_of(case) == "approved"


def test_undoing_is_for_the_next_minutes(
    console: Client, hold: Holder, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = hold("A")
    decide(console, case, "rejected")
    later = clock.now() + timedelta(minutes=11)
    monkeypatch.setattr(clock, "now", lambda: later)
    assert "fraud/undo" not in text_of(console.get(page("fraud_queue")))
    assert told(console.post(page("fraud_undo"))) == ["There is nothing to undo any more."]
    assert status_of(case) == "rejected"


def test_two_people_do_not_decide_over_each_other(console: Client, hold: Holder) -> None:
    case = hold("A")
    services.resolve_case(case=case, status="approved", actor=SYSTEM, at=NOW)
    answer = console.post(page("fraud_resolve", case.public_id), {"status": "rejected", "seen": "open"})
    assert answer["Location"] == page("fraud_case", case.public_id)
    assert told(answer) == ["Somebody else decided meanwhile: the case is approved. Look again."]
    assert status_of(case) == "approved"


def test_balances_follow_each_decision_and_its_undoing(
    console: Client, workspace: Workspace, hold: Holder
) -> None:
    case = hold("A")
    deliver()
    held = {"expense EUR": -1000, "pending EUR": 1000}
    assert balances(workspace) == held

    def rewarded() -> list[tuple[str, str]]:
        rows = Reward.objects.for_workspace(workspace).order_by("pk")
        return list(rows.values_list("status", "reason"))

    assert rewarded() == [("held", "too_fast")]
    decide(console, case, "approved")
    deliver()
    assert rewarded() == [("pending", "")]
    assert balances(workspace) == held
    console.post(page("fraud_undo"))
    deliver()
    assert rewarded() == [("held", "too_fast")]
    assert balances(workspace) == held
    decide(console, case, "rejected")
    deliver()
    assert rewarded()[0][0] == "denied"
    assert balances(workspace) == {}
    decide(console, case, "open")
    deliver()
    assert rewarded() == [("held", "too_fast")]
    assert balances(workspace) == held
    steps = [change.after for change in case.changes.for_workspace(workspace).order_by("pk")]
    assert steps == ["open", "approved", "open", "rejected", "open"]


def test_many_are_decided_at_once_and_refused_ones_named(
    console: Client, workspace: Workspace, hold: Holder
) -> None:
    first, second, third = hold("A"), hold("B"), hold("C")
    data = {
        "case": [first.public_id, second.public_id, "frc_nobody"],
        "status": "rejected",
        "reason": "One gang",
        "filters": "q=x",
    }
    answer = console.post(page("fraud_bulk"), data)
    assert answer["Location"] == page("fraud_queue", query="?q=x")
    assert [status_of(each) for each in (first, second, third)] == ["rejected", "rejected", "open"]
    shown = text_of(console.get(page("fraud_queue")))
    for text in (
        "1 could not be rejected",
        "The other 2 are rejected.",
        "frc_nobody",
        "There is no such case.",
    ):
        assert text in shown
    assert "<strong>2 cases</strong>: rejected." in shown
    assert told(console.post(page("fraud_undo"))) == ["2 decisions are undone."]
    assert [status_of(each) for each in (first, second, third)] == ["open", "open", "open"]


def test_bulk_needs_a_choice_and_a_decision(console: Client, hold: Holder) -> None:
    case = hold("A")
    assert told(console.post(page("fraud_bulk"), {"status": "approved"})) == ["Choose at least one case."]
    [wrong] = told(console.post(page("fraud_bulk"), {"status": "maybe", "case": case.public_id}))
    assert "maybe is not one of the available choices" in wrong
    assert status_of(case) == "open"


def test_a_wrong_decision_shows_the_page_again(console: Client, hold: Holder) -> None:
    case = hold("A")
    answer = decide(console, case, "approved", reason="x" * 201)
    assert answer.status_code == 400
    assert "at most 200 characters" in text_of(answer)
    assert status_of(case) == "open"
    assert console.get(page("fraud_case", "frc_nobody")).status_code == 404


def test_who_may_only_look_sees_everything_and_decides_nothing(
    client: Client, workspace: Workspace, hold: Holder
) -> None:
    case = hold("A")
    reader = factories.UserFactory.create()
    Member.objects.create(workspace=workspace, user=reader, role="read_only")
    client.force_login(reader)
    for address in (page("fraud_queue"), page("fraud_case", case.public_id), page("fraud_lists")):
        shown = client.get(address)
        assert shown.status_code == 200
        assert 'method="post" action="/w/acme/fraud' not in text_of(shown)
    assert decide(client, case, "approved").status_code == 403
    assert client.post(page("fraud_bulk"), {"status": "approved"}).status_code == 403
    assert client.post(page("fraud_undo")).status_code == 403
    assert client.post(page("fraud_lists")).status_code == 403
    assert client.post(page("fraud_list_bulk")).status_code == 403


def test_a_conversions_page_leads_to_its_case(console: Client, hold: Holder) -> None:
    case = hold("A")
    shown = text_of(console.get(page("conversion_detail", case.conversion.public_id)))
    assert page("fraud_case", case.public_id) in shown


def test_what_a_case_is_about_is_listed_by_one_link(
    console: Client, workspace: Workspace, hold: Holder, ana: Participant
) -> None:
    friend = factories.CustomerFactory.create(
        workspace=workspace, external_id="a&b", email="fay@bad.example", mailbox="fay@bad.example", name="Fay"
    )
    case = hold(customer=friend)
    answer = console.get(page("fraud_case", case.public_id))
    assert answer.context["shortcuts"] == [
        ("the participant Ana", "participant", ana.public_id),
        ("the friend Fay", "customer", "a&b"),
        ("e-mail addresses at bad.example", "domain", "bad.example"),
    ]
    link = page("fraud_lists", query="?add-mode=block&amp;add-kind=customer&amp;add-pattern=a%26b")
    assert link in text_of(answer)
    form = console.get(link.replace("&amp;", "&")).context["entry"]
    assert [form[name].value() for name in ("mode", "kind", "pattern")] == ["block", "customer", "a&b"]


def test_the_lists_are_filled_searched_and_emptied(console: Client, workspace: Workspace) -> None:
    assert "Nothing is listed yet" in text_of(console.get(page("fraud_lists")))
    new = {"add-mode": "block", "add-kind": "email", "add-pattern": "*@Bad.example", "add-note": "Coupons"}
    answer = console.post(page("fraud_lists"), {**new, "add-expires_on": "2031-06-30"})
    assert told(answer) == ["*@bad.example is on the block list."]
    entry = FraudListEntry.objects.for_workspace(workspace).get()
    assert entry.expires_at is not None
    assert (entry.pattern, entry.note, entry.created_by) == ("*@bad.example", "Coupons", "olga@acme.example")
    assert entry.expires_at.isoformat() == "2031-07-01T00:00:00+00:00"
    assert told(console.post(page("fraud_lists"), new)) == ["*@bad.example was on the block list already."]
    for query, count in (("?mode=allow", 0), ("?mode=block", 1), ("?kind=email", 1), ("?q=coup", 1)):
        assert len(console.get(page("fraud_lists", query=query)).context["list"].lines) == count, query
    done = console.post(page("fraud_list_bulk"), {"chosen": [entry.public_id, "fle_nobody"]})
    assert told(done) == ["1 entry is removed."]
    assert told(console.post(page("fraud_list_bulk"), {})) == ["Choose at least one entry."]
    assert FraudListEntry.objects.for_workspace(workspace).count() == 0


@pytest.mark.parametrize(
    ("changes", "field", "problem"),
    [
        ({"add-pattern": "nobody"}, "pattern", "This is no e-mail address."),
        ({"add-expires_on": "2020-01-01"}, "expires_on", "An entry can only expire in the future."),
        ({"add-kind": "planet"}, "kind", "Select a valid choice."),
    ],
)
def test_a_wrong_entry_is_named_at_its_field(
    console: Client, workspace: Workspace, changes: dict[str, str], field: str, problem: str
) -> None:
    new = {"add-mode": "block", "add-kind": "email", "add-pattern": "a@b.example", **changes}
    answer = console.post(page("fraud_lists"), new)
    assert answer.status_code == 400
    assert answer.context["entry"].errors[field][0].startswith(problem)
    assert FraudListEntry.objects.for_workspace(workspace).count() == 0


def test_the_lists_ask_the_database_as_often_for_any_number_of_rows(
    console: Client, workspace: Workspace
) -> None:
    made = iter(range(1000))

    def grow(count: int) -> None:
        for _ in range(count):
            services.add_list_entry(
                workspace=workspace,
                mode="block",
                kind="customer",
                pattern=f"c{next(made)}",
                actor=SYSTEM,
                at=NOW,
            )

    assert_same_queries(console, page("fraud_lists"), grow)
