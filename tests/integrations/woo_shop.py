"""A WooCommerce shop on loopback: orders, products, coupons and the rules about keys; it breaks when told to.

Answers are those of WooCommerce 11 on WordPress 7: 401 with `woocommerce_rest_cannot_view` or
`woocommerce_rest_authentication_error`, 404 with `woocommerce_rest_shop_order_invalid_id`, all in JSON. Over
plain http keys count only in an OAuth 1.0a signature with a fresh nonce and a time within 15 minutes.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit

from core import clock

KEY, SECRET = "ck_0123456789abcdef", "cs_fedcba9876543210"
UNKNOWN = {
    "code": "woocommerce_rest_shop_order_invalid_id",
    "message": "Invalid ID.",
    "data": {"status": 404},
}


class WooShop(ThreadingHTTPServer):
    """Holds `orders`, `products`, `customers` and `coupons` by number.

    Orders are searched as the shop does it: by the names of their items, not by their own fields. `script`
    holds (status, headers, body) that go out before anything is done, `after` such that go out in the place
    of the answers to changes that were made.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.orders: dict[int, dict[str, Any]] = {}
        self.coupons: dict[int, dict[str, Any]] = {}
        self.products: dict[int, dict[str, Any]] = {}
        self.customers: dict[int, dict[str, Any]] = {}
        self.after: list[tuple[int, dict[str, str], bytes]] = []
        self.script: list[tuple[int, dict[str, str], bytes]] = []
        self.asked: list[str] = []
        self.nonces: set[str] = set()
        self.lock = threading.Lock()

    def stock(self, sku: str, number: int = 10, **changes: Any) -> None:
        """Put a product on the shelf."""
        self.products[number] = {
            "id": number,
            "sku": sku,
            "name": "Mug",
            "type": "simple",
            "parent_id": 0,
            "stock_status": "instock",
            **changes,
        }

    @property
    def url(self) -> str:
        """The address of its front page, which lies in a folder of the host."""
        return f"http://127.0.0.1:{self.server_port}/shop"

    def refusal(self, path: str, fields: dict[str, str], method: str = "GET") -> dict[str, Any] | None:
        """Return the error for keys that do not open the shop."""

        def error(code: str, message: str) -> dict[str, Any]:
            return {"code": code, "message": message, "data": {"status": 401}}

        if "oauth_consumer_key" not in fields:
            return error("woocommerce_rest_cannot_view", "Sorry, you cannot view this resource.")
        fault = "woocommerce_rest_authentication_error"
        if fields["oauth_consumer_key"] != KEY:
            return error(fault, "Consumer key is invalid.")
        given = fields.pop("oauth_signature", "")
        pairs = "&".join(f"{quote(n, safe='')}={quote(v, safe='')}" for n, v in sorted(fields.items()))
        address = f"http://127.0.0.1:{self.server_port}{path}"
        base = f"{method}&{quote(address, safe='')}&{quote(pairs, safe='')}"
        digest = hmac.new(f"{SECRET}&".encode(), base.encode(), hashlib.sha256).digest()
        if not hmac.compare_digest(base64.b64encode(digest).decode(), given):
            return error(fault, "Invalid signature - provided signature does not match.")
        age = abs(clock.now().timestamp() - int(fields["oauth_timestamp"]))
        if age > timedelta(minutes=15).total_seconds():
            return error(fault, "Invalid timestamp.")
        if fields["oauth_nonce"] in self.nonces:
            return error(fault, "Invalid nonce - nonce has already been used.")
        self.nonces.add(fields["oauth_nonce"])
        return None


