"""What a workspace adds up to, read from its tables by plain SQL, for comparing one run with another."""

from __future__ import annotations

from tests.journeys.platform import Platform

Numbers = dict[tuple[str, ...], tuple[int, ...]]

_FACTS = """
SELECT 'customer', '', '', count(*), 0, 0 FROM programs_customer
UNION ALL SELECT 'touchpoint', kind, '', count(*), 0, 0 FROM tracking_touchpoint GROUP BY kind
UNION ALL SELECT 'conversion', kind, status, count(*), sum(amount_minor), sum(refunded_minor)
    FROM tracking_conversion GROUP BY kind, status
UNION ALL SELECT 'refund', '', '', count(*), coalesce(sum(amount_minor), 0), 0 FROM tracking_refund
UNION ALL SELECT 'attribution', reason, '', count(*), 0, 0 FROM tracking_attribution GROUP BY reason
UNION ALL SELECT 'credit', currency, '', count(*), sum(amount_minor), sum(weight_ppm)
    FROM tracking_credit GROUP BY currency
UNION ALL SELECT 'referral', status, '', count(*), 0, 0 FROM tracking_referral GROUP BY status
UNION ALL SELECT 'reward', side || ' ' || kind || ' ' || unit, status,
    count(*), sum(amount_minor), sum(reversed_minor) FROM rewards_reward GROUP BY side, kind, unit, status
UNION ALL SELECT 'balance', account.kind || ' ' || account.unit, coalesce(customer.email, ''),
    count(*), sum(account.balance_minor), 0
    FROM rewards_account account LEFT JOIN programs_customer customer ON customer.id = account.customer_id
    GROUP BY account.kind, account.unit, customer.email
UNION ALL SELECT 'payout', status, currency, count(*), sum(amount_minor), 0
    FROM rewards_payout GROUP BY status, currency
UNION ALL SELECT 'message', kind, to_email, count(*), 0, 0 FROM engagement_message GROUP BY kind, to_email
UNION ALL SELECT 'dead', 'event', handler, count(*), 0, 0
    FROM core_eventdelivery WHERE state = 'dead' GROUP BY handler
UNION ALL SELECT 'dead', 'message', kind, count(*), 0, 0
    FROM engagement_message WHERE state = 'dead' GROUP BY kind
UNION ALL SELECT 'dead', 'request', topic, count(*), 0, 0
    FROM integrations_inboxitem WHERE state = 'dead' GROUP BY topic
"""

_STEPS = """
SELECT 'transfer', debit.kind || ' -> ' || credit.kind, transfer.unit, count(*), sum(transfer.amount_minor), 0
    FROM rewards_transfer transfer
    JOIN rewards_account debit ON debit.id = transfer.debit_id
    JOIN rewards_account credit ON credit.id = transfer.credit_id
    GROUP BY debit.kind, credit.kind, transfer.unit
UNION ALL SELECT 'event', kind, '', count(*), 0, 0 FROM core_event GROUP BY kind
"""


def _read(platform: Platform, slug: str, query: str) -> Numbers:
    return {tuple(map(str, row[:3])): tuple(map(int, row[3:])) for row in platform.rows(slug, query)}


def numbers(platform: Platform, slug: str) -> Numbers:
    """Return counts and sums of a workspace's facts, rewards, balances, mails and failures.

    These depend on what happened and not on how often or in which order the work was done.
    """
    return _read(platform, slug, _FACTS)


def numbers_and_steps(platform: Platform, slug: str) -> Numbers:
    """Return the same with transfers and events, which also tell in how many steps it was done."""
    return {**_read(platform, slug, _FACTS), **_read(platform, slug, _STEPS)}


def balance(platform: Platform, slug: str, kind: str, email: str = "", unit: str = "EUR") -> int:
    """Return one ledger balance; of nobody's in particular without an address."""
    found = numbers(platform, slug).get(("balance", f"{kind} {unit}", email), (0, 0, 0))
    return found[1]
