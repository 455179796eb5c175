"""The live page in Chromium against pretended sockets: real media, real pages, no stage and no render behind them."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser

ROOM = "/r/mira/?probe=1"
PHONE = {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True}
REFUSE = "() => Promise.reject(new DOMException('not now', 'NotAllowedError'))"
RECORD_REPLIES = """
() => {
  window.seen = [];
  const { player, chat } = window.footlight;
  chat.addEventListener("reply", ({ detail }) => {
    const shown = () => document.querySelector("[data-testid=chat-log]").textContent.includes(detail.text);
    const due = () => player.timeline.roomPts(detail.epoch, detail.pts);
    seen.push({ early: shown() && player.roomPtsNow() < due(), due: due(), at: null });
    const entry = seen.at(-1);
    new MutationObserver(() => { if (shown() && entry.at === null) entry.at = player.roomPtsNow(); })
      .observe(document.querySelector("[data-testid=chat-log]"), { childList: true, subtree: true });
  });
}
"""


def enter(open_page, **options: object) -> Page:
    page = open_page(ROOM, **options)
    expect(page.get_by_test_id("room-state")).to_have_attribute("data-state", re.compile("idle|thinking|speaking"))
    return page


def say(page: Page, text: str) -> None:
    page.get_by_test_id("chat-input").fill(text)
    page.keyboard.press("Enter")


def wait_until(page: Page, expression: str) -> None:
    """Playwright's own wait evaluates inside the page, which the policy of the site forbids."""
    for _ in range(300):
        if page.evaluate(expression):
            return
        page.wait_for_timeout(50)
    pytest.fail(f"never became true: {expression}")


def wait_playing(page: Page) -> None:
    wait_until(page, "footlight.player.status === 'playing' && footlight.player.roomPtsNow() !== null")


def test_picture_plays_close_to_the_edge_and_is_acknowledged(open_page) -> None:
    page = enter(open_page)
    wait_playing(page)
    frames = page.evaluate(
        """() => new Promise((done) => {
          const frames = [];
          footlight.player.addEventListener("frame", ({ detail }) => frames.push(detail) === 50 && done(frames));
        })"""
    )
    places = [frame["roomPts"] for frame in frames]
    assert places == sorted(places)
    assert all(place % 1920 == 0 for place in places)
    assert sum(frame["seq"] is not None for frame in frames) >= 45
    assert page.evaluate("footlight.player.figures().behind") < 0.6
    assert page.get_by_test_id("player").evaluate("video => video.videoWidth") == 512


def test_sound_is_off_until_the_viewer_taps(open_page) -> None:
    page = enter(open_page)
    video, unlock = page.get_by_test_id("player"), page.get_by_test_id("sound-unlock")
    expect(unlock).to_be_visible()
    assert video.evaluate("video => video.muted")
    unlock.click()
    expect(unlock).to_be_hidden()
    assert not video.evaluate("video => video.muted")
    page.locator("body").press("m")
    assert video.evaluate("video => video.muted")


def test_message_goes_out_and_its_answer_appears_when_it_is_heard(open_page) -> None:
    page = enter(open_page)
    wait_playing(page)
    page.evaluate(RECORD_REPLIES)
    say(page, "Who are you?")
    own = page.locator("[data-testid=chat-message][data-own]")
    expect(own).to_have_count(1)
    expect(own).to_have_attribute("data-state", "answering")
    expect(page.locator("[data-role=question-text]")).to_have_text("Who are you?")
    expect(page.get_by_test_id("room-state")).to_have_attribute("data-state", "speaking")
    expect(page.get_by_test_id("chat-reply").last).to_contain_text("You asked: Who are you.")
    expect(page.get_by_test_id("captions")).to_contain_text("You asked")
    (seen,) = page.evaluate("seen")
    assert not seen["early"]
    assert seen["at"] >= seen["due"]
    expect(own).to_have_attribute("data-state", "answered")


def test_interrupt_is_silent_at_once_and_leaves_only_what_was_heard(open_page) -> None:
    page = enter(open_page)
    wait_playing(page)
    page.get_by_test_id("sound-unlock").click()
    say(page, "Tell me a long story about the sea")
    reply = page.get_by_test_id("chat-reply").last
    expect(reply).to_contain_text("You asked: Tell me a long story")
    page.evaluate(
        """() => footlight.player.addEventListener("interrupt", ({ detail }) => {
          const video = document.querySelector("video");
          window.cut = { muted: video.muted, ahead: detail.roomPts - footlight.player.roomPtsNow() };
        })"""
    )
    say(page, "!interrupt")
    wait_until(page, "window.cut !== undefined")
    cut = page.evaluate("cut")
    assert cut["muted"] == (cut["ahead"] > 0)
    expect(reply).to_contain_text("You asked…")
    expect(page.get_by_test_id("captions")).to_have_text("")
    wait_until(page, "!document.querySelector('video').muted")


