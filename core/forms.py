"""How a refused service call shows in the form that made it."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from core.errors import DomainError


def add_domain_error(form: forms.BaseForm, error: DomainError) -> None:
    """Put a domain error on the field it names, or above the form when it names none of its fields."""
    field: Any = error.param if error.param in form.fields else None
    form.add_error(field, ValidationError(error.message, code=error.code))
