"""How long a large payout batch takes from the balances to the bank's file, and how much memory."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import time
from datetime import UTC, datetime
from typing import Any, Final

import psycopg2

from benchmarks.ground import GENERATOR_CORE, Ground, on_core
from referral_platform.local.folders import ROOT
from referral_platform.local.processes import LocalError

HEADING: Final = "## Payouts"
TARGET_SECONDS: Final = 60
TARGET_MIB: Final = 300
_AT_ONCE: Final = 5_000
_IBAN: Final = "DE02120300000000202051"
_SECTION: Final = """\
{heading}

{payouts:,} people with one approved reward each are paid by one batch: everybody judged, payout, ledger and
rewards written, approved by a second person, and written as ISO 20022 (pain.001, {mib:.0f} MiB) with each
IBAN unsealed. Preparing takes a transaction for each 2,000 people, as the worker does it, each other step
one; one process on core 1, Postgres on core 0. The target is {seconds} s and {target_mib} MiB for 100,000.

    python -m benchmarks payouts{arguments}

| step | seconds | of the process itself |
|---|---:|---:|
{rows}
| the machine's own limit: the same rows into empty copies of the tables by COPY | {limit:.1f} | |

The process had {peak:.0f} MiB at most, {start:.0f} of them before it began.

{date}. Load of other work before the run: {load}.
"""


def measure(ground: Ground, *, payouts: int) -> str:
    """Make the people, pay them in a process of its own, and return the section.

    `django.setup()` must have been called with the ground's environment. AssertionError when not everybody
    was paid, or the books are wrong afterwards.
    """
    load_before = os.getloadavg()[0]
    from benchmarks.shop import make_shop
    from core.tenancy import tenant
    from rewards import queries

    shop = make_shop(participants=1)
    with tenant(shop.workspace):
        _settings(shop.workspace)
    for first in range(0, payouts, _AT_ONCE):
        with tenant(shop.workspace):
            _people(shop.workspace, first, min(first + _AT_ONCE, payouts))
    ground.analyze()
    done = _paid(ground, shop.workspace.public_id)
    assert done["payouts"] == payouts, f"{done['payouts']} of {payouts} were paid"
    with tenant(shop.workspace):
        wrong = queries.differences(shop.workspace)
    assert not wrong, f"the books are wrong: {wrong[:3]}"
    took = {**done["took"], "together": [sum(part) for part in zip(*done["took"].values(), strict=True)]}
    return _SECTION.format(
        heading=HEADING,
        payouts=payouts,
        mib=done["bytes"] / 2**20,
        seconds=TARGET_SECONDS,
        target_mib=TARGET_MIB,
        arguments="" if payouts == 100_000 else f" --payouts {payouts}",
        rows="\n".join(f"| {name} | {clock:.1f} | {own:.1f} |" for name, (clock, own) in took.items()),
        limit=_limit(ground, shop.workspace.pk),
        peak=done["peak_mib"],
        start=done["start_mib"],
        date=datetime.now(UTC).strftime("%Y-%m-%d"),
        load=f"{load_before:.1f}",
    )


def _settings(workspace: Any) -> None:
    from accounts.models import User
    from rewards.models import MoneySettings

    User.objects.create(email="second@shop.example", name="Second")
    MoneySettings.objects.create(workspace=workspace, debtor_name="Bench", debtor_iban=_IBAN)


def _people(workspace: Any, first: int, last: int) -> None:
    """Store people with a bank account each, and an approved reward for an order of the next one."""
    from accounts import secrets
    from core import arrays, clock
    from programs.models import Customer, Participant, Program, ProgramVersion
    from rewards.models import Account, PayoutAccount, Reward
    from rewards.services.ledger import Movement, Place, post
    from tracking.models import Conversion, Referral

    at, numbers = clock.now(), range(first, last)
    program = Program.objects.for_workspace(workspace).get()
    version = ProgramVersion.objects.for_workspace(workspace).get()
    own = {"workspace": workspace}
    people = [
        Customer(**own, external_id=f"payee-{n}", email=f"payee{n}@shop.example", name=f"Payee {n}")
        for n in numbers
    ]
    arrays.insert(people)
    enrolled = [Participant(**own, program=program, customer=each, enrolled_at=at) for each in people]
    arrays.insert(enrolled)
    accounts = [
        PayoutAccount(**own, customer=each, method="bank", label="DE…2051", chosen_at=at, created_at=at)
        for each in people
    ]
    details = json.dumps({"holder": "Zoë Müller", "country": "DE", "iban": _IBAN})
    for account in accounts:
        account.sealed_details = secrets.encrypt(details, bound_to=account.public_id)
    arrays.insert(accounts)
    orders = [
        Conversion(
            **own,
            kind="purchase",
            customer=people[index - 1],
            source="bench",
            source_key=str(number),
            amount_minor=100_000,
            currency="EUR",
            sequence=1,
            occurred_at=at,
            received_at=at,
        )
        for index, number in enumerate(numbers)
    ]
    arrays.insert(orders)
    bonds = [
        Referral(
            **own, program=program, participant=by, customer=order.customer, status="converted", started_at=at
        )
        for by, order in zip(enrolled, orders, strict=True)
    ]
    arrays.insert(bonds)
    rewards = [
        Reward(
            **own,
            program=program,
            version=version,
            conversion=order,
            referral=bond,
            side="referrer",
            customer=by.customer,
            participant=by,
            rule_key="commission",
            kind="cash",
            unit="EUR",
            base_minor=100_000,
            amount_minor=10_000 + number % 97,
            status="approved",
            available_at=at,
            created_at=at,
        )
        for number, by, order, bond in zip(numbers, enrolled, orders, bonds, strict=True)
    ]
    arrays.insert(rewards)
    places = (
        ("promise", Account.Kind.EXPENSE, Account.Kind.PENDING),
        ("approve", Account.Kind.PENDING, Account.Kind.PAYABLE),
    )
    for key, debit, credit in places:
        movements = [
            Movement(
                key=f"reward:{reward.public_id}:{key}",
                debit=Place(debit, "EUR", None if debit == Account.Kind.EXPENSE else reward.customer_id),
                credit=Place(credit, "EUR", reward.customer_id),
                amount_minor=reward.amount_minor,
                memo=key,
                reward=reward,
            )
            for reward in rewards
        ]
        post(workspace=workspace, movements=movements, at=at)


def _paid(ground: Ground, workspace: str) -> dict[str, Any]:
    with on_core(GENERATOR_CORE):
        done = subprocess.run(
            [sys.executable, "-m", "benchmarks.paying", workspace],
            env=ground.environment,
            cwd=ROOT,
            capture_output=True,
            text=True,
        )
    if done.returncode:
        raise LocalError(f"the batch was not paid:\n{done.stderr[-3000:]}")
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def _limit(ground: Ground, workspace: int) -> float:
    """Return the seconds that COPY needs for a batch's payouts, transfers and accounts, indexes included."""
    connection = psycopg2.connect(ground.environment["DATABASE_OWNER_URL"])
    seconds = 0.0
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('app.workspace', %s, false)", [str(workspace)])
        for table, condition in (
            ("rewards_payout", "true"),
            ("rewards_transfer", "payout_id IS NOT NULL"),
            ("rewards_account", "kind = 'in_transit'"),
        ):
            rows = io.StringIO()
            cursor.copy_expert(f"COPY (SELECT * FROM {table} WHERE {condition}) TO STDOUT", rows)
            cursor.execute(f"CREATE TABLE bench_{table} (LIKE {table} INCLUDING ALL)")
            rows.seek(0)
            began = time.perf_counter()
            cursor.copy_expert(f"COPY bench_{table} FROM STDIN", rows)
            seconds += time.perf_counter() - began
    connection.rollback()
    connection.close()
    return seconds
