"""The machine's own limits: what no program on this server could exceed."""

from __future__ import annotations

import subprocess
import sys
import threading
import time

import psycopg2

from benchmarks import load
from benchmarks.ground import SERVER_CORE, Ground, on_core

THREADS = 4
"""As many as the web server has."""


def constant_answers(ground: Ground, *, seconds: float) -> load.Load:
    """Ask the same web server for an answer that never changes."""
    question = load.http("GET", "/r/any", headers={})
    with ground.web("benchmarks.constant:application") as port:
        load.run(port, lambda _: question, seconds=1)
        return load.run(port, lambda _: question, seconds=seconds)


def commits(ground: Ground, *, seconds: float) -> float:
    """Return how many one-row transactions per second the same Postgres commits, its clients on its core."""
    with on_core(SERVER_CORE):
        done = subprocess.run(
            [
                sys.executable,
                "-m",
                "benchmarks.limits",
                ground.environment["DATABASE_OWNER_URL"],
                str(seconds),
            ],
            capture_output=True,
            text=True,
            check=True,
        )
    return float(done.stdout)


def _commit_for(url: str, seconds: float) -> float:
    with psycopg2.connect(url) as connection, connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS bench_limit")
        cursor.execute(
            "CREATE TABLE bench_limit (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, n bigint)"
        )
    connection.close()
    counts = [0] * THREADS
    ends = time.monotonic() + seconds

    def insert(index: int) -> None:
        connection = psycopg2.connect(url)
        with connection.cursor() as cursor:
            while time.monotonic() < ends:
                cursor.execute("INSERT INTO bench_limit (n) VALUES (%s)", [index])
                connection.commit()
                counts[index] += 1
        connection.close()

    threads = [threading.Thread(target=insert, args=(index,)) for index in range(THREADS)]
    began = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(counts) / (time.monotonic() - began)


if __name__ == "__main__":
    sys.stdout.write(f"{_commit_for(sys.argv[1], float(sys.argv[2])):.1f}")
