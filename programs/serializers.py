"""Bodies of the calls about programs, people, links, codes and experiments, and the answers they get."""

from __future__ import annotations

from typing import Any, Final

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from core.api import StrictSerializer
from programs import qr
from programs.assignment import WHOLE_BPS
from programs.models import Customer, Experiment, Link, Participant, Program, PromoCode
from programs.queries import Share, live_version, shares_of

UTM_HELP = "source, medium, campaign, content and term; {campaign}, {channel} and {code} are filled in"


ATTRIBUTES_HELP: Final = (
    "your own, at most 50: keys of 40 letters, digits, _ and -; texts of 200 characters, whole numbers, true "
    "and false. Each replaces the one by its key, null takes it away, the others stay"
)


class ProgramAnswer(serializers.Serializer[Program]):
    """A program; `live_version` is the number of the published version, null before the first."""

    id = serializers.CharField(source="public_id")
    name = serializers.CharField()
    kind = serializers.ChoiceField(choices=Program.Kind.choices)
    status = serializers.ChoiceField(choices=Program.Status.choices)
    live_version = serializers.IntegerField(allow_null=True)
    created_at = serializers.DateTimeField()


class ProgramDetailAnswer(ProgramAnswer):
    """A program with its draft, and with the terms that are live (null before the first publication)."""

    draft = serializers.DictField()
    terms = serializers.SerializerMethodField()

    @extend_schema_field({"type": "object", "additionalProperties": {}, "nullable": True})
    def get_terms(self, program: Program) -> dict[str, Any] | None:
        version = live_version(program)
        return None if version is None else version.terms


class ProgramBody(StrictSerializer):
    """A new program."""

    name = serializers.CharField(max_length=120)
    kind = serializers.ChoiceField(choices=Program.Kind.choices, default=Program.Kind.CUSTOMER)
    currency = serializers.CharField(max_length=3, required=False, help_text="default: the workspace's")


class DraftBody(StrictSerializer):
    """Changes of a draft; `terms` replaces the whole document."""

    name = serializers.CharField(max_length=120, required=False)
    terms = serializers.DictField(required=False)


class StatusBody(StrictSerializer):
    """The status a program is to have."""

    status = serializers.ChoiceField(choices=Program.Status.choices)
    reason = serializers.CharField(max_length=500, required=False, allow_blank=True)


class LinkAnswer(serializers.Serializer[Link]):
    """A link; `referral_url` is the address to share, an empty destination is the program's."""

    id = serializers.CharField(source="public_id")
    participant = serializers.CharField(source="participant.public_id")
    program = serializers.CharField(source="participant.program.public_id")
    code = serializers.CharField()
    referral_url = serializers.URLField()
    destination_url = serializers.CharField(allow_blank=True)
    campaign = serializers.CharField(allow_blank=True)
    utm = serializers.DictField(child=serializers.CharField())
    status = serializers.ChoiceField(choices=Link.Status.choices)
    expires_at = serializers.DateTimeField(allow_null=True)
    created_at = serializers.DateTimeField()


class OwnLinkAnswer(serializers.Serializer[Link]):
    """A link inside its participant's answer."""

    id = serializers.CharField(source="public_id")
    code = serializers.CharField()
    referral_url = serializers.URLField()
    status = serializers.ChoiceField(choices=Link.Status.choices)


class LinkBody(StrictSerializer):
    """A new link; without a code it gets a readable random one."""

    participant = serializers.CharField(max_length=40)
    code = serializers.CharField(max_length=40, required=False)
    destination_url = serializers.CharField(max_length=2000, required=False, allow_blank=True)
    campaign = serializers.CharField(max_length=80, required=False, allow_blank=True)
    utm = serializers.DictField(required=False, help_text=UTM_HELP)
    expires_at = serializers.DateTimeField(required=False, allow_null=True)


class LinkChangeBody(StrictSerializer):
    """Changes of a link; its code stays."""

    destination_url = serializers.CharField(max_length=2000, required=False, allow_blank=True)
    campaign = serializers.CharField(max_length=80, required=False, allow_blank=True)
    utm = serializers.DictField(required=False, help_text=UTM_HELP)
    expires_at = serializers.DateTimeField(required=False, allow_null=True)
    status = serializers.ChoiceField(choices=Link.Status.choices, required=False)


