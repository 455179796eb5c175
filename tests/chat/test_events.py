"""Whatever a page sends is a checked event or `BadEvent`."""

import json
import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from chat.events import MAX_FRAME_BYTES, MAX_NAME, BadEvent, PageEvent, clean_name, clean_text, parse_event

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
FIELDS = ("client_id", "text", "name", "language")


def check(data: str) -> None:
    """A page event that is clean, or `BadEvent` and nothing else."""
    try:
        event = parse_event(data)
    except BadEvent:
        return
    assert event.type in ("hello", "message", "rename", "ping")
    for text in (event.text, event.name, event.language):
        assert not any(unicodedata.category(c) in ("Cc", "Cs") for c in text)
        text.encode()
    assert len(event.name) <= MAX_NAME
    assert len(event.language) <= 8
    if event.type == "message":
        assert 1 <= len(event.client_id) <= 64


@given(st.text(max_size=300) | st.text().map(lambda tail: '{"type":"message"' + tail))
@example("[" * 4000)
@example('{"type":"message","client_id":"a","text":"\\ud800\\u0000"}')
@example('{"type":"hello","name":"x","language":"\\ud800\\u0000"}')
@example('{"type":"ping","n":' + "9" * 4000 + "}")
def test_any_text_is_an_event_or_refused(data: str) -> None:
    check(data)


@given(
    st.sampled_from(["hello", "message", "rename", "ping", "x"]),
    st.fixed_dictionaries({}, optional={field: VALUES for field in FIELDS}),
)
def test_any_fields_make_an_event_or_are_refused(kind: str, fields: dict) -> None:
    check(json.dumps({"type": kind, **fields}))


@given(st.text(max_size=100))
def test_cleaning_is_done_once(text: str) -> None:
    assert clean_text(clean_text(text)) == clean_text(text)


def test_event_keeps_what_was_sent() -> None:
    message = parse_event(json.dumps({"type": "message", "client_id": "a1", "text": " 你好\n  👩‍🚀 there "}))
    assert message == PageEvent("message", client_id="a1", text="你好 👩‍🚀 there")
    assert parse_event('{"type":"hello","name":"Ann","language":"en"}') == PageEvent("hello", name="Ann", language="en")
    assert parse_event('{"type":"ping"}') == PageEvent("ping")


def test_direction_marks_and_invisible_characters_do_not_survive() -> None:
    assert clean_name("admin\u202e\u200b\ufeff\u0007") == "admin"


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        ("", "not_json"),
        ("nope", "not_json"),
        ("[]", "not_an_object"),
        ("{}", "unknown_type"),
        ('{"type":"shout"}', "unknown_type"),
        ('{"type":["message"]}', "unknown_type"),
        ('{"type":"message","text":"hi"}', "bad_client_id"),
        ('{"type":"message","client_id":"é","text":"hi"}', "bad_client_id"),
        ('{"type":"message","client_id":5,"text":"hi"}', "bad_field"),
        ('{"type":"message","client_id":"a","text":["hi"]}', "bad_field"),
        (json.dumps({"type": "message", "client_id": "a" * 65, "text": "hi"}), "bad_client_id"),
        (json.dumps({"type": "message", "client_id": "a", "text": "x" * MAX_FRAME_BYTES}), "too_large"),
        (json.dumps({"type": "message", "client_id": "a", "text": "你" * 1400}, ensure_ascii=False), "too_large"),
    ],
)
def test_bad_event_has_a_reason(data: str, reason: str) -> None:
    with pytest.raises(BadEvent) as caught:
        parse_event(data)
    assert caught.value.reason == reason
