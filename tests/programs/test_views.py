from __future__ import annotations

import html
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import Member, Role, User, Workspace
from core.tenancy import tenant
from programs import queries
from programs.forms import TermsEditor
from programs.models import Customer, Link, Participant, Program, ProgramVersion, PromoCode
from programs.terms import default_terms, dump_terms, parse_terms
from tests.conftest import AT
from tests.factories import (
    CustomerFactory,
    LinkFactory,
    ParticipantFactory,
    ProgramFactory,
    PromoCodeFactory,
    UserFactory,
    terms,
)


class Console:
    """A signed-in member's browser inside the workspace."""

    def __init__(self, client: Client, workspace: Workspace) -> None:
        self.client = client
        self.root = f"/w/{workspace.slug}"

    def get(self, path: str, **query: str) -> Any:
        return self.client.get(f"{self.root}/{path}", query)

    def post(self, path: str, data: dict[str, Any] | None = None) -> Any:
        return self.client.post(f"{self.root}/{path}", data or {})


@pytest.fixture
def console(client: Client, owner: User, workspace: Workspace) -> Console:
    """The owner's browser."""
    client.force_login(owner)
    return Console(client, workspace)


def shown_terms(program: Program) -> dict[str, Any]:
    return TermsEditor(program=program, terms=queries.draft_terms(program)).posted()


def text_of(answer: Any) -> str:
    return " ".join(answer.content.decode().split())


def test_a_program_is_created_edited_published_paused_and_ended(
    console: Console, workspace: Workspace
) -> None:
    assert "No programs yet" in text_of(console.get("programs/"))
    made = console.post("programs/new/", {"name": "Friends", "kind": "customer"})
    program = Program.objects.for_workspace(workspace).get()
    path = f"programs/{program.public_id}/"
    assert (made.status_code, made.url) == (302, f"{console.root}/{path}setup/rewards/")
    assert "Links need a page to lead to." in text_of(console.get(path))

    refused = console.post(f"{path}publish/")
    assert refused.url == f"{console.root}/{path}setup/review/"
    assert "Links need a page to lead to." in text_of(console.get(f"{path}setup/review/"))

    data = {**shown_terms(program), "destination_url": "https://shop.example/hi", "hold_days": "14"}
    saved = console.post(f"{path}edit/", data)
    assert (saved.status_code, saved.url) == (302, f"{console.root}/{path}")
    assert console.post(f"{path}publish/").url == f"{console.root}/{path}"
    page = text_of(console.get(path))
    assert "Version 1 is live." in page
    assert "The referrer gets 10 % of the first purchase as store credit." in page
    assert "14 days" in page

    console.post(f"{path}status/", {"status": "paused"})
    assert "The program is paused." in text_of(console.get(path))
    console.post(f"{path}status/", {"status": "active"})
    console.post(f"{path}status/", {"status": "ended"})
    console.post(f"{path}status/", {"status": "active"})
    assert "A program that is ended cannot become active." in text_of(console.get(path))
    program.refresh_from_db()
    assert (program.status, program.live_version) == ("ended", 1)
    assert "Friends" in text_of(console.get("programs/"))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"name": "", "kind": "customer"}, "This field is required."),
        ({"name": "n" * 121, "kind": "customer"}, "at most 120 characters"),
        ({"name": "Friends", "kind": "lottery"}, "Select a valid choice"),
        ({"name": "a\x1bb", "kind": "customer"}, "control characters"),
        ({}, "This field is required."),
    ],
)
def test_a_bad_program_is_explained_in_the_form(
    console: Console, workspace: Workspace, data: dict[str, str], message: str
) -> None:
    answer = console.post("programs/new/", data)
    assert answer.status_code == 400
    assert message in text_of(answer)
    assert Program.objects.for_workspace(workspace).count() == 0