class _Handler(BaseHTTPRequestHandler):
    server: WooShop

    def do_GET(self) -> None:
        self._serve("GET")

    def do_POST(self) -> None:
        self._serve("POST")

    def do_PUT(self) -> None:
        self._serve("PUT")

    def do_DELETE(self) -> None:
        self._serve("DELETE")

    def _serve(self, method: str) -> None:
        target = urlsplit(self.path)
        query = dict(parse_qsl(target.query))
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        with self.server.lock:
            self.server.asked.append(target.path if method == "GET" else f"{method} {target.path}")
            if self.server.script:
                return self._answer(*self.server.script.pop(0))
            refusal = self.server.refusal(target.path, query, method)
            if refusal is not None:
                return self._json(401, refusal)
            coupon = re.fullmatch(r"/shop/wp-json/wc/v3/coupons(?:/([0-9]+))?", target.path)
            if coupon is not None:
                status, answer = self._coupons(method, coupon[1], query, body)
                if method != "GET" and self.server.after:
                    return self._answer(*self.server.after.pop(0))
                return self._json(status, answer)
            status, answer = self._rest(method, target.path.removeprefix("/shop/wp-json/wc/v3/"), query, body)
            if method != "GET" and self.server.after:
                return self._answer(*self.server.after.pop(0))
        return self._json(status, answer)

    def _rest(self, method: str, path: str, query: dict[str, str], body: bytes) -> tuple[int, Any]:
        """Answer as the endpoints of orders, products and customers do."""
        shop = self.server
        if (method, path) == ("GET", "products"):
            skus = [query["sku"], *query["sku"].split(",")]
            return 200, [row for row in shop.products.values() if row["sku"] in skus]
        if (method, path) == ("GET", "customers"):
            return 200, [row for row in shop.customers.values() if row["email"] == query["email"].lower()]
        if (method, path) == ("GET", "orders"):
            return 200, self._search(query["search"].lower())
        if (method, path) == ("POST", "orders"):
            return self._place(json.loads(body))
        match = re.fullmatch(r"orders/([0-9]+)", path)
        if match is None or method not in ("GET", "PUT"):
            return 404, {"code": "rest_no_route", "message": "No route.", "data": {"status": 404}}
        order = shop.orders.get(int(match[1]))
        if order is None:
            return 404, UNKNOWN
        if method == "PUT":
            order |= json.loads(body)
        return 200, order

    def _search(self, wanted: str) -> list[dict[str, Any]]:
        def names(order: dict[str, Any]) -> list[str]:
            return [item["name"].lower() for item in (*order["line_items"], *order.get("fee_lines", []))]

        orders = [each for each in self.server.orders.values() if each["status"] != "trash"]
        return [order for order in reversed(orders) if any(wanted in name for name in names(order))]

    def _place(self, order: dict[str, Any]) -> tuple[int, Any]:
        shop = self.server
        for line in order["line_items"]:
            product = shop.products.get(line.get("variation_id") or line["product_id"])
            if product is None:
                message = "Product ID provided does not exist or has been deleted."
                code = "woocommerce_rest_invalid_product_id"
                return 400, {"code": code, "message": message, "data": {"status": 400}}
            line |= {"name": product["name"], "sku": product["sku"]}
        if "@" not in order["billing"].get("email", "@"):
            return 400, {"code": "rest_invalid_param", "message": "Invalid parameter(s): billing"}
        number = 900 + len(shop.orders)
        at = clock.now().strftime("%Y-%m-%dT%H:%M:%S")
        order |= {
            "id": number,
            "number": str(number),
            "currency": "EUR",
            "total": "0.00",
            "refunds": [],
            "coupon_lines": [],
            "customer_id": order.get("customer_id", 0),
            "date_created_gmt": at,
            "date_modified_gmt": at,
            "date_paid_gmt": at,
        }
        shop.orders[number] = order
        return 201, order

    def _coupons(
        self, method: str, number: str | None, query: dict[str, str], body: bytes
    ) -> tuple[int, Any]:
        """Answer as the coupons endpoint does: codes in small letters, and each only once."""
        coupons = self.server.coupons
        if method == "GET":
            return 200, [row for row in coupons.values() if row["code"] == query["code"].lower()]
        if method == "POST":
            row = json.loads(body)
            row["code"] = row["code"].lower()
            if any(row["code"] == known["code"] for known in coupons.values()):
                message = "The coupon code already exists"
                return 400, {
                    "code": "woocommerce_rest_coupon_code_already_exists",
                    "message": message,
                    "data": {"status": 400},
                }
            row |= {"id": 700 + len(coupons), "usage_count": 0}
            coupons[row["id"]] = row
            return 201, row
        return (200, coupons.pop(int(number or 0), {})) if query.get("force") == "true" else (501, {})

    def _json(self, status: int, body: Any) -> None:
        self._answer(status, {"Content-Type": "application/json; charset=UTF-8"}, json.dumps(body).encode())

    def _answer(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Keep the test's output quiet."""


@contextmanager
def shop_open() -> Iterator[WooShop]:
    """Run a shop on a free port."""
    server = WooShop()
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
