"""The README's pictures, taken of the demo as anybody sees it after `make run`."""

from __future__ import annotations

import os
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Final

import pytest
from PIL import Image
from playwright.sync_api import Browser

from referral_platform.local.folders import ROOT
from tests.e2e.chromium import opened
from tests.e2e.pages import DRAFT_PROGRAM, ROWS
from tests.e2e.stage import SLUG, JoinedStage

FOLDER: Final = Path(os.environ.get("E2E_PICTURES") or ROOT / "var" / "e2e" / "readme")
"""`make screenshots` names the folder whose pictures the README shows."""

MOST_BYTES: Final = 200_000


@dataclass(frozen=True, slots=True)
class Picture:
    """What is on a picture: who looks at which address, and how wide."""

    name: str
    actor: str
    address: str
    query: str = ""
    width: int = 1280
    scale: float = 1


PICTURES: Final = [
    Picture("wizard", "owner", f"/w/{SLUG}/programs/{{id}}/setup/rewards/", DRAFT_PROGRAM),
    Picture("overview", "owner", f"/w/{SLUG}/"),
    Picture("referral", "owner", f"/w/{SLUG}/referrals/{{id}}/", ROWS["referral_detail"]["converted"]),
    Picture("portal", "participant", "/portal/", width=390, scale=1.5),
    Picture("payout", "owner", f"/w/{SLUG}/payouts/{{id}}/", ROWS["batch_detail"]["waiting"]),
]


@pytest.mark.parametrize("picture", PICTURES, ids=lambda each: each.name)
def test_picture(
    picture: Picture, stage: JoinedStage, browser: Browser, request: pytest.FixtureRequest
) -> None:
    state = request.getfixturevalue(picture.actor)
    address = picture.address
    if picture.query:
        address = address.replace("{id}", stage.one(SLUG, picture.query))
    with opened(browser, stage.base_url, width=picture.width, state=state, scale=picture.scale) as watched:
        watched.page.goto(address)
        watched.settle()
        taken = watched.page.screenshot()
        assert not watched.wrong, watched.wrong
    FOLDER.mkdir(parents=True, exist_ok=True)
    path = FOLDER / f"{picture.name}.png"
    # A page has few colours; a palette of them makes a third of the file.
    colours = Image.open(BytesIO(taken)).convert("RGB").quantize(colors=256, dither=Image.Dither.NONE)
    colours.save(path, optimize=True)
    assert path.stat().st_size < MOST_BYTES, f"{path} has {path.stat().st_size} bytes"
