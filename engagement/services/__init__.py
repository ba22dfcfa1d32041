"""The only code that changes messages and sign-in links."""

from engagement.services.confirmation import ask_to_confirm
from engagement.services.delivery import retry_message, send_due_messages
from engagement.services.embedding import PortalTokenMade, sign_portal_token
from engagement.services.forgetting import forget_customer
from engagement.services.messages import Mail, queue_message, queue_messages
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
    "tell_appeals_answered",
    "tell_payouts_paid",
    "tell_rewards_earned",
    "tell_rewards_issued",
    "use_magic_link",
]
