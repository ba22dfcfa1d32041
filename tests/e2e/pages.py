"""The pages of the tour: every address that shows one, who looks at it, and what is to be seen there.

Routes are read from the resolver. A console route is toured as soon as it is mounted, as the workspace's
owner, with the newest row of its kind; `ROWS` names better rows. A route that shows no page is in `NO_PAGE`.
Every other public route needs an entry in `PUBLIC`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Final, Literal

from django.apps import apps

from tests.architecture.routes import Route, routes
from tests.architecture.test_walk import COLLECTIONS
from tests.e2e.stage import SANDBOX, SLUG, JoinedStage

Actor = Literal["owner", "participant", "nobody", "developer"]


@dataclass(frozen=True, slots=True)
class Stop:
    """One page of the tour: `address` may hold a query in braces for a public id or code of the demo."""

    label: str
    actor: Actor
    address: str
    status: int = 200
    query: str = ""
    slug: str = SLUG
    before: str = ""
    """What is done to get there, by its name in `preparations`."""
    drawn_by_others: str = ""
    """The element whose content a library draws, with colours and names that are not ours to mend."""

    def path(self, stage: JoinedStage) -> str:
        """Return the address with the demo's ids in it."""
        return self.address.replace("{id}", stage.one(self.slug, self.query)) if self.query else self.address


NO_PAGE: Final = {
    # Answer to POST only.
    "api_key_bulk", "api_key_revoke", "appeal_answer",
    "batch_approve", "batch_cancel", "batch_export", "batch_provider_total", "batch_results", "batch_retry",
    "books_check",
    "connection_disable", "connection_enable", "connection_secret", "conversion_reject", "event_bulk",
    "conversion_reinstate", "refund_reinstate",
    "check_retry", "check_secret", "connection_keys",
    "domain_platform", "domain_primary", "domain_remove", "domain_verify", "event_retry",
    "payout_account_refuse", "adjustment_approve", "adjustment_decline", "tax_verify", "tax_refuse",
    "experiment_start", "experiment_stop", "fraud_bulk",
    "fraud_list_bulk", "fraud_resolve", "fraud_undo", "inbox_bulk",
    "inbox_item_retry", "invitation_revoke", "link_archive", "link_restore", "member_remove", "member_role",
    "message_retry", "participant_bulk", "portal_sign_out", "promo_code_bulk",
    "program_publish", "program_status",
    "catalogue_archive", "fulfilment_bulk", "fulfilment_complete", "fulfilment_retry", "redemption_cancel",
    "payout_provider_check", "payout_provider_connect", "payout_provider_disconnect", "payout_provider_keys",
    "payout_run_retry", "reward_approve", "reward_bulk", "reward_deny", "webhook_delivery_bulk",
    "rate_upload",
    "promotion_stop",
    "webhook_delivery_retry", "webhook_disable",
    "webhook_enable", "webhook_rotate", "webhook_test", "workspace_resume",
    # Parts of pages, files, redirects.
    "api_schema", "batch_progress", "brand_logo", "brand_sheet", "dev_mail_html", "domain_ask", "embed_qr",
    "embed_qr_svg", "hook", "landing_card", "link_clicks", "link_qr", "link_qr_png", "link_redirect",
    "portal_qr", "portal_qr_svg", "program_preview", "program_resume", "settings_brand_preview",
    "settings_logo", "customer_export", "payout_settings",
}  # fmt: skip
"""Routes that show no page of ours."""

