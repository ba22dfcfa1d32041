"""Errors that a person or a calling system can act on.

Each app defines its own subclasses beside the function that raises them. `code` is stable and machine
readable, `message` is plain English, `param` names the field at fault in the caller's own words.
"""

from collections.abc import Mapping
from typing import Any, ClassVar


class DomainError(Exception):
    """A refusal with a reason. Nothing has been changed when it is raised."""

    status: ClassVar[int] = 400
    default_code: ClassVar[str] = "invalid"

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        param: str | None = None,
        details: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code or self.default_code
        self.param = param
        self.details: dict[str, Any] = dict(details or {})


class Invalid(DomainError):
    """A value is missing, malformed or out of range."""


class Unauthorised(DomainError):
    """Nobody, or nobody we know, is asking."""

    status = 401
    default_code = "unauthorised"


class Forbidden(DomainError):
    """The caller is known but may not do this."""

    status = 403
    default_code = "forbidden"


class NotFound(DomainError):
    """There is no such thing in the caller's workspace (a foreign id gets the same answer)."""

    status = 404
    default_code = "not_found"


class Conflict(DomainError):
    """The thing is in a state that does not allow this, or the same key was used for something else."""

    status = 409
    default_code = "conflict"


class TooLarge(DomainError):
    """The request is larger than is accepted."""

    status = 413
    default_code = "too_large"


class RateLimited(DomainError):
    """Too many requests; `details["retry_after"]` says how many seconds to wait."""

    status = 429
    default_code = "rate_limited"


class InternalError(DomainError):
    """A fault of ours; the log has the rest under the request's id."""

    status = 500
    default_code = "internal_error"
