"""A tenant with a row in every table, and the people and keys that try to get at it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from django.db import connection, models

from accounts import services as accounts
from accounts.models import Member, User, Workspace
from accounts.permissions import SECRET_SCOPES
from accounts.services import Actor
from core import events
from core.tenancy import tenant
from integrations.models import Connection
from integrations.services import connections, payout_connections, webhooks
from programs import services as programs
from programs.assignment import Variant
from rewards import services as rewards
from rewards.models import Allowance, Fulfilment, RedemptionPart, Reservation, Reward
from tests.architecture.catalogue import column_of, person, tenant_models
from tests.architecture.rows import row_for
from tests.conftest import AT, make_workspace
from tests.factories import terms
from tracking import services as tracking
from tracking.classification import ClickFacts
from tracking.models import FraudCase, FraudJudgement

MARK = "quokka"
"""Stands in every name, address and text of the tenant, and in nothing that a request carries."""
CODE = "alpha-code"
BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


@dataclass(frozen=True, slots=True)
class World:
    """The attacked tenant, its people and keys, and another tenant's."""

    target: Workspace
    owner: User
    reader: User
    browser_key: str
    own_key: str
    stranger: User
    strange: Workspace
    strange_key: str
    ids: dict[str, str]
    """Public ids of the target's rows, newest of each kind, by the model's name in lower case."""


def build() -> World:
    """Make both tenants; the target has been through a referral, a refund, a payout and a webhook."""
    owner, reader, second, stranger = person(), person(), person(), person()
    target = make_workspace(owner, name="Alpha")
    strange = make_workspace(stranger, name="Omega")
    acts = Actor(kind="user", label=f"{MARK}@alpha.example", user=owner)
    with tenant(target):
        Workspace.objects.for_workspace(target).update(name=f"The {MARK} company")
        target = Workspace.objects.for_workspace(target).get()
        for user, role in ((reader, "read_only"), (second, "finance")):
            Member.objects.create(workspace=target, user=user, role=role)
        accounts.invite_member(workspace=target, email=f"{MARK}@new.example", role="admin", actor=acts, at=AT)
        provider = payout_connections.connect_provider(
            workspace=target,
            provider="paypal",
            name=f"{MARK} payer",
            environment="live",
            key="id",
            secret="not-to-be-shown",
            actor=acts,
            at=AT,
        )
        # A walk that presses every button must not call the real one.
        Connection.objects.for_workspace(target).update(shop_url="http://127.0.0.1:1")
        connections.create_connection(
            workspace=target, provider="woocommerce", name=f"{MARK} shop", actor=acts, at=AT
        )
        webhooks.create_endpoint(
            workspace=target, url=f"https://{MARK}.example/hook", kinds=[], actor=acts, at=AT
        )
        _, own_key = accounts.create_api_key(
            workspace=target, kind="sk", name=f"{MARK} key", scopes=SECRET_SCOPES, actor=acts, at=AT
        )
        _, browser_key = accounts.create_api_key(
            workspace=target, kind="pk", name=f"{MARK} page", scopes=(), actor=acts, at=AT
        )
        _refer(target, acts)
    deliver(target)
    with tenant(target):
        rewards.release_due_rewards(workspace=target, at=AT + timedelta(days=400))
        batch = rewards.prepare_batch(workspace=target, currency="EUR", actor=acts, at=AT)
        rewards.approve_batch(batch=batch, actor=Actor("user", "second", user=second), at=AT)
    deliver(target)
    with tenant(target):
        hold(target)
        hand_over(target)
        fill(target)
        ids = newest(target) | {"payoutprovider": provider.public_id}
    with tenant(strange):
        other = Actor(kind="user", label="omega", user=stranger)
        programs.create_program(workspace=strange, name="Omega's own", kind="customer", actor=other, at=AT)
        _, strange_key = accounts.create_api_key(
            workspace=strange,
            kind="sk",
            name="Omega's key",
            scopes=SECRET_SCOPES,
            actor=other,
            at=AT,
        )
    return World(target, owner, reader, browser_key, own_key, stranger, strange, strange_key, ids)


