"""Changes to workspaces, members, invitations and keys, each with its audit entry."""

from accounts.services.answers import forget_answers
from accounts.services.audit import SYSTEM, Actor, record_audit
from accounts.services.branding import remove_logo, set_brand, set_embed_domains, set_logo
from accounts.services.domains import (
    DomainTaken,
    add_domain,
    record_check,
    remove_domain,
    set_primary_domain,
    share_platform_domain,
)
from accounts.services.keys import create_api_key, revoke_api_key, revoke_api_keys, touch_api_key
from accounts.services.team import (
    INVITATION_LIFETIME,
    accept_invitation,
    change_role,
    invite_member,
    remove_member,
    revoke_invitation,
)
from accounts.services.workspaces import (
    create_workspace,
    move_sandbox_clock,
    resume_workspace,
    suspend_workspace,
    update_workspace,
)

__all__ = [
    "INVITATION_LIFETIME",
    "SYSTEM",
    "Actor",
    "DomainTaken",
    "accept_invitation",
    "add_domain",
    "change_role",
    "create_api_key",
    "create_workspace",
    "forget_answers",
    "invite_member",
    "move_sandbox_clock",
    "record_audit",
    "record_check",
    "remove_domain",
    "remove_logo",
    "remove_member",
    "resume_workspace",
    "revoke_api_key",
    "revoke_api_keys",
    "revoke_invitation",
    "set_brand",
    "set_embed_domains",
    "set_logo",
    "set_primary_domain",
    "share_platform_domain",
    "suspend_workspace",
    "touch_api_key",
    "update_workspace",
]