RICH = {
    "currency": "EUR",
    "allowed_hosts": ["shop.example", "blog.example"],
    "attribution": {
        "model": "custom",
        "click_window_hours": 720,
        "code_window_hours": 36,
        "signup_window_hours": 48,
        "conversion_window_hours": 240,
        "half_life_days": 5,
        "position_weights": [30, 30, 40],
        "custom_weights": [1, 2, 3],
        "channel_weights": {"email": 150, "social": 50},
        "precedence": ["code", "click"],
        "lifetime_months": 6,
        "first_bind_wins": False,
    },
    "approval": "manual",
    "eligibility": {"minimum_order_minor": 2500, "new_customers_only": False, "countries": ["DE", "SI"]},
    "payout_minimum_minor": 5000,
    "terms_text": "First line\nSecond line",
}


def rule(key: str, **changes: Any) -> dict[str, Any]:
    return {
        "key": key,
        "side": "referrer",
        "event": "purchase",
        "event_name": None,
        "kind": "cash",
        "amount": None,
        "duration_months": None,
        "first_only": False,
        "nth": None,
        "new_customers_only": False,
        "minimum_order_minor": 0,
        "base": "revenue",
        "items": None,
        "max_minor": None,
        "group": None,
        "product": None,
        "discount": None,
        "custom": None,
        "tiers": [],
        "tier_basis": "friends",
        "tier_period": "lifetime",
        "tier_mode": "marginal",
        "milestone": None,
        "expiry_days": None,
        "conditions": None,
        **changes,
    }


RICH_RULES = [
    rule("a", amount={"type": "fixed", "minor": 1050}, duration_months=12, minimum_order_minor=999),
    rule("b", amount={"type": "percentage", "bps": 1250}, max_minor=10_000, first_only=True),
    rule("c", kind="points", amount={"type": "fixed", "minor": 50}, max_minor=70),
    rule("d", kind="points", amount={"type": "percentage", "bps": 10_005}),
    rule(
        "e",
        side="referee",
        kind="discount",
        discount={"type": "fixed", "minor": 500},
        amount={"type": "fixed", "minor": 450},
    ),
    rule(
        "f",
        kind="product",
        product={"sku": "TOTE-1", "name": "Tote bag"},
        event="custom",
        event_name="won",
    ),
    rule(
        "g",
        kind="gift_card",
        event="renewal",
        nth=3,
        amount={"type": "percentage", "bps": 3333},
        base="margin",
        items={"skus": ["A 1", "B,2"], "categories": ["Shoes"], "excluded": True},
        new_customers_only=True,
        group="best",
        expiry_days=90,
        tiers=[{"at_least": 123456, "amount": {"type": "fixed", "minor": 777}}],
        tier_basis="revenue",
        tier_period="month",
        tier_mode="retroactive",
    ),
    rule(
        "h",
        event="milestone",
        kind="custom",
        custom={"name": "A dinner"},
        milestone={"basis": "revenue", "at_least": 98765, "repeat": True},
    ),
    rule(
        "i",
        event="milestone",
        amount={"type": "fixed", "minor": 500},
        milestone={"basis": "streak", "at_least": 3, "repeat": False},
    ),
]

RICH_CAPS = [
    {
        "key": "person",
        "scope": "participant",
        "period": "month",
        "limit_minor": 50_050,
        "limit_count": None,
        "rules": ["a", "g"],
        "pause": False,
    },
    {
        "key": "budget",
        "scope": "program",
        "period": "lifetime",
        "limit_minor": None,
        "limit_count": 250,
        "rules": [],
        "pause": True,
    },
]
RICH |= {
    "caps": RICH_CAPS,
    "approval": "automatic",
    "approval_above_minor": 20_050,
    "approval_score": 0,
    "approval_kinds": ["cash", "gift_card"],
    "tax_details_required": True,
    "expiry_warning_days": 0,
    "redemption_minimum": 100,
    "assumed_margin_bps": 1250,
}