def _refer(target: Workspace, acts: Actor) -> None:
    program = programs.create_program(
        workspace=target, name=f"{MARK} program", kind="customer", actor=acts, at=AT
    )
    rule = {
        "key": "commission",
        "side": "referrer",
        "event": "purchase",
        "kind": "cash",
        "amount": {"type": "percentage", "bps": 1000},
    }
    document = terms(rewards=[rule], hold_days=0, eligibility={})
    programs.update_draft(program=program, terms=document, actor=acts)
    programs.publish_program(program=program, actor=acts, at=AT)
    program.refresh_from_db()
    friend, payer = (
        programs.identify_customer(
            workspace=target, external_id=name, email=f"{name}@{MARK}.example", name=f"{MARK} {name}", at=AT
        )
        for name in ("ana", "ben")
    )
    participant, _ = programs.enrol_participant(
        program=program, customer=friend, display_name=f"{MARK} ana", actor=acts, at=AT
    )
    for each in (friend, payer):
        rewards.choose_payout_account(
            customer=each,
            method="bank",
            details={"holder": f"{MARK} ana", "country": "DE", "iban": "DE02120300000000202051"},
            actor=acts,
            at=AT,
        )
        rewards.submit_tax_details(
            customer=each,
            country="DE",
            legal_name=f"{MARK} ana",
            form="dac7",
            number="12345678901",
            actor=acts,
            at=AT,
        )
    rewards.make_adjustment(
        customer=payer,
        place="points",
        unit="PTS",
        amount_minor=100,
        reason=f"The {MARK} contest",
        actor=acts,
        key="contest",
        at=AT,
    )
    programs.create_promo_code(participant=participant, code=f"{MARK}10", actor=acts, at=AT)
    link = programs.create_link(participant=participant, code=CODE, actor=acts, at=AT)
    experiment = programs.create_experiment(
        program=program,
        name=f"{MARK} texts",
        variants=[Variant("as-now", 1), Variant("new", 1)],
        actor=acts,
        at=AT,
    )
    programs.start_experiment(experiment=experiment, actor=acts, at=AT)
    programs.expose(experiment=experiment, participant=participant, at=AT)
    click = tracking.record_click(
        link=link, visitor_id="v" * 26, facts=ClickFacts(user_agent=BROWSER, address="192.0.2.1"), at=AT
    )
    bought = tracking.record_conversion(
        workspace=target,
        fact=tracking.ConversionFact(
            kind="purchase",
            customer=payer,
            source="api",
            source_key="order-1",
            amount_minor=10_000,
            currency="EUR",
            occurred_at=AT + timedelta(hours=1),
            at=AT + timedelta(hours=1),
            click=click,
        ),
    )
    tracking.open_appeal(
        participant=participant,
        conversion=bought.conversion,
        message=f"The {MARK} reward is wrong.",
        actor=acts,
        at=AT + timedelta(hours=1),
    )
    tracking.record_refund(
        conversion=bought.conversion,
        source_key="refund-1",
        amount_minor=2_000,
        occurred_at=AT + timedelta(hours=2),
        at=AT + timedelta(hours=2),
    )


def deliver(workspace: Workspace) -> None:
    """Let every handler hear what was emitted."""
    for _ in range(20):
        if not events.deliver_due():
            return
    raise AssertionError("the outbox does not run dry")


def hold(workspace: Workspace) -> None:
    """Open a fraud case; a row made up from columns has no reason that anybody knows."""
    judgement = FraudJudgement.objects.for_workspace(workspace).select_related("participant").get()
    FraudCase.objects.create(
        workspace=workspace,
        conversion_id=judgement.conversion_id,
        participant=judgement.participant,
        program_id=judgement.participant.program_id,
        judgement=judgement,
        status=FraudCase.Status.OPEN,
        outcome="hold",
        score=50,
        reason="too_fast",
        opened_at=AT,
    )


def hand_over(workspace: Workspace) -> None:
    """Have a reward handed over; a row made up from columns would be for nothing."""
    reward = Reward.objects.for_workspace(workspace).latest("pk")
    Fulfilment.objects.create(
        workspace=workspace,
        kind=Fulfilment.Kind.PRODUCT,
        reward=reward,
        customer=reward.customer,
        status=Fulfilment.Status.TODO,
        created_at=AT,
        updated_at=AT,
    )


def fill(workspace: Workspace) -> None:
    """Give the workspace a plain row in every table that has none yet."""
    related: dict[type[models.Model], int] = {}
    missing = {table: model for table, model in tenant_models().items() if model is not Workspace}
    for _ in range(len(missing)):
        for table, model in list(missing.items()):
            first = model._default_manager.for_workspace(workspace).order_by("-pk").first()
            if first is None:
                needs = {
                    field.related_model
                    for field in model._meta.local_fields
                    if field.is_relation and not field.null and field.related_model in missing.values()
                }
                if needs - {model}:
                    continue
                users: dict[type[models.Model], int] = {
                    User: User.objects.order_by("pk").values_list("pk", flat=True)[0]
                }
                row = row_for(model, workspace.pk, {**related, **users})
                model._default_manager.bulk_create([row])
                first = model._default_manager.for_workspace(workspace).order_by("-pk").first()
            assert first is not None
            related[model] = first.pk
            del missing[table]
    assert not missing, f"no row could be made in {sorted(missing)}"
    _add_up(workspace)


def _add_up(workspace: Workspace) -> None:
    """Let the sums that are kept beside such rows hold what the rows say."""
    for part in RedemptionPart.objects.for_workspace(workspace):
        rows = Reward.objects.for_workspace(workspace).filter(pk=part.reward_id)
        rows.update(redeemed_minor=part.amount_minor)
    for each in Reservation.objects.for_workspace(workspace):
        allowances = Allowance.objects.for_workspace(workspace).filter(pk=each.allowance_id)
        allowances.update(used_minor=each.amount_minor, used_count=each.counted)


def newest(workspace: Workspace) -> dict[str, str]:
    """Return the public id of the newest row of each kind."""
    found = {}
    for model in tenant_models().values():
        if "public_id" in {field.name for field in model._meta.local_fields}:
            row = model._default_manager.for_workspace(workspace).order_by("-pk").first()
            assert row is not None
            found[model.__name__.lower()] = str(getattr(row, "public_id", ""))
    return found


def fingerprint(workspace: Workspace) -> dict[str, tuple[int, str]]:
    """Return the number of rows and a checksum of their contents for each of a workspace's tables."""
    questions = " UNION ALL ".join(
        f"SELECT '{table}', count(*), coalesce(md5(string_agg(t::text, '|' ORDER BY t::text)), '') "
        f'FROM "{table}" t WHERE {column_of(table)} = {workspace.pk} /* workspace_id */'
        for table in tenant_models()
    )
    with tenant(workspace), connection.cursor() as cursor:
        cursor.execute(questions)
        return {table: (rows, checksum) for table, rows, checksum in cursor.fetchall()}
