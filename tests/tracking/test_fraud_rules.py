"""The page, the endpoints and the commands that measure the fraud rules and try others."""

from __future__ import annotations

from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.test import Client

from accounts import services as account_services
from accounts.models import Member, Workspace
from accounts.services import SYSTEM, Actor
from core import clock
from core.tenancy import tenant
from programs import services as program_services
from programs.models import Customer, Participant, Program
from programs.terms import TermsInvalid, change_fraud
from programs.terms.fraud import FraudTerms
from tests import factories
from tests.tracking.conftest import NOW, Clicker
from tracking import backtest_queries, services
from tracking.fraud import FraudSettings
from tracking.identifiers import Traces
from tracking.models import Conversion, FraudCase, FraudJudgement

pytestmark = pytest.mark.django_db


@pytest.fixture
def person(owner: Any) -> Actor:
    """Somebody of the staff."""
    return Actor(kind="user", label=owner.email, user=owner)


class Shop:
    """Sells to friends of Ana, each order 100.00 EUR."""

    def __init__(self, workspace: Workspace, ana: Participant, click: Clicker) -> None:
        self.workspace, self.ana, self.click = workspace, ana, click
        self.sold = 0

    def sell(
        self, *, seconds: int = 900, label: str = "", mail: str = "", days_ago: float = 1, **traces: str
    ) -> Conversion:
        """Let a new friend click and buy some seconds later."""
        self.sold += 1
        mailbox = mail or f"friend{self.sold}@example.com"
        friend: Customer = factories.CustomerFactory.create(
            workspace=self.workspace, email=mailbox, mailbox=mailbox
        )
        visit = self.click(self.ana, days_ago=days_ago, visitor=f"vis_{self.sold}")
        at = visit.occurred_at + timedelta(seconds=seconds)
        fact = services.ConversionFact(
            kind="purchase",
            customer=friend,
            source="api",
            source_key=f"o-{self.sold}",
            amount_minor=10_000,
            currency="EUR",
            click=visit,
            metadata={"demo_label": label} if label else {},
            traces=Traces(**traces),
            occurred_at=at,
            at=at,
        )
        return services.record_conversion(workspace=self.workspace, fact=fact).conversion


@pytest.fixture
def shop(workspace: Workspace, ana: Participant, click: Clicker) -> Shop:
    """A shop at which Ana's friends buy."""
    return Shop(workspace, ana, click)


@pytest.fixture
def history(shop: Shop, person: Actor, workspace: Workspace) -> list[Conversion]:
    """Nine orders: four too fast, of which two were rejected and one approved; two by throw-away mail; a
    plain one rejected as fraud, one rejected for another reason, and one of long ago.
    """
    fast = [shop.sell(seconds=4, label="fraud") for _ in range(3)]
    fast.append(shop.sell(seconds=5, label="fine"))
    thrown = [shop.sell(mail=f"x{n}@mailinator.com", label=("fraud", "fine")[n]) for n in range(2)]
    plain = [shop.sell(label="fraud"), shop.sell(label="fine"), shop.sell(days_ago=70, label="fine")]
    for conversion, status in ((fast[0], "rejected"), (fast[1], "rejected"), (fast[3], "approved")):
        case = FraudCase.objects.for_workspace(workspace).get(conversion=conversion)
        services.resolve_case(case=case, status=status, actor=person, at=NOW)
    services.reject_conversion(conversion=plain[0], reason="stolen_card", actor=person, at=NOW)
    services.reject_conversion(conversion=plain[1], reason="cancelled", actor=person, at=NOW)
    return [*fast, *thrown, *plain]


def figures(workspace: Workspace, program: Program, days: int = 90) -> dict[str, Any]:
    found = backtest_queries.rule_figures(workspace, program=program, since=NOW - timedelta(days=days))
    return {each.rule: each for each in found}


def test_a_rules_figures_come_from_what_people_decided(
    workspace: Workspace, program: Program, history: list[Conversion]
) -> None:
    rules = figures(workspace, program)
    fast = rules["too_fast"]
    assert (fast.judged, fast.fired, fast.alone) == (9, 4, 4)
    assert (fast.fraud, fast.fine, fast.unknown) == (2, 1, 1)
    assert (fast.precision.hits, fast.precision.of) == (2, 3)
    assert (fast.false_positive_rate.hits, fast.false_positive_rate.of) == (1, 3)
    thrown = rules["disposable_mail"]
    assert (thrown.fired, thrown.alone, thrown.unknown, thrown.precision) == (2, 0, 2, None)
    assert rules["ring"].share.hits == 0
    assert figures(workspace, program, days=0)["too_fast"].share is None
    other = factories.ProgramFactory.create(workspace=workspace)
    assert figures(workspace, other)["too_fast"].fired == 0


