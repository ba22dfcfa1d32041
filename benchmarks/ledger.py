"""How long `verify_ledger` takes over a long ledger, beside Postgres merely adding the amounts up."""

from __future__ import annotations

import os
import re
import time
from datetime import UTC, datetime
from typing import Any, Final

import psycopg2

from benchmarks.commands import Done, run_command
from benchmarks.ground import Ground
from referral_platform.local.processes import LocalError

HEADING: Final = "## Checking the ledger"
OWNERS: Final = 10_000
_CHUNK: Final = 100_000
_SECTION: Final = """\
{heading}

`manage.py verify_ledger` over {transfers:,} transfers of {rewards:,} rewards that were promised, approved and
paid out to {owners:,} people: the command on core 1, Postgres on core 0. Postgres compares, so the command's
memory does not grow with the ledger.

    python -m benchmarks ledger{arguments}

| work | seconds by the clock | transfers per second | the command's peak memory |
|---|---:|---:|---:|
| the whole command, its start included | {clock:.1f} | {per_second:,.0f} | {peak:,.0f} MiB |
| the same over {small:,} transfers | {small_clock:.1f} | {small_per_second:,.0f} | {small_peak:,.0f} MiB |
| the machine's own limit: one sum over the table | {limit:.2f} | {limit_per_second:,.0f} | |

| check | rows | seconds |
|---|---:|---:|
{checks}

{date}. Load of other work before the run: {load}.
"""


