"""How many rewards a second are made and booked from recorded purchases, in groups as the worker does."""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime
from typing import Final

import psycopg2

from benchmarks.ground import GENERATOR_CORE, Ground
from referral_platform.local.processes import LocalError

HEADING: Final = "## Making rewards"
GROUP: Final = 100
_SECTION: Final = """\
{heading}

`settle_conversions` over {number:,} recorded purchases of {owners} participants, in groups of {group}, each
in a transaction as the worker's: rewards, their history, events and transfers. The work on core 1, Postgres
on core 0.

    python -m benchmarks rewards{arguments}

| work | rewards per second by the clock | per second of the worker's own core |
|---|---:|---:|
| rewards made and booked | {per_second:,.0f} | {per_core:,.0f} |
| the machine's own limit: one narrow row for each, inserted in the same groups | {limit:,.0f} | |

Every reward was counted: {number:,} rewards and {number:,} transfers, and the books were right afterwards.

{date}. Load of other work before the run: {load}.
"""


def measure(ground: Ground, *, number: int) -> str:
    """Record purchases in fresh servers, settle them, and return the section; LocalError for a wrong count.

    `django.setup()` must have been called with the ground's environment.
    """
    load_before = os.getloadavg()[0]
    from benchmarks.shop import make_shop, rows
    from core import clock
    from core.tenancy import tenant
    from programs import services as program_services
    from rewards import queries, services
    from tracking import services as tracking_services
    from tracking.models import Click, Conversion

    shop = make_shop(participants=50)
    os.sched_setaffinity(0, {GENERATOR_CORE})
    began = time.monotonic()
    at = clock.now()
    for first in range(0, number, GROUP):
        with tenant(shop.workspace):
            for index in range(first, min(first + GROUP, number)):
                friend = program_services.identify_customer(
                    workspace=shop.workspace, external_id=f"friend-{index}", at=at
                )
                click = Click.objects.for_workspace(shop.workspace).get(
                    public_id=shop.clicks[index % len(shop.clicks)]
                )
                tracking_services.record_conversion(
                    workspace=shop.workspace,
                    fact=tracking_services.ConversionFact(
                        kind="purchase",
                        customer=friend,
                        source="api",
                        source_key=f"order-{index}",
                        amount_minor=10_000,
                        currency="EUR",
                        occurred_at=at,
                        at=at,
                        click=click,
                    ),
                )
    print(f"- {number:,} purchases recorded in {time.monotonic() - began:.0f} s", flush=True)
    ground.analyze()
    with tenant(shop.workspace):
        keys = list(
            Conversion.objects.for_workspace(shop.workspace)
            .filter(kind="purchase")
            .order_by("pk")
            .values_list("pk", flat=True)
        )
    before = rows(shop)
    began, used = time.monotonic(), time.process_time()
    for first in range(0, number, GROUP):
        with tenant(shop.workspace):
            due = Conversion.objects.for_workspace(shop.workspace).filter(pk__in=keys[first : first + GROUP])
            services.settle_conversions(workspace=shop.workspace, due=[(each, at) for each in due])
    took, used = time.monotonic() - began, time.process_time() - used
    after = rows(shop)
    made = {name: after[name] - before[name] for name in ("reward", "transfer")}
    with tenant(shop.workspace):
        wrong = queries.differences(shop.workspace)
    if wrong or made["transfer"] != number:
        raise LocalError(f"{number} purchases gave {made}; differences: {wrong[:3]}")
    print(f"- {number / took:,.0f} rewards a second", flush=True)
    return _SECTION.format(
        heading=HEADING,
        number=number,
        owners=len(shop.clicks),
        group=GROUP,
        arguments="" if number == 5_000 else f" --rewards {number}",
        per_second=number / took,
        per_core=number / used,
        limit=_inserts(ground, number),
        date=datetime.now(UTC).strftime("%Y-%m-%d"),
        load=f"{load_before:.1f}",
    )


def _inserts(ground: Ground, number: int) -> float:
    """Return how many narrow rows a second Postgres takes in groups, a commit after each."""
    connection = psycopg2.connect(ground.environment["DATABASE_OWNER_URL"])
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE TABLE bench_group (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, n bigint)"
        )
        connection.commit()
        began = time.monotonic()
        for first in range(0, number, GROUP):
            cursor.execute(
                "INSERT INTO bench_group (n) SELECT unnest(%s)",
                [list(range(first, min(first + GROUP, number)))],
            )
            connection.commit()
        took = time.monotonic() - began
    connection.close()
    return number / took
