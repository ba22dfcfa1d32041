"""`/api/v1/portal-links`: a shop signs its own customer in to the portal."""

from __future__ import annotations

from typing import ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.endpoint import WorkspaceEndpoint
from core.errors import NotFound
from engagement import services
from programs import queries as program_queries


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