@pytest.mark.parametrize(
    "document",
    [
        terms(**RICH, rewards=RICH_RULES),
        *(
            dict(dump_terms(default_terms(kind, currency)))
            for kind in ("customer", "b2b", "influencer", "affiliate")
            for currency in ("EUR", "JPY", "KWD")
        ),
    ],
)
def test_saving_the_form_as_shown_changes_nothing(
    console: Console, workspace: Workspace, document: dict[str, Any]
) -> None:
    program = ProgramFactory.create(workspace=workspace, draft=document)
    data = shown_terms(program)
    # A browser sends line breaks of its own kind.
    data["terms_text"] = data["terms_text"].replace("\n", "\r\n")
    answer = console.post(f"programs/{program.public_id}/edit/", data)
    assert answer.status_code == 302, text_of(answer)
    program.refresh_from_db()
    assert program.draft == dump_terms(parse_terms(document))


def test_the_edit_page_shows_every_field_of_every_rule(console: Console, workspace: Workspace) -> None:
    program = ProgramFactory.create(workspace=workspace, draft=terms(**RICH, rewards=RICH_RULES))
    page = text_of(console.get(f"programs/{program.public_id}/edit/"))
    for value in (
        "10.50",
        "12.5",
        "9.99",
        "100.00",
        "TOTE-1",
        "email = 150",
        "1, 2, 3",
        "25.00",
        "1234.56",
        "987.65",
        "500.50",
        "A dinner",
    ):
        assert value in page


def test_amounts_are_typed_in_major_units(console: Console, workspace: Workspace) -> None:
    program = ProgramFactory.create(workspace=workspace)
    data = {
        **shown_terms(program),
        "rules": "1",
        "rule-0-key": "",
        "rule-0-side": "referrer",
        "rule-0-event": "purchase",
        "rule-0-kind": "cash",
        "rule-0-measure": "fixed",
        "rule-0-value": "10.00",
        "rule-0-minimum_order": "25",
        "payout_minimum": "49.90",
        "minimum_order": "1.5",
    }
    data = {name: value for name, value in data.items() if not name.startswith("rule-1")}
    data.pop("rule-0-first_only", None)
    assert console.post(f"programs/{program.public_id}/edit/", data).status_code == 302
    program.refresh_from_db()
    assert program.draft["rewards"] == [
        rule("referrer-cash", amount={"type": "fixed", "minor": 1000}, minimum_order_minor=2500)
    ]
    assert program.draft["payout_minimum_minor"] == 4990
    assert program.draft["eligibility"]["minimum_order_minor"] == 150


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("name", "", "This field is required."),
        ("currency", "XXX", "Select a valid choice"),
        ("destination_url", "shop", "This must be a full http or https address."),
        ("destination_url", "https://evil.example/", "The host is not among the allowed hosts."),
        ("allowed_hosts", "Shop.Example", "This must be a host name in small letters."),
        ("model", "magic", "Select a valid choice"),
        ("model", "custom", "custom_weights: The custom model needs weights by position or by channel."),
        ("click_window_hours", "0 days", "This must be from 1 to 87600."),
        ("click_window_hours", "x", "This is written like"),
        ("code_window_hours", "3 weeks", "This is written like"),
        ("signup_window_hours", "3651 days", "This must be from 1 to 87600."),
        ("position_weights", "50, 20, 40", "three percentages that sum to 100"),
        ("position_weights", "a, b", "These must be whole numbers"),
        ("custom_weights", "-1", "These must be whole numbers"),
        ("channel_weights", "email 5", 'Write one "email = 150" a line.'),
        ("channel_weights", "a = 5\na = 6", "Each channel may stand here once."),
        ("channel_weights", "E-Mail! = 5", "A channel is written in small letters"),
        ("precedence", "", "This field is required."),
        ("precedence", "magic", "This must be one of"),
        ("precedence", "code code", "Each entry may stand here once."),
        ("lifetime_months", "0", "This must be from 1 to 120."),
        ("hold_days", "366", "This must be from 0 to 365."),
        ("approval", "never", "Select a valid choice"),
        ("minimum_order", "ten", "The amount must be written like"),
        ("minimum_order", "1.005", "EUR amounts have at most 2 decimals."),
        ("minimum_order", "-1", "This must be from 0 to"),
        ("payout_minimum", "1e3", "The amount must be written like"),
        ("countries", "DEU", "This must be an ISO 3166 code like DE."),
        ("terms_text", "x" * 20_001, "at most 20000 characters"),
        ("rule-0-side", "nobody", "Select a valid choice"),
        ("rule-0-event", "custom", "rule-0-event_name: A custom event, and no other, is named here."),
        ("rule-0-value", "", "This kind of reward needs an amount."),
        ("rule-0-value", "0", "This must be from 1 to"),
        ("rule-0-value", "10,5", "A percentage is written like"),
        ("rule-0-value", "100.01", "This must be from 1 to 10000."),
        ("rule-0-duration_months", "121", "This must be from 1 to 120."),
        ("rule-0-minimum_order", "x", "The amount must be written like"),
        ("rule-0-maximum", "0.00", "This must be from 1 to"),
        ("rule-0-kind", "product", "rule-0-product_sku: This must not be empty."),
        ("rule-0-worth", "1.2.3", "The amount must be written like"),
    ],
)
def test_a_bad_field_is_explained_and_nothing_is_saved(
    console: Console, workspace: Workspace, field: str, value: str, message: str
) -> None:
    program = ProgramFactory.create(workspace=workspace)
    data = {**shown_terms(program), "hold_days": "7", field: value}
    answer = console.post(f"programs/{program.public_id}/edit/", data)
    # A fault between two fields stands on the one that is to be filled in.
    on, _, sentence = message.rpartition(": ")
    error_id = f'id="id_{on or field}_error"'
    assert answer.status_code == 400
    assert error_id in text_of(answer)
    assert sentence in html.unescape(text_of(answer).partition(error_id)[2][:400])
    program.refresh_from_db()
    assert program.draft == terms()


