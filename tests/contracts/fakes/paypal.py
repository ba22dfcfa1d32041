"""PayPal's Payouts: tokens, batches under ids that are used once, items that move on when told to."""

from __future__ import annotations

import base64
from decimal import Decimal
from typing import Any

from tests.contracts.fakes.server import Reply, Request, Vendor

CLIENT, SECRET = "client-AbC", "secret-XyZ"
SCOPES = "https://uri.paypal.com/services/applications/webhooks https://uri.paypal.com/payments/payouts"


class PayPal(Vendor):
    """Holds `batches` by PayPal's own id; those in `forgotten` are older than 30 days.

    A receiver that begins with `invalid` is refused in the request itself; `blocked`, `unknown` and `held`
    ones end as FAILED, UNCLAIMED and ONHOLD when the batch is worked off. `pointers` says whether errors
    name fields by JSON pointers, with a code and a sentence, and link beside the details, as the API's
    description has it; otherwise they are as its examples show them. Fees are in `fee_currency`, else in
    that of the item.
    """

    contract = "paypal"

    def __init__(self) -> None:
        super().__init__()
        self.batches: dict[str, dict[str, Any]] = {}
        self.balance = Decimal(1_000_000)
        self.scopes = SCOPES
        self.pointers = False
        self.fee_currency = ""
        self.page_size = 1000
        self.forgotten: set[str] = set()

    @property
    def paid(self) -> list[str]:
        """The ids of all items that any batch pays, repetitions included."""
        return [
            item["payout_item"]["sender_item_id"]
            for batch in self.batches.values()
            for item in batch["items"]
        ]

    def work_off(self, **states: str) -> None:
        """Let every pending item reach its end: by its receiver's name, or as `states` say by item id."""
        with self.lock:
            for batch in self.batches.values():
                for item in batch["items"]:
                    sent = item["payout_item"]
                    if item["transaction_status"] == "PENDING":
                        self._end(item, states.get(sent["sender_item_id"]) or _end_of(sent["receiver"]))
                batch["batch_header"]["batch_status"] = "SUCCESS"

    def move(self, item_id: str, state: str) -> None:
        """Put one item into a state."""
        with self.lock:
            for batch in self.batches.values():
                for item in batch["items"]:
                    if item["payout_item"]["sender_item_id"] == item_id:
                        self._end(item, state)

    def _end(self, item: dict[str, Any], state: str) -> None:
        item["transaction_status"] = state
        item["transaction_id"] = f"TX{item['payout_item_id'][2:]}"
        if state == "FAILED":
            item["errors"] = {
                "name": "RECEIVER_UNCONFIRMED",
                "message": "Receiver's email is unconfirmed",
                "debug_id": "d1",
            }

    def answer(self, request: Request) -> Reply:
        """Answer as PayPal does."""
        if request.call == "POST /v1/oauth2/token":
            pair = base64.b64encode(f"{CLIENT}:{SECRET}".encode()).decode()
            if request.headers["authorization"] != f"Basic {pair}":
                return Reply(
                    401,
                    {"error": "invalid_client", "error_description": "Client Authentication failed"},
                )
            return Reply(
                200,
                {"scope": self.scopes, "access_token": "A21.t", "token_type": "Bearer", "expires_in": 31668},
            )
        if request.headers["authorization"] != "Bearer A21.t":
            return _error(401, "AUTHENTICATION_FAILURE", "Authentication failed.")
        if request.call == "POST /v1/payments/payouts":
            return self._create(request.body)
        return self._show(request)

    def _create(self, body: dict[str, Any]) -> Reply:
        batch_id = body["sender_batch_header"]["sender_batch_id"]
        for known, batch in self.batches.items():
            if known not in self.forgotten and batch["sender_batch_id"] == batch_id:
                link = {"href": f"{self.url}/v1/payments/payouts/{known}", "rel": "self", "method": "GET"}
                if self.pointers:
                    told = {
                        "field": "/sender_batch_header/sender_batch_id",
                        "value": batch_id,
                        "location": "body",
                        "issue": "DUPLICATE_BATCH",
                        "description": "The batch was sent before.",
                    }
                    return _error(400, "INVALID_REQUEST", "Invalid request.", [told], [link])
                issue = {
                    "field": "SENDER_BATCH_ID",
                    "location": "body",
                    "issue": "Batch with given sender_batch_id already exists",
                    "link": [{**link, "encType": "application/json"}],
                }
                return _error(400, "USER_BUSINESS_ERROR", "User business error.", [issue])
        invalid = [
            {
                "field": f"/items/{position}/receiver",
                "location": "body",
                "issue": "RECEIVER_INVALID",
                "description": "The receiver is invalid.",
            }
            if self.pointers
            else {"field": f"items[{position}].receiver", "location": "body", "issue": "Receiver is invalid"}
            for position, item in enumerate(body["items"])
            if item["receiver"].startswith("invalid")
        ]
        if invalid:
            return _error(400, "VALIDATION_ERROR", "Invalid request - see details.", invalid)
        currencies = {item["amount"]["currency"] for item in body["items"]}
        if len(currencies) > 1:
            return _error(400, "VALIDATION_ERROR", "Invalid request.", [{"field": "items", "issue": "MIXED"}])
        total = sum((Decimal(item["amount"]["value"]) for item in body["items"]), Decimal(0))
        if total > self.balance:
            return _error(400, "INSUFFICIENT_FUNDS", "Sender does not have sufficient funds.")
        self.balance -= total
        own_id = f"PB{len(self.batches) + 1:08d}"
        header = {
            "payout_batch_id": own_id,
            "batch_status": "PENDING",
            "sender_batch_header": body["sender_batch_header"],
            "amount": {"currency": currencies.pop(), "value": str(total)},
            "fees": {"currency": "USD", "value": "0.00"},
        }
        self.batches[own_id] = {
            "sender_batch_id": batch_id,
            "batch_header": header,
            "items": [
                {
                    "payout_item_id": f"IT{own_id[2:]}{position:05d}",
                    "transaction_status": "PENDING",
                    "payout_item_fee": {
                        "currency": self.fee_currency or item["amount"]["currency"],
                        "value": "0.25",
                    },
                    "payout_batch_id": own_id,
                    "payout_item": item,
                }
                for position, item in enumerate(body["items"])
            ],
        }
        return Reply(201, {"batch_header": {key: header[key] for key in list(header)[:3]}})

    def _show(self, request: Request) -> Reply:
        batch = self.batches.get(request.ids[0])
        if batch is None:
            return _error(404, "RESOURCE_NOT_FOUND", "The specified resource does not exist.")
        size = min(int(request.query.get("page_size", "1000")), self.page_size)
        first = (int(request.query.get("page", "1")) - 1) * size
        items = batch["items"]
        return Reply(
            200,
            {
                "total_items": len(items),
                "total_pages": -(-len(items) // size),
                "batch_header": batch["batch_header"],
                "items": items[first : first + size],
            },
        )


def _end_of(receiver: str) -> str:
    ends = {"blocked": "FAILED", "unknown": "UNCLAIMED", "held": "ONHOLD"}
    return next((state for start, state in ends.items() if receiver.startswith(start)), "SUCCESS")


def _error(
    status: int,
    name: str,
    message: str,
    details: list[dict[str, Any]] | None = None,
    links: list[dict[str, Any]] | None = None,
) -> Reply:
    body: dict[str, Any] = {"name": name, "message": message, "debug_id": "debug-1"}
    body |= {"details": details} if details else {}
    return Reply(status, body | {"links": links} if links else body)
