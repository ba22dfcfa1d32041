from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

from referral_platform.local.processes import ChildRecord, is_alive, spawn, stop
from tests.local.conftest import eventually

# A child that ignores requests to end, and a grandchild of the same group.
STUBBORN = """
import signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
open("grandchild.new", "w").write(str(child.pid))
import os
os.rename("grandchild.new", "grandchild")
time.sleep(600)
"""

# A parent that starts a child as the supervisor does, and says which.
PARENT = """
import sys, time
from pathlib import Path
from referral_platform.local.processes import ChildRecord, spawn
record = ChildRecord(Path("children.json"))
child = spawn([sys.executable, "-c", sys.argv[1]], env={}, cwd=Path("."), output=None)
record.add(child)
print(child.pid, flush=True)
time.sleep(600)
"""


def _start_parent(folder: Path, child_program: str) -> tuple[subprocess.Popen[str], int]:
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, child_program],
        cwd=folder,
        env={"PYTHONPATH": str(Path(__file__).parents[2])},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    return parent, child


def _kill(parent: subprocess.Popen[str]) -> None:
    parent.kill()
    parent.wait()
    assert parent.stdout is not None
    parent.stdout.close()


def test_a_child_ends_when_its_parent_is_killed(tmp_path: Path) -> None:
    parent, child = _start_parent(tmp_path, "import time; time.sleep(600)")
    assert is_alive(child)

    _kill(parent)

    assert eventually(lambda: not is_alive(child))


def test_stop_kills_what_ignores_it_and_its_whole_group(tmp_path: Path) -> None:
    process = spawn([sys.executable, "-c", STUBBORN], env={}, cwd=tmp_path, output=None)
    assert eventually((tmp_path / "grandchild").exists)
    grandchild = int((tmp_path / "grandchild").read_text())

    clean = stop(process, how=signal.SIGTERM, grace=0.2)

    assert clean is False
    assert process.returncode == -signal.SIGKILL
    assert eventually(lambda: not is_alive(grandchild))


def test_the_next_owner_ends_children_that_ignored_the_death_of_theirs(tmp_path: Path) -> None:
    parent, child = _start_parent(tmp_path, STUBBORN)
    assert eventually((tmp_path / "grandchild").exists)
    grandchild = int((tmp_path / "grandchild").read_text())
    _kill(parent)
    assert is_alive(child)

    killed = ChildRecord(tmp_path / "children.json").end_leftovers(grace=0.2)

    assert killed == 2
    assert eventually(lambda: not is_alive(child) and not is_alive(grandchild))
    assert not (tmp_path / "children.json").exists()


def test_a_process_that_took_over_a_dead_childs_number_is_left_alone(tmp_path: Path) -> None:
    stranger = spawn(
        [sys.executable, "-c", "import time; time.sleep(600)"], env={}, cwd=tmp_path, output=None
    )
    file = tmp_path / "children.json"
    ChildRecord(file).add(stranger)
    record = json.loads(file.read_text())
    record["children"][0]["started"] -= 1
    file.write_text(json.dumps(record))

    killed = ChildRecord(file).end_leftovers(grace=0.2)

    assert killed == 0
    assert stranger.poll() is None
    stop(stranger, how=signal.SIGTERM, grace=5)


def test_children_of_an_earlier_boot_are_forgotten(tmp_path: Path) -> None:
    file = tmp_path / "children.json"
    file.write_text(json.dumps({"boot": "another", "children": [{"pid": os.getpid(), "started": 0}]}))

    assert ChildRecord(file).end_leftovers(grace=0.2) == 0
    assert not file.exists()
