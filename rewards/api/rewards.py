"""`/api/v1/rewards`."""

from __future__ import annotations

from typing import Any

import django_filters
from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework.generics import get_object_or_404
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.authentication import actor_of
from accounts.endpoint import WorkspaceEndpoint
from rewards import queries, serializers, services
from rewards.models import Reward


class RewardFilter(django_filters.FilterSet):
    """Filters of the list of rewards."""

    program = django_filters.CharFilter(field_name="program__public_id")
    participant = django_filters.CharFilter(field_name="participant__public_id")
    customer = django_filters.CharFilter(field_name="customer__public_id")
    conversion = django_filters.CharFilter(field_name="conversion__public_id")
    promotion = django_filters.CharFilter(field_name="promotion__public_id")

    class Meta:
        model = Reward
        fields = ["status", "side", "kind"]


class RewardEndpoint(WorkspaceEndpoint):
    """What the calls on rewards share."""

    def reward(self, public_id: str) -> Reward:
        """Return the reward with this id as it stands now; 404 for any other."""
        return get_object_or_404(queries.rewards(self.workspace), public_id=public_id)

    def body(self, request: Request) -> dict[str, Any]:
        """Return the validated body."""
        serializer = self.get_serializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        found: dict[str, Any] = serializer.validated_data
        return found


class RewardList(RewardEndpoint):
    """Rewards, newest first."""

    serializer_class = serializers.RewardAnswer
    filterset_class = RewardFilter
    queryset = Reward.objects.none()

    def get_queryset(self) -> QuerySet[Reward]:
        return queries.rewards(self.workspace)

    @extend_schema(operation_id="rewards_list", responses=serializers.RewardAnswer(many=True))
    def get(self, request: Request) -> Response:
        page = self.paginate_queryset(self.filter_queryset(self.get_queryset()))
        return self.get_paginated_response([queries.public_reward(reward) for reward in page or []])


class RewardDetail(RewardEndpoint):
    """One reward."""

    serializer_class = serializers.RewardAnswer

    @extend_schema(operation_id="rewards_get", responses=serializers.RewardAnswer)
    def get(self, request: Request, public_id: str) -> Response:
        return Response(queries.public_reward(self.reward(public_id)))


class RewardApprove(RewardEndpoint):
    """Approve a reward: cash becomes payable, other kinds are issued; a held one needs a reason."""

    serializer_class = serializers.ApproveBody

    @extend_schema(operation_id="rewards_approve", responses=serializers.RewardAnswer)
    def post(self, request: Request, public_id: str) -> Response:
        reason = self.body(request)["reason"]
        services.approve_reward(
            reward=self.reward(public_id), reason=reason, actor=actor_of(request), at=self.at
        )
        return Response(queries.public_reward(self.reward(public_id)))


class RewardDeny(RewardEndpoint):
    """Deny a pending or held reward for good."""

    serializer_class = serializers.DenyBody

    @extend_schema(operation_id="rewards_deny", responses=serializers.RewardAnswer)
    def post(self, request: Request, public_id: str) -> Response:
        reason = self.body(request)["reason"]
        services.deny_reward(
            reward=self.reward(public_id), reason=reason, actor=actor_of(request), at=self.at
        )
        return Response(queries.public_reward(self.reward(public_id)))
