"""What every API answer has in common: one error shape, strict JSON in, cursor lists out."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.core.exceptions import PermissionDenied, RequestDataTooBig
from django.db.models import QuerySet
from django.http import Http404
from rest_framework import exceptions, pagination, parsers, serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from core.errors import DomainError, Forbidden, Invalid, NotFound, RateLimited, TooLarge, Unauthorised
from core.ids import is_public_id
from core.middleware import error_body


class MethodNotAllowed(DomainError):
    """The address exists, the method does not."""

    status = 405
    default_code = "method_not_allowed"


class NotAcceptable(DomainError):
    """The caller accepts no form in which there are answers."""

    status = 406
    default_code = "not_acceptable"


class UnsupportedMediaType(DomainError):
    """The body is not JSON."""

    status = 415
    default_code = "unsupported_media_type"


class StrictJSONParser(parsers.BaseParser):
    """Parses UTF-8 JSON objects; numbers with a fraction stay exact, NaN and duplicate keys are refused."""

    media_type = "application/json"

    def parse(
        self, stream: Any, media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        limit = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        raw = stream.read(limit + 1)
        if len(raw) > limit:
            raise RequestDataTooBig
        return parse_json(raw)


def parse_json(raw: bytes) -> dict[str, Any]:
    """Return the JSON object in `raw`; raises Invalid (`malformed_json`) for anything else."""

    def refuse(token: str) -> Any:
        raise ValueError(f"{token} is not JSON")

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) != len(pairs):
            raise ValueError("a key stands twice in one object")
        return found

    try:
        data = json.loads(
            raw.decode("utf-8"), parse_float=Decimal, parse_constant=refuse, object_pairs_hook=once
        )
    except ArithmeticError as error:
        raise Invalid("The body holds a number out of all range.", code="malformed_json") from error
    except (ValueError, RecursionError) as error:
        raise Invalid(f"The body is not valid JSON: {error}.", code="malformed_json") from error
    if not isinstance(data, dict):
        raise Invalid("The body must be a JSON object.", code="malformed_json")
    # Nothing but an escape can bring in what no database column holds.
    if b"\\u" in raw and not _storable(data):
        raise Invalid("Text may not contain U+0000 or half a surrogate pair.", code="malformed_json")
    return data


def _storable(data: Any) -> bool:
    """Tell whether every text in parsed JSON is Unicode that Postgres can store."""
    rest = [data]
    while rest:
        value = rest.pop()
        if isinstance(value, str):
            if "\0" in value or any("\ud800" <= character <= "\udfff" for character in value):
                return False
        elif isinstance(value, dict):
            rest += [*value.keys(), *value.values()]
        elif isinstance(value, list):
            rest += value
    return True


def _first_problem(detail: Any, path: str = "") -> tuple[str | None, str]:
    """Return the dotted field name and message of the first error in DRF's nested detail."""
    if isinstance(detail, Mapping):
        for key, inner in detail.items():
            name = path if key == "non_field_errors" else f"{path}.{key}".lstrip(".")
            found = _first_problem(inner, name)
            if found[1]:
                return found
    elif isinstance(detail, Sequence) and not isinstance(detail, str):
        for index, inner in enumerate(detail):
            nested = isinstance(inner, Mapping)
            found = _first_problem(inner, f"{path}.{index}".lstrip(".") if nested else path)
            if found[1]:
                return found
    elif detail:
        return path or None, str(detail)
    return None, ""


