from __future__ import annotations

import logging
import sys
from typing import Any

import pytest
from django.conf import settings

from core.log_lines import LineFormatter, without_persons


@pytest.mark.parametrize(
    ("line", "written"),
    [
        ("mail to ana.maria+x@shop.example failed", "mail to (mail address) failed"),
        ("GET /customers/?q=ana%40shop.example", "GET /customers/?q=(mail address)"),
        (
            '[..] 203.0.113.9 - "GET /r/ann-k3f HTTP/1.1" 302',
            '[..] (network address) - "GET /r/ann-k3f HTTP/1.1" 302',
        ),
        ("from 2001:db8::7 and 2001:db8:0:0:1:2:3:4", "from (network address) and (network address)"),
        ("at 127.0.0.1:8000 and ::1, 13:47:05", "at 127.0.0.1:8000 and ::1, 13:47:05"),
        ("Gone: /portal/enter/s3cr3t-_x/", "Gone: /portal/enter/(secret)/"),
        ("GET /invitations/abc/ 200", "GET /invitations/(secret)/ 200"),
        ("GET /accounts/password/reset/key/1-abc/ 200", "GET /accounts/password/reset/key/(secret)/ 200"),
        ("visitor vis_01abcDEF of clk_01abc", "visitor (visitor) of clk_01abc"),
        ("version 5.2.19 of cus_01h2, code ann-k3f", "version 5.2.19 of cus_01h2, code ann-k3f"),
    ],
)
def test_a_line_names_no_person(line: str, written: str) -> None:
    assert without_persons(line) == written


def test_a_traceback_names_no_person_either() -> None:
    try:
        raise ValueError("Key (mailbox)=(ana@shop.example) already exists.")
    except ValueError:
        record = logging.LogRecord("x", logging.ERROR, __file__, 1, "it failed", None, sys.exc_info())
    written = LineFormatter("%(message)s").format(record)
    assert "it failed" in written
    assert "Key (mailbox)=((mail address)) already exists." in written


def test_every_handler_writes_its_lines_so() -> None:
    logging_settings: dict[str, Any] = settings.LOGGING
    formatters = logging_settings["formatters"]
    used = {handler["formatter"] for handler in logging_settings["handlers"].values()}
    assert {formatters[name]["()"] for name in used} == {"core.log_lines.LineFormatter"}
    # The web server's own lines of requests go the same way.
    assert logging_settings["loggers"]["granian.access"]["handlers"] == ["console"]
