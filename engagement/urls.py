"""Addresses of engagement."""

from django.urls import URLPattern, URLResolver, path

from engagement import api as endpoints
from engagement.views import (
    appeals,
    confirmation,
    embed,
    landing,
    messages,
    money,
    portal,
    spending,
    statement,
)

public: list[URLPattern | URLResolver] = [
    path("portal/", portal.portal, name="portal"),
    path("portal/sign-out/", portal.portal_sign_out, name="portal_sign_out"),
    path("portal/qr/<str:public_id>.png", portal.portal_qr, name="portal_qr"),
    path("portal/qr/<str:public_id>.svg", portal.portal_qr, {"drawn_as": "svg"}, name="portal_qr_svg"),
    path("portal/why/<str:public_id>/", appeals.portal_why, name="portal_why"),
    path("portal/how-paid/", money.portal_paid, name="portal_paid"),
    path("portal/tax/", money.portal_tax, name="portal_tax"),
    path("portal/missing-friend/", appeals.portal_missing, name="portal_missing"),
    path("portal/embed/why/<str:public_id>/", appeals.embed_why, name="embed_why"),
    path("portal/embed/how-paid/", money.embed_paid, name="embed_paid"),
    path("portal/embed/tax/", money.embed_tax, name="embed_tax"),
    path("portal/embed/missing-friend/", appeals.embed_missing, name="embed_missing"),
    path("portal/spend/", spending.portal_spend, name="portal_spend"),
    path("portal/embed/spend/", spending.embed_spend, name="embed_spend"),
    path("portal/embed/", embed.portal_embed, name="portal_embed"),
    path("portal/embed/qr/<str:public_id>.png", embed.embed_qr, name="embed_qr"),
    path("portal/embed/qr/<str:public_id>.svg", embed.embed_qr, {"drawn_as": "svg"}, name="embed_qr_svg"),
    path("portal/statement/", statement.portal_statement, name="portal_statement"),
    path("portal/enter/<str:secret>/", portal.portal_enter, name="portal_enter"),
    path("portal/<str:public_id>/", portal.portal_sign_in, name="portal_sign_in"),
    path("confirm/<str:token>/", confirmation.confirm_email, name="confirm_email"),
    path("join/<str:code>/", landing.landing, name="landing"),
    path("join/<str:code>/card.png", landing.landing_card, name="landing_card"),
    path("terms/<str:public_id>/", landing.terms, name="terms"),
]

console: list[URLPattern | URLResolver] = [
    path("messages/", messages.message_list, name="message_list"),
    path("messages/<str:public_id>/", messages.message_detail, name="message_detail"),
    path("messages/<str:public_id>/preview/", messages.message_preview, name="message_preview"),
    path("messages/<str:public_id>/retry/", messages.message_retry, name="message_retry"),
]

api: list[URLPattern | URLResolver] = [
    path("portal-links", endpoints.PortalLinks.as_view(), name="api_portal_links"),
    path("portal-tokens", endpoints.PortalTokens.as_view(), name="api_portal_tokens"),
]