def test_a_value_without_rule_errors_stays_typed(console: Console, workspace: Workspace) -> None:
    program = ProgramFactory.create(workspace=workspace)
    data = {**shown_terms(program), "terms_text": "Kept as typed", "hold_days": "9999"}
    page = text_of(console.post(f"programs/{program.public_id}/edit/", data))
    assert "Kept as typed" in page
    assert 'value="9999"' in page


def test_rows_are_added_and_taken_away_without_saving(console: Console, workspace: Workspace) -> None:
    program = ProgramFactory.create(workspace=workspace)
    path = f"programs/{program.public_id}/edit/"
    data = {**shown_terms(program), "hold_days": "9999", "rule-0-value": "33"}
    more = console.post(path, {**data, "add_rule": "1"})
    page = text_of(more)
    assert (more.status_code, page.count('name="rules" value="3"')) == (200, 1)
    assert 'value="9999"' in page
    assert 'name="rule-2-value"' in page
    assert "This must be" not in page
    fewer = text_of(console.post(path, {**data, "remove_rule": "0"}))
    assert 'name="rules" value="1"' in fewer
    assert 'value="33"' not in fewer
    assert 'value="referee-discount"' in fewer
    program.refresh_from_db()
    assert program.draft == terms()


@pytest.mark.parametrize("count", ["x", "-1", "999999", "١", ""])
def test_a_forged_number_of_rows_is_bounded(console: Console, workspace: Workspace, count: str) -> None:
    program = ProgramFactory.create(workspace=workspace)
    answer = console.post(f"programs/{program.public_id}/edit/", {"rules": count, "add_rule": "1"})
    assert answer.status_code == 200
    assert answer.content.count(b"<fieldset") <= 50