LIVE_CODE: Final = """
    SELECT link.code FROM programs_link link
    JOIN programs_participant participant ON participant.id = link.participant_id
    JOIN programs_program program ON program.id = participant.program_id
    WHERE program.status = 'active' AND program.name = 'Refer a friend' AND link.status = 'active'
    ORDER BY link.id LIMIT 1
"""
PAUSED_CODE: Final = """
    SELECT link.code FROM programs_link link
    JOIN programs_participant participant ON participant.id = link.participant_id
    JOIN programs_program program ON program.id = participant.program_id
    WHERE program.status = 'paused' ORDER BY link.id LIMIT 1
"""
LIVE_PROGRAM: Final = """
    SELECT public_id FROM programs_program WHERE status = 'active' AND name = 'Refer a friend' LIMIT 1
"""
DRAFT_PROGRAM: Final = """
    SELECT public_id FROM programs_program WHERE status = 'draft' ORDER BY id DESC LIMIT 1
"""
PAUSED_PROGRAM: Final = """
    SELECT public_id FROM programs_program WHERE status = 'paused' ORDER BY id DESC LIMIT 1
"""
BUSIEST_PARTICIPANT: Final = """
    SELECT participant.public_id FROM programs_participant participant
    JOIN rewards_reward reward ON reward.customer_id = participant.customer_id
    JOIN programs_program program ON program.id = participant.program_id
    WHERE program.name = 'Refer a friend' AND program.status = 'active' AND reward.side = 'referrer'
    GROUP BY participant.id ORDER BY count(*) DESC, participant.id LIMIT 1
"""
OWN_CONVERSION: Final = f"""
    SELECT conversion.public_id FROM tracking_conversion conversion
    JOIN tracking_credit credit ON credit.conversion_id = conversion.id
    JOIN programs_participant participant ON participant.id = credit.participant_id
    WHERE participant.public_id = ({BUSIEST_PARTICIPANT}) AND conversion.kind = 'purchase'
    ORDER BY conversion.id DESC LIMIT 1
"""
CREATORS: Final = "SELECT public_id FROM programs_program WHERE name = 'Coffee creators' LIMIT 1"


def _with(table: str, condition: str) -> str:
    return f"SELECT public_id FROM {table} WHERE {condition} ORDER BY id DESC LIMIT 1"


_BATCH, _REWARD, _ITEM = "rewards_payoutbatch", "rewards_reward", "integrations_inboxitem"
_CONVERSION, _MESSAGE = "tracking_conversion", "engagement_message"
ROWS: Final[dict[str, dict[str, str]]] = {
    "program_detail": {"active": LIVE_PROGRAM, "draft": DRAFT_PROGRAM, "paused": PAUSED_PROGRAM},
    "program_edit": {"active": LIVE_PROGRAM, "draft": DRAFT_PROGRAM, "creators": CREATORS},
    "program_launched": {"": LIVE_PROGRAM},
    "program_section": {"active": LIVE_PROGRAM},
    "program_setup": {"draft": DRAFT_PROGRAM},
    "program_versions": {"": LIVE_PROGRAM},
    "version_detail": {"": LIVE_PROGRAM},
    "participant_detail": {"": BUSIEST_PARTICIPANT},
    "referral_detail": {
        "converted": _with("tracking_referral", "status = 'converted'"),
        "newest": _with("tracking_referral", "true"),
    },
    "conversion_detail": {
        "purchase": _with(_CONVERSION, "kind = 'purchase' AND status = 'recorded'"),
        "refunded": _with(_CONVERSION, "status LIKE '%refunded'"),
        "rejected": _with(_CONVERSION, "status = 'rejected'"),
    },
    "fraud_case": {
        status: _with("tracking_fraudcase", f"status = '{status}'")
        for status in ("open", "approved", "rejected")
    },
    "reward_detail": {
        status: _with(_REWARD, f"status = '{status}'") for status in ("pending", "held", "paid", "denied")
    },
    "fulfilment_detail": {
        status: _with("rewards_fulfilment", f"status = '{status}'") for status in ("todo", "failed", "done")
    },
    "batch_detail": {
        "waiting": _with(_BATCH, "status NOT IN ('completed', 'approved')"),
        "completed": _with(_BATCH, "status = 'completed'"),
    },
    "payout_provider_detail": {"": _with("integrations_connection", "provider = 'paypal'")},
    "connection_detail": {"": _with("integrations_connection", "provider = 'woocommerce'")},
    "account_detail": {"": _with("rewards_account", "balance_minor <> 0 AND customer_id IS NOT NULL")},
    "webhook_delivery_detail": {"failed": _with("integrations_webhookdelivery", "state = 'dead'")},
    "inbox_item_detail": {"done": _with(_ITEM, "state = 'done'"), "refused": _with(_ITEM, "state = 'dead'")},
    "appeal_detail": {
        "open": _with("tracking_appeal", "status = 'open' AND conversion_id IS NOT NULL"),
        "missing": _with("tracking_appeal", "conversion_id IS NULL"),
        "answered": _with("tracking_appeal", "status = 'declined'"),
    },
    "message_detail": {
        "sent": _with(_MESSAGE, "state = 'done'"),
        "bounced": _with(_MESSAGE, "state = 'dead'"),
    },
    "message_preview": {"": _with(_MESSAGE, "state = 'done'")},
}  # fmt: skip
"""Better rows than the newest, by route: what to call each, and the query that finds its public id."""

