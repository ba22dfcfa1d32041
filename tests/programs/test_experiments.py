"""Experiments: set up, run, and people assigned once and for good, over services, API and pages."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import Any

import pytest
from django.db import OperationalError, ProgrammingError, connection, transaction
from django.test import Client
from django.urls import reverse

from accounts import services as account_services
from accounts.models import AuditEntry, Member, Role, User, Workspace
from accounts.services import SYSTEM
from core import clock
from core.errors import DomainError
from core.tenancy import tenant
from programs import queries, services
from programs.assignment import Variant, assign
from programs.export_queries import held_about
from programs.models import Experiment, Exposure, Participant, Program
from tests.conftest import make_workspace
from tests.factories import AT, ExperimentFactory, ParticipantFactory, ProgramFactory, UserFactory
from tests.lists import assert_same_queries
from tests.programs.test_api import Api, error_of

pytestmark = pytest.mark.django_db
TWO = [Variant("as-now", 1), Variant("new", 3)]
LATER = AT + timedelta(hours=1)


def drafted(workspace: Workspace, **changes: Any) -> Experiment:
    """Return a draft in a program of its own."""
    program = changes.pop("program", None) or ProgramFactory.create(workspace=workspace)
    values = {"name": "Two texts", "variants": TWO, "actor": SYSTEM, "at": AT, **changes}
    return services.create_experiment(program=program, **values)


def running(workspace: Workspace, **changes: Any) -> Experiment:
    """Return an experiment that runs, half and half."""
    made: Experiment = ExperimentFactory.create(workspace=workspace, **changes)
    return made


def someone(experiment: Experiment) -> Participant:
    """Return a new participant of the experiment's program."""
    made: Participant = ParticipantFactory.create(workspace=experiment.workspace, program=experiment.program)
    return made


def audited(workspace: Workspace, subject: str) -> list[str]:
    """Return what the audit log says was done, oldest first."""
    rows = AuditEntry.objects.for_workspace(workspace).filter(subject=subject).order_by("pk")
    return list(rows.values_list("action", flat=True))


def refused(job: Callable[[], Any]) -> tuple[str, str | None]:
    """Return code and parameter of the refusal."""
    with pytest.raises(DomainError) as caught:
        job()
    return caught.value.code, caught.value.param


def test_an_experiment_is_drafted_started_and_stopped(workspace: Workspace) -> None:
    experiment = drafted(workspace, name="  Two texts ", holdout_bps=500)
    assert (experiment.name, experiment.status, experiment.holdout_bps) == ("Two texts", "draft", 500)
    assert experiment.variants == [{"key": "as-now", "weight": 1}, {"key": "new", "weight": 3}]
    assert len(experiment.salt) == 32
    for _ in range(2):
        services.start_experiment(experiment=experiment, actor=SYSTEM, at=AT)
    assert (experiment.status, experiment.started_at) == ("running", AT)
    for _ in range(2):
        services.stop_experiment(experiment=experiment, actor=SYSTEM, at=LATER)
    assert (experiment.status, experiment.started_at, experiment.stopped_at) == ("stopped", AT, LATER)
    again = lambda: services.start_experiment(experiment=experiment, actor=SYSTEM, at=LATER)  # noqa: E731
    assert refused(again) == ("experiment_stopped", None)
    assert audited(workspace, experiment.public_id) == [
        "experiment.created",
        "experiment.started",
        "experiment.stopped",
    ]


def test_two_experiments_have_salts_of_their_own(workspace: Workspace) -> None:
    program = ProgramFactory.create(workspace=workspace)
    assert drafted(workspace, program=program).salt != drafted(workspace, program=program).salt


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"name": " "}, ("required", "name")),
        ({"variants": TWO[:1]}, ("wrong_number", "variants")),
        ({"variants": [Variant(f"v{number}", 1) for number in range(5)]}, ("wrong_number", "variants")),
        ({"variants": [*TWO, Variant("holdout", 1)]}, ("invalid_key", "variants")),
        ({"variants": [*TWO, Variant("New", 1)]}, ("invalid_key", "variants")),
        ({"variants": [*TWO, Variant("", 1)]}, ("invalid_key", "variants")),
        ({"variants": [*TWO, Variant("new", 1)]}, ("duplicate_key", "variants")),
        ({"variants": [*TWO, Variant("more", 1001)]}, ("out_of_range", "variants")),
        ({"variants": [*TWO, Variant("less", -1)]}, ("out_of_range", "variants")),
        ({"variants": [Variant("a", 0), Variant("b", 0)]}, ("no_weight", "variants")),
        ({"holdout_bps": 10_000}, ("out_of_range", "holdout_bps")),
        ({"holdout_bps": -1}, ("out_of_range", "holdout_bps")),
    ],
)
def test_what_is_no_experiment_is_refused(
    workspace: Workspace, changes: dict[str, Any], fault: tuple[str, str]
) -> None:
    assert refused(lambda: drafted(workspace, **changes)) == fault
    assert Experiment.objects.for_workspace(workspace).count() == 0


