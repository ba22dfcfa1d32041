"""Stripe Connect: accounts, transfers, reversals; a key keeps its first answer for a day."""

from __future__ import annotations

from typing import Any

from tests.contracts.fakes.server import Reply, Request, Vendor

KEY = "sk_test_51abcDEF"


class Stripe(Vendor):
    """Holds `accounts` and `transfers` by id, and the answers that keys have had."""

    contract = "stripe"

    def __init__(self) -> None:
        super().__init__()
        self.accounts: dict[str, dict[str, Any]] = {}
        self.transfers: dict[str, dict[str, Any]] = {}
        self.kept: dict[str, tuple[dict[str, Any], Reply]] = {}
        self.balance = 10_000_000
        self.page_size = 100

    @property
    def paid(self) -> list[str]:
        """The ids of all payouts that a transfer pays, repetitions included."""
        return [each["metadata"]["payout_id"] for each in self.transfers.values()]

    def add_account(self, *, enabled: bool = True, transfers: str = "") -> str:
        """Open an account as a person did who has filled everything in, or nothing yet.

        `transfers` is the state of that capability, if it is not that of the whole account.
        """
        with self.lock:
            account_id = f"acct_{len(self.accounts) + 1:016d}"
            self.accounts[account_id] = {
                "id": account_id,
                "object": "account",
                "type": "express",
                "capabilities": {"transfers": transfers or ("active" if enabled else "inactive")},
                "payouts_enabled": enabled,
                "details_submitted": enabled,
            }
        return account_id

    def forget_keys(self) -> None:
        """Let 24 hours pass."""
        self.kept.clear()

    def answer(self, request: Request) -> Reply:
        """Answer as Stripe does."""
        if request.headers["authorization"] != f"Bearer {KEY}":
            return _error(401, "invalid_request_error", "", "Invalid API Key provided")
        key = request.headers.get("idempotency-key", "")
        if key in self.kept:
            body, reply = self.kept[key]
            if body != request.body:
                return _error(
                    400,
                    "idempotency_error",
                    "",
                    "Keys for idempotent requests can only be used with the same parameters.",
                )
            return Reply(reply.status, reply.body, {**reply.headers, "Idempotent-Replayed": "true"})
        reply = self._done(request)
        if key:
            self.kept[key] = (request.body, reply)
        return reply

    def _done(self, request: Request) -> Reply:
        body = request.body
        match request.call:
            case "GET /v1/balance":
                amounts = [{"amount": self.balance, "currency": "usd"}]
                return Reply(
                    200, {"object": "balance", "livemode": False, "available": amounts, "pending": []}
                )
            case "POST /v1/accounts":
                account = self.accounts[self.add_account(enabled=False)]
                account["metadata"] = {"customer_id": body["metadata[customer_id]"]}
                return Reply(200, account)
            case "GET /v1/accounts/{account}":
                found = self.accounts.get(request.ids[0])
                missing = _error(404, "invalid_request_error", "resource_missing", "No such account")
                return Reply(200, found) if found else missing
            case "POST /v1/account_links":
                if body["account"] not in self.accounts:
                    return _error(400, "invalid_request_error", "resource_missing", "No such account")
                url = f"https://connect.stripe.com/setup/e/{body['account']}/link"
                return Reply(200, {"object": "account_link", "created": 1, "expires_at": 301, "url": url})
            case "POST /v1/transfers":
                return self._transfer(body)
            case "GET /v1/transfers":
                return self._list(request.query)
            case _:
                return self._reverse(request.ids[0])

    def _transfer(self, body: dict[str, Any]) -> Reply:
        account = self.accounts.get(body["destination"])
        if account is None:
            return _error(
                400, "invalid_request_error", "resource_missing", "No such destination", param="destination"
            )
        if account["capabilities"]["transfers"] != "active":
            return _error(
                400,
                "invalid_request_error",
                "insufficient_capabilities_for_transfer",
                "Your destination account needs to have the transfers capability enabled.",
            )
        amount = int(body["amount"])
        if amount > self.balance:
            return _error(
                400, "invalid_request_error", "balance_insufficient", "You have insufficient funds."
            )
        self.balance -= amount
        transfer = {
            "id": f"tr_{len(self.transfers) + 1:08d}",
            "object": "transfer",
            "created": 1,
            "livemode": False,
            "reversals": {"object": "list", "data": [], "has_more": False, "url": ""},
            "amount": amount,
            "amount_reversed": 0,
            "currency": body["currency"],
            "destination": body["destination"],
            "transfer_group": body["transfer_group"],
            "metadata": {"payout_id": body["metadata[payout_id]"]},
            "reversed": False,
        }
        self.transfers[transfer["id"]] = transfer
        return Reply(200, transfer)

    def _list(self, query: dict[str, str]) -> Reply:
        group = query.get("transfer_group")
        rows = [each for each in reversed(self.transfers.values()) if each["transfer_group"] == group]
        after = query.get("starting_after")
        first = next((n + 1 for n, each in enumerate(rows) if each["id"] == after), 0) if after else 0
        size = min(int(query.get("limit", "10")), self.page_size)
        more = len(rows) > first + size
        return Reply(
            200,
            {"object": "list", "url": "/v1/transfers", "has_more": more, "data": rows[first : first + size]},
        )

    def _reverse(self, transfer_id: str) -> Reply:
        transfer = self.transfers.get(transfer_id)
        if transfer is None:
            return _error(404, "invalid_request_error", "resource_missing", "No such transfer")
        if transfer["reversed"]:
            return _error(400, "invalid_request_error", "transfer_already_reversed", "Reversed already")
        transfer["reversed"], transfer["amount_reversed"] = True, transfer["amount"]
        self.balance += transfer["amount"]
        return Reply(200, {"id": f"trr_{transfer_id[3:]}", "object": "transfer_reversal"})


def _error(status: int, kind: str, code: str, message: str, **more: str) -> Reply:
    error = {"type": kind, "message": message, **({"code": code} if code else {}), **more}
    return Reply(status, {"error": error})
