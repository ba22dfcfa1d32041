"""One payment of a file, as every format of it needs it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Payment:
    """One person's money: `account` is an IBAN or another line that says where it goes."""

    payout_id: str
    name: str
    email: str
    account: str
    amount_minor: int
    currency: str
