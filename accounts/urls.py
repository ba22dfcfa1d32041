"""Addresses of the account pages: `public` at the root, `console` below a workspace."""

from django.urls import URLPattern, path, re_path

from accounts.views import audit, development, keys, settings, team, workspaces

public: list[URLPattern] = [
    path("", workspaces.home, name="home"),
    path("workspaces/new/", workspaces.workspace_new, name="workspace_new"),
    re_path(
        r"^brand/(?P<color>[0-9a-f]{6})-(?P<digest>[0-9a-f]{12})\.css$",
        settings.brand_sheet_view,
        name="brand_sheet",
    ),
    path("invitations/<str:secret>/", team.invitation_accept, name="invitation_accept"),
    path("dev/mail/", development.dev_mail, name="dev_mail"),
    path("dev/mail/<str:name>/", development.dev_mail_message, name="dev_mail_message"),
    path("dev/mail/<str:name>/html/", development.dev_mail_html, name="dev_mail_html"),
]

console: list[URLPattern] = [
    path("settings/", settings.settings, name="settings"),
    path("settings/brand/", settings.settings_brand, name="settings_brand"),
    path("settings/brand/preview/", settings.settings_brand_preview, name="settings_brand_preview"),
    path("settings/embedding/", settings.settings_embed, name="settings_embed"),
    path("settings/danger/", settings.settings_danger, name="settings_danger"),
    path("settings/danger/resume/", settings.workspace_resume, name="workspace_resume"),
    path("sandbox-clock/", workspaces.sandbox_clock, name="sandbox_clock"),
    path("team/", team.team, name="team"),
    path("team/invite/", team.team_invite, name="team_invite"),
    path("team/<str:public_id>/role/", team.member_role, name="member_role"),
    path("team/<str:public_id>/remove/", team.member_remove, name="member_remove"),
    path("invitations/<str:public_id>/revoke/", team.invitation_revoke, name="invitation_revoke"),
    path("api-keys/", keys.api_key_list, name="api_key_list"),
    path("api-keys/new/", keys.api_key_new, name="api_key_new"),
    path("api-keys/revoke/", keys.api_key_bulk, name="api_key_bulk"),
    path("api-keys/<str:public_id>/revoke/", keys.api_key_revoke, name="api_key_revoke"),
    path("audit/", audit.audit_log, name="audit_log"),
]
