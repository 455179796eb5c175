"""The strings files agree with each other and with everything that names a key."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import get_args

import pytest

from avatar_engine.lipsync.registry import ENGINES
from avatar_engine.models import Preparation
from avatar_engine.prepare.avatar import STEPS
from avatar_engine.prepare.reasons import WORDS
from avatar_engine.training_desk import NET_NAMES, TrainingView
from avatar_engine.voice.registry import VOICES
from avatar_engine.voice.trial_folder import TrialReason, TrialState
from avatar_engine.weights import WEIGHTS
from avatar_engine.weights.request import FileState
from chat.models import Message, Sentence, Turn
from chat.stamps import ORDER
from frontend.pages.avatars import FIGURES
from frontend.pages.room_fields import OTHER_SIZE, SIZES
from frontend.strings import LANGUAGES, STRINGS_FOLDER, find_language, load_strings

FRONTEND = STRINGS_FOLDER.parents[2]
REPOSITORY = FRONTEND.parent
CJK = re.compile(r"[\u4e00-\u9fff]")
REASON_FILES = ("acceptance.py", "consumers.py", "intake.py", "moderation.py", "queue.py", "services.py")
PLACEHOLDER = re.compile(r"\{(\w+)\}")
TEMPLATE_KEY = re.compile(
    r"{% (?:t|s|label|tip|placeholder) '([a-z0-9_.]+)'|_key=\"([a-z0-9_.]+)\"|data-i18n=\"([a-z0-9_.]+)\""
)
SCRIPT_KEY = re.compile(r"\"([a-z]+\.[a-z0-9_.]+)\"")
PAGE_KEY = re.compile(r"\"((?:edit|form|reason)\.[a-z_.]+)\"")
REASON = re.compile(r"(?:Refusal|ServiceError)\(\"(\w+)\"|\breason(?:=| = )\"(\w+)\"|\.reason = [^,\n]+, \"(\w+)\"")


def read_table(code: str) -> dict[str, str]:
    return json.loads((STRINGS_FOLDER / f"{code}.json").read_text(encoding="utf-8"))


def list_used_keys() -> set[str]:
    used: set[str] = set()
    for template in (FRONTEND / "templates").rglob("*.html"):
        used |= {next(filter(None, found)) for found in TEMPLATE_KEY.findall(template.read_text(encoding="utf-8"))}
    families = {key.split(".")[0] for key in read_table("en")}
    for script in (FRONTEND / "static").rglob("*.js"):
        keys = SCRIPT_KEY.findall(script.read_text(encoding="utf-8"))
        used |= {key for key in keys if key.split(".")[0] in families and not key.endswith(".js")}
    for page in (FRONTEND / "pages").glob("*.py"):
        used |= set(PAGE_KEY.findall(page.read_text(encoding="utf-8")))
    return used


def list_reasons() -> set[str]:
    files = [REPOSITORY / "chat" / name for name in REASON_FILES]
    found = [REASON.findall(path.read_text(encoding="utf-8")) for path in files]
    return {next(filter(None, groups)) for matches in found for groups in matches}


def test_both_languages_have_the_same_keys_and_placeholders() -> None:
    english, chinese = read_table("en"), read_table("zh")
    assert list(english) == list(chinese)
    for key, text in english.items():
        assert sorted(PLACEHOLDER.findall(text)) == sorted(PLACEHOLDER.findall(chinese[key])), key
        assert text.strip(), key


def test_chinese_texts_are_chinese() -> None:
    assert [key for key, text in read_table("zh").items() if not CJK.search(text)] == []


def test_english_texts_are_english() -> None:
    assert [key for key, text in read_table("en").items() if CJK.search(text)] == []


def test_every_key_on_a_page_or_in_a_script_exists() -> None:
    used = list_used_keys()
    assert len(used) > 80
    assert used - set(read_table("en")) == {"message.state"}  # a message type of the chat socket


def test_every_key_is_used() -> None:
    dynamic = re.compile(
        r"(reason|state|message|banner|kind|turn|sentence|stamp|error|size|engine|voice"
        r"|clip_error|clip_state|file|file_use|avatar|prepare|prepare_reason|prepare_figure|trial|trial_reason"
        r"|training_net|training_curve|training_state)\."
    )
    unused = [key for key in read_table("en") if not dynamic.match(key)]
    assert set(unused) - list_used_keys() == set()


def test_every_code_that_the_server_sends_has_a_text() -> None:
    table = read_table("en")
    reasons = list_reasons()
    assert {"too_fast", "busy", "off_air"} <= reasons
    wanted = {f"reason.{reason}" for reason in reasons}
    wanted |= {f"message.{state}" for state in (*Message.State.values, "sending", "rejected")}
    wanted |= {f"turn.{state}" for state in Turn.State.values} | {f"kind.{kind}" for kind in Turn.Kind.values}
    wanted |= {f"sentence.{state}" for state in Sentence.State.values} | {f"stamp.{step}" for step in ORDER}
    wanted |= {f"state.{state}" for state in ("off_air", "starting", "idle", "thinking", "speaking")}
    assert wanted - set(table) == set()


def test_every_choice_of_the_console_has_a_name() -> None:
    wanted = {f"size.{name}" for name in (*SIZES, OTHER_SIZE)}
    wanted |= {f"engine.{name}" for name in ENGINES} | {f"voice.{name}" for name in VOICES}
    wanted |= {f"file.{state}" for state in get_args(FileState)} | {f"file_use.{weight.name}" for weight in WEIGHTS}
    wanted |= {f"avatar.{state}" for state in (*Preparation.State.values, "lost")}
    wanted |= {f"prepare.{step}" for step in STEPS} | {f"prepare_figure.{name}" for name, _ in FIGURES}
    wanted |= {f"prepare_reason.{code}" for code in WORDS}
    wanted |= {f"training_state.{view}" for view in get_args(TrainingView)}
    wanted |= {f"training_net.{net}" for net in NET_NAMES}
    wanted |= {f"trial.{state}" for state in get_args(TrialState)}
    wanted |= {f"trial_reason.{reason}" for reason in get_args(TrialReason) if reason}
    assert wanted - set(read_table("en")) == set()


@pytest.mark.parametrize(
    ("chosen", "code"), [("en", "en"), ("zh-hans", "zh"), ("zh", "zh"), ("fr", "en"), (None, "en")]
)
def test_an_unknown_language_falls_back_to_english(chosen: str | None, code: str) -> None:
    assert find_language(chosen).code == code


def test_text_fills_what_it_is_given_and_refuses_an_unknown_key() -> None:
    strings = load_strings(LANGUAGES[0])
    assert strings.text("viewers.count", {"n": 3}) == "3 watching"
    assert strings.text("viewers.count") == "{n} watching"
    with pytest.raises(KeyError):
        strings.text("no.such.key")


def test_no_string_is_kept_outside_the_two_files() -> None:
    texts = [text for text in read_table("en").values() if len(text) > 24 and "{" not in text]
    sources = [p for p in FRONTEND.rglob("*") if p.suffix in (".js", ".html", ".py")]
    for source in map(Path, sources):
        body = source.read_text(encoding="utf-8")
        assert [text for text in texts if text in body] == [], source
