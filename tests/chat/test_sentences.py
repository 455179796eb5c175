"""Sentences come out whole, early and the same for every way the text was cut into pieces."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chat.sentences import MAX_CHARACTERS, SentenceSplitter


def split(text: str, size: int | None = None) -> list[str]:
    splitter = SentenceSplitter()
    step = size or max(1, len(text))
    out = [sentence for at in range(0, len(text), step) for sentence in splitter.push(text[at : at + step])]
    return out + splitter.flush()


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("Hello there. How are you? Fine!", ["Hello there.", "How are you?", "Fine!"]),
        ("It costs 3.5 dollars. Or 1,000.", ["It costs 3.5 dollars.", "Or 1,000."]),
        ("Dr. Smith met Mr. Jones. They spoke.", ["Dr. Smith met Mr. Jones.", "They spoke."]),
        ("Fruit, e.g. Apples. Good.", ["Fruit, e.g. Apples.", "Good."]),
        ("Bring pens, paper etc. and ink. Go.", ["Bring pens, paper etc. and ink.", "Go."]),
        ("Bring pens etc. Then go.", ["Bring pens etc.", "Then go."]),
        ("At 5 p.m. we eat. At 9 p.m. We sleep.", ["At 5 p.m. we eat.", "At 9 p.m.", "We sleep."]),
        ("J. K. Rowling wrote it. So did I. Yes.", ["J. K. Rowling wrote it.", "So did I.", "Yes."]),
        ("The U.S. Army left. Done.", ["The U.S. Army left.", "Done."]),
        ("See No. 5 now. No. I will not.", ["See No. 5 now.", "No.", "I will not."]),
        ("Well... maybe so. Or... Not.", ["Well... maybe so.", "Or...", "Not."]),
        ("Hmm… yes. Fine… No.", ["Hmm… yes.", "Fine…", "No."]),
        ('She said "Stop." Then "Go!" she cried. Ok.', ['She said "Stop."', 'Then "Go!" she cried.', "Ok."]),
        ("(Really?) Yes. [No.] “Oh.” Ah.", ["(Really?)", "Yes.", "[No.]", "“Oh.”", "Ah."]),
        ("See https://a.example/b?c=d.e now. Or example.com. Bye.", None),
        ("Great! 😀 Next one.🎉 Last.", ["Great! 😀", "Next one.🎉", "Last."]),
        ("Really?! Wow!!! Ok.", ["Really?!", "Wow!!!", "Ok."]),
        ("**Bold.** Then _this._ End.", ["**Bold.**", "Then _this._", "End."]),
        ("1. First\n2. Second one\n- third", ["1. First", "2. Second one", "- third"]),
        ("Line one\n\nline two", ["Line one", "line two"]),
        ("hi. how are you. ok", ["hi.", "how are you.", "ok"]),
        ("你好。你是谁？我是主播！好；行", ["你好。", "你是谁？", "我是主播！", "好；", "行"]),
        ("他说：“走吧。”然后走了。", ["他说：“走吧。”", "然后走了。"]),
        ("「はい。」そうです！元気？", ["「はい。」", "そうです！", "元気？"]),
        ("OK.你好", ["OK.", "你好"]),
        ("", []),
        (" \n \n", []),
    ],
)
def test_sentences(text: str, sentences: list[str] | None) -> None:
    if sentences is None:
        sentences = ["See https://a.example/b?c=d.e now.", "Or example.com.", "Bye."]
    assert split(text) == sentences


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("I am happy today, because you came.", ["I am happy today,", "because you came."]),
        ("I am glad, so very glad, you came.", ["I am glad, so very glad,", "you came."]),
        ("Well, yes, sure.", ["Well, yes, sure."]),
        ("Meet me there at 3:30 or later.", ["Meet me there at 3:30 or later."]),
        ("There are about 1,000 of them.", ["There are about 1,000 of them."]),
        ("Here is what I think: be kind.", ["Here is what I think:", "be kind."]),
        ("That is my dog—he is old.", ["That is my dog—", "he is old."]),
        ("That is my dog - he is old.", ["That is my dog -", "he is old."]),
        ("This well-known thing works well-enough now.", ["This well-known thing works well-enough now."]),
        ("I have four pets (cats, dogs, birds, fish) here.", ["I have four pets (cats, dogs, birds, fish) here."]),
        ("Yes. I am happy today, because you came.", ["Yes.", "I am happy today, because you came."]),
        ("今天的天气非常好，我们去公园。", ["今天的天气非常好，", "我们去公园。"]),
        ("你好，我是主播。", ["你好，我是主播。"]),
        ("今天的天气非常好——真的。", ["今天的天气非常好——", "真的。"]),
    ],
)
def test_only_the_first_sentence_gives_an_early_clause(text: str, sentences: list[str]) -> None:
    assert split(text) == sentences


def test_a_sentence_comes_with_the_first_character_of_the_next() -> None:
    splitter = SentenceSplitter()
    assert splitter.push("Hello there.") == []
    assert splitter.push(" ") == []
    assert splitter.push("H") == ["Hello there."]


def test_a_first_clause_comes_with_the_space_after_its_comma() -> None:
    splitter = SentenceSplitter()
    assert splitter.push("I am very glad,") == []
    assert splitter.push(" ") == ["I am very glad,"]


def test_code_block_is_one_piece_of_its_own() -> None:
    code = "```python\nprint('a. B')\n\nx = 1.  # Then! this\n" + "y = 2\n" * 80 + "```"
    assert split(f"Look. {code} Done. Bye.") == ["Look.", code, "Done.", "Bye."]


def test_open_code_block_comes_out_at_the_end() -> None:
    assert split("Look.\n```js\nlet a. B") == ["Look.", "```js\nlet a. B"]


def test_long_sentence_is_cut_after_a_clause() -> None:
    text = "word " * 30 + "here, " + "word " * 30
    first, second = split("Ok. " + text)[1:]
    assert first.endswith("here,")
    assert second.startswith("word")


def test_long_sentence_without_clause_is_cut_at_a_space() -> None:
    assert all(len(s) <= MAX_CHARACTERS and not s.endswith("wor") for s in split("word " * 100))


_TEXT = st.text(
    st.sampled_from(list("abcABC IMr.Dr 12 \n.,!?…:;\"'()`*—-😀👍🏽，。！？；：“”你好はい "))
    | st.characters(exclude_categories=["Cs"]),
    max_size=500,
)


@given(_TEXT, st.integers(1, 40))
@settings(deadline=None)
def test_pieces_do_not_matter_and_nothing_is_lost(text: str, size: int) -> None:
    whole = split(text)
    assert split(text, size) == whole
    assert re.sub(r"\s", "", "".join(whole)) == re.sub(r"\s", "", text)
    assert all(s == s.strip() and s for s in whole)


@given(_TEXT.filter(lambda text: "``" not in text))
@settings(deadline=None)
def test_sentences_outside_code_are_bounded(text: str) -> None:
    assert all(len(s) <= MAX_CHARACTERS for s in split(text))
