"""How Chinese text is read."""

from __future__ import annotations

import pytest

from avatar_engine.voice.chinese import CLAUSE_MS, ChineseReader
from avatar_engine.voice.chinese_text import build_chinese_reading, read_number
from avatar_engine.voice.english import EnglishReader
from avatar_engine.voice.passage import BETWEEN_SENTENCES_MS, TAIL_MS
from avatar_engine.voice.pinyin import build_syllable


@pytest.fixture(scope="module")
def reader() -> ChineseReader:
    return ChineseReader(EnglishReader.load())


@pytest.mark.parametrize(
    ("pinyin", "sounds"),
    [
        ("ni3", "ni↓"),
        ("zhi1", "ꭧɨ→"),
        ("si4", "sɨ↘"),
        ("nv3", "ny↓"),
        ("lve4", "lɥe↘"),
        ("xue2", "ɕɥe↗"),
        ("yuan2", "ɥɛ↗n"),
        ("wo3", "wo↓"),
        ("yo1", "wo→"),
        ("er4", "ɚ↘"),
        ("de5", "tɤ"),
        ("shuang1", "ʂwa→ŋ"),
        ("yong4", "jʊ↘ŋ"),
        ("qiu1", "ʨʰjou→"),
        ("?", ""),
        ("", ""),
    ],
)
def test_syllables(pinyin: str, sounds: str) -> None:
    assert build_syllable(pinyin) == sounds


@pytest.mark.parametrize(
    ("number", "words"),
    [
        ("0", "零"),
        ("10", "十"),
        ("12", "十二"),
        ("110", "一百一十"),
        ("1001", "一千零一"),
        ("10010", "一万零一十"),
        ("20,015", "二万零一十五"),
        ("100000000", "一亿"),
        ("100010001", "一亿零一万零一"),
        ("3.05", "三点零五"),
    ],
)
def test_numbers(number: str, words: str) -> None:
    assert read_number(number) == words


@pytest.mark.parametrize(
    ("text", "reading"),
    [
        ("现在是3:05", "现在是三点零五分"),
        ("2:00开始", "两点整开始"),
        ("2026年11月20日", "二零二六年十一月二十日"),
        ("2026-11-20", "二零二六年十一月二十日"),
        ("50%的人", "百分之五十的人"),
        ("-5℃", "零下五摄氏度"),
        ("$3.5亿", "三点五亿美元"),
        ("2个人", "两个人"),
        ("3-5天", "三到五天"),
        ("1/2", "二分之一"),
        ("电话13812345678", "电话一三八一二三四五六七八"),
    ],
)
def test_readings(text: str, reading: str) -> None:
    assert build_chinese_reading(text) == reading


def test_characters_with_two_readings_go_by_their_word(reader: ChineseReader) -> None:
    (bank,), (walk,) = reader.read("银行"), reader.read("行走")
    assert bank.symbols == "i↗nxa↗ŋ"
    assert walk.symbols == "ɕi↗ŋʦou↓"


def test_long_sentence_is_cut_after_its_clauses(reader: ChineseReader) -> None:
    passages = reader.read("我是今天晚上的主持人，很高兴见到大家，真的。明天见！")
    assert ["".join(passage.words) for passage in passages] == [
        "我是今天晚上的主持人，",
        "很高兴见到大家，",
        "真的。",
        "明天见！",
    ]
    assert [passage.tail_ms for passage in passages] == [CLAUSE_MS, CLAUSE_MS, BETWEEN_SENTENCES_MS, TAIL_MS]


def test_text_without_signs_stays_within_what_the_network_takes(reader: ChineseReader) -> None:
    passages = reader.read("好" * 500)
    assert sum(len(passage.words) for passage in passages) == 500
    assert max(len(passage.symbols) for passage in passages) <= 510


@pytest.mark.parametrize("text", ["", "……", "😀！", "，。"])
def test_nothing_to_say(reader: ChineseReader, text: str) -> None:
    assert reader.read(text) == []
