"""The demo's promotions and exchange rates, played by themselves."""

from __future__ import annotations

from datetime import timedelta

import pytest

from accounts.models import Workspace
from programs.models import Promotion
from programs.promotions import standing
from referral_platform.demo import seasons
from referral_platform.demo.public import lines_of
from referral_platform.demo.stage import Stage
from rewards.models import EnteredRate
from tests.factories import AT
from tests.rewards import builders
from tracking.lines import check_lines


@pytest.mark.django_db
def test_promotions_and_rates(workspace: Workspace) -> None:
    olga, finn = builders.person("olga@lumen.example"), builders.person("finn@lumen.example")
    stage = Stage(workspace, olga, finn, AT)
    stage.programs = {"friends": builders.program(workspace), "creators": builders.program(workspace)}
    for day, deed in (
        (1, seasons.enter_first_rates),
        (58, seasons.plan_first),
        (150, seasons.enter_new_rates),
        (177, seasons.plan_running),
        (179, seasons.plan_coming),
    ):
        deed(stage, AT + timedelta(days=day))
    promotions = Promotion.objects.for_workspace(workspace).order_by("pk")
    now = AT + timedelta(days=181)
    assert [standing(each, now) for each in promotions] == ["over", "running", "coming"]
    assert EnteredRate.objects.for_workspace(workspace).count() == 6


@pytest.mark.parametrize("amount_minor", [0, 1, 4_999, 5_000, 5_001, 24_900])
def test_orders_add_up(amount_minor: int) -> None:
    lines = lines_of(amount_minor)
    check_lines(lines, amount_minor=amount_minor, cost_minor=None)
    assert sum(line.amount_minor for line in lines) == amount_minor
