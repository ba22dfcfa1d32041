"""The digest line of a statement: that we issued it, for whom, for which days, and with which figures.

`stm1.<customer>.<first day>.<last day>.<content>.<signature>`: the content is the SHA-256 of the figures,
the signature the HMAC-SHA-256 of all before it by a key that is the workspace's own. No names stand in it, so
that a statement can be confirmed after its owner was erased.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import date
from typing import Final, Literal

from accounts.models import Workspace
from accounts.secrets import signature, signed_by
from core.errors import Invalid
from programs.models import Customer
from rewards.queries.statements import Statement, statement_for

_MARK: Final = "stm1"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a digest line proves.

    `confirmed`: we issued it and the books say the same now. `outdated`: we issued it, and since then more
    was written for those days. `unknown`: we did not issue it. The statement as it is now comes with the
    first two.
    """

    outcome: Literal["confirmed", "outdated", "unknown"]
    statement: Statement | None = None


def digest_line(statement: Statement) -> str:
    """Return the line that stands at the end of a statement."""
    text = json.dumps(statement.content(), separators=(",", ":"))
    content = hashlib.sha256(text.encode()).hexdigest()
    days = f"{statement.first_on.isoformat()}.{statement.last_on.isoformat()}"
    said = f"{_MARK}.{statement.customer.public_id}.{days}.{content}"
    return f"{said}.{signature(said, bound_to=statement.customer.workspace.public_id)}"


def verdict(workspace: Workspace, line: str) -> Verdict:
    """Say what a digest line proves; blanks and line breaks that a file put into it do not matter."""
    whole = "".join(line.split())
    said, _, given = whole.rpartition(".")
    parts = said.split(".")
    if (
        len(parts) != 5
        or parts[0] != _MARK
        or not whole.isascii()
        or not signed_by(given, said, bound_to=workspace.public_id)
    ):
        return Verdict("unknown")
    _, public_id, first_on, last_on, _ = parts
    customer = (
        Customer.objects.for_workspace(workspace)
        .filter(public_id=public_id)
        .select_related("workspace")
        .first()
    )
    if customer is None:
        return Verdict("unknown")
    try:
        now = statement_for(
            customer, first_on=date.fromisoformat(first_on), last_on=date.fromisoformat(last_on)
        )
    except Invalid:
        return Verdict("outdated")
    return Verdict("confirmed" if digest_line(now) == whole else "outdated", now)