def test_lost_connection_mends_itself_and_sends_again_what_got_no_answer(open_page) -> None:
    page = enter(open_page)
    wait_playing(page)
    page.evaluate("window.sameDocument = true")
    say(page, "!drop")
    expect(page.locator("[data-role=banner]")).to_be_visible()
    expect(page.locator("[data-role=banner]")).to_be_hidden()
    own = page.locator("[data-own]").filter(has_text="!drop")
    expect(own).to_have_attribute("data-state", "waiting")
    expect(own).to_have_count(1)
    assert page.evaluate("sameDocument")


def test_refused_and_passed_over_messages_say_why(open_page) -> None:
    page = enter(open_page)
    say(page, "!reject")
    refused = page.locator("[data-testid=chat-message][data-state=rejected]")
    expect(refused).to_contain_text("Try again in 9.6 s")
    expect(page.get_by_test_id("chat-input")).to_have_value("!reject")
    say(page, "!shed")
    expect(page.locator("[data-own][data-state=shed]")).to_contain_text("passed over")


def test_crowd_is_shown_in_part_and_the_rest_is_counted(open_page) -> None:
    page = enter(open_page)
    say(page, "!crowd 40")
    expect(page.get_by_test_id("chat-message").filter(has_text="Crowd 2")).to_have_count(1)
    expect(page.get_by_test_id("chat-left-out")).to_have_text("40 more")
    say(page, "!crowd 2")
    expect(page.get_by_test_id("chat-left-out")).to_have_count(2)
    expect(page.locator("[data-own]")).to_have_count(2)


def test_shift_enter_makes_a_line_and_the_send_button_waits_for_words(open_page) -> None:
    page = enter(open_page)
    box, send = page.get_by_test_id("chat-input"), page.get_by_test_id("chat-send")
    expect(send).to_be_disabled()
    box.press_sequentially("one")
    box.press("Shift+Enter")
    box.press_sequentially("two")
    expect(box).to_have_value("one\ntwo")
    expect(send).to_be_enabled()
    box.fill("x" * 450)
    expect(page.locator("[data-role=counter]")).to_have_text("450/500")


def test_markup_of_a_viewer_is_shown_as_text(open_page) -> None:
    page = enter(open_page)
    say(page, "<img src=x onerror=window.hurt=1><b>bold</b>")
    expect(page.locator("[data-own] .message-text")).to_have_text("<img src=x onerror=window.hurt=1><b>bold</b>")
    assert page.evaluate("window.hurt") is None


def test_reader_who_scrolled_up_stays_there_and_is_told_of_news(open_page) -> None:
    page = enter(open_page, viewport={"width": 900, "height": 420})
    log, more = page.get_by_test_id("chat-log"), page.locator("[data-role=more]")
    for at in range(12):
        say(page, f"!viewers {at}")
    expect(page.locator("[data-own]")).to_have_count(12)
    expect(more).to_be_hidden()
    log.evaluate("log => { log.scrollTop = 0; }")
    other = enter(open_page)
    say(other, "!viewers 77")
    expect(more).to_be_visible()
    assert log.evaluate("log => log.scrollTop") == 0
    more.click()
    expect(more).to_be_hidden()
    assert log.evaluate("log => log.scrollHeight - log.scrollTop - log.clientHeight") < 2


def test_language_switches_in_place(open_page) -> None:
    page = enter(open_page)
    page.evaluate("window.sameDocument = true")
    page.get_by_role("button", name="中文").click()
    expect(page.locator("html")).to_have_attribute("lang", "zh-Hans")
    expect(page.get_by_test_id("chat-input")).to_have_attribute("placeholder", "对 Mira 说点什么")
    expect(page.get_by_test_id("viewer-count")).to_contain_text("人在看")
    assert page.evaluate("sameDocument")
    page.reload()
    expect(page.locator("#chat-title")).to_have_text("聊天")


def test_theme_is_remembered(open_page) -> None:
    page = enter(open_page, color_scheme="light")
    page.locator("[data-theme-button]").click()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    page.reload()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")


def test_name_is_edited_in_a_dialog_and_kept(open_page) -> None:
    page = enter(open_page)
    page.locator("[data-role=name-button]").click()
    page.locator("[data-role=name-input]").fill("Ada Ö")
    page.keyboard.press("Enter")
    expect(page.locator("[data-role=name-label]")).to_have_text("Ada Ö")
    page.reload()
    expect(page.locator("[data-role=name-label]")).to_have_text("Ada Ö")


