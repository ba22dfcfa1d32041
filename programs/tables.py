"""Columns of the lists of programs, participants, customers, links, promo codes and experiments."""

from __future__ import annotations

from core import lists
from programs.models import Customer, Experiment, Exposure, Link, Participant, Program, PromoCode


class ProgramTable(lists.Table):
    """Programs."""

    name = lists.Column("Program", sort="name", link="program_detail", required=True)
    status = lists.StatusColumn("Status", sort="status", required=True)
    kind = lists.WordsColumn("Kind", sort="kind", width="md")
    live_version = lists.NumberColumn("Live version", sort="live_version", width="lg")
    participant_count = lists.NumberColumn("Participants", sort="participant_count")
    created_at = lists.MomentColumn("Created", sort="created_at", width="md", initial_sort_descending=True)

    def label_of(self, record: Program) -> str:
        """Return the program's name."""
        return record.name


class ParticipantTable(lists.Table):
    """Participants of all programs."""

    who = lists.Column(
        "Participant",
        "customer",
        sort=("customer__name", "customer__email"),
        link="participant_detail",
        note="customer__email",
        required=True,
    )
    display_name = lists.Column("Shown to friends", sort="display_name", shown=False)
    email = lists.Column("E-mail", "customer__email", sort="customer__email", shown=False)
    program = lists.Column(
        "Program",
        "program__name",
        sort="program__name",
        width="lg",
        link="program_detail",
        link_id="program__public_id",
    )
    status = lists.StatusColumn("Status", sort="status", required=True)
    friends = lists.NumberColumn("Friends", sort="friends", initial_sort_descending=True)
    converted = lists.NumberColumn("Bought", sort="converted", width="md", initial_sort_descending=True)
    country = lists.Column("Country", "customer__country", sort="customer__country", shown=False)
    enrolled_at = lists.MomentColumn("Joined", sort="enrolled_at", width="md", initial_sort_descending=True)
    public_id = lists.Column("Id", shown=False, exported=False)

    def label_of(self, record: Participant) -> str:
        """Return who it is."""
        return str(record)


class CustomerTable(lists.Table):
    """Everybody the workspace knows."""

    name = lists.Column(
        "Customer", "shown_name", sort=("name", "email"), link="customer_detail", note="email", required=True
    )
    email = lists.Column("E-mail", sort="email", shown=False)
    external_id = lists.Column("Your id", sort="external_id", width="md")
    country = lists.Column("Country", sort="country")
    created_at = lists.MomentColumn(
        "Known since", sort="created_at", width="md", initial_sort_descending=True
    )
    public_id = lists.Column("Id", shown=False, exported=False)

    def label_of(self, record: Customer) -> str:
        """Return who it is."""
        return str(record)


class LinkTable(lists.Table):
    """Links of all participants."""

    code = lists.Column("Link", sort="code_key", link="link_detail", note="campaign", required=True)
    campaign = lists.Column("Campaign", sort="campaign", shown=False)
    participant = lists.Column(
        "Participant",
        "participant",
        sort=("participant__customer__name", "participant__customer__email"),
        link="participant_detail",
        link_id="participant__public_id",
    )
    program = lists.Column(
        "Program",
        "participant__program__name",
        sort="participant__program__name",
        width="lg",
        link="program_detail",
        link_id="participant__program__public_id",
    )
    status = lists.StatusColumn("Status", sort="status", required=True)
    referral_url = lists.Column("Address", shown=False)
    destination_url = lists.Column("Destination", shown=False)
    expires_at = lists.MomentColumn("Ends", sort="expires_at", width="lg")
    created_at = lists.MomentColumn("Made", sort="created_at", width="md", initial_sort_descending=True)
    public_id = lists.Column("Id", shown=False, exported=False)

    def label_of(self, record: Link) -> str:
        """Return the link's code."""
        return record.code


class PromoCodeTable(lists.Table):
    """Promo codes of all participants."""

    code = lists.Column("Code", sort="code_key", required=True)
    participant = lists.Column(
        "Participant",
        "participant",
        sort=("participant__customer__name", "participant__customer__email"),
        link="participant_detail",
        link_id="participant__public_id",
    )
    program = lists.Column(
        "Program",
        "participant__program__name",
        sort="participant__program__name",
        width="lg",
        link="program_detail",
        link_id="participant__program__public_id",
    )
    status = lists.StatusColumn("Status", sort="status", required=True)
    created_at = lists.MomentColumn("Made", sort="created_at", width="md", initial_sort_descending=True)
    public_id = lists.Column("Id", shown=False, exported=False)

    def label_of(self, record: PromoCode) -> str:
        """Return the code."""
        return record.code


class ExperimentTable(lists.Table):
    """Experiments of all programs."""

    name = lists.Column("Experiment", sort="name", link="experiment_detail", required=True)
    program = lists.Column(
        "Program",
        "program__name",
        sort="program__name",
        width="lg",
        link="program_detail",
        link_id="program__public_id",
    )
    status = lists.StatusColumn("Status", sort="status", required=True)
    people = lists.NumberColumn("People assigned", sort="people")
    started_at = lists.MomentColumn("Started", sort="started_at", width="md", initial_sort_descending=True)
    created_at = lists.MomentColumn("Created", sort="created_at", shown=False)

    def label_of(self, record: Experiment) -> str:
        """Return the experiment's name."""
        return record.name


class ExposureTable(lists.Table):
    """The people of one experiment."""

    participant = lists.Column(
        "Participant",
        "participant",
        sort=("participant__customer__name", "participant__customer__email"),
        link="participant_detail",
        link_id="participant__public_id",
        note="participant__customer__email",
        required=True,
    )
    variant = lists.Column("Variant", sort="variant", required=True)
    at = lists.MomentColumn("First seen", sort="at", width="md", initial_sort_descending=True)

    def label_of(self, record: Exposure) -> str:
        """Return who it is."""
        return str(record.participant)