def test_the_rules_own_denial_is_nobodys_judgement(
    workspace: Workspace, program: Program, ana: Participant, click: Clicker
) -> None:
    visit = click(ana)
    fact = services.ConversionFact(
        kind="purchase", customer=ana.customer, source="api", source_key="own", amount_minor=500,
        currency="EUR", click=visit, occurred_at=NOW, at=NOW,
    )  # fmt: skip
    services.record_conversion(workspace=workspace, fact=fact)
    assert FraudJudgement.objects.for_workspace(workspace).get().outcome == "deny"
    own = figures(workspace, program)["same_customer"]
    assert (own.fired, own.fraud, own.fine, own.unknown) == (1, 0, 0, 1)
    # They were credited with nothing, so the order's amount is at stake.
    tried = run(workspace, program, FraudSettings(off=("same_customer", "same_mailbox")))
    assert (tried.result.released.all, tried.result.released.money) == (1, {"EUR": 500})


def run(workspace: Workspace, program: Program, settings: FraudSettings | None, **more: Any) -> Any:
    since = NOW - timedelta(days=90)
    return backtest_queries.back_test(
        workspace, program=program, since=since, at=NOW, settings=settings, **more
    )


def test_a_back_test_tells_what_would_be_held_and_what_became_of_it(
    workspace: Workspace, program: Program, history: list[Conversion], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backtest_queries, "CHUNK", 4)
    told: list[tuple[int, int]] = []
    tried = run(
        workspace,
        program,
        FraudSettings(too_fast_seconds=1_000, off=("disposable_mail",)),
        progress=lambda done, whole: told.append((done, whole)),
    )
    result = tried.result
    assert told == [(4, 9), (8, 9), (9, 9)]
    assert dict(result.transitions) == {("hold", "hold"): 4, ("allow", "hold"): 5}
    assert (result.caught.fraud, result.caught.fine, result.caught.unknown) == (1, 0, 4)
    # The one of 70 days ago; one that a person rejected as cancelled is not among them.
    assert result.caught.unopposed == 1
    assert result.caught.money == {"EUR": 50_000}
    assert {change.past.conversion for change in tried.changes} == {each.public_id for each in history[4:]}
    assert (tried.total, run(workspace, program, None).result.changed) == (9, 0)


def test_a_back_test_can_stop_early(
    workspace: Workspace, program: Program, history: list[Conversion]
) -> None:
    tried = run(workspace, program, FraudSettings(hold_at=1, too_fast_seconds=1_000), listed=1, most=3)
    assert (tried.total, tried.result.judged, len(tried.changes)) == (9, 3, 1)


def test_changes_keep_the_rest_of_the_terms() -> None:
    terms = FraudTerms(hold_at=40, weights=(("same_ip", 30),), shadow=("ring",), off=("circular",))
    changed = change_fraud(terms, {"weights": {"too_fast": 10}, "off": ["ring"]})
    assert changed.weights == (("same_ip", 30), ("too_fast", 10))
    assert (changed.hold_at, changed.shadow, changed.off) == (40, (), ("ring",))
    assert change_fraud(terms, {}) == terms
    with pytest.raises(TermsInvalid) as refused:
        change_fraud(terms, {"hold_at": 200, "nonsense": 1})
    assert {each.param for each in refused.value.errors} == {"settings.hold_at", "settings.nonsense"}


@pytest.fixture
def page(client: Client, workspace: Workspace, owner: Any) -> Any:
    """Get the page as the owner, now: `page(days=7)`."""
    client.force_login(owner)

    def get(path: str = "fraud/rules/", **query: Any) -> Any:
        with clock.standing_at(NOW):
            return client.get(f"/w/{workspace.slug}/{path}", query)

    return get


