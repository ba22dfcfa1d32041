"""Workspaces as requests find them: no test here runs as their tenant."""

from __future__ import annotations

import pytest

from accounts import queries
from accounts.models import User, Workspace
from core.tenancy import tenant
from tests.conftest import make_workspace


@pytest.fixture
def acme(owner: User) -> Workspace:
    """A workspace the test does not run as tenant of, as a request does not at its start."""
    return make_workspace(owner)


@pytest.fixture
def sandbox(acme: Workspace) -> Workspace:
    """The sandbox of acme."""
    sandbox_id = queries.sandbox_id_of(acme)
    assert sandbox_id is not None
    with tenant(sandbox_id):
        return Workspace.objects.for_workspace(sandbox_id).get()