def test_browser_without_media_source_still_chats(open_page) -> None:
    hide = "delete window.MediaSource; delete window.ManagedMediaSource;"
    page = open_page("/r/mira/", script=hide)
    expect(page.locator("[data-role=curtain-text]")).to_contain_text("cannot play the live picture")
    say(page, "Do you hear me?")
    expect(page.get_by_test_id("chat-reply").last).to_contain_text("You asked: Do you hear me.")


def test_room_that_goes_off_air_says_so(open_page) -> None:
    page = enter(open_page)
    say(page, "!off_air")
    expect(page.get_by_test_id("room-state")).to_have_attribute("data-state", "off_air")
    expect(page.locator("[data-role=curtain-text]")).to_contain_text("off air")
    expect(page.get_by_test_id("chat-input")).to_be_disabled()
    expect(page.get_by_test_id("chat-send")).to_be_disabled()
    expect(page.locator("[data-role=composer-hint]")).to_contain_text("You can write when the show starts")
    page.evaluate("footlight.chat.say('!on_air')")
    expect(page.locator("[data-role=curtain]")).to_be_hidden()
    expect(page.get_by_test_id("chat-input")).to_be_enabled()
    expect(page.locator("[data-role=composer-hint]")).to_be_hidden()


def test_full_screen_goes_on_and_off(open_page) -> None:
    page = enter(open_page)
    wait_playing(page)
    button = page.locator("[data-role=fullscreen]")
    page.locator("[data-role=stage]").hover()
    button.click()
    expect(button).to_have_attribute("aria-pressed", "true")
    assert page.evaluate("document.fullscreenElement.dataset.role") == "stage"
    page.locator("[data-role=stage]").hover()
    button.click()
    expect(button).to_have_attribute("aria-pressed", "false")
    assert page.evaluate("document.fullscreenElement === null")
    page.locator("body").press("f")
    expect(button).to_have_attribute("aria-pressed", "true")


def test_full_screen_that_is_refused_leaves_the_page_as_it_was(open_page) -> None:
    page = enter(open_page, script=f"Element.prototype.requestFullscreen = {REFUSE};")
    wait_playing(page)
    page.locator("[data-role=stage]").hover()
    button = page.locator("[data-role=fullscreen]")
    button.click()
    expect(button).to_have_attribute("aria-pressed", "false")
    wait_playing(page)


def test_picture_in_picture_opens_or_is_refused_politely(open_page) -> None:
    page = enter(open_page)
    wait_playing(page)
    button = page.locator("[data-role=pip]")
    if not page.evaluate("document.pictureInPictureEnabled"):
        expect(button).to_be_hidden()
        return
    page.locator("[data-role=stage]").hover()
    button.click()
    page.wait_for_timeout(500)  # it may be refused, and then nothing happens
    is_open = page.evaluate("document.pictureInPictureElement !== null")
    expect(button).to_have_attribute("aria-pressed", str(is_open).lower())
    if is_open:
        button.click()
        expect(button).to_have_attribute("aria-pressed", "false")
    wait_playing(page)


def test_picture_in_picture_that_is_refused_leaves_the_page_as_it_was(open_page) -> None:
    page = enter(open_page, script=f"HTMLVideoElement.prototype.requestPictureInPicture = {REFUSE};")
    wait_playing(page)
    button = page.locator("[data-role=pip]")
    if button.is_hidden():
        pytest.skip("this Chromium has no picture in picture")
    page.locator("[data-role=stage]").hover()
    button.click()
    expect(button).to_have_attribute("aria-pressed", "false")
    wait_playing(page)


@pytest.mark.parametrize(
    "options", [PHONE, {"viewport": {"width": 844, "height": 390}}, {"viewport": {"width": 1440, "height": 900}}]
)
def test_picture_and_composer_are_both_on_the_screen(open_page, options: dict[str, object]) -> None:
    page = enter(open_page, **options)
    width, height = (page.viewport_size[side] for side in ("width", "height"))
    for handle in ("player", "chat-input", "chat-send"):
        box = page.get_by_test_id(handle).bounding_box()
        assert box["x"] >= -200
        assert box["y"] >= 0
        assert box["y"] + box["height"] <= height
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_browser_that_forbids_storage_still_shows_the_room(open_page) -> None:
    forbid = """
    Object.defineProperty(window, "localStorage", { get() { throw new DOMException("no", "SecurityError"); } });
    """
    page = open_page("/r/mira/?probe=1", script=forbid)
    wait_playing(page)
    page.locator("[data-theme-button]").click()
    expect(page.locator("html")).to_have_attribute("data-theme", re.compile("dark|light"))
