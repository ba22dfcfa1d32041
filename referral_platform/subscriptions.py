"""The one table of subscriptions: event kind -> handlers, in full. Read at start-up, checked by name.

Every kind that is emitted stands here, also those nobody listens to yet; `docs/events.md` describes them.
"""

from collections.abc import Mapping
from typing import Final

from core.answers import Part
from engagement.queries import exports as engagement_exports
from engagement.queries.friends import rewards_in_words
from integrations import errand_queries, payout_parts
from integrations import export_queries as integrations_exports
from referral_platform import program_parts
from rewards.queries import (
    answer_for_case,
    answer_for_conversion,
    answer_for_referral,
    promotion_figures,
    with_money_on_hold,
)
from rewards.queries import exports as rewards_exports
from tracking import export_queries as tracking_exports

WEBHOOKS: Final = "integrations.handlers.queue_webhooks"

SUBSCRIPTIONS: Final[dict[str, tuple[str, ...]]] = {
    "participant.enrolled": ("engagement.handlers.on_participant_enrolled", WEBHOOKS),
    "lead.created": (
        "rewards.handlers.on_conversion_changed",
        "engagement.handlers.on_lead_created",
        WEBHOOKS,
    ),
    "conversion.created": (
        "rewards.handlers.on_conversion_changed",
        "rewards.handlers.on_codes_used",
        WEBHOOKS,
    ),
    "conversion.edited": ("rewards.handlers.on_conversion_changed", WEBHOOKS),
    "conversion.refunded": ("rewards.handlers.on_conversion_changed", WEBHOOKS),
    "conversion.redecided": ("rewards.handlers.on_conversion_changed", WEBHOOKS),
    "conversion.rejected": ("rewards.handlers.on_conversion_changed", WEBHOOKS),
    "conversion.reinstated": ("rewards.handlers.on_conversion_changed", WEBHOOKS),
    "conversion.check_asked": (
        "rewards.handlers.on_conversion_changed",
        "engagement.handlers.on_check_asked",
        "integrations.handlers.on_check_asked",
        WEBHOOKS,
    ),
    "conversion.checked": ("rewards.handlers.on_conversion_changed", WEBHOOKS),
    "customer.verified": ("tracking.handlers.on_customer_verified", WEBHOOKS),
    "referral.started": (WEBHOOKS,),
    "referral.converted": (WEBHOOKS,),
    "reward.created": ("engagement.handlers.on_reward_created", WEBHOOKS),
    "reward.approved": ("engagement.handlers.on_reward_approved", WEBHOOKS),
    "reward.issued": ("engagement.handlers.on_reward_issued", WEBHOOKS),
    "reward.reversed": ("engagement.handlers.on_reward_reversed", WEBHOOKS),
    "reward.redeemed": (WEBHOOKS,),
    "reward.expiring": ("engagement.handlers.on_reward_expiring", WEBHOOKS),
    "reward.expired": ("engagement.handlers.on_reward_expired", WEBHOOKS),
    "fulfilment.wanted": ("integrations.handlers.on_fulfilment_wanted", WEBHOOKS),
    "fulfilment.failed": (WEBHOOKS,),
    "redemption.created": ("engagement.handlers.on_redemption_changed", WEBHOOKS),
    "redemption.cancelled": ("engagement.handlers.on_redemption_changed", WEBHOOKS),
    "reward.restored": ("engagement.handlers.on_reward_restored", WEBHOOKS),
    "tier.reached": ("rewards.handlers.on_tier_reached", WEBHOOKS),
    "payout.batch_preparing": ("rewards.handlers.on_batch_preparing",),
    "payout.batch_prepared": (WEBHOOKS,),
    "payout.batch_approved": ("integrations.handlers.on_payout_batch_approved", WEBHOOKS),
    "payout.completed": ("engagement.handlers.on_payout_completed", WEBHOOKS),
    "payout.failed": ("engagement.handlers.on_payout_failed", WEBHOOKS),
    "adjustment.waiting": (WEBHOOKS,),
    "milestone.reached": ("engagement.handlers.on_milestone_reached", WEBHOOKS),
    "budget.reached": ("engagement.handlers.on_budget_reached", WEBHOOKS),
    "fraud.flagged": (WEBHOOKS,),
    "fraud.resolved": ("rewards.handlers.on_conversion_changed", WEBHOOKS),
    "fraud.reopened": ("rewards.handlers.on_conversion_changed", WEBHOOKS),
    "appeal.opened": (WEBHOOKS,),
    "appeal.answered": ("engagement.handlers.on_appeal_answered", WEBHOOKS),
    "program.published": (WEBHOOKS,),
    "promotion.started": ("engagement.handlers.on_promotion_started", WEBHOOKS),
    "promotion.ended": (WEBHOOKS,),
    "promotion.announcing": ("engagement.handlers.on_promotion_announcing",),
    "customer.erased": (
        "programs.handlers.on_customer_erased",
        "tracking.handlers.on_customer_erased",
        "rewards.handlers.on_customer_erased",
        "engagement.handlers.on_customer_erased",
        "integrations.handlers.on_customer_erased",
        WEBHOOKS,
    ),
    "rates.changed": ("rewards.handlers.on_rates_changed",),
    "adjustment.applied": ("engagement.handlers.on_adjustment_applied", WEBHOOKS),
    "books.differ": (WEBHOOKS,),
    "sandbox.clock_moved": ("rewards.handlers.on_sandbox_clock_moved",),
}

ANSWER_PARTS: Final[Mapping[str, Mapping[str, Part]]] = {
    "conversion": {"rewards": answer_for_conversion},
    "customer": {
        "tracking": tracking_exports.held_about,
        "rewards": rewards_exports.held_about,
        "engagement": engagement_exports.held_about,
        "integrations": integrations_exports.held_about,
    },
    "customer_page": {"page": program_parts.customer_page},
    "payout_methods": {"stripe": payout_parts.stripe_offered},
    "payout_onboarding": {"stripe": payout_parts.stripe_onboarding},
    "referral": {"rewards": answer_for_referral},
    "fraud_case": {"rewards": answer_for_case},
    "fulfilment_routes": {"connections": errand_queries.deliverers},
    "fraud_cases": {"rows": with_money_on_hold},
    "example": {"lines": program_parts.example_lines},
    "own_explanation": {"rewards": rewards_in_words},
    "participant": {"page": program_parts.participant_page},
    "participants": {"rows": program_parts.with_friends},
    "promotion": {"figures": promotion_figures},
    "program": {"figures": program_parts.program_figures},
}
"""What apps higher up add to an answer of an app lower down: subject -> key -> function."""
