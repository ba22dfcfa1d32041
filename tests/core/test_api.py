"""One error shape, strict JSON, cursor lists: what every endpoint has in common."""

from __future__ import annotations

import json
from contextlib import suppress
from decimal import Decimal
from io import BytesIO
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied, RequestDataTooBig
from django.http import Http404
from hypothesis import given
from hypothesis import strategies as st
from rest_framework import exceptions
from rest_framework.request import Request
from rest_framework.test import APIRequestFactory

from accounts.models import Workspace
from core import middleware
from core.api import CursorPages, StrictJSONParser, as_domain_error, exception_handler, parse_json
from core.errors import Conflict, DomainError, Invalid, RateLimited
from programs.models import Customer
from tests.factories import CustomerFactory

NESTED = exceptions.ValidationError({"items": [{}, {"amount": ["A whole number is required."]}]})
GENERAL = exceptions.ValidationError({"non_field_errors": ["Give either a or b."]})


@pytest.mark.parametrize(
    ("error", "status", "code", "param", "message"),
    [
        (Conflict("Taken.", param="code"), 409, "conflict", "code", "Taken."),
        (NESTED, 400, "invalid", "items.1.amount", "A whole number is required."),
        (GENERAL, 400, "invalid", None, "Give either a or b."),
        (exceptions.ValidationError("No."), 400, "invalid", None, "No."),
        (exceptions.ValidationError({"a": {"b": ["No."]}}), 400, "invalid", "a.b", "No."),
        (exceptions.ValidationError({}), 400, "invalid", None, "The input is not valid."),
        (Http404("gone"), 404, "not_found", None, "There is nothing here by that id."),
        (exceptions.NotFound(), 404, "not_found", None, "There is nothing here by that id."),
        (
            exceptions.NotAuthenticated(),
            401,
            "unauthorised",
            None,
            "Send a valid API key as `Authorization: Bearer sk_…`.",
        ),
        (
            exceptions.AuthenticationFailed(),
            401,
            "unauthorised",
            None,
            "Send a valid API key as `Authorization: Bearer sk_…`.",
        ),
        (PermissionDenied(), 403, "forbidden", None, "This API key may not do that."),
        (exceptions.PermissionDenied(), 403, "forbidden", None, "This API key may not do that."),
        (
            exceptions.Throttled(wait=12),
            429,
            "rate_limited",
            None,
            "Too many requests; try again in 12 s.",
        ),
        (RequestDataTooBig(), 413, "too_large", None, "The request body is larger than 1000000 bytes."),
        (
            exceptions.MethodNotAllowed("PUT"),
            405,
            "method_not_allowed",
            None,
            'Method "PUT" not allowed.',
        ),
        (
            exceptions.UnsupportedMediaType("text/plain"),
            415,
            "unsupported_media_type",
            None,
            "Send the body as application/json.",
        ),
        (
            exceptions.NotAcceptable(),
            406,
            "not_acceptable",
            None,
            "Answers are application/json; accept that.",
        ),
        (exceptions.ParseError("Broken."), 400, "malformed_json", None, "Broken."),
    ],
)
def test_every_refusal_has_one_shape(
    error: Exception, status: int, code: str, param: str | None, message: str
) -> None:
    found = as_domain_error(error)
    assert isinstance(found, DomainError)
    assert (found.status, found.code, found.param, found.message) == (status, code, param, message)
    response = exception_handler(error, {})
    assert response is not None
    assert response.status_code == status
    assert set(response.data) == {"error"}
    assert set(response.data["error"]) == {"code", "message", "param", "details", "doc_url", "request_id"}
    assert response.data["error"]["doc_url"].endswith(f"/api/docs/#errors-{code}")
    json.dumps(response.data)


def test_a_fault_of_ours_stays_a_fault() -> None:
    assert as_domain_error(KeyError("x")) is None
    assert exception_handler(KeyError("x"), {}) is None


