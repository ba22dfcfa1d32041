"""`/api/v1/track/batch`: many facts in one request, each of which stands by itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Final

from django.db import transaction
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.endpoint import WorkspaceEndpoint
from core.api import as_domain_error
from core.errors import Invalid
from core.middleware import error_body
from tracking import serializers
from tracking.api.track import TrackClick, TrackEndpoint, TrackLead, TrackRefund, TrackSale

_KINDS: Final[Mapping[str, type[TrackEndpoint]]] = {
    "click": TrackClick,
    "lead": TrackLead,
    "sale": TrackSale,
    "refund": TrackRefund,
}


class TrackBatch(WorkspaceEndpoint):
    """Record up to 1,000 clicks, leads, sales and refunds, in the order given, with a result for each.

    Every item is taken as by itself: one that is refused leaves nothing behind and does not hold up the
    others. The answer is 200 however many were; `failed` says how many were not taken.
    """

    scopes: ClassVar[dict[str, tuple[str, ...]]] = {"POST": ("track",)}
    serializer_class = serializers.TrackBatchBody

    @extend_schema(operation_id="track_batch", responses={200: serializers.TrackBatchAnswer})
    def post(self, request: Request) -> Response:
        serializer = self.get_serializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        results = [self._result(item) for item in serializer.validated_data["events"]]
        failed = sum("error" in result for result in results)
        return Response({"taken": len(results) - failed, "failed": failed, "results": results})

    def _result(self, item: Mapping[str, Any]) -> dict[str, Any]:
        try:
            with transaction.atomic():
                answer = self._take(item)
        except Exception as error:
            known = as_domain_error(error)
            if known is None:
                raise
            return {"status": known.status, **error_body(known)}
        return {"status": answer.status_code, "body": answer.data}

    def _take(self, item: Mapping[str, Any]) -> Response:
        kind = item.get("type")
        if not isinstance(kind, str) or kind not in _KINDS:
            raise Invalid(f"This is one of {', '.join(_KINDS)}.", param="type")
        if item.get("mode", "async") != "async":
            raise Invalid("Only a request of its own may wait for the outcome.", param="mode")
        endpoint = _KINDS[kind]()
        # The same request, key, workspace and time.
        endpoint.__dict__.update(self.__dict__)
        return endpoint.take({name: value for name, value in item.items() if name != "type"})