class ItemError(serializers.Serializer[Any]):
    """Why an item of a list was refused."""

    code = serializers.CharField()
    message = serializers.CharField()
    param = serializers.CharField(allow_null=True)


class LinkBulkBody(StrictSerializer):
    """Links to make, a thousand at most."""

    links = LinkBody(many=True)


class LinkResult(serializers.Serializer[Any]):
    """What became of one item: `item` where it was created, else `error`."""

    status = serializers.ChoiceField(choices=("created", "failed"))
    item = LinkAnswer(required=False)
    error = ItemError(required=False)


class LinkBulkAnswer(serializers.Serializer[Any]):
    """A result for each item, in their order."""

    results = LinkResult(many=True)


class QrQuery(StrictSerializer):
    """How a QR code is drawn."""

    format = serializers.ChoiceField(choices=("png", "svg"), default="png")
    size = serializers.IntegerField(
        min_value=qr.SMALLEST, max_value=qr.LARGEST, default=512, help_text="width in pixels, at most"
    )
    color = serializers.CharField(max_length=7, default="#000000", help_text="of the modules, #rrggbb")
    background = serializers.CharField(max_length=7, default="#ffffff", help_text="#rrggbb")
    margin = serializers.IntegerField(
        min_value=0, max_value=qr.WIDEST_MARGIN, default=4, help_text="in modules; scanners want four"
    )
    level = serializers.ChoiceField(
        choices=tuple(qr.LEVELS), default="M", help_text="how much damage is mended; H with a logo"
    )
    logo = serializers.BooleanField(default=False, help_text="the workspace's logo in the middle")


class PromoCodeAnswer(serializers.Serializer[PromoCode]):
    """A promo code."""

    id = serializers.CharField(source="public_id")
    participant = serializers.CharField(source="participant.public_id")
    program = serializers.CharField(source="participant.program.public_id")
    code = serializers.CharField()
    status = serializers.ChoiceField(choices=PromoCode.Status.choices)
    created_at = serializers.DateTimeField()


class PromoCodeBody(StrictSerializer):
    """A new promo code."""

    participant = serializers.CharField(max_length=40)
    code = serializers.CharField(max_length=40)


class PromoCodeChangeBody(StrictSerializer):
    """The status a promo code is to have."""

    status = serializers.ChoiceField(choices=PromoCode.Status.choices)


class PromoCodeBulkBody(StrictSerializer):
    """Promo codes to make, a thousand at most."""

    promo_codes = PromoCodeBody(many=True)


class PromoCodeResult(serializers.Serializer[Any]):
    """What became of one item: `item` where it was created, else `error`."""

    status = serializers.ChoiceField(choices=("created", "failed"))
    item = PromoCodeAnswer(required=False)
    error = ItemError(required=False)


class PromoCodeBulkAnswer(serializers.Serializer[Any]):
    """A result for each item, in their order."""

    results = PromoCodeResult(many=True)


class CustomerAnswer(serializers.Serializer[Customer]):
    """A person the workspace knows."""

    id = serializers.CharField(source="public_id")
    external_id = serializers.CharField(allow_null=True)
    email = serializers.CharField(allow_blank=True)
    name = serializers.CharField(allow_blank=True)
    country = serializers.CharField(allow_blank=True)
    attributes = serializers.DictField(help_text="your own: texts, whole numbers, true and false")
    created_at = serializers.DateTimeField()
    erased_at = serializers.DateTimeField(allow_null=True)


class ParticipantAnswer(serializers.Serializer[Participant]):
    """A participant with the links; `referral_url` is the oldest live link's, null where none is left."""

    id = serializers.CharField(source="public_id")
    program = serializers.CharField(source="program.public_id")
    customer = CustomerAnswer()
    status = serializers.ChoiceField(choices=Participant.Status.choices)
    display_name = serializers.CharField(allow_blank=True)
    enrolled_at = serializers.DateTimeField()
    links = OwnLinkAnswer(many=True, source="links.all")
    referral_url = serializers.SerializerMethodField()

    @extend_schema_field({"type": "string", "format": "uri", "nullable": True})
    def get_referral_url(self, participant: Participant) -> str | None:
        live = (link for link in participant.links.all() if link.status == Link.Status.ACTIVE)
        first = next(live, None)
        return None if first is None else first.referral_url


