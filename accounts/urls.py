"""Addresses of the account pages: `public` at the root, `console` below a workspace, `api`."""

from django.urls import URLPattern, path, re_path

from accounts import api as endpoints
from accounts.views import audit, development, domains, keys, settings, team, workspaces

public: list[URLPattern] = [
    path("", workspaces.home, name="home"),
    path("workspaces/new/", workspaces.workspace_new, name="workspace_new"),
    re_path(
        r"^brand/(?P<color>[0-9a-f]{6})-(?P<digest>[0-9a-f]{12})\.css$",
        settings.brand_sheet_view,
        name="brand_sheet",
    ),
    path("brand/logo/<str:public_id>/<slug:digest>.png", settings.brand_logo_view, name="brand_logo"),
    path("domains/ask", domains.domain_ask, name="domain_ask"),
    path("invitations/<str:secret>/", team.invitation_accept, name="invitation_accept"),
    path("dev/mail/", development.dev_mail, name="dev_mail"),
    path("dev/mail/<str:name>/", development.dev_mail_message, name="dev_mail_message"),
    path("dev/mail/<str:name>/html/", development.dev_mail_html, name="dev_mail_html"),
]

console: list[URLPattern] = [
    path("settings/", settings.settings, name="settings"),
    path("settings/brand/", settings.settings_brand, name="settings_brand"),
    path("settings/brand/preview/", settings.settings_brand_preview, name="settings_brand_preview"),
    path("settings/brand/logo/", settings.settings_logo, name="settings_logo"),
    path("settings/embedding/", settings.settings_embed, name="settings_embed"),
    path("settings/domains/", domains.settings_domains, name="settings_domains"),
    path("settings/domains/platform/", domains.domain_platform, name="domain_platform"),
    path("domains/<str:public_id>/verify/", domains.domain_verify, name="domain_verify"),
    path("domains/<str:public_id>/primary/", domains.domain_primary, name="domain_primary"),
    path("domains/<str:public_id>/remove/", domains.domain_remove, name="domain_remove"),
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
    path("api-keys/snippet/", keys.snippet, name="snippet"),
    path("api-keys/<str:public_id>/revoke/", keys.api_key_revoke, name="api_key_revoke"),
    path("audit/", audit.audit_log, name="audit_log"),
]

api: list[URLPattern] = [
    path("domains", endpoints.DomainList.as_view(), name="api_domains"),
    path("domains/<str:public_id>", endpoints.DomainDetail.as_view(), name="api_domain"),
    path("domains/<str:public_id>/verify", endpoints.DomainVerify.as_view(), name="api_domain_verify"),
]
