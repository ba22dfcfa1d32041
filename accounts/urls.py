"""Addresses of the account pages: `public` at the root, `console` below a workspace."""

from django.urls import URLPattern, path

from accounts.views import audit, development, keys, team, workspaces

public: list[URLPattern] = [
    path("", workspaces.home, name="home"),
    path("workspaces/new/", workspaces.workspace_new, name="workspace_new"),
    path("invitations/<str:secret>/", team.invitation_accept, name="invitation_accept"),
    path("dev/mail/", development.dev_mail, name="dev_mail"),
    path("dev/mail/<str:name>/", development.dev_mail_message, name="dev_mail_message"),
    path("dev/mail/<str:name>/html/", development.dev_mail_html, name="dev_mail_html"),
]

console: list[URLPattern] = [
    path("settings/", workspaces.settings, name="settings"),
    path("sandbox-clock/", workspaces.sandbox_clock, name="sandbox_clock"),
    path("team/", team.team, name="team"),
    path("team/invite/", team.team_invite, name="team_invite"),
    path("team/<str:public_id>/role/", team.member_role, name="member_role"),
    path("team/<str:public_id>/remove/", team.member_remove, name="member_remove"),
    path("invitations/<str:public_id>/revoke/", team.invitation_revoke, name="invitation_revoke"),
    path("api-keys/", keys.api_key_list, name="api_key_list"),
    path("api-keys/new/", keys.api_key_new, name="api_key_new"),
    path("api-keys/<str:public_id>/revoke/", keys.api_key_revoke, name="api_key_revoke"),
    path("audit/", audit.audit_log, name="audit_log"),
]
