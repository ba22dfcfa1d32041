"""Browser, system and kind of device of a user agent."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracking.agents import LONGEST_NAME, Agent, read_agent

WEBKIT = "AppleWebKit/537.36 (KHTML, like Gecko)"
SAFARI = "AppleWebKit/605.1.15 (KHTML, like Gecko)"


@pytest.mark.parametrize(
    ("user_agent", "agent"),
    [
        (
            f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {WEBKIT} Chrome/142.0.0.0 Safari/537.36",
            Agent("Chrome 142", "Windows 10", "desktop"),
        ),
        (
            f"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) {SAFARI} Version/26.0 Safari/605.1.15",
            Agent("Safari 26", "macOS", "desktop"),
        ),
        (
            "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
            Agent("Firefox 140", "Linux", "desktop"),
        ),
        (
            f"Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) {WEBKIT} Chrome/141.0.0.0 Safari/537.36",
            Agent("Chrome 141", "Chrome OS", "desktop"),
        ),
        (
            f"Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) {SAFARI} Version/18.6 Mobile/15E148"
            " Safari/604.1",
            Agent("Mobile Safari 18", "iOS 18", "phone"),
        ),
        (
            f"Mozilla/5.0 (iPad; CPU OS 17_7 like Mac OS X) {SAFARI} Version/17.7 Mobile/15E148 Safari/604.1",
            Agent("Mobile Safari 17", "iOS 17", "tablet"),
        ),
        (
            f"Mozilla/5.0 (iPhone; CPU iPhone OS 17_6 like Mac OS X) {SAFARI} Mobile/15E148",
            Agent("Safari in an app", "iOS 17", "phone"),
        ),
        (
            f"Mozilla/5.0 (Linux; Android 10; K) {WEBKIT} Chrome/142.0.0.0 Mobile Safari/537.36",
            Agent("Chrome Mobile 142", "Android 10", "phone"),
        ),
        (
            f"Mozilla/5.0 (Linux; Android 10; K) {WEBKIT} Chrome/141.0.0.0 Safari/537.36",
            Agent("Chrome 141", "Android 10", "tablet"),
        ),
        (
            f"Mozilla/5.0 (Linux; Android 14; SM-S911B; wv) {WEBKIT} Version/4.0 Chrome/130.0.0.0 Mobile"
            " Instagram 356.0.0.41.101 Android (34/14; 480dpi)",
            Agent("Instagram 356", "Android 14", "phone"),
        ),
        (
            f"Mozilla/5.0 (Web0S; Linux/SmartTV) {WEBKIT} Chrome/94.0.4606.128 Safari/537.36 WebAppManager",
            Agent("Chrome 94", "Web0S", "tv"),
        ),
        (
            f"Mozilla/5.0 (Linux; Android 9; AFTMM Build/PS7633) {WEBKIT} Silk/120.4.1 like Chrome/120.0",
            Agent("Amazon Silk 120", "Android 9", "tv"),
        ),
        (
            f"Mozilla/5.0 (PlayStation; PlayStation 5/9.60) {SAFARI} Version/15.4 Safari/605.1.15",
            Agent("Safari 15", "", "console"),
        ),
        (
            "Opera/9.80 (Android; Opera Mini/36.2; U; en) Presto/2.12.423",
            Agent("Opera Mini 36", "Android", "phone"),
        ),
        ("curl/8.9.1", Agent("curl 8", "", "other")),
        (
            "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
            Agent("Googlebot 2", "", "other"),
        ),
        ("", Agent("", "", "other")),
    ],
)
def test_an_agent_in_words(user_agent: str, agent: Agent) -> None:
    assert read_agent(user_agent) == agent


def test_every_person_of_the_table_holds_some_device() -> None:
    with Path(__file__).with_name("agents.csv").open(newline="") as file:
        people = [row["agent"] for row in csv.DictReader(file) if row["kind"] in ("person", "in_app")]
    unknown = [each.split("/")[0].split(" ")[0] for each in people if read_agent(each).device == "other"]
    # A headset, and three browsers of text terminals.
    assert sorted(unknown) == ["Links", "Lynx", "Mozilla", "w3m"]


def test_what_follows_the_first_512_characters_is_not_read() -> None:
    long = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0" + " x" * 50_000
    assert read_agent(long + " PlayStation") == Agent("Firefox 140", "Linux", "desktop")


@given(st.text())
def test_any_text_has_short_names(user_agent: str) -> None:
    agent = read_agent(user_agent)
    assert len(agent.browser) <= LONGEST_NAME
    assert len(agent.system) <= LONGEST_NAME
