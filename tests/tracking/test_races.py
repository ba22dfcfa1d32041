"""What two connections do to one customer at the same time."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Event as Signal

import pytest
from django.db import connection

from accounts.models import Workspace
from accounts.services import SYSTEM
from core.tenancy import tenant
from tests import factories
from tests.conftest import make_workspace
from tests.tracking.conftest import NOW
from tracking import services
from tracking.models import Conversion, Referral

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def shared(transactional_db: None) -> Workspace:
    """A workspace that is committed, so that other connections see it."""
    return make_workspace(factories.UserFactory.create(email="olga@acme.example"))


def test_a_referral_that_another_purchase_takes_up_survives_a_rejection(shared: Workspace) -> None:
    with tenant(shared):
        participant = factories.ParticipantFactory.create(workspace=shared)
        code = factories.PromoCodeFactory.create(workspace=shared, participant=participant)
        friend = factories.CustomerFactory.create(workspace=shared)

    def buy(key: str) -> Conversion:
        return services.record_conversion(
            workspace=shared,
            fact=services.ConversionFact(
                kind="purchase",
                customer=friend,
                source="api",
                source_key=key,
                amount_minor=10_000,
                currency="EUR",
                promo_codes=[code],
                occurred_at=NOW,
                at=NOW,
            ),
        ).conversion

    with tenant(shared):
        first = buy("inv-1")
    begun = Signal()

    def reject() -> None:
        try:
            with tenant(shared):
                begun.set()
                services.reject_conversion(conversion=first, reason="fraud", actor=SYSTEM, at=NOW)
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as thread:
        with tenant(shared):
            buy("inv-2")
            rejecting = thread.submit(reject)
            begun.wait(10)
            # Not to be done before this transaction is: it would not see the second purchase.
            with pytest.raises(TimeoutError):
                rejecting.result(timeout=0.5)
        rejecting.result(timeout=20)
    with tenant(shared):
        assert Referral.objects.for_workspace(shared).get().status == "converted"
