"""What a voice is given can be said: no markup, no pictures, nothing invisible, and nothing lost that matters."""

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chat.speakable import build_speakable


@pytest.mark.parametrize(
    ("text", "spoken"),
    [
        ("Hello there.", "Hello there."),
        ("**Bold** and _soft_ and *kind*.", "Bold and soft and kind."),
        ("~~Old~~ new `x.y` thing.", "Old new x.y thing."),
        ("# Title", "Title"),
        ("- one thing", "one thing"),
        ("• one thing", "one thing"),
        ("> quoted", "quoted"),
        ("1. First thing", "1, First thing"),
        ("---", ""),
        ("Look ```py\nprint(1)\n``` here.", "Look here."),
        ("Look ```py\nprint(1)", "Look"),
        ("```py\nprint(1)\n```", ""),
        ("See [our page](https://a.example/x) now.", "See our page now."),
        ("![a cat](cat.png)", "a cat"),
        ("Go to https://www.example.com/a/b?c=d.", "Go to example.com."),
        ("Go to www.example.com, then example.org/path/x today.", "Go to example.com, then example.org today."),
        ("(https://example.com/a)", "(example.com)"),
        ("Great! 😀👍🏽", "Great!"),
        ("👨‍👩‍👧 family 🇫🇷 1️⃣", "family 1"),
        ("I ❤️ you :) ;-) <3 :D xD", "I you"),
        ("Ratio 3:1 at 10:30", "Ratio 3:1 at 10:30"),
        ("So fun!!!! Really???", "So fun! Really?"),
        ("What?!?! Well.....", "What?! Well..."),
        ("Noooooooo way", "Nooo way"),
        ("#winning is #1", "winning is #1"),
        ("Thanks @bob", "Thanks bob"),
        ("bread & butter", "bread and butter"),
        ("AT&amp;T &lt;3", "AT&T"),
        ("2 * 3 is 6", "2 × 3 is 6"),
        ("*waves* Hello", "Hello"),
        ("a | b", "a, b"),
        ("<b>Hi</b> you", "Hi you"),
        ("snake_case stays", "snake_case stays"),
        ("It costs $3.50, 25% off at 3:30 pm on 2024-05-06.", "It costs $3.50, 25% off at 3:30 pm on 2024-05-06."),
        ("It is -5 °C, or 3.5 km, e.g. by Dr. Who's 2nd.", "It is -5 °C, or 3.5 km, e.g. by Dr. Who's 2nd."),
        ("“Quoted” and ‘this’", "“Quoted” and 'this'"),
        ("one -- two", "one — two"),
        (", and so on", "and so on"),
        ("I am glad,", "I am glad,"),
        ("zero\u200bwidth\x07 bell", "zerowidth bell"),
        ("-5 is cold", "-5 is cold"),
        (".5 is half", ".5 is half"),
        ("...", ""),
        ("“”", ""),
        ("😀", ""),
        ("", ""),
    ],
)
def test_english(text: str, spoken: str) -> None:
    assert build_speakable(text, "en") == spoken


@pytest.mark.parametrize(
    ("text", "spoken"),
    [
        ("**你好**，世界！！！😀", "你好，世界！"),
        ("今天 20°C。", "今天 20摄氏度。"),
        ("猫 & 狗", "猫和狗"),
        ("【注意】看《红楼梦》。", "注意 看《红楼梦》。"),
    ],
)
def test_chinese(text: str, spoken: str) -> None:
    assert build_speakable(text, "zh") == spoken


_TEXT = st.text(
    st.sampled_from(list("abC 12.,!?:;-—_*`~#>[](){}<>|&@/\\\n\"'’“”…😀👍🏽️°，。你好"))
    | st.characters(exclude_categories=["Cs"]),
    max_size=80,
)
_MARKUP = st.lists(
    st.sampled_from(
        [
            "**",
            "```",
            "&amp;",
            "lt;",
            "https://a.bc/",
            "[x](y)",
            "1. ",
            "- ",
            "\n",
            " ",
            "a",
            "B.",
            ":)",
            "3",
            "<b>",
            "*",
        ]
    ),
    max_size=14,
).map("".join)


@given(_TEXT | _MARKUP, st.sampled_from(["en", "zh", "es"]))
@settings(deadline=None, max_examples=400)
def test_it_is_clean_and_stays_as_it_is(text: str, language: str) -> None:
    spoken = build_speakable(text, language)
    assert build_speakable(spoken, language) == spoken
    assert not any(unicodedata.category(character) in ("Cc", "Cf", "Cs", "Cn") for character in spoken)
    assert not set("`*[]{}<>|\\\n\t") & set(spoken)
    assert spoken == spoken.strip()
    assert not spoken or any(character.isalnum() for character in spoken)


@given(st.from_regex(r"[A-Z][a-z]{1,8}( [a-z]{1,8}){0,6}[.!?]", fullmatch=True))
@settings(deadline=None)
def test_plain_sentences_are_not_touched(text: str) -> None:
    squeezed = all(text[n : n + 4] != text[n] * 4 for n in range(len(text)))
    assert not squeezed or build_speakable(text, "en") == text
