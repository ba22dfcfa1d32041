"""What servers say of people that no click tells: referral tokens, two accounts of one person, referrers."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema
from rest_framework import serializers as fields
from rest_framework.generics import get_object_or_404
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.authentication import actor_of
from accounts.endpoint import WorkspaceEndpoint
from core.api import StrictSerializer
from core.errors import Invalid
from programs import queries as program_queries
from programs.models import Customer, Participant
from tracking import serializers, services
from tracking.tokens import referral_token


class TokenAnswer(fields.Serializer[object]):
    """A referral token, for `referralToken` in `/track/lead` and `/track/sale`."""

    token = fields.CharField()
    participant = fields.CharField()
    made_at = fields.DateTimeField()


class MergeBody(StrictSerializer):
    """The customer who is the same person."""

    duplicate = fields.CharField(max_length=40, help_text="public id of the other customer")


class ReferrerBody(StrictSerializer):
    """Who brought the customer, from when on, and how you know."""

    participant = fields.CharField(max_length=40)
    since = fields.DateTimeField(required=False, help_text="now when missing")
    reason = fields.CharField(max_length=200)


class ReferrerAnswer(fields.Serializer[object]):
    """The assignment that was made."""

    touch = fields.CharField()
    customer = fields.CharField()
    participant = fields.CharField()
    since = fields.DateTimeField()


class _PeopleEndpoint(WorkspaceEndpoint):
    def customer(self, public_id: str) -> Customer:
        """Return the customer of the address; 404 for one that is not there."""
        found: Customer = get_object_or_404(program_queries.customers_of(self.workspace), public_id=public_id)
        return found

    def participant(self, public_id: str) -> Participant | None:
        """Return the participant with this id, or None."""
        return program_queries.participants_of(self.workspace).filter(public_id=public_id).first()


class ParticipantToken(_PeopleEndpoint):
    """A signed text that stands for a participant, for servers that hand friends over without a click."""

    serializer_class = TokenAnswer

    @extend_schema(operation_id="participants_token", request=None, responses={201: TokenAnswer})
    def post(self, request: Request, public_id: str) -> Response:
        participant = get_object_or_404(program_queries.participants_of(self.workspace), public_id=public_id)
        answer = {
            "token": referral_token(participant, self.at),
            "participant": participant.public_id,
            "made_at": self.at,
        }
        return Response(TokenAnswer(answer).data, status=201)


class CustomerMerge(_PeopleEndpoint):
    """Declare that another customer is the same person; what both did is decided anew."""

    serializer_class = MergeBody

    @extend_schema(
        operation_id="customers_merge", request=MergeBody, responses={200: serializers.MergedAnswer}
    )
    def post(self, request: Request, public_id: str) -> Response:
        kept = self.customer(public_id)
        body = MergeBody(data=request.data)
        body.is_valid(raise_exception=True)
        wanted = body.validated_data["duplicate"]
        duplicate = program_queries.customers_of(self.workspace).filter(public_id=wanted).first()
        if duplicate is None:
            raise Invalid("There is no such customer.", code="unknown_customer", param="duplicate")
        services.merge_customers(kept=kept, duplicate=duplicate, actor=actor_of(request), at=self.at)
        return Response({"kept": kept.public_id, "duplicate": duplicate.public_id})


class CustomerReferrer(_PeopleEndpoint):
    """Say by hand who brought a customer; what happened since is decided anew."""

    serializer_class = ReferrerBody

    @extend_schema(
        operation_id="customers_assign_referrer", request=ReferrerBody, responses={201: ReferrerAnswer}
    )
    def post(self, request: Request, public_id: str) -> Response:
        customer = self.customer(public_id)
        body = ReferrerBody(data=request.data)
        body.is_valid(raise_exception=True)
        given = body.validated_data
        participant = self.participant(given["participant"])
        if participant is None:
            raise Invalid("There is no such participant.", code="unknown_participant", param="participant")
        touch = services.assign_referrer(
            customer=customer,
            participant=participant,
            since=given.get("since", self.at),
            reason=given["reason"],
            actor=actor_of(request),
            at=self.at,
        )
        answer = {
            "touch": touch.public_id,
            "customer": customer.public_id,
            "participant": participant.public_id,
            "since": touch.occurred_at,
        }
        return Response(ReferrerAnswer(answer).data, status=201)
