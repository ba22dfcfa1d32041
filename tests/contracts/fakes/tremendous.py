"""Tremendous: orders of one reward each, the same under the same `external_id`, delivered when told to."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from tests.contracts.fakes.server import Reply, Request, Vendor

KEY = "TEST_abcdef"
FUNDING = "BALANCE1"


class Tremendous(Vendor):
    """Holds `orders` in the order they were placed. An e-mail address that begins with `invalid` is refused.

    A card whose order is in `redeemed` is not cancelled any more, and no card is cancelled twice. `repeated`
    is the status that a repetition is answered with: the manual has said 200, 201 and 409.
    """

    contract = "tremendous"

    def __init__(self) -> None:
        super().__init__()
        self.orders: list[dict[str, Any]] = []
        self.balance = Decimal(1_000_000)
        self.repeated = 201
        self.redeemed: set[str] = set()

    @property
    def paid(self) -> list[str]:
        """The external ids of all orders, repetitions included."""
        return [order["external_id"] for order in self.orders]

    def deliver(self, **states: str) -> None:
        """Deliver what is not delivered yet, or let it end as `states` say by external id."""
        with self.lock:
            for order in self.orders:
                delivery = order["rewards"][0]["delivery"]
                if delivery["status"] == "SCHEDULED":
                    delivery["status"] = states.get(order["external_id"], "SUCCEEDED")

    def move(self, external_id: str, state: str) -> None:
        """Put an order into a state."""
        with self.lock:
            for order in self.orders:
                if order["external_id"] == external_id:
                    order["status"] = state

    def answer(self, request: Request) -> Reply:
        """Answer as Tremendous does."""
        if request.headers["authorization"] != f"Bearer {KEY}":
            return Reply(401, {"errors": {"message": "Invalid or missing API key"}})
        match request.call:
            case "GET /api/v2/funding_sources":
                source = {"id": FUNDING, "method": "balance", "meta": {"available_cents": 5}}
                return Reply(200, {"funding_sources": [source]})
            case "GET /api/v2/orders":
                wanted = request.query["external_id"]
                found = [order for order in self.orders if order["external_id"] == wanted]
                return Reply(200, {"orders": found, "total_count": len(found)})
            case "POST /api/v2/rewards/{id}/cancel":
                return self._cancel(request.ids[0])
            case _:
                return self._create(request.body)

    def _cancel(self, card: str) -> Reply:
        for order in self.orders:
            (reward,) = order["rewards"]
            if reward["id"] != card:
                continue
            if order["status"] == "CANCELED" or order["external_id"] in self.redeemed:
                return Reply(422, {"errors": {"message": "Reward cannot be canceled"}})
            order["status"] = "CANCELED"
            self.balance += Decimal(str(reward["value"]["denomination"]))
            return Reply(200, {"reward": reward})
        return Reply(404, {"errors": {"message": "Reward not found"}})

    def _create(self, body: dict[str, Any]) -> Reply:
        for order in self.orders:
            if order["external_id"] == body["external_id"]:
                known = {"order": order} if self.repeated != 409 else {"errors": {"message": "It exists."}}
                return Reply(self.repeated, known)
        if body["payment"]["funding_source_id"] != FUNDING:
            return _invalid({"payment": {"funding_source_id": "Funding source not found"}})
        reward = body["reward"]
        if reward["recipient"]["email"].startswith("invalid"):
            return _invalid({"reward": {"recipient": {"email": "is invalid"}}})
        price = Decimal(str(reward["value"]["denomination"]))
        if price > self.balance:
            return Reply(402, {"errors": {"message": "Insufficient funds"}})
        self.balance -= price
        number = len(self.orders) + 1
        order = {
            "id": f"ORDER{number:06d}",
            "external_id": body["external_id"],
            "status": "EXECUTED",
            "payment": {"subtotal": float(price), "total": float(price), "fees": 0},
            "rewards": [
                {
                    "id": f"REWARD{number:06d}",
                    "value": reward["value"],
                    "delivery": {"method": "EMAIL", "status": "SCHEDULED"},
                }
            ],
        }
        self.orders.append(order)
        return Reply(200, {"order": order})


def _invalid(payload: dict[str, Any]) -> Reply:
    return Reply(400, {"errors": {"message": "Order failed: validation failure", "payload": payload}})