def test_two_rules_of_one_kind_get_different_keys(workspace: Workspace) -> None:
    program = ProgramFactory.create(workspace=workspace)
    data = shown_terms(program)
    for index in (0, 1):
        data |= {
            f"rule-{index}-key": "",
            f"rule-{index}-side": "referrer",
            f"rule-{index}-event": "purchase",
            f"rule-{index}-kind": "cash",
            f"rule-{index}-measure": "fixed",
            f"rule-{index}-value": "5",
        }
    editor = TermsEditor(program=program, terms=queries.draft_terms(program), data=data)
    assert editor.is_valid()
    assert [entry["key"] for entry in editor.document()["rewards"]] == ["referrer-cash", "referrer-cash-2"]


def test_a_version_shows_what_differs_from_the_one_before(console: Console, workspace: Workspace) -> None:
    program = ProgramFactory.create(workspace=workspace, live_version=1)
    ProgramVersion.objects.create(
        workspace=workspace,
        program=program,
        number=2,
        terms=terms(hold_days=7, terms_text="<b>Fair</b>"),
        published_at=AT,
        published_by="olga@acme.example",
    )
    path = f"programs/{program.public_id}/versions"
    page = text_of(console.get(f"{path}/2/"))
    assert ">hold days</th> <td>30</td> <td>7</td>" in page
    assert "&lt;b&gt;Fair&lt;/b&gt;" in page
    assert "What differs" not in text_of(console.get(f"{path}/1/"))
    for number in ("0", "3", "99999999999999999999"):
        assert console.get(f"{path}/{number}/").status_code == 404


def test_someone_is_enrolled_with_link_qr_and_codes(console: Console, workspace: Workspace) -> None:
    assert "No program is active" in text_of(console.get("participants/new/"))
    program = ProgramFactory.create(workspace=workspace)
    data = {"program": program.public_id, "email": "ana@x.example", "name": "Ana Kos"}
    enrolled = console.post("participants/new/", data)
    participant = Participant.objects.for_workspace(workspace).get()
    path = f"participants/{participant.public_id}/"
    assert enrolled.url == f"{console.root}/{path}"
    link = Link.objects.for_workspace(workspace).get()
    page = text_of(console.get(path))
    assert link.referral_url in page
    assert f"/links/{link.public_id}/qr.svg" in page
    assert console.get(f"links/{link.public_id}/qr.svg").headers["Content-Type"] == "image/svg+xml"

    console.post("participants/new/", data)
    assert Participant.objects.for_workspace(workspace).count() == 1
    assert "This person takes part already." in text_of(console.get(path))

    assert console.post(f"{path}links/new/").status_code == 302
    made = console.post(f"{path}links/new/", {"code": "Ana-2"})
    second = Link.objects.for_workspace(workspace).get(code="Ana-2")
    assert made.url == f"{console.root}/links/{second.public_id}/"
    assert "Ana-2" in text_of(console.get(path))
    for bad in ({"code": "ana-2"}, {"code": "a!"}, {"destination_url": "https://evil.example"}):
        assert console.post(f"{path}links/new/", bad).status_code == 400
    assert Link.objects.for_workspace(workspace).count() == 3
    assert console.post(f"{path}promo-codes/new/", {"code": "ANA10"}).status_code == 302
    taken = console.post(f"{path}promo-codes/new/", {"code": "ana10"})
    assert (taken.status_code, "This code is taken." in text_of(taken)) == (400, True)
    assert PromoCode.objects.for_workspace(workspace).count() == 1
    assert "ANA10" in text_of(console.get(path))
    console.post(f"links/{link.public_id}/archive/")
    link.refresh_from_db()
    assert link.status == "archived"


@pytest.mark.parametrize(
    ("data", "field", "message"),
    [
        ({}, "external_id", "Give an external_id, an email, or both."),
        ({"email": "ana"}, "email", "This is not an e-mail address."),
        ({"email": "ana@x.example", "name": "A\x07"}, "name", "control characters"),
        ({"email": "ana@x.example", "program": "prg_other"}, "program", "Select a valid choice"),
    ],
)
def test_a_bad_enrolment_is_explained_and_stores_nobody(
    console: Console, workspace: Workspace, data: dict[str, str], field: str, message: str
) -> None:
    program = ProgramFactory.create(workspace=workspace)
    answer = console.post("participants/new/", {"program": program.public_id, **data})
    assert answer.status_code == 400
    assert message in text_of(answer)
    assert f'id="id_{field}_error"' in text_of(answer)
    assert Customer.objects.for_workspace(workspace).count() == 0


