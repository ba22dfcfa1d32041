"""`/api/v1/track/click`, `lead`, `sale` and `refund`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.endpoint import WorkspaceEndpoint
from accounts.models import ApiKey
from core import events
from core.errors import Forbidden, Invalid, NotFound
from core.ids import new_public_id
from core.transactions import failing_as_one
from programs import queries as program_queries
from programs import services as program_services
from programs.models import Customer, PromoCode
from tracking import queries, serializers, services
from tracking.classification import ClickFacts
from tracking.entry.reading import client_address, facts_of_page
from tracking.explanations import explanation
from tracking.identifiers import Traces
from tracking.lines import Line
from tracking.models import Click, Conversion
from tracking.tokens import holder_of

SOURCE = "api"

_OF_SERVERS = (("occurred_at", "occurredAt"), ("user_agent", "userAgent"), ("ip", "ip"))
_OF_SHOPS = (
    ("ip", "ip"),
    ("user_agent", "userAgent"),
    ("payment_fingerprint", "paymentFingerprint"),
    ("address_fingerprint", "addressFingerprint"),
    ("customer_attributes", "customerAttributes"),
)


class TrackEndpoint(WorkspaceEndpoint):
    """What the four `/track` calls share: reading the body, the person, the click and the codes."""

    scopes: ClassVar[dict[str, tuple[str, ...]]] = {"POST": ("track",)}

    def take(self, data: Any) -> Response:
        """Work on a body and answer; a subclass does it."""
        raise NotImplementedError

    def body(self, data: Any) -> dict[str, Any]:
        """Return the validated body; raises DRF's ValidationError with the caller's own field names."""
        serializer = self.get_serializer(data=data)
        serializer.is_valid(raise_exception=True)
        found: dict[str, Any] = serializer.validated_data
        return found

    def from_page(self) -> bool:
        """Tell whether the key stands in a web page, where anybody can take it to ask about anybody."""
        key = self.request.auth
        assert isinstance(key, ApiKey)
        return key.kind == ApiKey.Kind.PUBLISHABLE

    def keep_from_pages(self, body: dict[str, Any], names: Iterable[tuple[str, str]]) -> None:
        """Raise Forbidden naming the field where a page says what only the shop's server can know."""
        if not self.from_page():
            return
        for name, spelling in names:
            if name in body:
                raise Forbidden("Only a secret key may say this.", code="secret_key_needed", param=spelling)

    def answer(self, conversion: Conversion, created: bool, wait: bool, **more: Any) -> Response:
        """Answer with the conversion, and with its explanation when the caller waited for it.

        A page hears nothing of metadata and costs, which a server may have recorded before.
        """
        data: dict[str, Any] = {
            "conversion": serializers.ConversionAnswer(conversion).data,
            "duplicate": not created,
            **more,
        }
        if self.from_page():
            data["conversion"] |= {"metadata": {}, "cost_minor": None}
            for line in data["conversion"]["lines"]:
                line["cost_minor"] = None
        if wait:
            data["explanation"] = explanation(conversion)
        return Response(data, status=201 if created else 200)


class TrackClick(TrackEndpoint):
    """Record a visit with a referral code; a page may call it with a publishable key."""

    scopes: ClassVar[dict[str, tuple[str, ...]]] = {"POST": ("track", "track:browser")}
    serializer_class = serializers.ClickBody

    @extend_schema(operation_id="track_click", responses={201: serializers.ClickAnswer})
    def post(self, request: Request) -> Response:
        return self.take(request.data)

    def take(self, data: Any) -> Response:
        body = self.body(data)
        link = queries.link_named(self.workspace, body["key"])
        if link is None:
            raise NotFound("There is no such link.", code="unknown_link", param="key")
        self.keep_from_pages(body, _OF_SERVERS)
        at = serializers.in_time(body.get("occurred_at"), self.at)
        if at < self.at - services.LONGEST_WINDOW:
            raise Invalid("A click is a year old at most.", param="occurredAt")
        earlier = queries.click_named(self.workspace, body["click_id"]) if body.get("click_id") else None
        click = services.record_click(
            link=link,
            visitor_id=body.get("visitor_id") or (earlier.visitor_id if earlier else new_public_id("vis")),
            facts=self._facts(body),
            at=at,
            received_at=self.at,
        )
        services.bind_late_click(click=click, at=self.at)
        return Response(
            {
                "click_id": click.public_id,
                "visitor_id": click.visitor_id,
                "counted": click.counted,
                "reason": click.reason,
                "link": link.public_id,
            },
            status=201,
        )

    def _facts(self, body: dict[str, Any]) -> ClickFacts:
        """Return who clicked: as the caller says, else whoever sent this request."""
        environ = self.request.META
        return facts_of_page(
            environ,
            url=body.get("url", ""),
            referrer=body.get("referrer", ""),
            address=body.get("ip") or client_address(environ),
            user_agent=body.get("user_agent"),
        )


