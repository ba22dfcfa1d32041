"""The page that shows the API works under the content security policy, from this host alone."""

import re

from django.test import Client


def test_the_page_holds_no_inline_script_and_names_no_other_host(client: Client, db: None) -> None:
    answer = client.get("/api/docs/")
    page = answer.content.decode()
    assert answer.status_code == 200
    sources = re.findall(r"<script([^>]*)>(.*?)</script>", page, re.DOTALL)
    assert len(sources) == 2
    assert all("src=" in attributes and not body.strip() for attributes, body in sources)
    assert "<style" not in page
    assert "//" not in page.replace("<!DOCTYPE html>", "")
    assert "unsafe" not in answer.headers["Content-Security-Policy"]


def test_its_script_is_served_by_itself(client: Client, db: None) -> None:
    answer = client.get("/api/docs/?script=")
    assert answer.headers["Content-Type"] == "application/javascript"
    assert b"SwaggerUIBundle" in answer.content