def test_variants_change_in_a_draft_only(workspace: Workspace) -> None:
    experiment = drafted(workspace)
    other = [Variant("a", 1), Variant("b", 0), Variant("c", 2)]
    for _ in range(2):
        services.change_variants(experiment=experiment, variants=other, holdout_bps=100, actor=SYSTEM)
    assert experiment.arms == tuple(other)
    assert audited(workspace, experiment.public_id) == ["experiment.created", "experiment.changed"]

    # Somebody else's copy still says it is a draft.
    stale = Experiment.objects.for_workspace(workspace).get()
    services.start_experiment(experiment=experiment, actor=SYSTEM, at=AT)
    change = lambda: services.change_variants(  # noqa: E731
        experiment=stale, variants=TWO, holdout_bps=0, actor=SYSTEM
    )
    assert refused(change) == ("experiment_started", "variants")
    assert Experiment.objects.for_workspace(workspace).get().arms == tuple(other)


def test_nothing_is_started_in_a_program_that_is_over(workspace: Workspace) -> None:
    program = ProgramFactory.create(workspace=workspace, status=Program.Status.ENDED)
    experiment = drafted(workspace, program=program)
    start = lambda: services.start_experiment(experiment=experiment, actor=SYSTEM, at=AT)  # noqa: E731
    assert refused(start) == ("program_ended", "program")


def test_a_person_keeps_the_first_variant_and_instant(workspace: Workspace) -> None:
    experiment = running(workspace)
    person = someone(experiment)
    first, new = services.expose(experiment=experiment, participant=person, at=AT)
    assert (new, first.at) == (True, AT)
    assert first.variant == assign(
        salt="s1", subject=person.public_id, variants=experiment.arms, holdout_bps=0
    )
    # Weights that no service would write: all for the other one.
    weights = [{"key": arm.key, "weight": int(arm.key != first.variant)} for arm in experiment.arms]
    Experiment.objects.for_workspace(workspace).update(variants=weights)
    again, new = services.expose(experiment=experiment, participant=person, at=LATER)
    assert (new, again.pk, again.variant, again.at) == (False, first.pk, first.variant, AT)
    assert Exposure.objects.for_workspace(workspace).count() == 1


def test_exposures_can_be_neither_changed_nor_deleted(workspace: Workspace) -> None:
    experiment = running(workspace)
    services.expose(experiment=experiment, participant=someone(experiment), at=AT)
    rows = Exposure.objects.for_workspace(workspace)
    with pytest.raises(ProgrammingError, match="permission denied"), transaction.atomic():
        rows.update(variant="new")
    with pytest.raises(ProgrammingError, match="permission denied"), transaction.atomic():
        rows.delete()
    assert rows.count() == 1


def test_nobody_is_assigned_unless_it_runs_and_they_take_part(workspace: Workspace) -> None:
    experiment = drafted(workspace)
    person, stranger = someone(experiment), ParticipantFactory.create(workspace=workspace)

    def expose(who: Participant) -> Callable[[], Any]:
        return lambda: services.expose(experiment=experiment, participant=who, at=AT)

    assert refused(expose(person)) == ("experiment_not_running", None)

    def stop() -> Experiment:
        return services.stop_experiment(experiment=experiment, actor=SYSTEM, at=AT)

    assert refused(stop) == ("experiment_not_running", None)
    services.start_experiment(experiment=experiment, actor=SYSTEM, at=AT)
    assert refused(expose(stranger)) == ("other_program", "participant")
    expose(person)()
    stop()
    assert refused(expose(person)) == ("experiment_not_running", None)
    assert Exposure.objects.for_workspace(workspace).count() == 1