PUBLIC: Final[dict[str, list[Stop]]] = {
    "account_login": [Stop("", "nobody", "/accounts/login/")],
    "account_logout": [Stop("", "owner", "/accounts/logout/")],
    "account_inactive": [Stop("", "nobody", "/accounts/inactive/")],
    "account_signup": [Stop("", "nobody", "/accounts/signup/")],
    "account_reauthenticate": [Stop("", "owner", "/accounts/reauthenticate/")],
    "account_email": [Stop("", "owner", "/accounts/email/")],
    "account_email_verification_sent": [Stop("", "nobody", "/accounts/signup/", before="sign up")],
    "account_change_password": [Stop("", "owner", "/accounts/password/change/")],
    # Leads on to changing the password, for everybody who has one.
    "account_set_password": [Stop("", "owner", "/accounts/password/set/")],
    "account_reset_password": [Stop("", "nobody", "/accounts/password/reset/")],
    "account_reset_password_done": [Stop("", "nobody", "/accounts/password/reset/done/")],
    "account_reset_password_from_key": [
        Stop("bad link", "nobody", "/accounts/password/reset/key/1-abc/"),
        Stop("", "nobody", "/accounts/password/reset/", before="follow the mailed link"),
    ],
    "account_reset_password_from_key_done": [Stop("", "nobody", "/accounts/password/reset/key/done/")],
    "account_request_login_code": [Stop("", "nobody", "/accounts/login/code/")],
    "account_confirm_login_code": [Stop("", "nobody", "/accounts/login/code/", before="ask for a code")],
    "home": [Stop("signed out", "nobody", "/"), Stop("signed in", "owner", "/")],
    "api_docs": [Stop("", "nobody", "/api/docs/", drawn_by_others="#swagger-ui")],
    "workspace_new": [Stop("", "owner", "/workspaces/new/")],
    "invitation_accept": [Stop("unknown", "nobody", f"/invitations/{'s' * 43}/", 404)],
    "dev_mail": [Stop("", "developer", "/dev/mail/")],
    "dev_mail_message": [Stop("", "developer", "/dev/mail/", before="open the newest mail")],
    "landing": [
        Stop("open", "nobody", "/join/{id}/", query=LIVE_CODE),
        Stop("paused", "nobody", "/join/{id}/", query=PAUSED_CODE),
        Stop("unknown", "nobody", "/join/nobodys-code/", 404),
    ],
    "terms": [Stop("", "nobody", "/terms/{id}/", query=LIVE_PROGRAM)],
    "portal": [Stop("signed in", "participant", "/portal/"), Stop("signed out", "nobody", "/portal/", 403)],
    "portal_why": [
        Stop("rewarded", "participant", "/portal/why/{id}/", query=OWN_CONVERSION),
        Stop("signed out", "nobody", "/portal/why/cnv_unknown/", 403),
    ],
    "portal_paid": [Stop("", "participant", "/portal/how-paid/")],
    "portal_tax": [Stop("", "participant", "/portal/tax/")],
    "portal_statement": [Stop("", "participant", "/portal/statement/")],
    "portal_missing": [Stop("", "participant", "/portal/missing-friend/")],
    "portal_spend": [Stop("", "participant", "/portal/spend/")],
    "embed_spend": [Stop("bad token", "nobody", "/portal/embed/spend/?token=none", 403)],
    "embed_why": [
        Stop("opened", "nobody", "/portal/{id}/", query=LIVE_PROGRAM, before="embed and ask why"),
        Stop("bad token", "nobody", "/portal/embed/why/cnv_unknown/?token=none", 403),
    ],
    "embed_paid": [Stop("bad token", "nobody", "/portal/embed/how-paid/?token=none", 403)],
    "embed_tax": [Stop("bad token", "nobody", "/portal/embed/tax/?token=none", 403)],
    "embed_missing": [Stop("bad token", "nobody", "/portal/embed/missing-friend/?token=none", 403)],
    "portal_embed": [
        Stop("opened", "nobody", "/portal/{id}/", query=LIVE_PROGRAM, before="embed with a token"),
        Stop("bad token", "nobody", "/portal/embed/?token=none", 403),
    ],
    "portal_sign_in": [
        Stop("", "nobody", "/portal/{id}/", query=LIVE_PROGRAM),
        Stop("sent", "nobody", "/portal/{id}/?sent=1", query=LIVE_PROGRAM),
        Stop("unknown", "nobody", "/portal/prg_unknown/", 404),
    ],
    "confirm_email": [Stop("unknown", "nobody", f"/confirm/{'t' * 43}/", 404)],
    "portal_enter": [
        Stop("open", "nobody", "/portal/{id}/", query=LIVE_PROGRAM, before="follow the portal's link"),
        Stop("unknown", "nobody", f"/portal/enter/{'s' * 43}/", 404),
    ],
}  # fmt: skip
"""The public pages by route, each in the states that a visitor may meet it in."""

