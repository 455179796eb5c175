"""From a room's settings to its chain of language models."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

from avatar_engine.weights import LLM_LARGE, LLM_SMALL
from avatar_engine.weights.progress import read_arriving_percent
from chat.llm.base import ChatModel
from chat.llm.chain import ModelChain
from chat.llm.embedded import base_url
from chat.llm.openai_model import OpenAIChatModel
from chat.llm.persona_lines import PersonaLines
from chat.llm.slot import ModelSlot, SlotModel

logger = logging.getLogger(__name__)

EMBEDDED_NAME = "embedded"
EMBEDDED_TEMPERATURE = 0.5
EMBEDDED_STOP = ("```", "\n\n")
"""What the presenter cannot say aloud, code above all, which this model writes gladly."""
DEFAULT_TEMPERATURE = 0.7
DEFAULT_MAX_TOKENS = 80
LARGEST_MAX_TOKENS = 1000
MOST_ENDPOINTS = 5
_KEY_ENV = re.compile(r"[A-Z][A-Z0-9_]*_API_KEY")
_FIELDS = frozenset({"base_url", "key_env", "model", "temperature", "max_tokens"})


class EndpointError(ValueError):
    """A room's list of endpoints that cannot be used; the text says which field of which endpoint, and why."""


class LlmEnv(Protocol):
    """What this module wants of `mysite.env.Env`."""

    @property
    def data_dir(self) -> Path: ...

    @property
    def llm_port(self) -> int: ...

    @property
    def runs_llm(self) -> bool: ...

    def secret(self, name: str) -> str | None: ...


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One OpenAI-compatible endpoint. `key_env` names the environment variable of its key; "" where it wants none."""

    base_url: str
    model: str
    key_env: str
    temperature: float
    max_tokens: int


def build_chain(room_llm_config: Sequence[Mapping[str, Any]], env: LlmEnv, slot: ModelSlot) -> ModelChain:
    """The room's endpoints in their order, then the embedded model where there is one, then persona lines.

    `slot` is taken while a reply of the embedded model is read. An endpoint whose key is not in the environment is
    left out, with a warning. Raises `EndpointError`.
    """
    models: list[ChatModel] = []
    for endpoint in check_endpoints(room_llm_config):
        key = env.secret(endpoint.key_env) if endpoint.key_env else "none"
        if not key:
            logger.warning(
                "%s is not set, so %s at %s is left out", endpoint.key_env, endpoint.model, endpoint.base_url
            )
            continue
        models.append(_build_endpoint_model(endpoint, key))
    if env.runs_llm:
        models.append(SlotModel(build_embedded_model(env.llm_port), slot))
    models.append(PersonaLines(build_arriving_percent(env.data_dir / "weights")))
    return ModelChain(models)


def build_embedded_model(port: int) -> OpenAIChatModel:
    """The client of the embedded server."""
    return OpenAIChatModel(
        name=EMBEDDED_NAME,
        base_url=base_url(port),
        api_key="none",
        model=EMBEDDED_NAME,
        temperature=EMBEDDED_TEMPERATURE,
        max_tokens=DEFAULT_MAX_TOKENS,
        stop=EMBEDDED_STOP,
    )


def build_arriving_percent(folder: Path) -> Callable[[], int | None]:
    """How much of a language model's file has arrived in the weights folder, or None where none is on its way."""

    def arriving_percent() -> int | None:
        percents = (read_arriving_percent(folder, weight.name) for weight in (LLM_LARGE, LLM_SMALL))
        return next((percent for percent in percents if percent is not None), None)

    return arriving_percent


def check_endpoints(room_llm_config: Sequence[Mapping[str, Any]]) -> list[Endpoint]:
    """The room's endpoints with defaults filled in. Raises `EndpointError`."""
    if not isinstance(room_llm_config, list | tuple):
        raise EndpointError("the endpoints must be a list")
    if len(room_llm_config) > MOST_ENDPOINTS:
        raise EndpointError(f"{len(room_llm_config)} endpoints are too many; the most is {MOST_ENDPOINTS}")
    return [_check_endpoint(number, item) for number, item in enumerate(room_llm_config, start=1)]


def _check_endpoint(number: int, item: Mapping[str, Any]) -> Endpoint:
    if not isinstance(item, Mapping):
        raise EndpointError(f"endpoint {number}: must be an object")
    fields = _FieldCheck(f"endpoint {number}", item)
    url = fields.text("base_url")
    if urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).hostname:
        fields.refuse("base_url", "must look like https://host/v1")
    key_env = fields.text("key_env", default="")
    if key_env and not _KEY_ENV.fullmatch(key_env):
        # Nobody who may edit a room shall send other secrets of the environment to a server of their choice.
        fields.refuse("key_env", "must be the name of a variable that ends in _API_KEY, not the key itself")
    return Endpoint(
        base_url=url,
        model=fields.text("model"),
        key_env=key_env,
        temperature=fields.number("temperature", 0.0, 2.0, DEFAULT_TEMPERATURE),
        max_tokens=int(fields.number("max_tokens", 1, LARGEST_MAX_TOKENS, DEFAULT_MAX_TOKENS)),
    )


class _FieldCheck:
    """Reads the fields of one endpoint; every refusal names the endpoint and the field."""

    def __init__(self, where: str, item: Mapping[str, Any]) -> None:
        self._where = where
        self._item = item
        for field in item:
            if field not in _FIELDS:
                self.refuse(str(field), f"is unknown; there are {', '.join(sorted(_FIELDS))}")

    def refuse(self, field: str, reason: str) -> None:
        raise EndpointError(f"{self._where}: {field} {reason}")

    def text(self, field: str, default: str | None = None) -> str:
        value = self._item.get(field, default)
        if not isinstance(value, str) or (default is None and not value.strip()):
            raise EndpointError(f"{self._where}: {field} must be a text")
        return value.strip()

    def number(self, field: str, least: float, most: float, default: float) -> float:
        value = self._item.get(field, default)
        if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
            raise EndpointError(f"{self._where}: {field} must be a number from {least:g} to {most:g}")
        return value


def _build_endpoint_model(endpoint: Endpoint, key: str) -> OpenAIChatModel:
    host = urlsplit(endpoint.base_url).hostname
    return OpenAIChatModel(
        name=f"{endpoint.model} ({host})",
        base_url=endpoint.base_url,
        api_key=key,
        model=endpoint.model,
        temperature=endpoint.temperature,
        max_tokens=endpoint.max_tokens,
    )