def test_people_are_counted_beside_what_was_expected(workspace: Workspace) -> None:
    variants = [{"key": "a", "weight": 1}, {"key": "b", "weight": 2}, {"key": "c", "weight": 0}]
    experiment = running(workspace, variants=variants, holdout_bps=1_000)
    empty = queries.shares_of(experiment)
    assert [(each.variant, each.weight, each.people, each.expected_bps) for each in empty] == [
        ("a", 1, 0, 3_000),
        ("b", 2, 0, 6_000),
        ("c", 0, 0, 0),
        ("holdout", None, 0, 1_000),
    ]
    assert {each.actual_bps for each in empty} == {None}
    for variant in ("a", "b", "b", "holdout", "b", "b", "b", "b"):
        Exposure.objects.create(
            workspace=workspace,
            experiment=experiment,
            participant=someone(experiment),
            variant=variant,
            at=AT,
        )
    shares = {each.variant: (each.people, each.actual_bps) for each in queries.shares_of(experiment)}
    assert shares == {"a": (1, 1_250), "b": (6, 7_500), "c": (0, 0), "holdout": (1, 1_250)}
    listed: Any = queries.experiments_of(workspace).get()
    assert listed.people == 8


def test_a_person_is_told_what_they_saw(workspace: Workspace) -> None:
    experiment = running(workspace)
    person = someone(experiment)
    row, _ = services.expose(experiment=experiment, participant=person, at=AT)
    held = held_about(person.customer)["participations"][0]["experiments"]
    assert held == [
        {"id": row.public_id, "name": "Two texts", "variant": row.variant, "at": "2026-03-02T12:00:00+00:00"}
    ]


@pytest.mark.django_db(transaction=True)
def test_a_person_assigned_many_times_at_once_has_one_variant_and_one_exposure(
    transactional_db: None,
) -> None:
    """Sixteen connections wait for each other before they start; each has its own transaction."""
    workspace = make_workspace(UserFactory.create(email="olga@acme.example"))
    with tenant(workspace):
        experiment = running(workspace)
        person = someone(experiment)
    threads = 16
    start = Barrier(threads)

    def expose(number: int) -> tuple[int, str, bool]:
        try:
            start.wait(timeout=20)
            with tenant(workspace):
                row, new = services.expose(
                    experiment=experiment, participant=person, at=AT + timedelta(seconds=number)
                )
                return row.pk, row.variant, new
        finally:
            connection.close()

    with ThreadPoolExecutor(threads) as pool:
        answers = list(pool.map(expose, range(threads)))
    with tenant(workspace):
        stored = Exposure.objects.for_workspace(workspace).get()
    assert {(key, variant) for key, variant, _ in answers} == {(stored.pk, stored.variant)}
    assert [new for _, _, new in answers].count(True) == 1


@pytest.mark.django_db(transaction=True)
def test_whoever_comes_second_waits_for_the_first(transactional_db: None) -> None:
    """Two real connections: the second gets no answer while the first is undecided, then the first's."""
    workspace = make_workspace(UserFactory.create(email="olga@acme.example"))
    with tenant(workspace):
        experiment = running(workspace)
        person = someone(experiment)

    def second() -> tuple[int, bool] | str:
        try:
            with tenant(workspace):
                with connection.cursor() as cursor:
                    cursor.execute("SET LOCAL lock_timeout = '100ms'")
                row, new = services.expose(experiment=experiment, participant=person, at=LATER)
                return row.pk, new
        except OperationalError as error:
            return str(error).splitlines()[0]
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        with tenant(workspace):
            first, new = services.expose(experiment=experiment, participant=person, at=AT)
            assert pool.submit(second).result() == "canceling statement due to lock timeout"
        assert (new, pool.submit(second).result()) == (True, (first.pk, False))


@pytest.fixture
def api(workspace: Workspace, client: Client) -> Api:
    """The API under a key that may read and write."""
    return Api(client, token(workspace, "read", "write"))


def token(workspace: Workspace, *scopes: str) -> str:
    """Return a new key of the workspace."""
    _, made = account_services.create_api_key(
        workspace=workspace, kind="sk", name="test", scopes=list(scopes), actor=SYSTEM, at=clock.now()
    )
    return made


