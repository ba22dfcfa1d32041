"""How well and how fast user agents are read: the table of the tests, and the robots' own list beside it."""

from __future__ import annotations

import csv
import time
from collections import Counter
from collections.abc import Callable, Sequence
from importlib.metadata import version
from itertools import count
from pathlib import Path
from typing import Any

from crawleruseragents import CRAWLER_USER_AGENTS_DATA

from tracking.agents import read_agent
from tracking.classification import ClickFacts, channel, classify
from tracking.redirects import destination
from tracking.robots import LONGEST_AGENT, kind_of_agent

TABLE = Path("tests") / "tracking" / "agents.csv"
WANTED = {"person": "", "in_app": "", "preview": "preview", "bot": "bot", "tool": "datacentre"}

_NUMBERS = count()
_PAGE = """\
| agents of the table | read rightly | of | counted as a person |
|---|---:|---:|---:|
{rows}

People taken for robots: {misjudged}. Accuracy: {accuracy:.1%} of {total} agents.
Of the {examples:,} examples of crawler-user-agents {listed}, {named:,} are not counted ({share:.1%}).

| processor time of one | microseconds |
|---|---:|
{costs}
"""


def measure(root: Path) -> str:
    """Return accuracy and cost as text; `root` is the project's folder."""
    with (root / TABLE).open(newline="") as file:
        rows = [(row["kind"], row["agent"]) for row in csv.DictReader(file)]
    found = [(kind, kind_of_agent(agent[:LONGEST_AGENT])) for kind, agent in rows]
    total = Counter(kind for kind, _ in found)
    right = Counter(kind for kind, is_a in found if is_a == WANTED[kind])
    counted = Counter(kind for kind, is_a in found if not is_a)
    people = [kind for kind, wanted in WANTED.items() if not wanted]
    examples = [agent for entry in CRAWLER_USER_AGENTS_DATA for agent in entry["instances"]]
    named = sum(bool(kind_of_agent(agent[:LONGEST_AGENT].strip())) for agent in examples)
    return _PAGE.format(
        rows="\n".join(f"| {kind} | {right[kind]} | {total[kind]} | {counted[kind]} |" for kind in WANTED),
        misjudged=sum(total[kind] - counted[kind] for kind in people),
        accuracy=right.total() / total.total(),
        total=total.total(),
        examples=len(examples),
        listed=version("crawler-user-agents"),
        named=named,
        share=named / len(examples),
        costs="\n".join(f"| {name} | {cost:.1f} |" for name, cost in _costs([agent for _, agent in rows])),
    )


def _costs(agents: Sequence[str]) -> list[tuple[str, float]]:
    facts = [
        ClickFacts(user_agent=agent, referrer="https://l.facebook.com/", tags={"utm_source": "x"})
        for agent in agents
    ]
    read_agent("")

    def sent_on(_: str) -> str:
        query = {"utm_source": "instagram", "utm_campaign": "autumn sale"}
        return destination("https://shop.example/a?b=c", code="ana-k3f", click_id="clk_1", query=query)

    return [
        ("a user agent never seen, judged", _microseconds(kind_of_agent.__wrapped__, agents, repeat=3)),
        ("a user agent seen before, judged", _microseconds(classify, facts)),
        ("a user agent never seen, browser and system read", _microseconds(_unseen, agents, repeat=3)),
        ("a user agent seen before, browser and system read", _microseconds(read_agent, agents)),
        ("channel", _microseconds(channel, facts)),
        ("destination with two campaign words", _microseconds(sent_on, agents)),
    ]


def _unseen(agent: str) -> None:
    read_agent(f"{agent} n/{next(_NUMBERS)}")


def _microseconds(call: Callable[[Any], object], values: Sequence[Any], *, repeat: int = 50) -> float:
    for value in values:
        call(value)
    began = time.process_time()
    for _ in range(repeat):
        for value in values:
            call(value)
    return (time.process_time() - began) / (repeat * len(values)) * 1e6