def test_an_ended_program_refuses_edits_in_words(console: Console, workspace: Workspace) -> None:
    program = ProgramFactory.create(workspace=workspace, status="ended")
    path = f"programs/{program.public_id}/"
    answer = console.post(f"{path}edit/", {**shown_terms(program), "hold_days": "7"})
    assert (answer.status_code, "This program has ended." in text_of(answer)) == (400, True)
    assert console.post(f"{path}publish/").status_code == 302
    assert "This program has ended." in text_of(console.get(path))
    program.refresh_from_db()
    assert program.draft == terms()


def test_points_are_typed_as_whole_numbers(console: Console, workspace: Workspace) -> None:
    program = ProgramFactory.create(workspace=workspace)
    data = {**shown_terms(program), "rule-0-kind": "points", "rule-0-measure": "fixed"}
    answer = console.post(f"programs/{program.public_id}/edit/", {**data, "rule-0-value": "1.5"})
    assert (answer.status_code, "This must be a whole number." in text_of(answer)) == (400, True)
    assert (
        console.post(f"programs/{program.public_id}/edit/", {**data, "rule-0-value": "50"}).status_code == 302
    )
    program.refresh_from_db()
    assert program.draft["rewards"][0]["amount"] == {"type": "fixed", "minor": 50}


def test_a_participant_is_suspended_reactivated_and_edited(console: Console, workspace: Workspace) -> None:
    participant = ParticipantFactory.create(workspace=workspace)
    path = f"participants/{participant.public_id}/"
    assert 'value="suspended"' in text_of(console.get(f"{path}status/"))
    refused = console.post(f"{path}status/", {"status": "suspended"})
    assert (refused.status_code, "Say why" in text_of(refused)) == (400, True)
    console.post(f"{path}status/", {"status": "suspended", "reason": "Spam"})
    # The second administrator who had the page open suspends again, not back.
    console.post(f"{path}status/", {"status": "suspended", "reason": "Spam"})
    participant.refresh_from_db()
    assert participant.status == "suspended"
    assert "New link" not in text_of(console.get(path))
    assert "suspended" in text_of(console.post(f"{path}links/new/", {"code": "abc"}))
    console.post(f"{path}status/", {"status": "active"})
    console.post(f"{path}edit/", {"display_name": "Ana B"})
    participant.refresh_from_db()
    assert (participant.status, participant.display_name) == ("active", "Ana B")
    assert console.post(f"{path}edit/", {"display_name": "n" * 61}).status_code == 400


def test_participants_and_customers_are_searched(console: Console, workspace: Workspace) -> None:
    for path, title in (("participants/", "No participants yet"), ("customers/", "No customers yet")):
        assert title in text_of(console.get(path))
    customer = CustomerFactory.create(
        workspace=workspace, name="Zora", email="zora@x.example", external_id="u-9"
    )
    participant = ParticipantFactory.create(workspace=workspace, customer=customer, display_name="Zora")
    for path in ("participants/", "customers/"):
        assert "zora@x.example" in text_of(console.get(path, q="zo"))
        assert "Nothing matches" in text_of(console.get(path, q="ana"))
        assert console.get(path, q="x" * 300).status_code == 200
    assert "zora@x.example" in text_of(console.get("participants/", status="active"))
    assert "Nothing matches" in text_of(console.get("participants/", status="suspended"))
    found = console.get("participants/", program=participant.program.public_id)
    assert "zora@x.example" in text_of(found)
    detail = text_of(console.get(f"customers/{customer.public_id}/"))
    assert "u-9" in detail
    assert participant.public_id in detail
    assert "Your id" in detail


