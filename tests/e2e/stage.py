"""The stage of the browser suite: one running platform with the demo's data, shared by all test processes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from referral_platform.local import addresses
from referral_platform.local.folders import ROOT
from referral_platform.local.processes import spawn
from referral_platform.local.supervisor import platform_programs
from tests.journeys.platform import Platform

NAMED_BY: Final = "E2E_STAGE"
"""The environment variable with what a test process must know of the running stage."""

_LOADING_SECONDS: Final = 1200.0
"""How long the demo may take to load on a machine busy with other things; alone, it takes a minute."""

_SECRET: Final = ("DATABASE_URL", "SECRET_KEY", "HASH_KEY", "CREDENTIALS_KEYS")

SLUG: Final = "lumen-coffee"
SANDBOX: Final = "lumen-coffee-sandbox"


class Stage(Platform):
    """The platform as it is in production, and a second web server with the pages for developers."""

    def __init__(self, folder: Path) -> None:
        super().__init__(
            folder,
            f"e2e_referral_{os.getpid()}",
            STATIC_ROOT=str(folder / "static"),
            # Nearly nothing happens on this stage: to look for work more often only takes time from Chromium.
            SWEEP_SECONDS="2",
        )
        self._development_port = addresses.free_port()
        self.development_url = f"http://127.0.0.1:{self._development_port}"

    def start(self) -> None:
        """Start everything, with the collected and compressed files of a production, and load the demo."""
        self.manage("collectstatic", "--noinput", "--verbosity", "0")
        super().start()
        self._load_demo()
        self._start_development()
        self.settle(SLUG)

    def _load_demo(self) -> None:
        loading = subprocess.run(
            [sys.executable, "manage.py", "load_demo", "--force"],
            env=self.environment,
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=_LOADING_SECONDS,
        )
        assert loading.returncode == 0, f"{loading.stdout[-2000:]}\n{loading.stderr[-3000:]}"

    def _start_development(self) -> None:
        changed = {
            "DEBUG": "true",
            "BASE_URL": self.development_url,
            "WEB_PORT": str(self._development_port),
        }
        with (self.folder / "development.log").open("ab") as log:
            self._processes["development"] = spawn(
                platform_programs(self._development_port, self.folder)["web"],
                env={**self.environment, **changed},
                cwd=ROOT,
                output=log,
            )

    def close(self) -> None:
        """Stop everything and drop the database."""
        self._stop("development")
        super().close()

    def description(self) -> str:
        """Return what another process needs to join in."""
        return json.dumps(
            {
                "folder": str(self.folder),
                "database": self.database,
                "base_url": self.base_url,
                "development_url": self.development_url,
                "redis_url": self._redis_url,
                "environment": {name: self.environment[name] for name in _SECRET},
            }
        )


class JoinedStage(Stage):
    """The stage as another process sees it: to look at and to talk to, not to start or stop."""

    def __init__(self, description: str) -> None:
        given = json.loads(description)
        self.folder = Path(given["folder"])
        self.mail = self.folder / "mail"
        self.database = given["database"]
        self._secret: dict[str, str] = given["environment"]
        self.base_url = given["base_url"]
        self.port = int(self.base_url.rpartition(":")[2])
        self.development_url = given["development_url"]
        self._redis_url = given["redis_url"]
        self._settings = {}
        self._processes = {}
        self.visitors = ExitStack()

    @property
    def environment(self) -> dict[str, str]:
        """The stage's environment; this process may have been started with other addresses."""
        return {**super().environment, **self._secret}

    def close(self) -> None:
        """Leave the stage as it is."""
        self.visitors.close()

    def one(self, slug: str, query: str) -> str:
        """Return the first column of the first row that a query finds in a workspace; fails without one."""
        rows = self.rows(slug, query)
        assert rows, f"the demo has nothing for: {query}"
        return str(rows[0][0])