class ParticipantBody(StrictSerializer):
    """Who is enrolled in which program; an external id, an e-mail address, or both."""

    program = serializers.CharField(max_length=40)
    external_id = serializers.CharField(max_length=255, required=False, allow_null=True)
    email = serializers.CharField(max_length=254, required=False, allow_blank=True)
    name = serializers.CharField(max_length=120, required=False, allow_blank=True)
    country = serializers.CharField(max_length=2, required=False, allow_blank=True)
    attributes = serializers.DictField(required=False, help_text=ATTRIBUTES_HELP)
    display_name = serializers.CharField(
        max_length=60, required=False, allow_blank=True, help_text="shown to friends; default: the first name"
    )


class CustomerChangeBody(StrictSerializer):
    """Changes of a customer."""

    attributes = serializers.DictField(help_text=ATTRIBUTES_HELP)


class ParticipantChangeBody(StrictSerializer):
    """Changes of a participant; suspending needs a reason."""

    display_name = serializers.CharField(max_length=60, required=False, allow_blank=True)
    status = serializers.ChoiceField(choices=Participant.Status.choices, required=False)
    reason = serializers.CharField(max_length=500, required=False, allow_blank=True)


class VariantAnswer(serializers.Serializer[Any]):
    """A variant: of every sum of weights people, `weight` see it."""

    key = serializers.CharField()
    weight = serializers.IntegerField()


class ExperimentAnswer(serializers.Serializer[Experiment]):
    """An experiment among a program's participants."""

    id = serializers.CharField(source="public_id")
    program = serializers.CharField(source="program.public_id")
    name = serializers.CharField()
    variants = VariantAnswer(many=True)
    holdout_bps = serializers.IntegerField()
    status = serializers.ChoiceField(choices=Experiment.Status.choices)
    created_at = serializers.DateTimeField()
    started_at = serializers.DateTimeField(allow_null=True)
    stopped_at = serializers.DateTimeField(allow_null=True)


class VariantCount(serializers.Serializer[Share]):
    """How many people were assigned a variant or the holdout, and the part of all that should have been."""

    variant = serializers.CharField()
    people = serializers.IntegerField()
    expected_bps = serializers.IntegerField()


class ExperimentDetailAnswer(ExperimentAnswer):
    """An experiment with how many people were assigned what; it says nothing about what came of it."""

    exposures = serializers.SerializerMethodField()

    @extend_schema_field(VariantCount(many=True))
    def get_exposures(self, experiment: Experiment) -> Any:
        return [VariantCount(share).data for share in shares_of(experiment)]


class VariantBody(StrictSerializer):
    """A variant of an experiment."""

    key = serializers.CharField(max_length=30, help_text="small letters, digits and hyphens; not `holdout`")
    weight = serializers.IntegerField(min_value=0, max_value=1000)


class VariantsBody(StrictSerializer):
    """What can be changed about a draft; `variants` replaces all of them."""

    variants = VariantBody(many=True, required=False, help_text="2 to 4")
    holdout_bps = serializers.IntegerField(min_value=0, max_value=WHOLE_BPS - 1, required=False)


class ExperimentBody(StrictSerializer):
    """A new experiment."""

    program = serializers.CharField(max_length=40)
    name = serializers.CharField(max_length=120)
    variants = VariantBody(many=True, help_text="2 to 4")
    holdout_bps = serializers.IntegerField(
        min_value=0, max_value=WHOLE_BPS - 1, default=0, help_text="the part of all people who see no variant"
    )


class ExposureBody(StrictSerializer):
    """Who sees the experiment."""

    participant = serializers.CharField(max_length=40)


class ExposureAnswer(serializers.Serializer[Any]):
    """What a participant sees, since when, and whether this call was the first."""

    variant = serializers.CharField(help_text="a variant's key, or `holdout`")
    exposed_at = serializers.DateTimeField()
    new = serializers.BooleanField()