def test_a_validation_error_carries_every_field() -> None:
    found = as_domain_error(exceptions.ValidationError({"a": ["One."], "b": ["Two."]}))
    assert found is not None
    assert (found.param, found.message) == ("a", "One.")
    assert found.details == {"fields": {"a": ["One."], "b": ["Two."]}}


def test_refusals_say_when_to_return_and_how_to_sign_in() -> None:
    throttled = exception_handler(exceptions.Throttled(wait=0.2), {})
    assert throttled is not None
    assert throttled.headers["Retry-After"] == "1"
    limited = exception_handler(RateLimited("Slow down.", details={"retry_after": 30}), {})
    assert limited is not None
    assert limited.headers["Retry-After"] == "30"
    unknown = exception_handler(exceptions.NotAuthenticated(), {})
    assert unknown is not None
    assert unknown.headers["WWW-Authenticate"] == 'Bearer realm="api"'


def test_an_error_names_the_request_it_answers() -> None:
    token = middleware.request_id.set("req_01jqz0000000000000000000ab")
    try:
        response = exception_handler(Conflict("Taken."), {})
    finally:
        middleware.request_id.reset(token)
    assert response is not None
    assert response.data["error"]["request_id"] == "req_01jqz0000000000000000000ab"


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (b"", "The body is not valid JSON"),
        (b"{", "The body is not valid JSON"),
        (b"{'a': 1}", "The body is not valid JSON"),
        (b'{"a": 1,}', "The body is not valid JSON"),
        (b'{"a": NaN}', "NaN is not JSON"),
        (b'{"a": Infinity}', "Infinity is not JSON"),
        (b'{"a": -Infinity}', "-Infinity is not JSON"),
        (b'{"a": 1, "a": 2}', "a key stands twice in one object"),
        (b'{"x": {"a": 1, "a": 1}}', "a key stands twice in one object"),
        (b'{"a": "\xff"}', "The body is not valid JSON"),
        (b'{"a": "\x00"}', "The body is not valid JSON"),
        (b'{"a": "\\u0000"}', "Text may not contain U+0000"),
        (b'{"a": ["x\\u0000"]}', "Text may not contain U+0000"),
        (b'{"a\\u0000": 1}', "Text may not contain U+0000"),
        (b'{"a": "\\ud800"}', "half a surrogate pair"),
        (b'{"a": "\\udc00\\ud800"}', "half a surrogate pair"),
        (b'{"a": 1e99999999999999999999}', "a number out of all range"),
        (b'{"a": ' + b"9" * 5000 + b"}", "The body is not valid JSON"),
        (b"[" * 100_000, "The body is not valid JSON"),
        (b"[]", "The body must be a JSON object."),
        (b'"text"', "The body must be a JSON object."),
        (b"null", "The body must be a JSON object."),
        (b"1", "The body must be a JSON object."),
    ],
)
def test_what_is_not_a_plain_json_object_is_refused(raw: bytes, message: str) -> None:
    with pytest.raises(Invalid) as caught:
        parse_json(raw)
    assert caught.value.code == "malformed_json"
    assert message in caught.value.message


def test_numbers_stay_exact_and_text_stays_whole() -> None:
    assert parse_json(b'{"a": 0.1, "b": 12345678901234567890, "c": 1e2}') == {
        "a": Decimal("0.1"),
        "b": 12345678901234567890,
        "c": Decimal("1E+2"),
    }
    assert parse_json(rb'{"a": "\\u0000 is written so", "b": "\ud83d\ude00"}') == {
        "a": "\\u0000 is written so",
        "b": "\U0001f600",
    }
    assert parse_json('{"name": "Zoë 😀"}'.encode()) == {"name": "Zoë 😀"}


@given(st.binary(max_size=80))
def test_any_bytes_are_parsed_or_refused(raw: bytes) -> None:
    with suppress(Invalid):
        assert isinstance(parse_json(raw), dict)


