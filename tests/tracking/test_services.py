"""Recording what happened: once each, decided at once, explained from what was stored."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import AuditEntry, Workspace
from accounts.services import SYSTEM
from core.errors import Conflict, Invalid
from core.models import Event
from programs.models import Customer, Participant, Program
from tests import factories
from tests.tracking.conftest import NOW, Clicker
from tracking import queries, services
from tracking.classification import ClickFacts
from tracking.explanations import explanation
from tracking.models import Attribution, Click, Conversion, Credit, FraudSignal, Referral, Refund, Touchpoint


def buy(workspace: Workspace, customer: Customer, key: str = "inv-1", **fact: Any) -> Conversion:
    """Record a purchase of 100.00 EUR now."""
    given = {"kind": "purchase", "amount_minor": 10_000, "currency": "EUR", "occurred_at": NOW, **fact}
    return services.record_conversion(
        workspace=workspace,
        fact=services.ConversionFact(customer=customer, source="api", source_key=key, at=NOW, **given),
    ).conversion


def events(workspace: Workspace) -> list[str]:
    return list(Event.objects.for_workspace(workspace).order_by("pk").values_list("kind", flat=True))


def test_a_click_then_a_purchase_credits_the_referrer(
    workspace: Workspace, ana: Participant, friend: Customer, click: Clicker
) -> None:
    conversion = buy(workspace, friend, click=click(ana))
    decision = Attribution.objects.for_workspace(workspace).get()
    credit = Credit.objects.for_workspace(workspace).get()
    assert (decision.model, decision.reason) == ("last_click", "last_click")
    assert (credit.participant, credit.weight_ppm, credit.amount_minor, credit.currency) == (
        ana,
        1_000_000,
        10_000,
        "EUR",
    )
    assert credit.confidence == "deterministic"
    referral = Referral.objects.for_workspace(workspace).get()
    assert (referral.status, referral.channel, referral.converted_at) == ("converted", "link", NOW)
    assert [(c.before, c.after) for c in queries.changes_of(referral)] == [
        ("", "started"),
        ("started", "converted"),
    ]
    assert events(workspace) == ["referral.started", "referral.converted", "conversion.created"]
    assert conversion.sequence == 1


def test_a_signup_starts_and_a_purchase_converts(
    workspace: Workspace, ana: Participant, friend: Customer, click: Clicker
) -> None:
    services.record_conversion(
        workspace=workspace,
        fact=services.ConversionFact(
            kind="signup",
            customer=friend,
            source="api",
            source_key="Sign up:friend-1",
            occurred_at=NOW - timedelta(hours=1),
            at=NOW - timedelta(hours=1),
            click=click(ana),
        ),
    )
    assert Referral.objects.for_workspace(workspace).get().status == "started"
    buy(workspace, friend)
    assert Referral.objects.for_workspace(workspace).get().status == "converted"
    assert events(workspace) == [
        "referral.started",
        "lead.created",
        "referral.converted",
        "conversion.created",
    ]


def test_repeating_a_purchase_changes_nothing(
    workspace: Workspace, ana: Participant, friend: Customer, click: Clicker
) -> None:
    first = buy(workspace, friend, click=click(ana))
    before = events(workspace)
    again = services.record_conversion(
        workspace=workspace,
        fact=services.ConversionFact(
            kind="purchase",
            customer=friend,
            source="api",
            source_key="inv-1",
            amount_minor=10_000,
            currency="EUR",
            occurred_at=NOW,
            at=NOW + timedelta(days=1),
        ),
    )
    assert (again.conversion, again.created) == (first, False)
    assert events(workspace) == before
    assert Credit.objects.for_workspace(workspace).count() == 1


@pytest.mark.parametrize(
    ("change", "param"),
    [({"amount_minor": 9_999}, "amount"), ({"currency": "USD"}, "currency")],
)
def test_the_same_invoice_with_other_content_is_refused(
    workspace: Workspace, friend: Customer, change: dict[str, Any], param: str
) -> None:
    conversion = buy(workspace, friend)
    with pytest.raises(Conflict) as refused:
        buy(workspace, friend, **change)
    assert (refused.value.code, refused.value.param) == ("duplicate_order", param)
    assert refused.value.details == {"conversion": conversion.public_id}
    assert Conversion.objects.for_workspace(workspace).count() == 1


def test_the_same_invoice_of_another_customer_is_refused(workspace: Workspace, friend: Customer) -> None:
    buy(workspace, friend)
    stranger = factories.CustomerFactory.create(workspace=workspace)
    with pytest.raises(Conflict) as refused:
        buy(workspace, stranger)
    assert refused.value.param == "customer"


@pytest.mark.parametrize(
    ("change", "param"),
    [
        ({"amount_minor": -1}, "amount"),
        ({"amount_minor": 10**15 + 1}, "amount"),
        ({"currency": "XYZ"}, "currency"),
        ({"currency": ""}, "currency"),
        ({"kind": "gift"}, "kind"),
        ({"kind": "custom"}, "event_name"),
        ({"key": ""}, "source_key"),
        ({"key": "a\x00b"}, "source_key"),
        ({"event_name": "x" * 81}, "event_name"),
        ({"metadata": {"a": "x" * 10_000}}, "metadata"),
        ({"occurred_at": NOW.replace(tzinfo=None)}, "occurred_at"),
    ],
)
def test_bad_input_names_the_field_and_stores_nothing(
    workspace: Workspace, friend: Customer, change: dict[str, Any], param: str
) -> None:
    with pytest.raises(Invalid) as refused:
        buy(workspace, friend, **change)
    assert refused.value.param == param
    assert Conversion.objects.for_workspace(workspace).count() == 0
    assert events(workspace) == []


def test_a_time_in_the_future_is_taken_as_now(workspace: Workspace, friend: Customer) -> None:
    conversion = buy(workspace, friend, occurred_at=NOW + timedelta(days=2))
    assert conversion.occurred_at == NOW


def test_a_promo_code_credits_its_owner_without_a_click(
    workspace: Workspace, ana: Participant, ben: Participant, friend: Customer, click: Clicker
) -> None:
    code = factories.PromoCodeFactory.create(workspace=workspace, participant=ben, code="BEN10")
    buy(workspace, friend, click=click(ana), promo_codes=[code])
    decision = Attribution.objects.for_workspace(workspace).get()
    assert decision.reason == "code_claim"
    assert [credit["participant"] for credit in decision.result["credits"]] == [ben.public_id]
    assert [(r["participant"], r["reason"]) for r in decision.result["rejected"]] == [
        (ana.public_id, "lower_precedence")
    ]


def test_a_code_on_one_order_claims_no_other(
    workspace: Workspace, program: Program, ben: Participant, friend: Customer
) -> None:
    code = factories.PromoCodeFactory.create(workspace=workspace, participant=ben, code="BEN10")
    first = buy(workspace, friend, promo_codes=[code])
    services.reject_conversion(conversion=first, reason="order_cancelled", actor=SYSTEM, at=NOW)
    second = buy(workspace, friend, key="inv-2")
    assert list(queries.credits_of(second)) == []


def test_first_bind_wins_over_a_later_click(
    workspace: Workspace, ana: Participant, ben: Participant, friend: Customer, click: Clicker
) -> None:
    buy(workspace, friend, click=click(ana, days_ago=3, visitor="vis_a"))
    second = buy(workspace, friend, key="inv-2", click=click(ben, days_ago=0.5, visitor="vis_b"))
    assert [credit.participant for credit in queries.credits_of(second)] == [ana]
    decision = queries.attributions_of(second).get()
    assert decision.reason == "bound_referrer"
    assert second.sequence == 2


def test_linear_shares_the_amount_to_the_cent(workspace: Workspace, friend: Customer, click: Clicker) -> None:
    terms = factories.terms()
    terms["attribution"] = {**terms["attribution"], "model": "linear"}
    program = factories.ProgramFactory.create(workspace=workspace, draft=terms)
    people = [factories.ParticipantFactory.create(workspace=workspace, program=program) for _ in range(3)]
    last = None
    for days, person in zip((3, 2, 1), people, strict=True):
        last = click(person, days_ago=days)
    conversion = buy(workspace, friend, click=last)
    amounts = {c.participant_id: c.amount_minor for c in queries.credits_of(conversion)}
    assert sorted(amounts.values()) == [3333, 3333, 3334]
    assert Referral.objects.for_workspace(workspace).count() == 3


def test_self_referral_is_refused_by_name_and_kept_on_record(
    workspace: Workspace, ana: Participant, click: Clicker
) -> None:
    conversion = buy(workspace, ana.customer, click=click(ana))
    assert list(queries.credits_of(conversion)) == []
    decision = queries.attributions_of(conversion).get()
    assert decision.reason == "no_eligible_touch"
    assert [r["reason"] for r in decision.result["rejected"]] == ["self_referral"]
    signals = FraudSignal.objects.for_workspace(workspace).order_by("rule")
    assert [(s.rule, s.outcome) for s in signals] == [("same_customer", "deny"), ("same_mailbox", "deny")]
    assert events(workspace) == ["fraud.flagged", "conversion.created"]


def test_self_referral_through_another_spelling_of_the_mailbox(
    workspace: Workspace, ana: Participant, click: Clicker
) -> None:
    alias = factories.CustomerFactory.create(
        workspace=workspace, email="Ana+2@example.com", mailbox="ana@example.com"
    )
    conversion = buy(workspace, alias, click=click(ana))
    assert list(queries.credits_of(conversion)) == []
    assert FraudSignal.objects.for_workspace(workspace).get().rule == "same_mailbox"


def test_a_purchase_seconds_after_the_click_is_credited_and_flagged_to_be_held(
    workspace: Workspace, ana: Participant, friend: Customer, click: Clicker
) -> None:
    conversion = buy(workspace, friend, click=click(ana, days_ago=3 / 86_400))
    assert [c.participant for c in queries.credits_of(conversion)] == [ana]
    signal = FraudSignal.objects.for_workspace(workspace).get()
    assert (signal.rule, signal.outcome, signal.evidence["seconds"]) == ("too_fast", "hold", "3")


@pytest.mark.parametrize(("status", "reason"), [("paused", "program_paused"), ("ended", "program_ended")])
def test_a_program_that_does_not_run_credits_nobody_and_says_so(
    workspace: Workspace,
    program: Program,
    ana: Participant,
    friend: Customer,
    click: Clicker,
    status: str,
    reason: str,
) -> None:
    made = click(ana)
    Program.objects.for_workspace(workspace).filter(pk=program.pk).update(status=status)
    conversion = buy(workspace, friend, click=made)
    decision = queries.attributions_of(conversion).get()
    assert decision.result["credits"] == []
    assert [r["reason"] for r in decision.result["rejected"]] == [reason]


def test_a_suspended_participant_is_not_credited(
    workspace: Workspace, ana: Participant, friend: Customer, click: Clicker
) -> None:
    made = click(ana)
    Participant.objects.for_workspace(workspace).filter(pk=ana.pk).update(status="suspended")
    conversion = buy(workspace, friend, click=made)
    decision = queries.attributions_of(conversion).get()
    assert [r["reason"] for r in decision.result["rejected"]] == ["participant_inactive"]


def test_a_click_outside_the_window_is_rejected_by_name(
    workspace: Workspace, ana: Participant, friend: Customer, click: Clicker
) -> None:
    conversion = buy(workspace, friend, click=click(ana, days_ago=91))
    decision = queries.attributions_of(conversion).get()
    assert [r["reason"] for r in decision.result["rejected"]] == ["outside_click_window"]


def test_two_programs_decide_each_for_themselves(
    workspace: Workspace, ana: Participant, friend: Customer, click: Clicker
) -> None:
    other = factories.ParticipantFactory.create(workspace=workspace)
    click(other, days_ago=2)
    conversion = buy(workspace, friend, click=click(ana, days_ago=1))
    decisions = queries.attributions_of(conversion)
    assert {d.program_id: [c["participant"] for c in d.result["credits"]] for d in decisions} == {
        ana.program_id: [ana.public_id],
        other.program_id: [other.public_id],
    }


def test_nobody_in_contact_is_explained(workspace: Workspace, friend: Customer) -> None:
    explained = explanation(buy(workspace, friend))
    assert explained["decisions"] == []
    assert explained["sentence"].startswith("No participant's link or code was in contact")


def test_the_explanation_replays_and_names_no_person(
    workspace: Workspace, ana: Participant, friend: Customer, click: Clicker
) -> None:
    conversion = buy(workspace, friend, click=click(ana))
    explained = explanation(conversion)
    [decision] = explained["decisions"]
    assert decision["replays"] is True
    assert decision["credits"][0]["participant"] == ana.public_id
    assert "Ana" not in str(explained)
    assert "example.com" not in str(explained)


@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        ({"user_agent": "Googlebot/2.1"}, "bot"),
        ({"user_agent": "WhatsApp/2.23"}, "preview"),
        ({"method": "HEAD"}, "head"),
        ({"purpose": "prefetch;prerender"}, "prefetch"),
        ({"user_agent": ""}, "no_user_agent"),
        ({}, ""),
    ],
)
def test_every_click_is_kept_with_the_reason_it_does_not_count(
    workspace: Workspace, ana: Participant, click: Clicker, facts: dict[str, str], reason: str
) -> None:
    made = click(ana, **facts)
    assert (made.counted, made.reason) == (not reason, reason)
    assert Click.objects.for_workspace(workspace).count() == 1


def test_a_second_click_within_the_hour_is_a_duplicate(
    workspace: Workspace, ana: Participant, click: Clicker
) -> None:
    assert click(ana, days_ago=1).counted
    assert click(ana, days_ago=1 - 59 / 1440).reason == "duplicate"
    assert click(ana, days_ago=1 - 61 / 1440).counted
    assert queries.click_counts(ana) == {"counted": 2, "duplicate": 1}


def test_many_clicks_are_stored_as_one_after_another(
    workspace: Workspace, ana: Participant, django_assert_num_queries: Any
) -> None:
    link = factories.LinkFactory.create(workspace=workspace, participant=ana)
    person = ClickFacts(user_agent="Mozilla/5.0 Firefox/142.0", country="de")
    services.record_click(link=link, visitor_id="vis_1", facts=person, at=NOW)
    asked = [
        ("vis_1", person, 59),
        ("vis_2", person, 59),
        ("vis_2", person, 70),
        ("vis_2", ClickFacts(user_agent="WhatsApp/2.25"), 80),
        ("vis_1", person, 61),
        ("vis_2", person, 120),
    ]
    requests = [
        services.LinkRequest(link, visitor, facts, NOW + timedelta(minutes=minutes))
        for visitor, facts, minutes in asked
    ]
    with django_assert_num_queries(8):  # a savepoint, and the agent of WhatsApp is new
        clicks = services.record_clicks(requests=requests)
    assert [click.reason for click in clicks] == ["duplicate", "", "duplicate", "preview", "", ""]
    stored = Click.objects.for_workspace(workspace).filter(pk__in=[click.pk for click in clicks])
    assert [(row.visitor_id, row.reason, row.country) for row in stored.order_by("pk")] == [
        (click.visitor_id, click.reason, click.country) for click in clicks
    ]
    assert services.record_clicks(requests=[]) == []


def test_clicks_that_do_not_count_earn_nothing(
    workspace: Workspace, ana: Participant, friend: Customer, click: Clicker
) -> None:
    conversion = buy(workspace, friend, click=click(ana, user_agent="Googlebot/2.1"))
    assert list(queries.credits_of(conversion)) == []
    touch = Touchpoint.objects.for_workspace(workspace).get()
    decision = queries.attributions_of(conversion).get()
    assert (touch.refusal, decision.reason) == ("bot", "no_eligible_touch")
    assert decision.result["rejected"] == [
        {
            "touch_id": touch.public_id,
            "participant": ana.public_id,
            "reason": "bot",
            "sentence": "The click of 1 Mar 2026 came from a bot.",
        }
    ]


def test_refunds_add_up_and_stop_at_the_amount(workspace: Workspace, friend: Customer) -> None:
    conversion = buy(workspace, friend)

    def refund(key: str, amount: int) -> services.RecordedRefund:
        return services.record_refund(
            conversion=conversion, source_key=key, amount_minor=amount, occurred_at=NOW, at=NOW
        )

    first = refund("r1", 2_000)
    assert (first.conversion.refunded_minor, first.conversion.status) == (2_000, "partly_refunded")
    assert refund("r1", 2_000).created is False
    with pytest.raises(Conflict) as changed:
        refund("r1", 2_001)
    assert changed.value.code == "duplicate_refund"
    for wrong in (0, -1, 8_001):
        with pytest.raises(Invalid) as over:
            refund("r2", wrong)
        assert (over.value.code, over.value.param, over.value.details) == (
            "over_refund",
            "amount",
            {"left_minor": 8_000},
        )
    assert refund("r2", 8_000).conversion.status == "refunded"
    assert Refund.objects.for_workspace(workspace).count() == 2
    assert events(workspace) == ["conversion.created", "conversion.refunded", "conversion.refunded"]


def test_rejecting_rejects_the_referral_that_nothing_else_carries(
    workspace: Workspace, ana: Participant, friend: Customer, click: Clicker
) -> None:
    conversion = buy(workspace, friend, click=click(ana))
    services.reject_conversion(conversion=conversion, reason="order_cancelled", actor=SYSTEM, at=NOW)
    services.reject_conversion(conversion=conversion, reason="order_cancelled", actor=SYSTEM, at=NOW)
    referral = Referral.objects.for_workspace(workspace).get()
    assert (referral.status, referral.reason) == ("rejected", "order_cancelled")
    assert events(workspace).count("conversion.rejected") == 1
    assert AuditEntry.objects.for_workspace(workspace).filter(action="conversion.rejected").count() == 1
    with pytest.raises(Conflict):
        services.record_refund(conversion=conversion, source_key="r", amount_minor=1, occurred_at=NOW, at=NOW)


def test_rejecting_one_of_two_purchases_leaves_the_referral(
    workspace: Workspace, ana: Participant, friend: Customer, click: Clicker
) -> None:
    first = buy(workspace, friend, click=click(ana))
    buy(workspace, friend, key="inv-2")
    services.reject_conversion(conversion=first, reason="order_cancelled", actor=SYSTEM, at=NOW)
    assert Referral.objects.for_workspace(workspace).get().status == "converted"


def test_custom_events_are_counted_by_name(workspace: Workspace, friend: Customer) -> None:
    def happened(name: str, key: str) -> int:
        return buy(workspace, friend, key=key, kind="custom", event_name=name).sequence

    assert happened("Visit", "v1") == 1
    assert happened("Booking", "b1") == 1
    assert happened("Visit", "v2") == 2
    assert buy(workspace, friend, key="inv-1", event_name="Purchase").sequence == 1
    assert buy(workspace, friend, key="inv-2", event_name="Renewal").sequence == 2


def test_many_facts_are_recorded_as_one_after_another(
    workspace: Workspace,
    ana: Participant,
    friend: Customer,
    click: Clicker,
    django_assert_max_num_queries: Any,
) -> None:
    others = [factories.CustomerFactory.create(workspace=workspace) for _ in range(20)]
    clicks = {each.pk: click(ana, visitor=f"vis_{each.pk}") for each in (friend, *others)}

    def fact(customer: Customer, key: str, **more: Any) -> services.ConversionFact:
        given = {"kind": "purchase", "amount_minor": 10_000, "currency": "EUR", "click": clicks[customer.pk]}
        return services.ConversionFact(
            customer=customer, source="api", source_key=key, occurred_at=NOW, at=NOW, **{**given, **more}
        )

    facts = [
        fact(friend, "inv-1"),
        fact(friend, "inv-2", amount_minor=500),
        fact(friend, "inv-3", currency="???"),
        fact(friend, "inv-1"),
        fact(friend, "inv-2", amount_minor=501),
        *(fact(each, f"inv-{each.pk}-a") for each in others),
    ]
    with django_assert_max_num_queries(75):
        results = services.record_conversions(workspace=workspace, facts=facts)

    first, second, wrong, again, other = results[:5]
    assert isinstance(first, services.RecordedConversion)
    assert isinstance(second, services.RecordedConversion)
    assert (first.created, first.conversion.sequence) == (True, 1)
    assert (second.created, second.conversion.sequence) == (True, 2)
    assert isinstance(wrong, Invalid)
    assert wrong.param == "currency"
    assert again == services.RecordedConversion(first.conversion, created=False)
    assert isinstance(other, Conflict)
    assert (other.code, other.param) == ("duplicate_order", "amount")
    assert Conversion.objects.for_workspace(workspace).count() == 22
    assert Credit.objects.for_workspace(workspace).count() == 22
    assert Referral.objects.for_workspace(workspace).filter(status="converted").count() == 21
    assert events(workspace).count("referral.converted") == 21
    assert events(workspace).count("conversion.created") == 22
    assert services.record_conversions(workspace=workspace, facts=[]) == []


def test_a_group_costs_as_many_statements_as_one(
    workspace: Workspace, ana: Participant, click: Clicker
) -> None:
    def facts(count: int) -> list[services.ConversionFact]:
        people = [factories.CustomerFactory.create(workspace=workspace) for _ in range(count)]
        return [
            services.ConversionFact(
                kind="purchase",
                customer=each,
                source="api",
                source_key=each.public_id,
                amount_minor=100,
                currency="EUR",
                click=click(ana, visitor=f"vis_{each.pk}"),
                occurred_at=NOW,
                at=NOW,
            )
            for each in people
        ]

    counts = []
    for group in (facts(1), facts(15)):
        with CaptureQueriesContext(connection) as asked:
            services.record_conversions(workspace=workspace, facts=group)
        counts.append(len(asked))
    assert counts[0] == counts[1] <= 31
