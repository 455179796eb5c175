"""What the model wrote, one sentence at a time: may the presenter say it?"""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Literal

from chat.profanity import has_profanity

Reason = Literal["template_token", "prompt_leak", "assistant_talk", "profanity", "contact"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a sentence may be said as it is.

    reason:      code for the record of the turn; None where `ok`.
    replacement: what may be said instead; empty: nothing. The sentence itself where `ok`.
    """

    ok: bool
    reason: Reason | None
    replacement: str


_TEMPLATE = re.compile(
    r"<\|[^<>|]{0,40}\|>(?:\s*(?:system|user|assistant)\b)?|</?s>|\[/?INST\]|<<?/?SYS>>?|<(?:start|end)_of_turn>"
    r"|<(?:bos|eos|pad|unk)>|</?think>|#{2,}\s*(?:instruction|response|input|system|user|assistant)s?\s*:",
    re.IGNORECASE,
)
_ROLE = re.compile(r"^\s*(?:assistant|system|user)\s*[:：]\s*", re.IGNORECASE)

_VENDORS = r"alibaba|tongyi|openai|anthropic|google|meta|microsoft|deepseek|mistral"
_MODELS = r"qwen|chat\s?gpt|gpt-?\d|claude|gemini|llama|deepseek|mistral"
_AI = r"(?:(?:large|ai|artificial\s+intelligence|virtual|digital)[\s-]+)"
_BOT = rf"(?:{_AI}{{1,3}}(?:assistant|(?:computer\s+)?program)|{_AI}{{0,3}}(?:language\s+model|chat\s?bot))"
_AS_AN_AI = re.compile(
    r"\bas\s+an?\s+" + _BOT + r"\b[,:]?\s*"
    r"|\bas\s+an\s+(?:ai|artificial\s+intelligence),?\s+(?=I\s+(?:do|can|am|have|lack|was)(?:n't|\s*not|not)?\b)"
    r"|作为(?:一个|一名|一款|一位)?\s*(?:AI|人工智能)?(?:大型|大)?(?:语言模型|助手|聊天机器人|程序)[，,]?\s*",
    re.IGNORECASE,
)
_I_AM_A_BOT = re.compile(
    r"\bI(?:['’]m|\s+am)\s+(?:(?:just|only|actually|simply|merely)\s+)?an?\s+" + _BOT + r"\b"
    rf"|\bI(?:['’]m|\s+am|\s+was)\b[^.!?]{{0,40}}\b(?:created|developed|made|trained|built)\s+by\s+(?:{_VENDORS})\b"
    r"|我(?:只)?是(?:一个|一名|一款)?(?:由?.{0,12}(?:开发|训练|研发|创建)的)?\s*(?:AI|人工智能)?(?:大型|大)?(?:语言模型|助手|聊天机器人)",
    re.IGNORECASE,
)
_I_AM_MODEL = re.compile(
    rf"\bI(?:['’]m|\s+am)\s+(?:called\s+)?({_MODELS})\b|我(?:是|叫)\s*(通义千问|千问|文心一言|豆包)", re.IGNORECASE
)

_PROMPT_SENTENCE = re.compile(r"[^.!?。！？\n]+")
_TOKEN = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]|[^\W_\u3040-\u30ff\u3400-\u9fff]+(?:['’][^\W_]+)?")
_ADDRESSES_MODEL = frozenset({"you", "your", "yours", "yourself", "you're", "你", "您"})
_ORDERS = frozenset(
    {"never", "always", "do", "don't", "keep", "speak", "answer", "reply", "stay", "avoid", "use", "be", "不", "请"}
)
_LEAK_TALK = re.compile(
    r"\b(?:my|the)\s+(?:system\s+prompt|system\s+message|hidden\s+instructions|initial\s+instructions)\b"
    r"|\bmy\s+(?:prompt|instructions|rules|notes|guidelines)\s+(?:is|are|says?|tells?|states?|reads?)\b"
    r"|\bI\s+(?:was|am|have\s+been)\s+(?:instructed|told|programmed)\s+(?:to|not)\b"
    r"|我的(?:系统)?(?:提示词|指令|说明)(?:是|说|写着)",
    re.IGNORECASE,
)
_CJK_FACTOR = 1.6

_EMAIL = re.compile(
    r"[\w.+-]+\s?@\s?[\w-]+(?:\.[\w-]+)+|\b[\w.+-]+\s*[\[(]?\bat\b[\])]?\s*[\w-]+\s*[\[(]?\bdot\b[\])]?\s*(?:com|net|org|io|cn|de)\b",
    re.IGNORECASE,
)
_PHONE = re.compile(
    r"(?<![A-Za-z0-9.,+-])(?:"
    r"\+\d[\d\s().-]{6,18}\d"
    r"|\(0?\d{2,4}\)\s?\d{3,4}[\s.-]?\d{3,4}"
    r"|0\d{1,4}(?:[\s./-]\d{2,4}){2,5}"
    r"|0\d{8,10}"
    r"|(?:1[\s.-])?\d{3}[\s.-]\d{3}[\s.-]\d{4}"
    r"|\d{3}-\d{4}"
    r"|1[3-9]\d[\s-]?\d{4}[\s-]?\d{4}"
    r")(?![A-Za-z0-9-])(?![.,]\d)"
)


def check_sentence(text: str, *, prompt: str) -> Verdict:
    """Judge one sentence. `prompt` is the system prompt of the turn, which must not be told.

    Contact data that the prompt itself holds may be said: the operator put it there to be told.
    """
    if _TEMPLATE.search(text) or _ROLE.match(text):
        return Verdict(False, "template_token", _say_if_clean(_without_template(text), prompt))
    if _LEAK_TALK.search(text) or _leaks(text, prompt):
        return Verdict(False, "prompt_leak", "")
    if _I_AM_A_BOT.search(text) or _names_model(text, prompt):
        return Verdict(False, "assistant_talk", "")
    if _AS_AN_AI.search(text):
        rest = _AS_AN_AI.sub("", text).strip()
        return Verdict(False, "assistant_talk", _say_if_clean(rest[:1].upper() + rest[1:], prompt))
    if has_profanity(text):
        return Verdict(False, "profanity", "")
    if any(found[0] not in prompt for pattern in (_EMAIL, _PHONE) for found in pattern.finditer(text)):
        return Verdict(False, "contact", "")
    return Verdict(True, None, text)


def _names_model(text: str, prompt: str) -> bool:
    """Whether the presenter takes a model's name that is not the presenter's own."""
    found = _I_AM_MODEL.search(text)
    return found is not None and (found[1] or found[2]).casefold() not in prompt.casefold()


def _say_if_clean(text: str, prompt: str) -> str:
    """What is left of a sentence, if it says something and nothing else is wrong with it."""
    return text if _TOKEN.search(text) and check_sentence(text, prompt=prompt).ok else ""


def _without_template(text: str) -> str:
    """What comes before the first token of a chat template; after it the model plays somebody else."""
    text = _ROLE.sub("", text)
    before = _TEMPLATE.split(text, maxsplit=1)[0].strip()
    return before if _TOKEN.search(before) else _ROLE.sub("", _TEMPLATE.sub(" ", text)).strip()


def _leaks(text: str, prompt: str) -> bool:
    """Whether a stretch of `text` is a stretch of the prompt, long enough to be no accident.

    Instructions ("You answer briefly", "Never ...") count sooner than facts, which are there to be told, and a
    stretch that addresses the model ("you") sooner than one that does not. Chinese characters count less than words.
    """
    said = _tokens(text)
    factor = _CJK_FACTOR if sum(word > "\u3000" for word in said) * 2 > len(said) else 1.0
    for sentence in _PROMPT_SENTENCE.findall(prompt):
        told = _tokens(sentence)
        match = SequenceMatcher(None, said, told, autojunk=False).find_longest_match()
        run = said[match.a : match.a + match.size]
        size = match.size / factor
        addressed = not _ADDRESSES_MODEL.isdisjoint(run)
        whole = match.size == len(said)
        instruction = addressed or not _ADDRESSES_MODEL.isdisjoint(told) or (told[:1] and told[0] in _ORDERS)
        if size >= (10 if instruction else 20) or (addressed and (size >= 8 or (whole and size >= 5))):
            return True
    return False


def _tokens(text: str) -> list[str]:
    return [token.casefold() for token in _TOKEN.findall(text)]
