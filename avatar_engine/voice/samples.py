"""Sentences to hear a voice with: greetings, numbers, names, and what a presenter says all evening."""

from collections.abc import Mapping
from types import MappingProxyType

SAMPLES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "en": (
            "Good evening, and welcome. I am so happy to see you all tonight!",
            "The train to the coast leaves at 7:45, and the ticket costs $12.50.",
            "Well, that depends on the day, the weather and the company. What would you choose?",
        ),
        "zh": (
            "大家晚上好，欢迎来到今天的节目，见到你们我非常高兴！",
            "去海边的火车早上七点四十五分出发，车票是一百二十块钱。",
            "这要看天气，也要看和谁在一起。换成你，你会怎么选？",
        ),
    }
)
"""By BCP 47 primary tag."""