class TrackConversion(TrackEndpoint):
    """What recording a sign-up and recording a purchase share."""

    def told(self, body: dict[str, Any]) -> dict[str, Any]:
        """Return what the validated body tells of the conversion itself; a subclass knows."""
        raise NotImplementedError

    def take(self, data: Any) -> Response:
        body = self.body(data)
        return self.record(body, self.told(body))

    def record(self, body: dict[str, Any], told: dict[str, Any]) -> Response:
        """Record the conversion in the mode the body asks for, and answer.

        Raises Forbidden naming `mode` for a page that wants to wait: the answer tells of others' rewards.
        """
        wait = body["mode"] == "wait"
        if wait and self.from_page():
            raise Forbidden(
                "Only a secret key may wait for the outcome.", code="secret_key_needed", param="mode"
            )

        def run() -> services.RecordedConversion:
            # What is refused undoes the whole request.
            with failing_as_one():
                fact = self.fact(
                    body, told, customer=self.customer(body), click=self.click(body), codes=self.codes(body)
                )
                return services.record_conversion(workspace=self.workspace, fact=fact)

        if not wait:
            recorded = run()
            return self.answer(recorded.conversion, recorded.created, wait=False)
        with events.inline():
            recorded = run()
        recorded.conversion.refresh_from_db()
        return self.answer(recorded.conversion, recorded.created, wait=True)

    def fact(
        self,
        body: dict[str, Any],
        told: dict[str, Any],
        *,
        customer: Customer,
        click: Click | None,
        codes: list[PromoCode],
    ) -> services.ConversionFact:
        """Return what is to be recorded."""
        token = body.get("referral_token")
        return services.ConversionFact(
            traces=self._traces(body),
            token_of=[holder_of(self.workspace, token)] if token else [],
            customer=customer,
            source=SOURCE,
            click=click,
            promo_codes=codes,
            metadata=body.get("metadata"),
            occurred_at=serializers.in_time(body.get("occurred_at"), self.at),
            at=self.at,
            **told,
        )

    def _traces(self, body: dict[str, Any]) -> Traces:
        """Return what is told of the customer's browser and means; of a page, what its request shows."""
        self.keep_from_pages(body, _OF_SHOPS)
        environ = self.request.META
        page = self.from_page()
        return Traces(
            device=body.get("device_id", ""),
            address=client_address(environ) if page else body.get("ip", ""),
            user_agent=environ.get("HTTP_USER_AGENT", "") if page else body.get("user_agent", ""),
            payment=body.get("payment_fingerprint", ""),
            postal=body.get("address_fingerprint", ""),
        )

    def person(self, body: dict[str, Any]) -> dict[str, Any]:
        """Return what the body tells of the customer; raises Forbidden for what a page may not say."""
        if self.from_page() and "customer_email_verified" in body:
            raise Forbidden(
                "Only a secret key may say this.", code="secret_key_needed", param="customerEmailVerified"
            )
        return {
            "external_id": body["customer_external_id"],
            "email": body.get("customer_email", ""),
            "name": body.get("customer_name", ""),
            "country": body.get("customer_country", ""),
            "email_verified": body.get("customer_email_verified", False),
            "attributes": body.get("customer_attributes"),
        }

    def customer(self, body: dict[str, Any]) -> Customer:
        """Return the customer the body names, known or new."""
        return program_services.identify_customer(
            workspace=self.workspace, trusted=not self.from_page(), at=self.at, **self.person(body)
        )

    def click(self, body: dict[str, Any]) -> Click | None:
        """Return the click the body names; raises Invalid for one this workspace does not have."""
        if not body.get("click_id"):
            return None
        click = queries.click_named(self.workspace, body["click_id"])
        if click is None:
            raise unknown_click()
        return click

    def codes(self, body: dict[str, Any]) -> list[PromoCode]:
        """Return the codes used; raises Invalid for an unknown one: somebody expects credit for it."""
        if not body.get("promo_code"):
            return []
        found = program_queries.promo_codes_named(self.workspace, [body["promo_code"]])
        if not found:
            raise unknown_code()
        return found


