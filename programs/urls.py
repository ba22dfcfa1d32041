"""Addresses of programs, participants, customers and experiments."""

from django.urls import URLPattern, URLResolver, path

from programs.api import codes as code_endpoints
from programs.api import erasure as people
from programs.api import experiments as experiment_endpoints
from programs.api import programs as endpoints
from programs.api import promotions as promotion_endpoints
from programs.views import codes, editor, erasure, experiments, participants, programs, promotions, setup

public: list[URLPattern | URLResolver] = []

console: list[URLPattern | URLResolver] = [
    path("programs/", programs.program_list, name="program_list"),
    path("programs/new/", setup.program_new, name="program_new"),
    path("programs/<str:public_id>/", programs.program_detail, name="program_detail"),
    path("programs/<str:public_id>/setup/", setup.program_resume, name="program_resume"),
    path("programs/<str:public_id>/setup/live/", setup.program_launched, name="program_launched"),
    path("programs/<str:public_id>/setup/<slug:step>/", setup.program_setup, name="program_setup"),
    path("programs/<str:public_id>/edit/", editor.program_edit, name="program_edit"),
    path("programs/<str:public_id>/edit/<slug:section>/", editor.program_section, name="program_section"),
    path("programs/<str:public_id>/preview/", editor.program_preview, name="program_preview"),
    path("programs/<str:public_id>/versions/", programs.program_versions, name="program_versions"),
    path("programs/<str:public_id>/publish/", programs.program_publish, name="program_publish"),
    path("programs/<str:public_id>/status/", programs.program_status, name="program_status"),
    path("programs/<str:public_id>/versions/<int:number>/", programs.version_detail, name="version_detail"),
    path("programs/<str:public_id>/promotions/", promotions.promotion_list, name="promotion_list"),
    path("programs/<str:public_id>/promotions/new/", promotions.promotion_new, name="promotion_new"),
    path("promotions/<str:public_id>/", promotions.promotion_detail, name="promotion_detail"),
    path("promotions/<str:public_id>/edit/", promotions.promotion_edit, name="promotion_edit"),
    path("promotions/<str:public_id>/stop/", promotions.promotion_stop, name="promotion_stop"),
    path("participants/", participants.participant_list, name="participant_list"),
    path("participants/new/", participants.participant_new, name="participant_new"),
    path("participants/invite/", participants.participant_invite, name="participant_invite"),
    path("participants/bulk/", participants.participant_bulk, name="participant_bulk"),
    path("participants/<str:public_id>/", participants.participant_detail, name="participant_detail"),
    path("participants/<str:public_id>/edit/", participants.participant_edit, name="participant_edit"),
    path("participants/<str:public_id>/status/", participants.participant_status, name="participant_status"),
    path("participants/<str:public_id>/links/new/", participants.link_new, name="link_new"),
    path(
        "participants/<str:public_id>/promo-codes/new/",
        participants.promo_code_new,
        name="promo_code_new",
    ),
    path("links/", codes.link_list, name="link_list"),
    path("links/<str:public_id>/", codes.link_detail, name="link_detail"),
    path("links/<str:public_id>/edit/", codes.link_edit, name="link_edit"),
    path("links/<str:public_id>/archive/", codes.link_archive, name="link_archive"),
    path("links/<str:public_id>/restore/", codes.link_restore, name="link_restore"),
    path("links/<str:public_id>/qr.svg", codes.link_qr, name="link_qr"),
    path("links/<str:public_id>/qr.png", codes.link_qr, {"drawn_as": "png"}, name="link_qr_png"),
    path("promo-codes/", codes.promo_code_list, name="promo_code_list"),
    path("promo-codes/bulk/", codes.promo_code_bulk, name="promo_code_bulk"),
    path("customers/", participants.customer_list, name="customer_list"),
    path("customers/<str:public_id>/", participants.customer_detail, name="customer_detail"),
    path("customers/<str:public_id>/export/", erasure.customer_export, name="customer_export"),
    path("customers/<str:public_id>/erase/", erasure.customer_erase, name="customer_erase"),
    path("experiments/", experiments.experiment_list, name="experiment_list"),
    path("experiments/new/", experiments.experiment_new, name="experiment_new"),
    path("experiments/<str:public_id>/", experiments.experiment_detail, name="experiment_detail"),
    path("experiments/<str:public_id>/start/", experiments.experiment_start, name="experiment_start"),
    path("experiments/<str:public_id>/stop/", experiments.experiment_stop, name="experiment_stop"),
]

api: list[URLPattern | URLResolver] = [
    path("programs", endpoints.ProgramList.as_view(), name="api_programs"),
    path("programs/<str:public_id>", endpoints.ProgramDetail.as_view(), name="api_program"),
    path("programs/<str:public_id>/publish", endpoints.ProgramPublish.as_view(), name="api_program_publish"),
    path("programs/<str:public_id>/status", endpoints.ProgramStatus.as_view(), name="api_program_status"),
    path("participants", endpoints.ParticipantList.as_view(), name="api_participants"),
    path("participants/<str:public_id>", endpoints.ParticipantDetail.as_view(), name="api_participant"),
    path("customers", endpoints.CustomerList.as_view(), name="api_customers"),
    path("customers/<str:public_id>", endpoints.CustomerDetail.as_view(), name="api_customer"),
    path("customers/<str:public_id>/export", people.CustomerExport.as_view(), name="api_customer_export"),
    path("customers/<str:public_id>/erase", people.CustomerErase.as_view(), name="api_customer_erase"),
    path("links", code_endpoints.LinkList.as_view(), name="api_links"),
    path("links/bulk", code_endpoints.LinkBulk.as_view(), name="api_link_bulk"),
    path("links/<str:public_id>", code_endpoints.LinkDetail.as_view(), name="api_link"),
    path("links/<str:public_id>/archive", code_endpoints.LinkArchive.as_view(), name="api_link_archive"),
    path("links/<str:public_id>/qr", code_endpoints.LinkQr.as_view(), name="api_link_qr"),
    path("promo-codes", code_endpoints.PromoCodeList.as_view(), name="api_promo_codes"),
    path("promo-codes/bulk", code_endpoints.PromoCodeBulk.as_view(), name="api_promo_code_bulk"),
    path("promo-codes/<str:public_id>", code_endpoints.PromoCodeDetail.as_view(), name="api_promo_code"),
    path("promotions", promotion_endpoints.PromotionList.as_view(), name="api_promotions"),
    path(
        "promotions/<str:public_id>",
        promotion_endpoints.PromotionDetail.as_view(),
        name="api_promotion",
    ),
    path(
        "promotions/<str:public_id>/stop",
        promotion_endpoints.PromotionStop.as_view(),
        name="api_promotion_stop",
    ),
    path("experiments", experiment_endpoints.ExperimentList.as_view(), name="api_experiments"),
    path(
        "experiments/<str:public_id>",
        experiment_endpoints.ExperimentDetail.as_view(),
        name="api_experiment",
    ),
    path(
        "experiments/<str:public_id>/start",
        experiment_endpoints.ExperimentStart.as_view(),
        name="api_experiment_start",
    ),
    path(
        "experiments/<str:public_id>/stop",
        experiment_endpoints.ExperimentStop.as_view(),
        name="api_experiment_stop",
    ),
    path(
        "experiments/<str:public_id>/exposures",
        experiment_endpoints.ExperimentExposures.as_view(),
        name="api_experiment_exposures",
    ),
]