def test_an_experiment_over_the_api(api: Api, workspace: Workspace, client: Client) -> None:
    program = ProgramFactory.create(workspace=workspace)
    body = {
        "program": program.public_id,
        "name": "Two texts",
        "variants": [{"key": "as-now", "weight": 1}, {"key": "new", "weight": 1}],
    }
    made = api.post("experiments", body)
    assert made.status_code == 201
    found = made.json()
    path = f"experiments/{found['id']}"
    assert (found["program"], found["status"], found["holdout_bps"]) == (program.public_id, "draft", 0)
    assert found["exposures"] == [
        {"variant": "as-now", "people": 0, "expected_bps": 5_000},
        {"variant": "new", "people": 0, "expected_bps": 5_000},
    ]
    assert "salt" not in found
    changed = api.patch(path, {"holdout_bps": 2_000}).json()
    assert [each["expected_bps"] for each in changed["exposures"]] == [4_000, 4_000, 2_000]
    assert changed["variants"] == body["variants"]

    person = ParticipantFactory.create(workspace=workspace, program=program)
    who = {"participant": person.public_id}
    assert error_of(api.post(f"{path}/exposures", who), 409) == ("experiment_not_running", None)
    assert [api.post(f"{path}/start").json()["status"] for _ in range(2)] == ["running", "running"]
    assert error_of(api.patch(path, {"holdout_bps": 0}), 409) == ("experiment_started", "variants")

    # A key of the shop's server that may only track is enough.
    shop = Api(client, token(workspace, "track"))
    first = shop.post(f"{path}/exposures", who)
    assert (first.status_code, first.json()["new"]) == (201, True)
    again = shop.post(f"{path}/exposures", who)
    assert (again.status_code, again.json()) == (200, {**first.json(), "new": False})
    assert first.json()["variant"] in {"as-now", "new", "holdout"}
    assert (
        error_of(Api(client, token(workspace, "read")).post(f"{path}/exposures", who), 403)[0]
        == "missing_scope"
    )

    stranger = ParticipantFactory.create(workspace=workspace)
    assert error_of(api.post(f"{path}/exposures", {"participant": stranger.public_id}), 400) == (
        "other_program",
        "participant",
    )
    assert error_of(api.post(f"{path}/exposures", {"participant": "prt_none"}), 404) == (
        "not_found",
        "participant",
    )
    assert api.post(f"{path}/stop").json()["status"] == "stopped"
    assert error_of(api.post(f"{path}/start"), 409) == ("experiment_stopped", None)
    assert [each["id"] for each in api.get("experiments", status="stopped").json()["data"]] == [found["id"]]
    assert api.get("experiments", status="running").json()["data"] == []
    assert [each["people"] for each in api.get(path).json()["exposures"]].count(1) == 1


def test_the_api_refuses_what_is_no_experiment(api: Api, workspace: Workspace) -> None:
    program = ProgramFactory.create(workspace=workspace).public_id
    one = {"key": "a", "weight": 1}
    body = {"program": program, "name": "x", "variants": [one, one]}
    assert error_of(api.post("experiments", body), 400) == ("duplicate_key", "variants")
    assert error_of(api.post("experiments", {**body, "program": "prg_none"}), 404) == ("not_found", "program")
    assert error_of(api.post("experiments", {**body, "holdout_bps": 10_000}), 400)[1] == "holdout_bps"
    assert error_of(api.post("experiments", {**body, "salt": "mine"}), 400)[1] == "salt"


def test_another_tenants_experiment_and_people_are_not_there(
    workspace: Workspace, other_workspace: Workspace, api: Api
) -> None:
    with tenant(other_workspace):
        foreign = running(other_workspace)
        outsider = someone(foreign)
    path = f"experiments/{foreign.public_id}"
    own = running(workspace)
    assert api.get(path).status_code == 404
    assert api.post(f"{path}/stop").status_code == 404
    who = {"participant": outsider.public_id}
    assert error_of(api.post(f"{path}/exposures", who), 404) == ("not_found", None)
    assert error_of(api.post(f"experiments/{own.public_id}/exposures", who), 404) == (
        "not_found",
        "participant",
    )
    assert [each["id"] for each in api.get("experiments").json()["data"]] == [own.public_id]
    assert refused(lambda: services.expose(experiment=own, participant=outsider, at=AT)) == (
        "other_program",
        "participant",
    )


@pytest.fixture
def console(client: Client, owner: User, workspace: Workspace) -> Client:
    """The owner's browser."""
    client.force_login(owner)
    return client


def page(name: str, *args: str) -> str:
    """Return a page's address."""
    return reverse(name, args=["acme", *args])


def text_of(answer: Any) -> str:
    """Return a page's text in one line."""
    return " ".join(answer.content.decode().split())


