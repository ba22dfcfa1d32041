"""What the decision records say, held against the project."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
RECORDS = sorted((ROOT / "docs" / "adr").glob("*.md"))


def test_decision_records_are_numbered_and_of_one_form() -> None:
    assert [int(path.name[:4]) for path in RECORDS] == list(range(1, len(RECORDS) + 1))
    for path in RECORDS:
        text = path.read_text()
        assert text.startswith(f"# {int(path.name[:4])}. "), path.name
        for part in ("**Context.**", "**Decision.**", "**Consequences.**"):
            assert text.count(part) == 1, (path.name, part)


def test_every_dependency_has_its_reason_written_down() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    table = (ROOT / "docs" / "adr" / "0008-dependencies.md").read_text()
    rows = {
        name for line in table.splitlines() if line.startswith("| ") for name in re.split(r"[,\s|]+", line)
    }
    names = [re.split(r"[\[<>=~ ]", dependency)[0] for dependency in project["dependencies"]]
    assert [name for name in names if name not in rows] == []
