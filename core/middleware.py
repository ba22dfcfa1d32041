"""Request-wide behaviour: an id, the reader's formats, a limit on bodies, and domain errors as pages."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextvars import ContextVar

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils.cache import patch_vary_headers
from django.views import defaults

from core import locales
from core.errors import DomainError, Forbidden, InternalError, Invalid, NotFound, TooLarge
from core.ids import is_public_id, new_public_id

GetResponse = Callable[[HttpRequest], HttpResponse]
request_id: ContextVar[str] = ContextVar("request_id", default="-")


class RequestIdFilter(logging.Filter):
    """Put the current request's id on every log record."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.request_id = request_id.get()
        return True


class RequestIdMiddleware:
    """Give each request an id, echo it as `X-Request-Id`, and show it in errors and logs."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        given = request.headers.get("X-Request-Id", "")
        token = request_id.set(given if is_public_id(given, "req") else new_public_id("req"))
        try:
            response = self.get_response(request)
            response.headers["X-Request-Id"] = request_id.get()
            return response
        finally:
            request_id.reset(token)


class ReaderMiddleware:
    """Write pages with the numbers and dates of the reader's region; what programs read stays as it is."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if wants_json(request):
            return self.get_response(request)
        with locales.read_by(locales.reader_of(request.headers.get("Accept-Language", ""))):
            response = self.get_response(request)
        if response.headers.get("Content-Type", "").startswith("text/html"):
            patch_vary_headers(response, ["Accept-Language"])
        return response


def wants_json(request: HttpRequest) -> bool:
    """Tell whether the caller is a program: API addresses answer in JSON, all others as pages."""
    return request.path.startswith("/api/")


def error_body(error: DomainError) -> dict[str, object]:
    """Return the one JSON shape every API error has."""
    return {
        "error": {
            "code": error.code,
            "message": error.message,
            "param": error.param,
            "details": error.details,
            "doc_url": f"{settings.BASE_URL}/api/docs/#errors-{error.code}",
            "request_id": request_id.get(),
        }
    }


def error_response(request: HttpRequest, error: DomainError) -> HttpResponse:
    """Answer a domain error as JSON or as a page, with its status."""
    response: HttpResponse
    if wants_json(request):
        response = JsonResponse(error_body(error), status=error.status)
    else:
        response = render(request, "errors/domain.html", {"error": error}, status=error.status)
    if "retry_after" in error.details:
        response.headers["Retry-After"] = str(error.details["retry_after"])
    return response


class DomainErrorMiddleware:
    """Turn a domain error raised by a page into an answer; leaving its transaction undid what it wrote."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        if isinstance(exception, RequestDataTooBig):
            exception = _too_large()
        if not isinstance(exception, DomainError):
            return None
        return error_response(request, exception)


def _too_large() -> TooLarge:
    limit = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
    return TooLarge(f"The request body is larger than {limit} bytes.", details={"limit_bytes": limit})


class BodyLimitMiddleware:
    """Refuse what no view should see: a body over the limit by its declared length, U+0000 in the address.

    A length that is no number is refused as well, since reading such a body fails.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        length = request.META.get("CONTENT_LENGTH") or "0"
        multipart = request.META.get("CONTENT_TYPE", "").startswith("multipart/form-data")
        limit = settings.UPLOAD_MAX_BYTES if multipart else settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        if not (length.isascii() and length.isdigit() and len(length) <= 18):
            return error_response(request, Invalid("Content-Length is not a number.", param="Content-Length"))
        if int(length) > limit:
            return error_response(request, _too_large())
        if "\0" in request.path or "%00" in request.META.get("QUERY_STRING", ""):
            return error_response(request, Invalid("The address contains the character U+0000."))
        return self.get_response(request)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer 400 in the shape the caller understands."""
    if wants_json(request):
        return error_response(request, Invalid("The request is malformed."))
    return defaults.bad_request(request, exception)


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer 403 in the shape the caller understands."""
    if wants_json(request):
        return error_response(request, Forbidden("That is not allowed."))
    return defaults.permission_denied(request, exception)


def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer 404 in the shape the caller understands."""
    if wants_json(request):
        return error_response(request, NotFound("There is nothing at this address."))
    return defaults.page_not_found(request, exception)


def server_error(request: HttpRequest) -> HttpResponse:
    """Answer 500 in the shape the caller understands; the request id finds it in the log."""
    if wants_json(request):
        return error_response(
            request, InternalError("Something went wrong on our side; nothing was changed.")
        )
    return defaults.server_error(request)