def as_domain_error(error: Exception) -> DomainError | None:
    """Translate a framework's error; None for one that is a fault of ours and must stay a 500."""
    if isinstance(error, DomainError):
        return error
    if isinstance(error, exceptions.ValidationError):
        param, message = _first_problem(error.detail)
        return Invalid(message or "The input is not valid.", param=param, details={"fields": error.detail})
    if isinstance(error, Http404 | exceptions.NotFound):
        return NotFound("There is nothing here by that id.")
    if isinstance(error, exceptions.NotAuthenticated | exceptions.AuthenticationFailed):
        return Unauthorised("Send a valid API key as `Authorization: Bearer sk_…`.")
    if isinstance(error, PermissionDenied | exceptions.PermissionDenied):
        return Forbidden("This API key may not do that.")
    if isinstance(error, exceptions.Throttled):
        wait = max(1, int(getattr(error, "wait", None) or 1))
        return RateLimited(f"Too many requests; try again in {wait} s.", details={"retry_after": wait})
    if isinstance(error, RequestDataTooBig):
        limit = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        return TooLarge(f"The request body is larger than {limit} bytes.", details={"limit_bytes": limit})
    if isinstance(error, exceptions.MethodNotAllowed):
        return MethodNotAllowed(str(error.detail))
    if isinstance(error, exceptions.NotAcceptable):
        return NotAcceptable("Answers are application/json; accept that.")
    if isinstance(error, exceptions.UnsupportedMediaType):
        return UnsupportedMediaType("Send the body as application/json.")
    if isinstance(error, exceptions.ParseError):
        return Invalid(str(error.detail), code="malformed_json")
    return None


def exception_handler(error: Exception, context: Mapping[str, Any]) -> Response | None:
    """Answer an error of an endpoint in the one shape."""
    translated = as_domain_error(error)
    if translated is None:
        return None
    headers = {}
    if "retry_after" in translated.details:
        headers["Retry-After"] = str(translated.details["retry_after"])
    if translated.status == status.HTTP_401_UNAUTHORIZED:
        headers["WWW-Authenticate"] = 'Bearer realm="api"'
    return Response(error_body(translated), status=translated.status, headers=headers)


class StrictSerializer(serializers.Serializer[Any]):
    """The fields of a request body or query; a field it does not have is an error, not ignored."""

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, Mapping):
            unknown = [name for name in data if name not in self.fields]
            if unknown:
                raise serializers.ValidationError({name: ["There is no such field."] for name in unknown})
        return super().to_internal_value(data)


class CursorPages(pagination.BasePagination):
    """Lists newest first: `limit` (1 to 100, default 25), `starting_after` or `ending_before` a public id."""

    default_limit = 25
    max_limit = 100

    def paginate_queryset(
        self, queryset: QuerySet[Any] | Sequence[Any], request: Request, view: Any | None = None
    ) -> list[Any]:
        assert isinstance(queryset, QuerySet)
        limit = self._limit(request.query_params.get("limit"))
        after = self._cursor(request, "starting_after")
        before = self._cursor(request, "ending_before")
        if after and before:
            raise Invalid("Give either starting_after or ending_before.", param="ending_before")
        # Public ids sort by time of creation, so they serve as cursors without another column.
        if before:
            rows = list(queryset.filter(public_id__gt=before).order_by("public_id")[: limit + 1])
        else:
            page = queryset.filter(public_id__lt=after) if after else queryset
            rows = list(page.order_by("-public_id")[: limit + 1])
        self.has_more = len(rows) > limit
        rows = rows[:limit]
        return rows[::-1] if before else rows

    def _cursor(self, request: Request, name: str) -> str | None:
        text = request.query_params.get(name)
        if text is not None and not is_public_id(text, text[:3]):
            raise Invalid(f"{name} is the id of a row of this list.", param=name)
        return text

    def _limit(self, text: str | None) -> int:
        if text is None:
            return self.default_limit
        digits = text.isascii() and text.isdigit() and len(text) <= 3
        if not digits or not 1 <= int(text) <= self.max_limit:
            raise Invalid(f"limit is a whole number from 1 to {self.max_limit}.", param="limit")
        return int(text)

    def get_paginated_response(self, data: Any) -> Response:
        return Response({"data": data, "has_more": self.has_more})

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        return {
            "type": "object",
            "required": ["data", "has_more"],
            "properties": {"data": schema, "has_more": {"type": "boolean"}},
        }

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        cursor = {"in": "query", "required": False, "schema": {"type": "string"}}
        return [
            {
                "name": "limit",
                "in": "query",
                "required": False,
                "description": f"1 to {self.max_limit}, default {self.default_limit}",
                "schema": {"type": "integer", "minimum": 1, "maximum": self.max_limit},
            },
            {"name": "starting_after", "description": "id of the last row you have", **cursor},
            {"name": "ending_before", "description": "id of the first row you have", **cursor},
        ]
