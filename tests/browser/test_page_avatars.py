"""The page of avatars in Chromium: reasons, progress that moves, a row that changes, both languages, a phone."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.browser.test_page_axe import SCHEMES, check
from tests.browser.test_page_console import PHONE, enter

pytestmark = pytest.mark.browser

PATH = "/console/avatars/"


def build_answer(**cleo: object) -> dict[str, object]:
    still = {"step": "look", "percent": 0, "is_moving": False}
    states = {"ada": "done", "ben": "refused", "cleo": "running", "dan": "failed"}
    items = [{"name": name, "state": state, **still} for name, state in states.items()]
    items[2] |= {"step": "faces", "percent": 61, "is_moving": True, **cleo}
    return {"avatars": items}


def row(page: Page, name: str) -> object:
    return page.locator(f'[data-avatar="{name}"]')


@SCHEMES
def test_page_passes_axe_with_its_report_open(open_page, scheme: str) -> None:
    page = enter(open_page, PATH, color_scheme=scheme)
    page.get_by_text("What was measured").first.click()
    expect(page.get_by_text("Width of the face").first).to_be_visible()
    check(page)


def test_refusal_says_all_reasons_and_speaks_chinese_in_place(open_page) -> None:
    page = enter(open_page, PATH)
    reasons = row(page, "ben").locator(".avatar-reasons li")
    expect(reasons).to_have_count(3)
    expect(reasons.first).to_have_text(
        "A second face was found in 12.4 % of the frames: only the presenter may be seen."
    )
    page.get_by_role("button", name="中文").click()
    expect(reasons.first).to_have_text("12.4 % 的画面里有第二张脸：画面中只能有主播一人。")


def test_progress_moves_and_the_row_is_fetched_when_it_ends(open_page) -> None:
    page = enter(open_page, "/console/")
    answers = [build_answer(percent=61), build_answer(percent=74), build_answer(state="done", is_moving=False)]
    page.route("**/avatars/now/", lambda route: route.fulfill(json=answers[0]))
    page.goto(PATH)
    cleo = row(page, "cleo")
    expect(cleo.get_by_role("progressbar")).to_have_attribute("value", "61")
    answers.pop(0)
    expect(cleo.locator("[data-role=percent]")).to_have_text("74 %")
    expect(cleo.locator("[data-role=step_text]")).to_have_text("Following the face")
    with page.expect_request(lambda request: request.url.endswith(PATH)):
        answers.pop(0)
    expect(cleo.get_by_role("progressbar")).to_be_hidden()


def test_video_that_is_gone_is_said_without_leaving_the_page(open_page) -> None:
    page = enter(open_page, PATH)
    row(page, "dan").get_by_role("button", name="Try again").press("Enter")
    expect(page.get_by_role("alert")).to_have_text("The video is no longer where it was.")


def test_page_fits_a_phone(open_page) -> None:
    page = enter(open_page, PATH, **PHONE)
    expect(row(page, "ben")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    check(page)
