"""Scheduled work of integrations; woken after commits and swept by the clock."""

from celery import shared_task

from core import queue
from integrations.models import InboxItem
from integrations.services import asking, inbox, issuing, paying, sending


def _read(item: InboxItem) -> None:
    inbox.read_item(item=item)


@shared_task(name="integrations.read_inbox")
def read_inbox() -> int:
    """Read the messages that are due until none is left; returns how many were tried."""
    total = 0
    while tried := queue.drain(InboxItem, _read):
        total += tried
    return total


@shared_task(name="integrations.send_webhooks")
def send_webhooks() -> int:
    """Send the webhooks that are due; returns how many were posted."""
    return sending.send_due()


@shared_task(name="integrations.ask_about_conversions")
def ask_about_conversions() -> int:
    """Ask shops and the workspaces' own systems what is due; returns how many were asked."""
    return asking.ask_due()


@shared_task(name="integrations.run_errands")
def run_errands() -> int:
    """Have rewards handed over, or taken back, by others; returns how many errands were run."""
    return issuing.run_due()


@shared_task(name="integrations.pay_out")
def pay_out() -> int:
    """Take the turns of payout runs that are due; returns how many were taken."""
    return paying.pay_due()