def test_an_experiment_is_set_up_in_the_console(console: Client, workspace: Workspace) -> None:
    assert "No experiments yet" in text_of(console.get(page("experiment_list")))
    assert "No program to experiment in" in text_of(console.get(page("experiment_new")))
    program = ProgramFactory.create(workspace=workspace)
    form = text_of(console.get(page("experiment_new")))
    assert 'name="key_4"' in form
    data = {
        "program": program.public_id,
        "name": "Three texts",
        **{"key_1": "a", "weight_1": "1", "key_2": "b", "weight_2": "1", "key_4": "c", "weight_4": "2"},
        "holdout_percent": "20",
    }
    answer = console.post(page("experiment_new"), data)
    made = Experiment.objects.for_workspace(workspace).get()
    assert answer["Location"] == page("experiment_detail", made.public_id)
    assert made.arms == (Variant("a", 1), Variant("b", 1), Variant("c", 2))
    assert made.holdout_bps == 2_000
    shown = text_of(console.get(page("experiment_detail", made.public_id)))
    for text in ("Nobody is assigned yet", "40 %", "Draft", "is not compared here yet"):
        assert text in shown
    console.post(page("experiment_start", made.public_id))
    assert "Click again to stop for good" in text_of(console.get(page("experiment_detail", made.public_id)))
    console.post(page("experiment_stop", made.public_id))
    made.refresh_from_db(from_queryset=Experiment.objects.for_workspace(workspace))
    assert made.status == "stopped"
    told = text_of(console.post(page("experiment_start", made.public_id), follow=True))
    assert "over for good" in told


@pytest.mark.parametrize(
    ("changes", "at_fault"),
    [
        ({"key_2": ""}, ["key_2"]),
        ({"weight_2": "1001"}, ["weight_2"]),
        ({"key_3": "c"}, ["weight_3"]),
        ({"weight_3": "0"}, ["key_3"]),
        ({"holdout_percent": "100"}, ["holdout_percent"]),
        ({"key_2": "a"}, ["__all__"]),
        ({"program": "prg_none"}, ["program"]),
    ],
)
def test_what_is_wrong_in_the_form_stands_at_its_field(
    console: Client, workspace: Workspace, changes: dict[str, str], at_fault: list[str]
) -> None:
    program = ProgramFactory.create(workspace=workspace)
    data = {
        "program": program.public_id,
        "name": "Texts",
        **{"key_1": "a", "weight_1": "1", "key_2": "b", "weight_2": "1", "holdout_percent": "0"},
    }
    answer = console.post(page("experiment_new"), {**data, **changes})
    assert answer.status_code == 400
    assert list(answer.context["form"].errors) == at_fault


def test_numbers_lead_to_the_people_behind_them(console: Client, workspace: Workspace) -> None:
    experiment = running(workspace, holdout_bps=5_000)
    people = [someone(experiment) for _ in range(6)]
    variants: dict[str, list[Participant]] = {}
    for person in people:
        row, _ = services.expose(experiment=experiment, participant=person, at=AT)
        variants.setdefault(row.variant, []).append(person)
    address = page("experiment_detail", experiment.public_id)
    shown = text_of(console.get(address))
    for variant in ("as-now", "new", "holdout"):
        own = variants.get(variant, [])
        assert f'<a href="?variant={variant}">{len(own)}</a>' in shown
        narrowed = console.get(address, {"variant": variant})
        assert {line.record.participant_id for line in narrowed.context["list"].lines} == {
            person.pk for person in own
        }
    file: Any = console.get(address, {"export": "csv"})
    assert len(b"".join(file.streaming_content).decode("utf-8-sig").splitlines()) == 7
    listed = text_of(console.get(page("experiment_list")))
    assert page("experiment_detail", experiment.public_id) in listed
    assert console.get(page("experiment_detail", "exp_none")).status_code == 404


def test_lists_ask_no_more_however_long_they_are(console: Client, workspace: Workspace) -> None:
    experiment = running(workspace)

    def grow(rows: int) -> None:
        for _ in range(rows):
            running(workspace, program=experiment.program)
            services.expose(experiment=experiment, participant=someone(experiment), at=AT)

    pages = [page("experiment_list"), page("experiment_detail", experiment.public_id)]
    assert_same_queries(console, pages, grow=grow)


def test_readers_look_and_change_nothing(client: Client, workspace: Workspace) -> None:
    experiment = running(workspace)
    reader = UserFactory.create()
    Member.objects.create(workspace=workspace, user=reader, role=Role.READ_ONLY)
    client.force_login(reader)
    shown = text_of(client.get(page("experiment_detail", experiment.public_id)))
    assert "Click again to stop" not in shown
    for name, args in (("experiment_new", ()), ("experiment_stop", (experiment.public_id,))):
        assert client.post(page(name, *args)).status_code == 403
    assert Experiment.objects.for_workspace(workspace).get().status == "running"
