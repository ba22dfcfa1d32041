"""A browser without a screen: follows links, fills in forms by their field names, keeps its cookies."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import urljoin, urlsplit

import httpx

from tests.journeys.platform import Platform

PERSON = "Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0"
"""What a person's browser calls itself; the name of a program would make its clicks not count."""

ADDRESS = "198.51.100.23"
"""Where every browser comes from, as the proxy in front of the platform says."""

Value = str | list[str]


@dataclass(slots=True)
class Form:
    """A form as the page shows it: `fields` holds what would be sent if nothing were changed."""

    action: str
    method: str
    fields: dict[str, list[str]] = field(default_factory=dict)
    files: set[str] = field(default_factory=set)
    names: set[str] = field(default_factory=set)
    buttons: list[tuple[str, str, str]] = field(default_factory=list)
    """Name, value and label of each button that sends the form."""


class _Reader(HTMLParser):
    """Collects a page's text, links, forms and copyable values."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.words: list[str] = []
        self.links: list[tuple[str, str]] = []
        self.forms: list[Form] = []
        self.values: dict[str, str] = {}
        self.title = ""
        self._form: Form | None = None
        self._select: str | None = None
        self._silent = 0
        self._link: tuple[str, list[str]] | None = None
        self._button: tuple[str, str, list[str]] | None = None
        self._area: tuple[str, list[str]] | None = None
        self._in_title = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        match tag:
            case "script" | "style":
                self._silent += 1
            case "title":
                self._in_title = True
            case "form":
                self._form = Form(given.get("action", ""), given.get("method", "get").lower())
                self.forms.append(self._form)
            case "a" if "href" in given:
                self._link = (given["href"], [])
            case "button":
                self._button = (given.get("name", ""), given.get("value", ""), [])
                if given.get("type", "submit") != "submit":
                    self._button = None
            case "input":
                self._input(given)
            case "textarea":
                self._area = (given.get("name", ""), [])
            case "select":
                self._select = given.get("name", "")
                self._note_name(self._select)
            case "option" if self._form is not None and self._select is not None:
                chosen = self._form.fields.setdefault(self._select, [])
                if "selected" in given or not chosen:
                    chosen[:] = [given.get("value", "")]

    def _note_name(self, name: str) -> None:
        if self._form is not None and name:
            self._form.names.add(name)

    def _input(self, given: dict[str, str]) -> None:
        name, kind = given.get("name", ""), given.get("type", "text").lower()
        if "readonly" in given and "id" in given:
            self.values[given["id"]] = given.get("value", "")
        if self._form is None or not name:
            return
        self._form.names.add(name)
        if kind == "file":
            self._form.files.add(name)
        elif kind not in ("checkbox", "radio", "submit") or "checked" in given:
            unsaid = "on" if kind in ("checkbox", "radio") else ""
            self._form.fields.setdefault(name, []).append(given.get("value", unsaid))

    def handle_endtag(self, tag: str) -> None:
        match tag:
            case "script" | "style":
                self._silent -= 1
            case "title":
                self._in_title = False
            case "form":
                self._form = None
            case "select":
                self._select = None
            case "a" if self._link is not None:
                self.links.append((self._link[0], _squeezed(self._link[1])))
                self._link = None
            case "button" if self._button is not None:
                if self._form is not None:
                    name, value, label = self._button
                    self._form.buttons.append((name, value, _squeezed(label)))
                self._button = None
            case "textarea" if self._area is not None:
                if self._form is not None:
                    self._form.names.add(self._area[0])
                    self._form.fields[self._area[0]] = ["".join(self._area[1]).removeprefix("\n")]
                self._area = None

    def handle_data(self, data: str) -> None:
        if self._silent:
            return
        if self._in_title:
            self.title += data
            return
        if self._area is not None:
            self._area[1].append(data)
            return
        self.words.append(data)
        if self._link is not None:
            self._link[1].append(data)
        if self._button is not None:
            self._button[2].append(data)


def _squeezed(parts: list[str]) -> str:
    return " ".join(" ".join(parts).split())


class Page:
    """An answer, read as a page: `text` is what stands on it, in one line with single blanks."""

    def __init__(self, response: httpx.Response) -> None:
        self.response = response
        self.status = response.status_code
        self.url = str(response.url)
        self.path = urlsplit(self.url).path
        self.html = response.text
        reader = _Reader()
        reader.feed(self.html)
        reader.close()
        self.title = " ".join(reader.title.split())
        self.text = _squeezed(reader.words)
        self.links = reader.links
        self.forms = reader.forms
        self.values = reader.values

    def form(self, *, action: str | None = None, field: str | None = None, button: str | None = None) -> Form:
        """Return the one form with this end of the action, this field, or this button."""
        found = [
            form
            for form in self.forms
            if (action is None or form.action.endswith(action))
            and (field is None or field in form.names)
            and (button is None or button in [label for _, _, label in form.buttons])
        ]
        shown = [(f.action, sorted(f.names), [label for _, _, label in f.buttons]) for f in self.forms]
        assert len(found) == 1, f"{self.url}: {len(found)} forms fit ({action}, {field}, {button}) of {shown}"
        return found[0]

    def link(self, label: str) -> str:
        """Return the address of the first link with this label."""
        found = [href for href, text in self.links if text == label]
        assert found, f"{self.url} has no link {label!r}, only {sorted({text for _, text in self.links})}"
        return found[0]


class Browser:
    """One person's session. Redirects are followed only inside the platform."""

    def __init__(self, platform: Platform) -> None:
        self.base_url = platform.base_url
        self._seen = platform.seen
        self._client = httpx.Client(
            base_url=self.base_url,
            headers={"User-Agent": PERSON, "Accept": "text/html", "X-Forwarded-For": ADDRESS},
            timeout=30.0,
            trust_env=False,
            event_hooks={"response": [self._note]},
        )
        platform.visitors.callback(self._client.close)

    def _note(self, response: httpx.Response) -> None:
        self._seen += [str(response.request.url), response.headers.get("Location", "")]

    def cookie(self, name: str) -> str | None:
        """Return a cookie's value."""
        return self._client.cookies.get(name)

    def get(self, path: str, *, expect: int = 200, follow: bool = True) -> Page:
        """Open a page; fails unless it ends in the expected status."""
        return self._finish(self._client.get(path), expect, follow)

    def submit(
        self,
        page: Page,
        form: Form,
        fields: Mapping[str, Value] | None = None,
        *,
        press: str | None = None,
        files: Mapping[str, tuple[str, bytes]] | None = None,
        expect: int = 200,
        follow: bool = True,
    ) -> Page:
        """Send a form as `send` does and return the page it leads to."""
        return self._finish(self.send(page, form, fields, press=press, files=files), expect, follow)

    def send(
        self,
        page: Page,
        form: Form,
        fields: Mapping[str, Value] | None = None,
        *,
        press: str | None = None,
        files: Mapping[str, tuple[str, bytes]] | None = None,
    ) -> httpx.Response:
        """Send a form with some fields changed, by the button with the label `press` if one is named."""
        data = {name: list(values) for name, values in form.fields.items()}
        for name, value in (fields or {}).items():
            assert name in form.names, (
                f"{page.url}: the form has no field {name!r}, only {sorted(form.names)}"
            )
            data[name] = [value] if isinstance(value, str) else list(value)
        if press is not None:
            name, value, _ = next(button for button in form.buttons if button[2] == press)
            if name:
                data[name] = [value]
        assert set(files or {}) <= form.files
        target = urljoin(page.url, form.action)
        if form.method == "get":
            return self._client.get(target, params=data)
        headers = {"Referer": page.url, "Origin": self.base_url}
        return self._client.post(target, data=data, files=files or None, headers=headers)

    def _finish(self, response: httpx.Response, expect: int, follow: bool) -> Page:
        while follow and response.is_redirect:
            target = urljoin(str(response.url), response.headers["Location"])
            if not target.startswith(self.base_url):
                break
            response = self._client.get(target)
        page = Page(response)
        assert page.status == expect, (
            f"{response.request.method} {page.url} answered {page.status} instead of {expect}: "
            f"{page.text[-3000:]}"
        )
        return page
