"""`/api/v1/portal-links` and `/api/v1/portal-tokens`: a shop opens the portal to its own customer."""

from __future__ import annotations

from datetime import timedelta
from typing import ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.endpoint import WorkspaceEndpoint
from core import clock
from core.errors import Conflict, Invalid, NotFound
from engagement import services
from engagement.queries.addresses import embed_url
from programs import queries as program_queries
from programs.models import Participant


class PortalLinkBody(serializers.Serializer):  # type: ignore[type-arg]
    """Whom to sign in."""

    participant = serializers.CharField(max_length=40, help_text="public id of the participant, `prt_…`")


class PortalLinkAnswer(serializers.Serializer):  # type: ignore[type-arg]
    """The address that signs the participant in once."""

    participant = serializers.CharField()
    url = serializers.URLField(help_text="works once; send the person there now")
    expires_at = serializers.DateTimeField()


class PortalLinks(WorkspaceEndpoint):
    """Make an address that signs a participant in to their portal, for a person the shop has signed in."""

    scopes: ClassVar[dict[str, tuple[str, ...]]] = {"POST": ("portal",)}
    serializer_class = PortalLinkBody

    @extend_schema(
        operation_id="portal_link_create",
        summary="Make a sign-in address for a participant",
        description="Every call makes a new address, under an Idempotency-Key too: none is stored.",
        request=PortalLinkBody,
        responses={201: PortalLinkAnswer},
    )
    def post(self, request: Request) -> Response:
        # A stored answer would keep a working sign-in address in plain text.
        self._idempotency = None
        body = self.get_serializer(data=request.data)
        body.is_valid(raise_exception=True)
        participant = (
            program_queries.participants_of(self.workspace)
            .filter(public_id=body.validated_data["participant"])
            .first()
        )
        if participant is None:
            raise NotFound("There is no such participant.", param="participant")
        made = services.create_portal_link(participant=participant, at=self.at)
        answer = {"participant": participant.public_id, "url": made.url, "expires_at": made.expires_at}
        return Response(PortalLinkAnswer(answer).data, status=201)


class PortalTokenBody(serializers.Serializer):  # type: ignore[type-arg]
    """Whose portal to show: a participant, or a customer of yours who takes part."""

    participant = serializers.CharField(
        max_length=40, required=False, help_text="public id of the participant, `prt_…`"
    )
    customer_external_id = serializers.CharField(
        max_length=255, required=False, help_text="your own id of the customer, instead of `participant`"
    )
    program = serializers.CharField(
        max_length=40,
        required=False,
        help_text="public id of the program, for a customer who takes part in several",
    )
    expires_in_seconds = serializers.IntegerField(min_value=60, max_value=3600, default=3600)


class PortalTokenAnswer(serializers.Serializer):  # type: ignore[type-arg]
    """The token for `<referral-portal>`."""

    participant = serializers.CharField()
    token = serializers.CharField(help_text="for the page of this one customer only")
    url = serializers.URLField(help_text="the page that the element shows")
    expires_at = serializers.DateTimeField()


class PortalTokens(WorkspaceEndpoint):
    """Sign a token that shows a participant's portal in your own page, for a person you have signed in."""

    scopes: ClassVar[dict[str, tuple[str, ...]]] = {"POST": ("portal",)}
    serializer_class = PortalTokenBody

    @extend_schema(
        operation_id="portal_token_create",
        summary="Sign a token for the embedded portal",
        description="Good for an hour at most. Every call signs anew, under an Idempotency-Key too: none is "
        "stored.",
        request=PortalTokenBody,
        responses={201: PortalTokenAnswer},
    )
    def post(self, request: Request) -> Response:
        # A stored answer would keep a working token in plain text.
        self._idempotency = None
        body = self.get_serializer(data=request.data)
        body.is_valid(raise_exception=True)
        participant = self._participant(body.validated_data)
        made = services.sign_portal_token(
            participant=participant,
            lifetime=timedelta(seconds=body.validated_data["expires_in_seconds"]),
            now=clock.now(),
        )
        answer = {
            "participant": participant.public_id,
            "token": made.token,
            "url": embed_url(made.token),
            "expires_at": made.expires_at,
        }
        return Response(PortalTokenAnswer(answer).data, status=201)

    def _participant(self, given: dict[str, str]) -> Participant:
        rows = program_queries.participants_of(self.workspace)
        if "program" in given:
            rows = rows.filter(program__public_id=given["program"])
        if "participant" in given:
            param, rows = "participant", rows.filter(public_id=given["participant"])
        elif "customer_external_id" in given:
            param = "customer_external_id"
            rows = rows.filter(customer__external_id=given["customer_external_id"])
        else:
            raise Invalid("Name the participant or the customer.", code="required", param="participant")
        found = list(rows[:2])
        if not found:
            raise NotFound("There is no such participant.", param=param)
        if len(found) > 1:
            raise Conflict(
                "This customer takes part in several programs.", code="program_needed", param="program"
            )
        return found[0]