def test_nothing_of_another_workspace_is_shown_or_changed(
    console: Console, workspace: Workspace, other_workspace: Workspace
) -> None:
    with tenant(other_workspace):
        link = LinkFactory.create(workspace=other_workspace, code="theirs")
        participant = link.participant
        program, customer = participant.program, participant.customer
    pages = [
        f"programs/{program.public_id}/",
        f"programs/{program.public_id}/edit/",
        f"programs/{program.public_id}/versions/1/",
        f"participants/{participant.public_id}/",
        f"participants/{participant.public_id}/edit/",
        f"participants/{participant.public_id}/status/",
        f"participants/{participant.public_id}/links/new/",
        f"participants/{participant.public_id}/promo-codes/new/",
        f"links/{link.public_id}/qr.svg",
        f"customers/{customer.public_id}/",
    ]
    posts = [
        f"programs/{program.public_id}/publish/",
        f"programs/{program.public_id}/status/",
        f"links/{link.public_id}/archive/",
        *(page for page in pages if page.endswith(("edit/", "status/", "new/"))),
    ]
    assert {page: console.get(page).status_code for page in pages} == dict.fromkeys(pages, 404)
    assert {page: console.post(page).status_code for page in posts} == dict.fromkeys(posts, 404)
    for listed in ("programs/", "participants/", "customers/"):
        assert "yet" in text_of(console.get(listed))
    with tenant(other_workspace):
        link.refresh_from_db()
        assert link.status == "active"


def test_a_reader_sees_everything_and_changes_nothing(client: Client, workspace: Workspace) -> None:
    reader = UserFactory.create()
    Member.objects.create(workspace=workspace, user=reader, role=Role.READ_ONLY, joined_at=AT)
    client.force_login(reader)
    console = Console(client, workspace)
    link = LinkFactory.create(workspace=workspace)
    participant = link.participant
    program = f"programs/{participant.program.public_id}/"
    person = f"participants/{participant.public_id}/"
    for page in ("programs/", program, f"{program}versions/1/", "participants/", person, "customers/"):
        answer = console.get(page)
        assert answer.status_code == 200
        assert "data-confirm" not in answer.content.decode()
    for page in (
        "programs/new/",
        f"{program}edit/",
        f"{program}publish/",
        f"{program}status/",
        "participants/new/",
        f"{person}edit/",
        f"{person}status/",
        f"{person}links/new/",
        f"{person}promo-codes/new/",
        f"links/{link.public_id}/archive/",
    ):
        assert console.post(page, {"status": "ended"}).status_code == 403
    participant.program.refresh_from_db()
    assert participant.program.status == "active"


@pytest.mark.parametrize("path", ["programs/", "participants/", "customers/"])
def test_a_list_asks_the_same_questions_for_one_row_and_for_three(
    console: Console, workspace: Workspace, path: str
) -> None:
    program = ProgramFactory.create(workspace=workspace)

    def count() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert console.get(path).status_code == 200
        return len(captured)

    def add() -> None:
        ParticipantFactory.create(
            workspace=workspace, program=program, customer=CustomerFactory.create(workspace=workspace)
        )
        ParticipantFactory.create(workspace=workspace)

    add()
    console.get(path)
    one = count()
    add()
    add()
    assert count() == one


def test_a_participants_page_asks_the_same_questions_for_one_link_and_for_three(
    console: Console, workspace: Workspace
) -> None:
    participant = ParticipantFactory.create(workspace=workspace)
    path = f"participants/{participant.public_id}/"

    def count() -> int:
        LinkFactory.create(workspace=workspace, participant=participant)
        PromoCodeFactory.create(workspace=workspace, participant=participant)
        console.get(path)
        with CaptureQueriesContext(connection) as captured:
            assert console.get(path).status_code == 200
        return len(captured)

    first = count()
    count()
    assert count() == first
