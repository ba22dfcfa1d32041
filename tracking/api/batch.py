"""`/api/v1/track/batch`: many facts in one request, each of which stands by itself."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar, Final

from django.db import transaction
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.endpoint import WorkspaceEndpoint
from core.api import as_domain_error
from core.errors import DomainError, Invalid
from core.middleware import error_body
from core.transactions import failing_as_one
from programs import queries as program_queries
from programs import services as program_services
from programs.models import PromoCode
from tracking import queries, serializers, services
from tracking.api.track import (
    TrackClick,
    TrackConversion,
    TrackEndpoint,
    TrackLead,
    TrackRefund,
    TrackSale,
    unknown_click,
    unknown_code,
)

_KINDS: Final[Mapping[str, type[TrackEndpoint]]] = {
    "click": TrackClick,
    "lead": TrackLead,
    "sale": TrackSale,
    "refund": TrackRefund,
}


_ROUNDS: Final = 2
"""How often a group is tried: as it is, then without what was refused."""


@dataclass(frozen=True, slots=True)
class Told:
    """A conversion of a batch: its place, its endpoint, its validated body, and what that tells of it."""

    place: int
    endpoint: TrackConversion
    body: dict[str, Any]
    conversion: dict[str, Any]

    @property
    def click_id(self) -> str:
        """The click it names, or nothing."""
        return str(self.body.get("click_id") or "")

    @property
    def promo_code(self) -> str:
        """The code it names in the spelling of its key, or nothing."""
        return str(self.body.get("promo_code") or "").strip().lower()


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
        results = self._results(serializer.validated_data["events"])
        failed = sum("error" in result for result in results)
        return Response({"taken": len(results) - failed, "failed": failed, "results": results})

    def _results(self, items: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """Take the items in their order, conversions that follow one another in groups."""
        results: dict[int, dict[str, Any]] = {}
        group: list[Told] = []
        for place, item in enumerate(items):
            try:
                endpoint = self._endpoint(item)
                data = {name: value for name, value in item.items() if name != "type"}
                if isinstance(endpoint, TrackConversion):
                    body = endpoint.body(data)
                    group.append(Told(place, endpoint, body, endpoint.told(body)))
                    continue
            except Exception as error:
                results[place] = _refused(error)
                continue
            results |= self._grouped(group)
            group = []
            results[place] = self._taken(partial(endpoint.take, data))
        results |= self._grouped(group)
        return [results[place] for place in range(len(items))]

    def _endpoint(self, item: Mapping[str, Any]) -> TrackEndpoint:
        kind = item.get("type")
        if not isinstance(kind, str) or kind not in _KINDS:
            raise Invalid(f"This is one of {', '.join(_KINDS)}.", param="type")
        if item.get("mode", "async") != "async":
            raise Invalid("Only a request of its own may wait for the outcome.", param="mode")
        endpoint = _KINDS[kind]()
        # The same request, key, workspace and time.
        endpoint.__dict__.update(self.__dict__)
        return endpoint

    def _taken(self, take: Callable[[], Response]) -> dict[str, Any]:
        """Take one item by itself."""
        try:
            with transaction.atomic():
                answer = take()
        except Exception as error:
            return _refused(error)
        return {"status": answer.status_code, "body": answer.data}

    def _grouped(self, group: Sequence[Told]) -> dict[int, dict[str, Any]]:
        """Record conversions in few statements; those that are refused leave nothing, nor do their people."""
        results: dict[int, dict[str, Any]] = {}
        for _ in range(_ROUNDS):
            recorded: dict[int, dict[str, Any]] = {}
            try:
                with transaction.atomic():
                    with failing_as_one():
                        recorded, refused = self._recorded(group)
                    if refused:
                        transaction.set_rollback(True)
            except DomainError:
                break
            if not refused:
                return results | recorded
            results |= refused
            group = [told for told in group if told.place not in refused]
        for told in group:
            results[told.place] = self._taken(partial(told.endpoint.record, told.body, told.conversion))
        return results

    def _recorded(self, group: Sequence[Told]) -> tuple[dict[int, dict[str, Any]], dict[int, dict[str, Any]]]:
        """Return the answers to what was recorded, and those to what was refused."""
        clicks = queries.clicks_named(self.workspace, {told.click_id for told in group} - {""})
        codes: dict[str, list[PromoCode]] = defaultdict(list)
        used = {told.promo_code for told in group} - {""}
        for code in program_queries.promo_codes_named(self.workspace, used) if used else ():
            codes[code.code_key].append(code)
        refused: dict[int, dict[str, Any]] = {}
        for told in group:
            if told.click_id and told.click_id not in clicks:
                refused[told.place] = _refused(unknown_click())
            elif told.promo_code and told.promo_code not in codes:
                refused[told.place] = _refused(unknown_code())
        known = [told for told in group if told.place not in refused]
        people = [program_services.Person(at=self.at, **told.endpoint.person(told.body)) for told in known]
        customers = program_services.identify_customers(workspace=self.workspace, people=people)
        facts = [
            told.endpoint.fact(
                told.body,
                told.conversion,
                customer=customer,
                click=clicks.get(told.click_id),
                codes=codes.get(told.promo_code, []),
            )
            for told, customer in zip(known, customers, strict=True)
        ]
        recorded: dict[int, dict[str, Any]] = {}
        results = services.record_conversions(workspace=self.workspace, facts=facts)
        for told, result in zip(known, results, strict=True):
            if isinstance(result, DomainError):
                refused[told.place] = _refused(result)
            else:
                answer = told.endpoint.answer(result.conversion, result.created, wait=False)
                recorded[told.place] = {"status": answer.status_code, "body": answer.data}
        return recorded, refused


def _refused(error: Exception) -> dict[str, Any]:
    known = as_domain_error(error)
    if known is None:
        raise error
    return {"status": known.status, **error_body(known)}