def unknown_click() -> Invalid:
    """Return the refusal of a click that this workspace does not have."""
    return Invalid("There is no such click.", code="unknown_click", param="clickId")


def unknown_code() -> Invalid:
    """Return the refusal of a promo code that credits nobody."""
    return Invalid("There is no such promo code.", code="unknown_code", param="promoCode")


class TrackLead(TrackConversion):
    """Record a sign-up."""

    scopes: ClassVar[dict[str, tuple[str, ...]]] = {"POST": ("track", "track:browser")}
    serializer_class = serializers.LeadBody

    @extend_schema(
        operation_id="track_lead", responses={200: serializers.TrackAnswer, 201: serializers.TrackAnswer}
    )
    def post(self, request: Request) -> Response:
        return self.take(request.data)

    def told(self, body: dict[str, Any]) -> dict[str, Any]:
        return {
            "kind": Conversion.Kind.SIGNUP,
            "event_name": body["event_name"],
            "source_key": f"{body['event_name']}:{body['customer_external_id']}"[:255],
        }


class TrackSale(TrackConversion):
    """Record a purchase; a page may, with a publishable key that was made for it."""

    scopes: ClassVar[dict[str, tuple[str, ...]]] = {"POST": ("track", "track:browser_sale")}
    serializer_class = serializers.SaleBody

    @extend_schema(
        operation_id="track_sale", responses={200: serializers.TrackAnswer, 201: serializers.TrackAnswer}
    )
    def post(self, request: Request) -> Response:
        return self.take(request.data)

    def told(self, body: dict[str, Any]) -> dict[str, Any]:
        if self.from_page():
            if not body.get("invoice_id"):
                raise Invalid(
                    "A page that is opened twice reports twice: name the purchase.", param="invoiceId"
                )
            # Anybody can make such a purchase up, so whoever looks into it should see where it is from.
            body["metadata"] = {**(body.get("metadata") or {}), "reported_by": "page"}
        return {
            "kind": Conversion.Kind.PURCHASE,
            "event_name": body["event_name"],
            "source_key": body.get("invoice_id") or new_public_id("ord"),
            "amount_minor": body["amount"],
            "currency": body["currency"],
            "lines": self._lines(body),
            "cost_minor": body.get("cost"),
        }

    def _lines(self, body: dict[str, Any]) -> list[Line]:
        """Return what was bought; raises Forbidden for a page that tells of costs."""
        items = body.get("items", [])
        self.keep_from_pages(body, (("cost", "cost"),))
        for index, item in enumerate(items):
            self.keep_from_pages(item, (("cost", f"items.{index}.cost"),))
        return [
            Line(
                sku=item["sku"],
                amount_minor=item["amount"],
                category=item["category"],
                quantity=item["quantity"],
                cost_minor=item.get("cost"),
            )
            for item in items
        ]


class TrackRefund(TrackEndpoint):
    """Record a full or partial refund of a purchase."""

    serializer_class = serializers.RefundBody

    @extend_schema(
        operation_id="track_refund", responses={200: serializers.RefundAnswer, 201: serializers.RefundAnswer}
    )
    def post(self, request: Request) -> Response:
        return self.take(request.data)

    def take(self, data: Any) -> Response:
        body = self.body(data)
        conversion = queries.purchase_named(self.workspace, body["invoice_id"])
        if conversion is None:
            raise NotFound("No purchase has this invoice id.", code="unknown_invoice", param="invoiceId")
        refund_id = body.get("refund_id")
        if refund_id is None and "amount" in body:
            raise Invalid(
                "A partial refund needs a refundId, so that a repetition is not a second refund.",
                param="refundId",
            )
        known = queries.refund_named(conversion, refund_id or "full")
        amount = body.get("amount") or (
            known.amount_minor if known else conversion.amount_minor - conversion.refunded_minor
        )

        def run() -> services.RecordedRefund:
            return services.record_refund(
                conversion=conversion,
                source_key=refund_id or "full",
                amount_minor=amount,
                kind=body["kind"],
                occurred_at=serializers.in_time(body.get("occurred_at"), self.at),
                at=self.at,
            )

        if body["mode"] == "wait":
            with events.inline():
                recorded = run()
        else:
            recorded = run()
        return self.answer(
            recorded.conversion,
            recorded.created,
            wait=body["mode"] == "wait",
            refund=recorded.refund.public_id,
            amount_minor=recorded.refund.amount_minor,
        )
