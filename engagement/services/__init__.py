"""The only code that changes messages and sign-in links."""

from engagement.services.announcing import announce_promotion
from engagement.services.confirmation import ask_to_confirm
from engagement.services.delivery import retry_message, send_due_messages
from engagement.services.embedding import PortalTokenMade, sign_portal_token
from engagement.services.forgetting import forget_customer
from engagement.services.messages import Mail, queue_message, queue_messages
from engagement.services.money_mails import (
    tell_adjustments,
    tell_budgets_reached,
    tell_milestones_reached,
    tell_payouts_failed,
    tell_redemptions,
    tell_rewards_expired,
    tell_rewards_expiring,
    tell_rewards_payable,
    tell_rewards_restored,
    tell_rewards_reversed,
)
from engagement.services.occasions import (
    greet_referees_and_referrers,
    invite_participants,
    tell_appeals_answered,
    tell_payouts_paid,
    tell_rewards_earned,
    tell_rewards_issued,
)
from engagement.services.sign_in import (
    WINDOW_SECONDS,
    SignInLinkClosed,
    SignInLinkMade,
    create_portal_link,
    limit_sign_in_requests,
    request_sign_in,
    use_magic_link,
)

__all__ = [
    "WINDOW_SECONDS",
    "Mail",
    "PortalTokenMade",
    "SignInLinkClosed",
    "SignInLinkMade",
    "announce_promotion",
    "ask_to_confirm",
    "create_portal_link",
    "forget_customer",
    "greet_referees_and_referrers",
    "invite_participants",
    "limit_sign_in_requests",
    "queue_message",
    "queue_messages",
    "request_sign_in",
    "retry_message",
    "send_due_messages",
    "sign_portal_token",
    "tell_adjustments",
    "tell_appeals_answered",
    "tell_budgets_reached",
    "tell_milestones_reached",
    "tell_payouts_failed",
    "tell_payouts_paid",
    "tell_redemptions",
    "tell_rewards_earned",
    "tell_rewards_expired",
    "tell_rewards_expiring",
    "tell_rewards_issued",
    "tell_rewards_payable",
    "tell_rewards_restored",
    "tell_rewards_reversed",
    "use_magic_link",
]
