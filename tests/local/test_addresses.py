from __future__ import annotations

import socket
import stat
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from referral_platform.local import addresses
from referral_platform.local.processes import LocalError


def _content() -> dict[str, str]:
    return addresses.create(socket_folder=Path("/run/some where"))


def test_load_says_what_to_do_when_nothing_was_ever_started(checkout: Path) -> None:
    with pytest.raises(addresses.ServersNotStarted, match="`make run`"):
        addresses.load(checkout)


def test_load_names_what_is_missing(checkout: Path) -> None:
    (checkout / "var").mkdir()
    addresses.save(checkout, {key: value for key, value in _content().items() if key != "hash_key"})

    with pytest.raises(LocalError, match="lacks hash_key"):
        addresses.load(checkout)


def test_saved_addresses_come_back_and_are_private(checkout: Path) -> None:
    (checkout / "var").mkdir()
    content = _content()

    addresses.save(checkout, content)

    assert addresses.load(checkout) == content
    assert stat.S_IMODE((checkout / "var" / "local.json").stat().st_mode) == 0o600


def test_new_addresses_differ_each_time_and_hold_a_usable_key() -> None:
    first, second = _content(), _content()

    assert all(first[key] != second[key] for key in first)
    Fernet(first["credentials_keys"].encode())
    assert first["database_url"].startswith("postgres://referral_app:")
    assert first["database_url"].endswith("@/referral?host=%2Frun%2Fsome%20where")
    assert first["database_owner_url"].startswith("postgres://referral_owner:")


def test_what_is_set_stays_and_gaps_are_filled() -> None:
    content = _content()

    filled = addresses.fill_in({"SECRET_KEY": "mine", "REDIS_URL": "", "PATH": "/bin"}, content)

    assert filled == {
        "PATH": "/bin",
        "SECRET_KEY": "mine",
        "HASH_KEY": content["hash_key"],
        "CREDENTIALS_KEYS": content["credentials_keys"],
        "DATABASE_URL": content["database_url"],
        "DATABASE_OWNER_URL": content["database_owner_url"],
        "REDIS_URL": content["redis_url"],
    }


def test_a_given_database_never_meets_the_embedded_owner() -> None:
    filled = addresses.fill_in({"DATABASE_URL": "postgres://app@db/shop"}, _content())

    assert filled["DATABASE_URL"] == "postgres://app@db/shop"
    assert "DATABASE_OWNER_URL" not in filled


def test_free_port_passes_over_a_taken_one() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]

        assert not addresses.port_is_free(port)
        assert addresses.free_port(port) > port
