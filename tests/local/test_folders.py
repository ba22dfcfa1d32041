from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from referral_platform.local.folders import folders, private_folder, socket_folder
from referral_platform.local.processes import Account, LocalError

AS_ROOT = os.geteuid() == 0


def test_a_checkouts_folders_keep_others_out(checkout: Path) -> None:
    places = folders(checkout)

    for path in (places.run, places.log):
        assert path.is_dir()
    # The database's account passes through the cluster's home to its data; nobody else has business there.
    others = stat.S_IRWXO & ~stat.S_IXOTH if AS_ROOT else stat.S_IRWXO
    assert not places.postgres.stat().st_mode & others


def test_root_in_a_closed_folder_keeps_the_cluster_outside(checkout: Path) -> None:
    checkout.chmod(0o700)

    places = folders(checkout)

    assert places.outside is AS_ROOT
    assert (places.account is not None) is AS_ROOT


def test_the_socket_stands_in_the_home_while_its_path_is_short(checkout: Path) -> None:
    home = Path("/tmp") / f"referral-test-{os.getpid()}"
    home.mkdir()
    try:
        assert socket_folder(home, None) == home / "run"
    finally:
        (home / "run").rmdir()
        home.rmdir()


def test_the_socket_of_a_deep_checkout_gets_a_short_private_folder(tmp_path: Path) -> None:
    home = tmp_path / ("deep" * 25)
    home.mkdir()

    folder = socket_folder(home, None)

    assert len(os.fsencode(folder / ".s.PGSQL.5432.lock")) <= 107
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert socket_folder(home, None) == folder
    folder.rmdir()


def test_a_link_in_place_of_a_private_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")

    with pytest.raises(LocalError, match="belongs to somebody else"):
        private_folder(tmp_path / "link", None)


def test_a_private_folder_belongs_to_the_account_it_is_for(tmp_path: Path) -> None:
    uid, gid = (65534, 65534) if AS_ROOT else (os.geteuid(), os.getegid())

    folder = private_folder(tmp_path / "data", Account(name="someone", uid=uid, gid=gid))

    seen = folder.stat()
    assert (seen.st_uid, stat.S_IMODE(seen.st_mode)) == (uid, 0o700)
