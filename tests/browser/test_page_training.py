"""The page of a training in Chromium: curves, sheets, buttons, both languages, a phone."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.browser.test_page_axe import SCHEMES, check
from tests.browser.test_page_console import PHONE, enter

pytestmark = pytest.mark.browser

PATH = "/console/avatars/ada/training/"


def part(page: Page, role: str) -> object:
    return page.locator(f'main [data-role="{role}"]')


@SCHEMES
def test_page_with_curves_passes_axe(open_page, scheme: str) -> None:
    page = enter(open_page, PATH, color_scheme=scheme)
    expect(page.locator(".chart")).to_have_count(2)
    check(page)


def test_curves_and_numbers_are_shown_and_speak_chinese_in_place(open_page) -> None:
    page = enter(open_page, PATH)
    expect(page.locator(".chart").nth(0).locator("polyline")).to_have_count(3)
    expect(page.locator(".chart").nth(1).locator("polyline")).to_have_count(2)
    expect(part(page, "state")).to_have_text("Paused; it goes on from there")
    expect(part(page, "step")).to_have_text("2000 / 8000")
    expect(part(page, "best")).to_have_text("32.80 (2000)")
    page.get_by_role("button", name="中文").click()
    expect(part(page, "state")).to_have_text("已暂停，可从此处继续")
    expect(page.locator(".chart-title").nth(1)).to_have_text("未参与训练的画面的相似度（dB）")


def test_sheet_of_a_chosen_step_stays(open_page) -> None:
    page = enter(open_page, PATH)
    sheet = part(page, "sheet")
    expect(sheet).to_have_attribute("src", f"{PATH}samples/2000/")
    part(page, "sample-step").select_option("500")
    expect(sheet).to_have_attribute("src", f"{PATH}samples/500/")
    assert page.evaluate("document.querySelector('[data-role=sheet]').decode().then(() => true)")
    with page.expect_response(lambda response: response.url.endswith("/now/")):
        pass
    expect(sheet).to_have_attribute("src", f"{PATH}samples/500/")


def test_states_follow_each_other_without_a_reload(open_page) -> None:
    page = enter(open_page, "/console/")
    still = {"step": 0, "steps": 0, "seconds_per_step": 0, "best": 0, "best_step": 0, "batch": 0, "error": ""}
    still |= {"seconds_left": None, "curves": {}, "samples": [], "is_running": False}
    answers = [
        {**still, "state": "asked", "may_start": False, "may_stop": True},
        {**still, "state": "unet", "step": 10, "steps": 4000, "seconds_per_step": 0.5, "seconds_left": 1995.0}
        | {"may_start": False, "may_stop": True, "is_running": True},
        {**still, "state": "failed", "error": "the disk is full", "may_start": True, "may_stop": False},
    ]
    page.route("**/training/now/", lambda route: route.fulfill(json=answers[0]))
    page.goto(PATH)
    expect(part(page, "state")).to_have_text("Asked for")
    expect(page.get_by_role("button", name="Train")).to_be_hidden()
    answers.pop(0)
    expect(part(page, "state")).to_have_text("Learning to draw the mouth")
    expect(page.get_by_role("progressbar")).to_have_attribute("value", "10")
    expect(part(page, "left")).to_have_text("34 min")
    answers.pop(0)
    expect(part(page, "error")).to_have_text("the disk is full")
    expect(page.get_by_role("button", name="Train")).to_be_visible()
    expect(page.get_by_role("progressbar")).to_be_hidden()


def test_training_is_asked_for_and_stopped_by_keyboard(open_page) -> None:
    page = enter(open_page, PATH)
    page.get_by_label("Which network").select_option("narrow")
    page.get_by_role("button", name="Train").press("Enter")
    expect(part(page, "state")).to_have_text("Asked for")
    expect(part(page, "status")).to_be_focused()
    page.get_by_role("button", name="Stop").press("Enter")
    expect(part(page, "state")).to_have_text("Paused; it goes on from there")


def test_page_fits_a_phone(open_page) -> None:
    page = enter(open_page, PATH, **PHONE)
    expect(page.locator(".chart")).to_have_count(2)
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    check(page)