PARTS: Final = {
    "section": ["rewards", "rules", "fraud", "look"],
    "step": ["goal", "rewards", "rules", "look", "review"],
    "method": ["bank", "paypal", "gift_card", "stripe"],
}
"""Parts of one page that are shown one at a time, by the name in the address."""

LISTS: Final = {
    "audit_log", "event_log", "fraud_lists", "fraud_queue", "fraud_rules", "ledger", "overview",
    "report_attribution", "report_funnel",
}  # fmt: skip
"""Lists that are not named so; each list is looked at with the demo's rows and with none."""

BESIDES: Final = [
    Stop("no such page", "owner", "/no-such-page/", 404),
    Stop("nothing of this id", "owner", f"/w/{SLUG}/participants/prt_none/", 404),
    Stop("fraud rules tried", "owner", f"/w/{SLUG}/fraud/rules/?run=1&rule=too_fast&mode=off"),
    Stop("signed out of the console", "nobody", f"/w/{SLUG}/rewards/"),
    Stop("styleguide", "developer", "/styleguide/"),
]
"""Pages that no route of its own leads to, and pages for developers."""


def table_of(route: Route) -> str:
    """Return the table whose public id the route's address takes, by the segment before it."""
    segment = route.pattern.partition("<str:public_id>")[0].rstrip("/").rpartition("/")[2]
    name = COLLECTIONS.get(segment, segment.rstrip("s"))
    tables = {model.__name__.lower(): model._meta.db_table for model in apps.get_models()}
    tables["payoutprovider"] = tables["connection"]
    assert name in tables, f"say in COLLECTIONS of the walk what lives under {segment!r} ({route.pattern})"
    return tables[name]


def _addresses(route: Route, slug: str) -> Iterator[tuple[str, str]]:
    """Return the route's addresses, one for each part of a page that has several, with the part's name."""
    address = "/" + route.pattern.replace("<slug:slug>", slug).replace("<str:public_id>", "{id}")
    address = address.replace("<int:number>", "1")
    for name, parts in PARTS.items():
        for place in (f"<slug:{name}>", f"<str:{name}>"):
            if place in address:
                for part in parts:
                    yield part, address.replace(place, part)
                return
    assert "<" not in address, f"say in PARTS or ROWS what stands in {route.pattern}"
    yield "", address


def _console(route: Route) -> Iterator[Stop]:
    # The clock can be moved in a sandbox only.
    home = SANDBOX if route.name == "sandbox_clock" else SLUG
    for part, address in _addresses(route, home):
        if "{id}" not in address:
            yield Stop(part, "owner", address, slug=home)
            continue
        newest = f"SELECT public_id FROM {table_of(route)} ORDER BY id DESC LIMIT 1"
        for label, query in ROWS.get(route.name, {"": newest}).items():
            yield Stop(f"{part} {label}".strip(), "owner", address, query=query)
    if route.name.endswith("_list") or route.name in LISTS:
        for _, address in _addresses(route, SANDBOX):
            below = (
                f"SELECT public_id FROM {table_of(route)} ORDER BY id DESC LIMIT 1"
                if "{id}" in address
                else ""
            )
            yield Stop("empty", "owner", address, slug=SANDBOX, query=below)


def stops_of(route: Route) -> list[Stop]:
    """Return where the tour stops for a route; fails for one that nobody has said anything about."""
    if route.is_console:
        return list(_console(route))
    assert route.name in PUBLIC, f"{route.name} ({route.pattern}) belongs into PUBLIC or NO_PAGE"
    return PUBLIC[route.name]


def shown() -> list[Route]:
    """Return the routes that show a page."""
    return [
        each for each in routes() if not (each.is_api or each.name in NO_PAGE or each.name == "styleguide")
    ]


def tour() -> list[tuple[str, Stop]]:
    """Return every stop with its name: the route's, and the state of the page if it is shown in several.

    A route without a stop is left out here; that it must not be is a test of its own.
    """
    found: list[tuple[str, Stop]] = [(stop.label, stop) for stop in BESIDES]
    for route in shown():
        with suppress(AssertionError):
            found += [(f"{route.name} {stop.label}".strip(), stop) for stop in stops_of(route)]
    return found