def test_the_page_shows_the_figures_and_links_to_the_rows(
    page: Any, program: Program, history: list[Conversion]
) -> None:
    response = page()
    text = response.content.decode()
    assert "9 referrals judged in these days" in text
    assert "67 %" in text
    assert "33 %" in text
    assert "6–79 %" in text
    row = next(each for each in response.context["rows"] if each.figures.rule == "too_fast")
    assert row.state_label == "On"
    rows = page("conversions/" + row.fired_url.partition("conversions/")[2])
    listed = {line.value for line in rows.context["list"].lines} if rows.context["list"].lines else set()
    assert rows.context["list"].page.paginator.count == 4, listed
    assert "Too fast" in rows.content.decode()


def test_the_page_runs_a_back_test(page: Any, program: Program, history: list[Conversion]) -> None:
    response = page(run="1", rule="disposable_mail", weight="50", program=program.public_id, days="90")
    text = response.content.decode()
    assert response.status_code == 200
    assert "<strong>2</strong> of 9 referrals would come out differently" in text
    assert f"/conversions/{history[4].public_id}/" in text
    assert "Throw-away address: The referred customer&#x27;s e-mail address is from a provider" in text
    assert response.context["trial"]["caught"]["money"] == "€200.00"

    response = page(run="1", rule="too_fast", mode="off")
    assert response.context["trial"]["released"]["fates"].all == 4
    assert response.context["trial"]["released"]["wrong"] == "33 %"

    program_services.update_draft(program=program, terms=factories.terms(fraud={"hold_at": 30}), actor=SYSTEM)
    response = page(run="1", draft="on")
    assert response.context["trial"]["caught"]["fates"].all == 2


def test_the_page_refuses_what_makes_no_sense(page: Any, program: Program, history: list[Conversion]) -> None:
    response = page(run="1", hold_at="300")
    assert response.status_code == 400
    assert "A hold must not need more than a refusal does." in response.content.decode()
    assert "trial" not in response.context
    assert page(program="prg_nobodys").status_code == 400
    assert page(days="0").status_code == 400


def test_without_a_program_or_judgements_the_page_says_so(page: Any, workspace: Workspace) -> None:
    assert "No program is judged yet" in page().content.decode()
    factories.ProgramFactory.create(workspace=workspace)
    text = page(run="1").content.decode()
    assert "Nothing was judged in these days" in text
    assert "There is nothing to judge again" in text


def test_a_rule_on_trial_says_what_it_would_hold(
    page: Any, workspace: Workspace, program: Program, shop: Shop
) -> None:
    with tenant(workspace):
        program_services.update_draft(
            program=program, terms=factories.terms(fraud={"shadow": ["too_fast"]}), actor=SYSTEM
        )
        program_services.publish_program(program=program, actor=SYSTEM, at=NOW - timedelta(days=3))
    shop.sell(seconds=4)
    assert not FraudCase.objects.for_workspace(workspace).exists()
    row = next(each for each in page().context["rows"] if each.figures.rule == "too_fast")
    assert (row.state_label, row.figures.would_hold, row.figures.alone) == ("On trial", 1, 0)
    response = page(run="1", rule="too_fast", mode="on")
    assert response.context["trial"]["caught"]["fates"].all == 1


@pytest.fixture
def api(workspace: Workspace) -> Any:
    """Call the API with a key that may read."""
    _, secret = account_services.create_api_key(
        workspace=workspace, kind="sk", name="reports", scopes=["read"], actor=SYSTEM, at=NOW
    )
    client, headers = Client(), {"Authorization": f"Bearer {secret}"}

    def call(method: str, path: str, body: Any = None) -> Any:
        with clock.standing_at(NOW):
            if method == "get":
                return client.get(f"/api/v1/{path}", body or {}, headers=headers)
            return client.post(f"/api/v1/{path}", body, content_type="application/json", headers=headers)

    return call


def test_the_api_tells_the_figures(api: Any, program: Program, history: list[Conversion]) -> None:
    answer = api("get", "fraud-rules", {"program": program.public_id, "days": 30}).json()
    assert (answer["days"], answer["judged"], len(answer["rules"])) == (30, 8, 21)
    fast = next(each for each in answer["rules"] if each["rule"] == "too_fast")
    assert fast == {
        "rule": "too_fast",
        "state": "on",
        "weight": 50,
        "fired": 4,
        "held_alone": 4,
        "would_hold": 0,
        "judged_fraud": 2,
        "judged_fine": 1,
        "not_judged": 1,
        "share": {"value": 0.5, "low": 0.2152, "high": 0.7848, "hits": 4, "of": 8},
        "precision": {"value": 0.6667, "low": 0.2077, "high": 0.9385, "hits": 2, "of": 3},
        "false_positive_rate": {"value": 0.3333, "low": 0.0615, "high": 0.7923, "hits": 1, "of": 3},
    }
    assert api("get", "fraud-rules").status_code == 400
    assert api("get", "fraud-rules", {"program": "prg_nobodys"}).status_code == 404


