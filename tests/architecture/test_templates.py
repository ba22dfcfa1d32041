"""Every template compiles, names only what exists, and needs no inline code."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

from django.conf import settings
from django.contrib.staticfiles import finders
from django.template import TemplateDoesNotExist, TemplateSyntaxError, engines
from django.template.base import Lexer, TokenType
from django.urls import get_resolver
from django.utils.text import smart_split

ROOT = Path(settings.BASE_DIR) / "templates"
INLINE = re.compile(r"<style|\sstyle\s*=|\son[a-z]+\s*=|javascript:|<script(?![^>]*\ssrc=)", re.IGNORECASE)
MAY_MARK_SAFE = {"_components/field.html": "a field's help text is written by us, never by a tenant"}
UNSAFE = re.compile(r"\|\s*safe\b|\bautoescape off\b|\|\s*safeseq\b")


@cache
def templates() -> dict[str, str]:
    """Return every template's source by its name; e-mails are text or mail, not pages."""
    return {
        str(path.relative_to(ROOT)): path.read_text() for path in sorted(ROOT.rglob("*")) if path.is_file()
    }


def tags(source: str) -> list[tuple[int, list[str]]]:
    """Return line and words of every block tag."""
    return [
        (token.lineno or 0, list(smart_split(token.contents)))
        for token in Lexer(source).tokenize()
        if token.token_type == TokenType.BLOCK
    ]


def is_page(name: str) -> bool:
    """Tell whether a template becomes part of a page in a browser."""
    return name.endswith(".html") and "/emails/" not in name


def listed(wrong: list[str]) -> str:
    """Return everything that is wrong, a line each."""
    return "\n" + "\n".join(wrong)


def test_every_template_compiles() -> None:
    wrong = []
    for name in templates():
        try:
            engines["django"].get_template(name)
        except (TemplateSyntaxError, TemplateDoesNotExist) as error:
            wrong.append(f"{name}: {error}")
    assert len(templates()) > 50
    assert not wrong, listed(wrong)


def test_every_address_a_template_names_exists() -> None:
    known = {str(name) for name in get_resolver().reverse_dict if isinstance(name, str)}
    wrong = []
    for name, source in templates().items():
        for line, words in tags(source):
            if words[0] == "url" and words[1][0] in "'\"" and words[1].strip("'\"") not in known:
                wrong.append(f"{name}:{line}: {words[1]}")
    assert not wrong, listed(wrong)


def test_every_template_another_one_names_exists() -> None:
    wrong = []
    for name, source in templates().items():
        for line, words in tags(source):
            if words[0] in ("extends", "include") and words[1][0] in "'\"":
                try:
                    engines["django"].get_template(words[1].strip("'\""))
                except TemplateDoesNotExist:
                    wrong.append(f"{name}:{line}: {words[1]}")
    assert not wrong, listed(wrong)


def test_every_static_file_a_template_names_exists() -> None:
    wrong = []
    for name, source in templates().items():
        for line, words in tags(source):
            if words[0] == "static" and words[1][0] in "'\"" and not finders.find(words[1].strip("'\"")):
                wrong.append(f"{name}:{line}: {words[1]}")
    assert not wrong, listed(wrong)


def test_pages_need_no_inline_code_or_style() -> None:
    """The Content-Security-Policy would not run it."""
    wrong = [
        f"{name}:{source.count(chr(10), 0, found.start()) + 1}: {found[0]}"
        for name, source in templates().items()
        if is_page(name)
        for found in INLINE.finditer(source)
    ]
    assert not wrong, listed(wrong)


def test_nothing_is_marked_safe_by_a_template() -> None:
    wrong = [
        f"{name}:{source.count(chr(10), 0, found.start()) + 1}: {found[0]}"
        for name, source in templates().items()
        if name.endswith(".html") and name not in MAY_MARK_SAFE
        for found in UNSAFE.finditer(source)
    ]
    assert not wrong, listed(wrong)


def test_every_form_that_posts_carries_its_token() -> None:
    wrong = []
    for name, source in templates().items():
        if not is_page(name):
            continue
        for found in re.finditer(r"<form\b[^>]*method=\"post\".*?</form>", source, re.IGNORECASE | re.DOTALL):
            if "csrf_token" not in found[0] and "_components/form" not in found[0]:
                wrong.append(f"{name}:{source.count(chr(10), 0, found.start()) + 1}")
    assert not wrong, listed(wrong)
