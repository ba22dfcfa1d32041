"""The only code that changes messages and sign-in links."""

from engagement.services.delivery import retry_message, send_due_messages
from engagement.services.embedding import PortalTokenMade, sign_portal_token
from engagement.services.messages import queue_message
from engagement.services.occasions import (
    greet_referee_and_referrers,
    invite_participant,
    tell_payout_paid,
    tell_reward_earned,
    tell_reward_issued,
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
    "PortalTokenMade",
    "SignInLinkClosed",
    "SignInLinkMade",
    "create_portal_link",
    "greet_referee_and_referrers",
    "invite_participant",
    "limit_sign_in_requests",
    "queue_message",
    "request_sign_in",
    "retry_message",
    "send_due_messages",
    "sign_portal_token",
    "tell_payout_paid",
    "tell_reward_earned",
    "tell_reward_issued",
    "use_magic_link",
]
