"""Who asks, by the user agent alone: a table of real ones, and what must hold for any text."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from crawleruseragents import CRAWLER_USER_AGENTS_DATA
from hypothesis import given
from hypothesis import strategies as st

from tracking.robots import LONGEST_AGENT, kind_of_agent

TABLE = Path(__file__).with_name("agents.csv")
WANTED = {"person": "", "in_app": "", "preview": "preview", "bot": "bot", "tool": "datacentre"}


def table() -> list[tuple[str, str]]:
    with TABLE.open(newline="") as file:
        return [(row["kind"], row["agent"]) for row in csv.DictReader(file)]


def test_the_table_is_large_and_holds_each_agent_once() -> None:
    kinds = [kind for kind, _ in table()]
    assert len({agent for _, agent in table()}) == len(kinds) >= 200
    assert {kind: kinds.count(kind) >= 40 for kind in WANTED} == dict.fromkeys(WANTED, True)


def test_no_person_is_taken_for_a_robot() -> None:
    people = [agent for kind, agent in table() if not WANTED[kind]]
    assert [agent for agent in people if kind_of_agent(agent[:LONGEST_AGENT])] == []


def test_every_robot_is_named_for_what_it_is() -> None:
    robots = [(WANTED[kind], agent) for kind, agent in table() if WANTED[kind]]
    wrong = [(wanted, agent) for wanted, agent in robots if kind_of_agent(agent) != wanted]
    print(f"{1 - len(wrong) / len(robots):.1%} of {len(robots)} robots are named for what they are")
    assert wrong == []


def test_the_lists_own_examples_are_not_counted() -> None:
    examples = [agent for entry in CRAWLER_USER_AGENTS_DATA for agent in entry["instances"]]
    counted = [agent for agent in examples if not kind_of_agent(agent[:LONGEST_AGENT].strip())]
    # The list calls some people robots whose app a robot pretends to be.
    assert all("Instagram" in agent for agent in counted)
    assert len(counted) < len(examples) / 1000


@pytest.mark.parametrize(
    "device", ["CUBOT_X18_Plus", "Spider-X5", "Robotech 3", "Crawler One", "bot", "curl"]
)
def test_a_device_is_no_robot_whatever_its_name(device: str) -> None:
    rest = "AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Mobile Safari/537.36"
    assert kind_of_agent(f"Mozilla/5.0 (Linux; Android 14; {device}) {rest}") == ""
    assert kind_of_agent(f"Mozilla/5.0 (Linux; Android 14; {device} Build/AB1.2; wv) {rest} Kik/15.59") == ""


@pytest.mark.parametrize(
    ("agent", "kind"),
    [
        ("Mozilla/5.0 (Linux; Android 13; K; SomeNewBot/1.0) AppleWebKit/537.36", "bot"),
        ("Mozilla/5.0 (X11; Linux x86_64; SomeNewBot/1.0) Chrome/142.0", "bot"),
        ("Mozilla/5.0 (Windows NT 10.0; +https://robot.example/) Chrome/142.0", "bot"),
        ("Mozilla/5.0 (compatible; SomeCrawler)", "bot"),
        ("some-service/2.1", "datacentre"),
        ("SomeService", "datacentre"),
        ("Mozilla/5.0 Firefox/142.0", ""),
        ("Some phone (with a browser) of tomorrow/1.0", ""),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 26_1 like Mac OS X) NewEngine/1.0 NewApp/9", ""),
    ],
)
def test_what_the_list_does_not_know_is_judged_by_its_form(agent: str, kind: str) -> None:
    assert kind_of_agent(agent) == kind


@given(st.text(max_size=LONGEST_AGENT))
def test_any_text_is_one_of_four(agent: str) -> None:
    assert kind_of_agent(agent) in {"", "preview", "bot", "datacentre"}


@given(
    st.sampled_from([agent for kind, agent in table() if kind == "bot"]),
    st.sampled_from(
        ["Mozilla/5.0 (compatible; ", "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; "]
    ),
)
def test_a_robot_stays_one_behind_a_browsers_name(agent: str, before: str) -> None:
    assert kind_of_agent(f"{before}{agent})") != ""


def test_what_is_remembered_is_bounded() -> None:
    limit = kind_of_agent.cache_info().maxsize
    assert limit == 10_000