def measure(ground: Ground, *, transfers: int) -> str:
    """Fill fresh servers with a ledger, run the command, and return the section.

    `django.setup()` must have been called with the ground's environment. LocalError when the command finds a
    difference or not as many transfers as were stored.
    """
    if transfers % 2 or transfers < 400:
        raise LocalError("An even number of at least 400 transfers is needed: each reward has two.")
    load_before = os.getloadavg()[0]
    from benchmarks.shop import make_shop

    shop = make_shop(participants=1)
    small = max(transfers // 20 * 2, 40)
    few = _run_over(ground, shop.workspace.pk, small)
    done = _run_over(ground, shop.workspace.pk, transfers)
    limit = _sum_alone(ground, shop.workspace.pk)
    checks = re.findall(r"bench (\w+): (\d+) checked, 0 differ \(([0-9.]+) s\)", done.said)
    rewards = next(int(rows) for key, rows, _ in checks if key == "rewards")
    return _SECTION.format(
        heading=HEADING,
        transfers=transfers,
        rewards=rewards,
        owners=_owners(transfers),
        arguments="" if transfers == 1_000_000 else f" --transfers {transfers}",
        clock=done.by_the_clock,
        per_second=transfers / done.by_the_clock,
        peak=done.peak_mib,
        small=small,
        small_clock=few.by_the_clock,
        small_per_second=small / few.by_the_clock,
        small_peak=few.peak_mib,
        limit=limit,
        limit_per_second=transfers / limit,
        checks="\n".join(f"| {key} | {int(rows):,} | {seconds} |" for key, rows, seconds in checks),
        date=datetime.now(UTC).strftime("%Y-%m-%d"),
        load=f"{load_before:.1f}",
    )


def _run_over(ground: Ground, workspace: int, transfers: int) -> Done:
    began = time.monotonic()
    _store(ground, workspace, transfers)
    ground.analyze()
    print(f"- {transfers:,} transfers stored in {time.monotonic() - began:.0f} s", flush=True)
    done = run_command(ground, "verify_ledger", "--workspace", "bench")
    print(done.said, flush=True)
    if f"EUR: OK, {transfers} transfers" not in done.said:
        raise LocalError(f"{transfers} transfers were stored, and the command said:\n{done.said[-3000:]}")
    print(f"- checked in {done.by_the_clock:.1f} s, at most {done.peak_mib:.0f} MiB", flush=True)
    return done


def _sum_alone(ground: Ground, workspace: int) -> float:
    """Return the seconds that one sum over the workspace's transfers takes, the fastest of three."""
    connection = psycopg2.connect(ground.environment["DATABASE_OWNER_URL"])
    best = float("inf")
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('app.workspace', %s, false)", [str(workspace)])
        for _ in range(3):
            began = time.monotonic()
            cursor.execute(
                "SELECT sum(amount_minor) FROM rewards_transfer WHERE workspace_id = %s", [workspace]
            )
            cursor.fetchone()
            best = min(best, time.monotonic() - began)
    connection.close()
    return best


def _owners(transfers: int) -> int:
    return min(OWNERS, max(transfers // 20, 1))


def _store(ground: Ground, workspace: int, transfers: int) -> None:
    """Replace the workspace's ledger by one of so many transfers, two for each reward and each payout."""
    connection = psycopg2.connect(ground.environment["DATABASE_OWNER_URL"])
    owners = _owners(transfers)
    rewards = transfers // 2 - owners
    values: dict[str, Any] = {"ws": workspace, "owners": owners}
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('app.workspace', %s, false)", [str(workspace)])
        for table in ("transfer", "reward", "payout", "payoutbatch", "account"):
            cursor.execute(f"DELETE FROM rewards_{table} WHERE workspace_id = %(ws)s", values)
        cursor.execute(_UNTIE, values)
        for statement in _GROUND:
            cursor.execute(statement, values)
        cursor.execute("ANALYZE programs_customer, rewards_account")
        for first in range(0, rewards, _CHUNK):
            span = {**values, "first": first, "last": min(first + _CHUNK, rewards)}
            for statement in _REWARDS:
                cursor.execute(statement, span)
                cursor.execute("ANALYZE rewards_reward")
            connection.commit()
        for statement in _PAYOUTS:
            cursor.execute(statement, values)
        connection.commit()
    connection.close()


# Millions of look-ups for keys that one statement has just joined on; the servers are thrown away afterwards.
_UNTIE: Final = """
DO $$
DECLARE tie record;
BEGIN
    FOR tie IN SELECT conname, conrelid::regclass AS relation FROM pg_constraint WHERE contype = 'f'
        AND conrelid::regclass::text IN
            ('rewards_reward', 'rewards_transfer', 'rewards_payout', 'rewards_account')
    LOOP
        EXECUTE format('ALTER TABLE %%s DROP CONSTRAINT %%I', tie.relation, tie.conname);
    END LOOP;
END $$
"""
_GROUND: Final = (
    """
    INSERT INTO programs_customer (workspace_id, public_id, external_id, email, mailbox, name, country,
        attributes, created_at)
    SELECT %(ws)s, 'cus_' || lpad(n::text, 26, '0'), 'ledger-' || n, '', '', '', '', '{}', now()
    FROM generate_series(1, %(owners)s) n
    ON CONFLICT DO NOTHING
    """,
    """
    INSERT INTO tracking_conversion (workspace_id, public_id, kind, event_name, customer_id, source,
        source_key, status, amount_minor, currency, refunded_minor, metadata, lines, sequence, occurred_at,
        received_at)
    SELECT %(ws)s, 'cnv_ledger', 'purchase', '', min(id), 'bench', 'ledger', 'recorded', 100, 'EUR', 0, '{}',
        '[]', 1, now(), now()
    FROM programs_customer WHERE workspace_id = %(ws)s
    ON CONFLICT DO NOTHING
    """,
    """
    INSERT INTO tracking_referral (workspace_id, public_id, program_id, participant_id, customer_id, status,
        channel, reason, share_ppm, started_at)
    SELECT %(ws)s, 'ref_ledger', p.program_id, p.id, (SELECT min(id) FROM programs_customer
        WHERE workspace_id = %(ws)s AND external_id LIKE 'ledger-%%'), 'converted', '', '', 1000000, now()
    FROM programs_participant p WHERE p.workspace_id = %(ws)s
    ON CONFLICT DO NOTHING
    """,
    """
    INSERT INTO rewards_account (workspace_id, public_id, kind, unit, customer_id, balance_minor)
    SELECT %(ws)s, 'acc_expense', 'expense', 'EUR', NULL, 0
    """,
    """
    INSERT INTO rewards_account (workspace_id, public_id, kind, unit, customer_id, balance_minor)
    SELECT %(ws)s, 'acc_' || kind || c.id, kind, 'EUR', c.id, 0
    FROM programs_customer c, unnest(ARRAY['pending', 'payable', 'in_transit', 'paid_out']) kind
    WHERE c.workspace_id = %(ws)s AND c.external_id LIKE 'ledger-%%'
    """,
)
_REWARDS: Final = (
    """
    INSERT INTO rewards_reward (workspace_id, public_id, program_id, version_id, conversion_id, referral_id,
        side, customer_id, participant_id, rule_key, step, tier, milestone_key, kind, unit, base_minor,
        amount_minor, reversed_minor, redeemed_minor, expired_minor, status, reason, sentence, fulfilment,
        available_at, score, original_minor, original_currency, rate_source, reporting_currency,
        reporting_source, created_at)
    SELECT %(ws)s, 'rwd_' || lpad(n::text, 26, '0'), r.program_id, v.id, c.id, r.id, 'referrer', o.id,
        r.participant_id, 'rule-' || n, 0, 0, '', 'cash', 'EUR', 10000, 100 + n %% 900, 0, 0, 0, 'paid', '',
        '10 %% of EUR 100.00', '{}', now(), 0, 0, '', '', '', '', now()
    FROM generate_series(%(first)s, %(last)s - 1) n
    JOIN programs_customer o ON o.workspace_id = %(ws)s
        AND o.external_id = 'ledger-' || (n %% %(owners)s + 1),
        (SELECT * FROM tracking_referral WHERE workspace_id = %(ws)s ORDER BY id LIMIT 1) r,
        (SELECT id FROM programs_programversion WHERE workspace_id = %(ws)s ORDER BY id LIMIT 1) v,
        (SELECT id FROM tracking_conversion WHERE workspace_id = %(ws)s ORDER BY id LIMIT 1) c
    """,
    """
    INSERT INTO rewards_transfer (workspace_id, public_id, key, debit_id, credit_id, unit, amount_minor,
        reward_id, memo, at)
    SELECT %(ws)s, 'trf_' || s.act || substr(r.public_id, 6), 'reward:' || r.public_id || ':' || s.act, d.id,
        c.id, 'EUR', r.amount_minor, r.id, s.act, now()
    FROM rewards_reward r
    CROSS JOIN (VALUES ('accrue', 'expense', 'pending'), ('approve', 'pending', 'payable'))
        s(act, out, into_)
    JOIN rewards_account d ON d.workspace_id = %(ws)s AND d.kind = s.out
        AND d.customer_id IS NOT DISTINCT FROM CASE s.out WHEN 'expense' THEN NULL ELSE r.customer_id END
    JOIN rewards_account c ON c.workspace_id = %(ws)s AND c.kind = s.into_ AND c.customer_id = r.customer_id
    WHERE r.workspace_id = %(ws)s AND r.public_id >= 'rwd_' || lpad(%(first)s::text, 26, '0')
        AND r.public_id < 'rwd_' || lpad(%(last)s::text, 26, '0')
    """,
)
_PAYOUTS: Final = (
    """
    INSERT INTO accounts_user (email, name, password, is_superuser, is_active, is_staff, date_joined)
    SELECT 'second@shop.example', 'Second', '', false, true, false, now()
    ON CONFLICT DO NOTHING
    """,
    """
    INSERT INTO rewards_payoutbatch (workspace_id, public_id, currency, method, connection, status,
        total_minor, fee_minor, payout_count, people_count, judged_count, judged_until, paid_minor,
        failed_minor, provider_reference, discrepancy, note,
        created_by_id, approved_by_id, created_at, approved_at, completed_at)
    SELECT %(ws)s, 'pyb_ledger', 'EUR', 'csv', '', 'completed', sum(amount_minor), 0,
        count(DISTINCT customer_id), count(DISTINCT customer_id), count(DISTINCT customer_id),
        max(customer_id), sum(amount_minor), 0, '', '', '',
        (SELECT min(id) FROM accounts_user), (SELECT max(id) FROM accounts_user), now(), now(), now()
    FROM rewards_reward WHERE workspace_id = %(ws)s
    """,
    """
    INSERT INTO rewards_payout (workspace_id, public_id, batch_id, customer_id, amount_minor, currency,
        fee_minor, destination, attempts, status, provider_reference, failure, settled_at)
    SELECT %(ws)s, 'pyt_' || r.customer_id, b.id, r.customer_id, sum(r.amount_minor), 'EUR', 0, '', 1, 'paid',
        '', '', now()
    FROM rewards_reward r JOIN rewards_payoutbatch b ON b.workspace_id = %(ws)s
    WHERE r.workspace_id = %(ws)s GROUP BY r.customer_id, b.id
    """,
    """
    INSERT INTO rewards_transfer (workspace_id, public_id, key, debit_id, credit_id, unit, amount_minor,
        payout_id, memo, at)
    SELECT %(ws)s, 'trf_' || s.act || p.customer_id, 'payout:' || p.public_id || ':' || s.act, d.id, c.id,
        'EUR', p.amount_minor, p.id, s.act, now()
    FROM rewards_payout p
    CROSS JOIN (VALUES ('prepare', 'payable', 'in_transit'), ('paid', 'in_transit', 'paid_out'))
        s(act, out, into_)
    JOIN rewards_account d ON d.workspace_id = %(ws)s AND d.kind = s.out AND d.customer_id = p.customer_id
    JOIN rewards_account c ON c.workspace_id = %(ws)s AND c.kind = s.into_ AND c.customer_id = p.customer_id
    WHERE p.workspace_id = %(ws)s
    """,
    """
    UPDATE rewards_account a SET balance_minor = p.amount_minor FROM rewards_payout p
    WHERE a.workspace_id = %(ws)s AND p.workspace_id = %(ws)s AND a.customer_id = p.customer_id
        AND a.kind = 'paid_out'
    """,
    """
    UPDATE rewards_account SET balance_minor =
        -(SELECT sum(amount_minor) FROM rewards_payout WHERE workspace_id = %(ws)s)
    WHERE workspace_id = %(ws)s AND kind = 'expense'
    """,
)
