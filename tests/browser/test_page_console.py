"""The console in Chromium: forms by keyboard, the files page with its states, and a phone."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.test_page_axe import check
from tests.fakes.page_server import STAFF

pytestmark = pytest.mark.browser

PHONE = {"viewport": {"width": 360, "height": 780}, "is_mobile": True, "has_touch": True}
FILE = "qwen2.5-coder-0.5b-instruct-q4_k_m"


def enter(open_page, path: str, **options: object) -> Page:
    page = open_page("/console/login/", **options)
    page.locator("[name=username]").fill(STAFF[0])
    page.locator("[name=password]").fill(STAFF[1])
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_have_text("Rooms")
    page.goto(path)
    return page


def build_answer(**file: object) -> dict[str, object]:
    state = {"percent": 0, "error": "", "may_ask": False, "is_coming": False}
    return {"files": [{"name": FILE, **state, **file}]}


def test_room_is_edited_and_says_what_waits_for_the_next_show(open_page) -> None:
    page = enter(open_page, "/console/rooms/mira/edit/")
    page.get_by_label("Presenter's name").fill("Mira")
    page.get_by_label("Voice 1").select_option("edge")
    page.get_by_label("Voice 2").select_option("hibari")
    page.get_by_label("Title").press("Enter")
    expect(page.get_by_role("status").filter(has_text="when the room is started again")).to_be_visible()
    page.get_by_role("link", name="Edit").click()
    expect(page.get_by_label("Voice 1")).to_have_value("edge")
    expect(page.get_by_label("Voice 2")).to_have_value("hibari")


def test_choices_follow_the_language_in_place(open_page) -> None:
    page = enter(open_page, "/console/rooms/mira/edit/")
    page.get_by_label("Title").fill("not sent yet")
    page.get_by_role("button", name="中文").click()
    expect(page.locator("#id_size option").first).to_have_text("方形，512 × 512")
    expect(page.locator("#id_title")).to_have_value("not sent yet")


def test_file_is_asked_for_arrives_and_is_here(open_page) -> None:
    page = enter(open_page, "/console/")
    answers = [
        build_answer(state="missing", may_ask=True),
        build_answer(state="asked"),
        build_answer(state="arriving", percent=41, is_coming=True),
        build_answer(state="here", percent=100),
    ]
    page.route("**/fetch/", lambda route: answers.pop(0) and route.fulfill(json=answers[0]))
    page.route("**/files/now/", lambda route: route.fulfill(json=answers[0]))
    with page.expect_response("**/files/now/"):  # the script runs
        page.goto("/console/files/")
    row = page.locator(f'[data-file="{FILE}"]')
    row.get_by_role("button", name="Fetch").press("Enter")
    expect(row.get_by_role("status")).to_have_text("Asked for")
    expect(row.get_by_role("button")).to_be_hidden()
    expect(row).to_be_focused()
    answers.pop(0)
    expect(row.get_by_role("status")).to_have_text("Arriving")
    expect(row.get_by_role("progressbar")).to_have_attribute("value", "41")
    expect(row.locator("[data-role=percent]")).to_have_text("41 %")
    answers.pop(0)
    expect(row.get_by_role("status")).to_have_text("Here")
    expect(row.get_by_role("progressbar")).to_be_hidden()


def test_failed_file_says_why_and_can_be_fetched_again(open_page) -> None:
    page = enter(open_page, "/console/")
    failed = build_answer(state="failed", error="no <b>network</b>", may_ask=True)
    page.route("**/files/now/", lambda route: route.fulfill(json=failed))
    page.route("**/fetch/", lambda route: route.fulfill(status=422, json={"reason": "no_worker"}))
    page.goto("/console/files/")
    row = page.locator(f'[data-file="{FILE}"]')
    expect(row.locator("[data-role=error]")).to_have_text("no <b>network</b>")
    row.get_by_role("button").click()
    expect(page.get_by_role("alert")).to_contain_text("The worker cannot be reached")


def test_two_voices_are_tried_side_by_side_and_one_is_silenced_by_the_other(open_page) -> None:
    page = enter(open_page, "/console/voices/")
    page.get_by_label("Take a sample").select_option(index=1)
    expect(page.get_by_role("textbox", name="Text")).to_have_value(
        "The train to the coast leaves at 7:45, and the ticket costs $12.50."
    )
    page.get_by_label("Voice 1").select_option("hibari")
    page.get_by_label("Voice 2").select_option("silence")
    page.get_by_role("button", name="Listen").press("Enter")
    first, second = page.locator("[data-trial='1']"), page.locator("[data-trial='2']")
    for panel in (first, second):
        expect(panel.get_by_role("status")).to_have_text("Ready")
    expect(first.get_by_role("heading")).to_have_text("Hibari (on this machine, English)")
    expect(first.locator("[data-role=first_sound]")).to_have_text(re.compile(r"\d+ ms"))
    expect(first.locator("[data-role=realtime]")).to_have_text(re.compile(r"0\.\d\d"))
    expect(first.locator("[data-role=licence]")).to_have_text("Apache-2.0")
    expect(first.locator("[data-role=where]")).to_have_text("on this machine")
    for panel in (first, second):
        sound = panel.locator("audio")
        page.wait_for_function("sound => sound.duration > 1", arg=sound.element_handle())
        sound.evaluate("sound => sound.play()")
    assert first.locator("audio").evaluate("sound => sound.paused")
    assert not second.locator("audio").evaluate("sound => sound.paused")
    page.reload()
    expect(first.get_by_role("status")).to_have_text("Ready")
    check(page)


def test_voice_that_is_not_set_up_says_what_it_misses_in_both_languages(open_page) -> None:
    page = enter(open_page, "/console/voices/")
    page.get_by_label("Voice 1").select_option(label="af_heart")
    page.get_by_role("button", name="Listen").click()
    panel = page.locator("[data-trial='1']")
    expect(panel.get_by_role("status")).to_have_text("Failed")
    expect(panel.locator("[data-role=reason]")).to_have_text("This voice is not set up here. What it misses:")
    expect(panel.locator("[data-role=detail]")).to_contain_text("manage.py weights kokoro")
    expect(panel.locator("audio")).to_be_hidden()
    check(page)
    page.get_by_role("button", name="中文").click()
    expect(panel.locator("[data-role=reason]")).to_have_text("此声音在这里尚未配置好。缺少的是：")
    expect(page.locator("select[name=voice] optgroup").first).to_have_attribute("label", "Hibari（本机，英语）")


@pytest.mark.parametrize(
    "path",
    ["", "new/", "files/", "voices/", "rooms/mira/", "rooms/mira/edit/", "turns/1/"],
    ids=lambda path: path or "list",
)
def test_console_fits_a_phone(open_page, path: str) -> None:
    page = enter(open_page, f"/console/{path}", **PHONE)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
