from __future__ import annotations

import pytest

from referral_platform.local.commands import needs_servers


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param([], id="none"),
        pytest.param(["help", "migrate"], id="help"),
        pytest.param(["--version"], id="version"),
        pytest.param(["migrate", "--help"], id="help of a command"),
        pytest.param(["collectstatic", "--noinput"], id="files only"),
    ],
)
def test_these_run_without_servers(arguments: list[str]) -> None:
    assert not needs_servers(arguments)


@pytest.mark.parametrize("command", ["migrate", "shell", "load_demo", "replay_requests"])
def test_these_need_servers(command: str) -> None:
    assert needs_servers([command])
