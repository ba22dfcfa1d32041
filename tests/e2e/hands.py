"""Two ways to work a page by the names of its controls: with the mouse, and with the keyboard alone."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from typing import Final, Literal

from playwright.sync_api import Locator, Page

Role = Literal["button", "link", "checkbox", "radio", "textbox", "combobox", "spinbutton", "menuitem"]
FARTHEST: Final = 160
"""How many steps of the Tab key are tried; no page of the journeys holds more to step through."""

_FOCUS_SHOWS: Final = """
element => {
    const outlined = each => {
        const style = getComputedStyle(each);
        return style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 1;
    };
    // A control may leave the outline to the label or the frame that it stands in.
    const around = [element.parentElement, element.closest("label")].filter(Boolean);
    return element.matches(":focus-visible")
        && (outlined(element) || getComputedStyle(element).boxShadow !== "none" || around.some(outlined));
}
"""


class Hands(ABC):
    """Works one page. Controls are found by role and accessible name; hidden ones do not count."""

    def __init__(self, page: Page) -> None:
        self.page = page

    def control(self, role: Role, name: str | re.Pattern[str], within: Locator | None = None) -> Locator:
        """Return the one visible control with this role and name; the first if the page repeats it."""
        exact = isinstance(name, str)
        found = (within or self.page).get_by_role(role, name=name, exact=exact).filter(visible=True)
        found.first.wait_for(state="visible")
        return found.first

    def field(self, label: str | re.Pattern[str]) -> Locator:
        """Return the visible field with this label, whatever its kind."""
        labelled = self.page.get_by_label(label, exact=isinstance(label, str))
        found = labelled.and_(self.page.locator("input, textarea, select")).filter(visible=True)
        found.first.wait_for(state="visible")
        return found.first

    @abstractmethod
    def press(
        self, name: str | re.Pattern[str], role: Role = "button", within: Locator | None = None
    ) -> None:
        """Press a button or follow a link."""

    def confirm(self, name: str | re.Pattern[str], question: str | re.Pattern[str]) -> None:
        """Press a button that asks back, and press it again."""
        self.press(name)
        self.press(question)

    @abstractmethod
    def write(self, label: str | re.Pattern[str], text: str) -> None:
        """Put a text into a field in place of what stands there."""

    @abstractmethod
    def choose(self, label: str | re.Pattern[str], option: str | re.Pattern[str]) -> None:
        """Choose an option of a list by its label, or by the first label that a pattern finds."""

    @abstractmethod
    def pick(self, name: str | re.Pattern[str]) -> None:
        """Choose one of several radio buttons."""

    @abstractmethod
    def tick(self, control: Locator, *, on: bool = True) -> None:
        """Set a checkbox."""


def _named(field: Locator, option: str | re.Pattern[str]) -> str:
    labels: list[str] = field.evaluate("element => [...element.options].map(each => each.label.trim())")
    found = [each for each in labels if (each == option if isinstance(option, str) else option.search(each))]
    assert found, f"{field.page.url}: there is no option {option!r}, only {labels}"
    return found[0]


class Mouse(Hands):
    """Clicks."""

    def press(
        self, name: str | re.Pattern[str], role: Role = "button", within: Locator | None = None
    ) -> None:
        self.control(role, name, within).click()

    def write(self, label: str | re.Pattern[str], text: str) -> None:
        field = self.field(label)
        field.click()
        field.fill(text)

    def choose(self, label: str | re.Pattern[str], option: str | re.Pattern[str]) -> None:
        field = self.field(label)
        field.select_option(label=_named(field, option))

    def pick(self, name: str | re.Pattern[str]) -> None:
        self.control("radio", name).check()

    def tick(self, control: Locator, *, on: bool = True) -> None:
        control.set_checked(on)


class Keyboard(Hands):
    """Tab, Shift-Tab, Enter, Space, arrows and letters; never the mouse."""

    def _has_focus(self, control: Locator) -> bool:
        return bool(control.evaluate("element => element === document.activeElement"))

    def reach(self, control: Locator) -> None:
        """Step to a control; fails when it cannot be reached or when one does not see where one is."""
        if not self._has_focus(control):
            # A group of radio buttons is one stop, and its stop may be another of its buttons.
            name = control.evaluate("element => element.type === 'radio' ? element.name : ''")
            for _ in range(FARTHEST):
                self.page.keyboard.press("Tab")
                if self._has_focus(control):
                    break
                active = "document.activeElement?.type === 'radio' && document.activeElement.name"
                if name and self.page.evaluate(active) == name:
                    self._turn_to(control)
                    break
            else:
                raise AssertionError(f"{self.page.url}: the Tab key does not reach {self._told(control)}")
        assert control.evaluate(_FOCUS_SHOWS), f"{self.page.url}: no focus is seen on {self._told(control)}"

    def _turn_to(self, radio: Locator) -> None:
        for _ in range(FARTHEST):
            if self._has_focus(radio):
                return
            self.page.keyboard.press("ArrowDown")
        raise AssertionError(f"{self.page.url}: the arrows do not reach {self._told(radio)}")

    def _told(self, control: Locator) -> str:
        return str(control.evaluate("element => element.outerHTML.slice(0, 160)"))

    def press(
        self, name: str | re.Pattern[str], role: Role = "button", within: Locator | None = None
    ) -> None:
        self.reach(self.control(role, name, within))
        self.page.keyboard.press("Enter")

    def write(self, label: str | re.Pattern[str], text: str) -> None:
        self.reach(self.field(label))
        self.page.keyboard.press("ControlOrMeta+A")
        self.page.keyboard.press("Delete")
        for number, line in enumerate(text.split("\n")):
            if number:
                self.page.keyboard.press("Enter")
            self.page.keyboard.type(line)

    def choose(self, label: str | re.Pattern[str], option: str | re.Pattern[str]) -> None:
        field = self.field(label)
        wanted = _named(field, option)
        self.reach(field)
        chosen = "element => element.selectedOptions[0]?.label.trim()"
        self.page.keyboard.press("Home")
        for _ in range(FARTHEST):
            if field.evaluate(chosen) == wanted:
                return
            self.page.keyboard.press("ArrowDown")
        raise AssertionError(f"{self.page.url}: {self._told(field)} has no option {option!r}")

    def pick(self, name: str | re.Pattern[str]) -> None:
        radio = self.control("radio", name)
        self.reach(radio)
        if not radio.is_checked():
            self.page.keyboard.press("Space")
        assert radio.is_checked()

    def tick(self, control: Locator, *, on: bool = True) -> None:
        if control.is_checked() != on:
            self.reach(control)
            self.page.keyboard.press("Space")
        assert control.is_checked() == on
