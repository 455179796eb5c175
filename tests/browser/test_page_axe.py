"""Every page passes axe, the checker of accessibility rules, in light and in dark."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.fakes.page_server import STAFF

pytestmark = pytest.mark.browser

PUBLIC = ("/", "/nothing/", "/console/login/")
CONSOLE = (
    *("/console/", "/console/new/", "/console/files/", "/console/voices/", "/api/synctalk/"),
    *("/console/rooms/mira/", "/console/rooms/mira/edit/", "/console/turns/1/"),
)
SCHEMES = pytest.mark.parametrize("scheme", ["light", "dark"])


def check(page: Page) -> None:
    results = Axe().run(page)
    assert len(results.response["passes"]) > 10
    assert results.violations_count == 0, f"{page.url}\n{results.generate_report()}"


def log_in(page: Page) -> None:
    page.goto("/console/login/")
    page.locator("[name=username]").fill(STAFF[0])
    page.locator("[name=password]").fill(STAFF[1])
    page.locator("main button[type=submit]").click()
    expect(page.locator("h1")).to_have_text("Rooms")


@SCHEMES
def test_public_pages(open_page, scheme: str) -> None:
    page = open_page("/", color_scheme=scheme)
    for path in PUBLIC:
        page.goto(path)
        check(page)


@SCHEMES
def test_live_room_with_a_conversation_and_with_its_dialogs(open_page, scheme: str) -> None:
    page = open_page("/r/mira/", color_scheme=scheme)
    page.get_by_test_id("chat-input").fill("!shed")
    expect(page.get_by_test_id("chat-send")).to_be_enabled()  # connected
    page.keyboard.press("Enter")
    expect(page.locator("[data-own][data-state=shed]")).to_be_visible()
    check(page)
    for opener, dialog in (
        ("[data-opens=memory-dialog]", "#memory-dialog"),
        ("[data-role=name-button]", "dialog[open]"),
    ):
        page.locator(opener).click()
        expect(page.locator(dialog)).to_be_visible()
        check(page)
        page.keyboard.press("Escape")


@SCHEMES
def test_console(open_page, scheme: str) -> None:
    page = open_page("/", color_scheme=scheme)
    log_in(page)
    for path in CONSOLE:
        page.goto(path)
        check(page)


def test_form_with_errors(open_page) -> None:
    page = open_page("/")
    log_in(page)
    page.goto("/console/rooms/evening/edit/")
    page.get_by_label("Language-model endpoints").fill("[{]")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("This is not JSON: line 1, column 3")).to_be_visible()
    expect(page.get_by_label("Language-model endpoints")).to_have_attribute("aria-invalid", "true")
    check(page)
