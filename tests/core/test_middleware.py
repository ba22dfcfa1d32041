"""What every request gets: an id, a limit on its body, and domain errors as JSON or as a page."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.test import Client
from django.urls import path

from core.errors import Conflict, RateLimited
from core.ids import is_public_id, new_public_id
from core.middleware import RequestIdFilter, request_id


def answer(request: HttpRequest) -> JsonResponse:
    """Say what the request was taken for."""
    return JsonResponse({"request_id": request_id.get(), "length": len(request.body)})


def refuse(request: HttpRequest) -> HttpResponse:
    """Refuse by a domain error."""
    raise Conflict("That is taken already.", param="code")


def slow_down(request: HttpRequest) -> HttpResponse:
    """Refuse for a while."""
    raise RateLimited("Too fast.", details={"retry_after": 7})


def too_big(request: HttpRequest) -> HttpResponse:
    """Notice the size only while reading."""
    raise RequestDataTooBig


def broken(request: HttpRequest) -> HttpResponse:
    """Fail by a fault of ours."""
    raise KeyError("fault")


VIEWS = {"answer": answer, "refuse": refuse, "slow": slow_down, "big": too_big, "broken": broken}
urlpatterns = [path(f"{place}{name}", view) for name, view in VIEWS.items() for place in ("", "api/v1/")]

pytestmark = pytest.mark.urls(__name__)


def test_each_request_gets_an_id_of_its_own(client: Client) -> None:
    first, second = client.get("/answer"), client.get("/answer")
    assert is_public_id(first.headers["X-Request-Id"], "req")
    assert first.json()["request_id"] == first.headers["X-Request-Id"]
    assert first.headers["X-Request-Id"] != second.headers["X-Request-Id"]
    assert request_id.get() == "-"


def test_a_well_formed_id_is_kept_and_any_other_replaced(client: Client) -> None:
    given = new_public_id("req")
    assert client.get("/answer", headers={"X-Request-Id": given}).headers["X-Request-Id"] == given
    for forged in ("evil\nline", new_public_id("prg"), "req_short", "x" * 500):
        echoed = client.get("/answer", headers={"X-Request-Id": forged}).headers["X-Request-Id"]
        assert echoed != forged
        assert is_public_id(echoed, "req")


def test_log_lines_carry_the_request() -> None:
    record = logging.LogRecord("x", logging.INFO, __file__, 1, "hello", (), None)
    token = request_id.set("req_x")
    try:
        assert RequestIdFilter().filter(record) is True
    finally:
        request_id.reset(token)
    assert record.request_id == "req_x"  # type: ignore[attr-defined]


def test_a_domain_error_is_json_for_programs(client: Client) -> None:
    response = client.get("/api/v1/refuse")
    assert response.status_code == 409
    error = response.json()["error"]
    assert (error["code"], error["message"], error["param"]) == (
        "conflict",
        "That is taken already.",
        "code",
    )
    assert error["request_id"] == response.headers["X-Request-Id"]


@pytest.mark.django_db
def test_a_domain_error_is_a_page_for_people(client: Client) -> None:
    response = client.get("/refuse")
    assert response.status_code == 409
    assert response.headers["Content-Type"].startswith("text/html")
    assert "That is taken already." in response.content.decode()


def test_a_refusal_for_a_while_says_for_how_long(client: Client) -> None:
    response = client.get("/api/v1/slow")
    assert (response.status_code, response.headers["Retry-After"]) == (429, "7")


def test_a_fault_is_not_dressed_up(client: Client) -> None:
    with pytest.raises(KeyError):
        client.get("/api/v1/broken")


def test_a_body_over_the_limit_is_refused_unread(client: Client, settings: Any) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 20
    fits = client.post("/api/v1/answer", data=b"x" * 20, content_type="application/json")
    assert fits.json()["length"] == 20
    response = client.post("/api/v1/answer", data=b"x" * 21, content_type="application/json")
    assert response.status_code == 413
    error = response.json()["error"]
    assert (error["code"], error["details"]) == ("too_large", {"limit_bytes": 20})
    assert error["message"] == "The request body is larger than 20 bytes."


def test_a_body_found_too_large_while_reading_is_refused_alike(client: Client) -> None:
    response = client.post("/api/v1/big", data=b"{}", content_type="application/json")
    assert (response.status_code, response.json()["error"]["code"]) == (413, "too_large")


def test_uploaded_files_have_a_limit_of_their_own(client: Client, settings: Any) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 20
    settings.UPLOAD_MAX_BYTES = 500
    multipart = "multipart/form-data; boundary=x"
    response = client.post("/api/v1/big", data=b"x" * 501, content_type=multipart)
    assert response.status_code == 413
    assert response.json()["error"]["message"] == "The request body is larger than 20 bytes."
    assert client.post("/answer", data=b"x" * 20, content_type=multipart).status_code == 200


@pytest.mark.parametrize("length", ["²", "-1", "abc", "9" * 5000])
def test_a_malformed_length_is_refused(client: Client, length: str) -> None:
    response = client.get("/api/v1/answer", CONTENT_LENGTH=length)
    assert (response.status_code, response.json()["error"]["param"]) == (400, "Content-Length")


def test_no_length_means_no_body(client: Client) -> None:
    assert client.get("/api/v1/answer", CONTENT_LENGTH="").json()["length"] == 0


@pytest.mark.parametrize("address", ["/api/v1/answer?after=%00", "/api/v1/answer%00"])
def test_an_address_with_a_null_character_is_refused(client: Client, address: str) -> None:
    response = client.get(address)
    assert response.status_code == 400
    assert response.json()["error"]["message"] == "The address contains the character U+0000."