def test_a_body_that_grows_past_the_limit_is_cut_off(settings: Any) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 10
    assert StrictJSONParser().parse(BytesIO(b'{"a": 123}')) == {"a": 123}
    with pytest.raises(RequestDataTooBig):
        StrictJSONParser().parse(BytesIO(b'{"a": 1234}'))


def pages(workspace: Workspace, **query: str) -> tuple[list[str], bool]:
    """Return the names on one page of customers, and whether there are more."""
    paginator = CursorPages()
    request = Request(APIRequestFactory().get("/", query))
    rows = paginator.paginate_queryset(Customer.objects.for_workspace(workspace), request)
    answer = paginator.get_paginated_response([row.name for row in rows]).data
    return answer["data"], answer["has_more"]


@pytest.fixture
def people(workspace: Workspace) -> list[Customer]:
    """Seven customers, 0 the oldest, with ids of distinct milliseconds."""
    made = []
    for number in range(7):
        public_id = f"cus_01jqz{number:05d}abcdefgh12345678"
        made.append(CustomerFactory.create(workspace=workspace, name=str(number), public_id=public_id))
    return made


def test_a_list_walks_forward_and_back_without_gaps(workspace: Workspace, people: list[Customer]) -> None:
    assert pages(workspace, limit="3") == (["6", "5", "4"], True)
    assert pages(workspace, limit="3", starting_after=people[4].public_id) == (["3", "2", "1"], True)
    assert pages(workspace, limit="3", starting_after=people[1].public_id) == (["0"], False)
    assert pages(workspace, limit="3", starting_after=people[0].public_id) == ([], False)
    assert pages(workspace, limit="3", ending_before=people[0].public_id) == (["3", "2", "1"], True)
    assert pages(workspace, limit="3", ending_before=people[3].public_id) == (["6", "5", "4"], False)
    assert pages(workspace, limit="7") == (["6", "5", "4", "3", "2", "1", "0"], False)


def test_a_cursor_need_not_exist_any_more(workspace: Workspace, people: list[Customer]) -> None:
    between = people[3].public_id[:-1] + "z"
    assert pages(workspace, starting_after=between) == (["3", "2", "1", "0"], False)


def test_the_default_page_has_twenty_five_rows(workspace: Workspace) -> None:
    CustomerFactory.create_batch(26, workspace=workspace)
    names, has_more = pages(workspace)
    assert (len(names), has_more) == (25, True)
    names, has_more = pages(workspace, limit="100")
    assert (len(names), has_more) == (26, False)


@pytest.mark.parametrize(
    ("query", "param"),
    [
        ({"limit": "0"}, "limit"),
        ({"limit": "101"}, "limit"),
        ({"limit": "-1"}, "limit"),
        ({"limit": "1.5"}, "limit"),
        ({"limit": ""}, "limit"),
        ({"limit": "²"}, "limit"),
        ({"limit": "9" * 5000}, "limit"),
        ({"starting_after": "nonsense"}, "starting_after"),
        ({"starting_after": ""}, "starting_after"),
        ({"starting_after": "cus_\x00"}, "starting_after"),
        ({"ending_before": "cus_' or 1=1"}, "ending_before"),
        (
            {
                "starting_after": "cus_01jqz00000abcdefgh12345678",
                "ending_before": "cus_01jqz00000abcdefgh12345678",
            },
            "ending_before",
        ),
    ],
)
def test_a_bad_page_is_refused_by_its_parameter(
    workspace: Workspace, query: dict[str, str], param: str
) -> None:
    with pytest.raises(Invalid) as caught:
        pages(workspace, **query)
    assert caught.value.param == param


def test_the_schema_describes_pages() -> None:
    paginator = CursorPages()
    schema = paginator.get_paginated_response_schema({"type": "array"})
    assert schema["required"] == ["data", "has_more"]
    names = [parameter["name"] for parameter in paginator.get_schema_operation_parameters(None)]
    assert names == ["limit", "starting_after", "ending_before"]