def test_the_api_runs_a_back_test(api: Any, program: Program, history: list[Conversion]) -> None:
    body = {"program": program.public_id, "settings": {"weights": {"disposable_mail": 50}}}
    answer = api("post", "fraud-rules/backtest", body).json()
    assert (answer["total"], answer["judged"], answer["changed"], answer["days"]) == (9, 9, 2, 90)
    assert {"before": "allow", "after": "hold", "count": 2} in answer["transitions"]
    assert answer["newly_held"] == {
        "count": 2,
        "judged_fraud": 0,
        "judged_fine": 0,
        "not_judged": 2,
        "unopposed": 0,
        "false_positive_rate": None,
        "at_stake": [{"currency": "EUR", "amount_minor": 20_000}],
    }
    assert [each["rule"] for each in answer["changes"]] == ["disposable_mail"] * 2
    assert api("post", "fraud-rules/backtest", {"program": program.public_id}).json()["changed"] == 0
    refused = api("post", "fraud-rules/backtest", {**body, "settings": {"hold_at": "much"}})
    assert refused.status_code == 400
    assert "settings.hold_at" in refused.content.decode()


def test_the_accuracy_of_the_rules_is_printed(workspace: Workspace, history: list[Conversion]) -> None:
    out = StringIO()
    call_command("fraud_accuracy", workspace=workspace.slug, stdout=out)
    told = out.getvalue()
    assert f"{workspace.slug}: 9 labelled conversions that were judged" in told
    lines = [" ".join(line.split()) for line in told.splitlines()]
    assert "truth allow hold deny all" in lines
    assert "fraud 2 3 0 5" in lines
    assert "fine 3 1 0 4" in lines
    assert "precision 75.0 % (3 of 4; 95 %: 30.1 to 95.4 %)" in lines
    assert "recall 60.0 % (3 of 5; 95 %: 23.1 to 88.2 %)" in lines
    assert "false-positive rate 25.0 % (1 of 4; 95 %: 4.6 to 69.9 %)" in lines
    assert "too_fast 3 1 75.0 % 60.0 % 25.0 %" in lines
    assert "disposable_mail 1 1 50.0 % 20.0 % 25.0 %" in lines


def test_without_labels_the_command_says_so(workspace: Workspace, shop: Shop) -> None:
    shop.sell()
    out = StringIO()
    call_command("fraud_accuracy", stdout=out)
    assert out.getvalue().startswith("No judged conversion has a label")
    with pytest.raises(CommandError, match="no workspace nowhere"):
        call_command("fraud_accuracy", workspace="nowhere")


def test_a_back_test_runs_from_the_command_line(
    workspace: Workspace, program: Program, history: list[Conversion]
) -> None:
    out, err = StringIO(), StringIO()
    options: dict[str, Any] = {"workspace": workspace.slug, "program": program.public_id}
    with clock.standing_at(NOW):
        call_command("backtest_fraud", **options, set=["disposable_mail=50"], stdout=out, stderr=err)
    told = out.getvalue()
    assert "9 judged again, 2 differently" in told
    assert "newly held: 2 (0 fraud, 0 fine, 2 not judged), EUR 20000" in told
    assert err.getvalue().strip() == "9 of 9"
    for wrong, message in (
        (["hold_at"], "NAME=VALUE"),
        (["hold_at=300"], "settings.hold_at"),
    ):
        with pytest.raises(CommandError, match=message):
            call_command("backtest_fraud", **options, set=wrong)


def test_every_member_may_look(client: Client, workspace: Workspace, program: Program) -> None:
    reader = factories.UserFactory.create()
    Member.objects.create(workspace=workspace, user=reader, role="read_only", joined_at=NOW)
    client.force_login(reader)
    assert client.get(f"/w/{workspace.slug}/fraud/rules/").status_code == 200
