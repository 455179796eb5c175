"""One turn, top to bottom: remember, ask the model, cut into sentences, check, speak, remember what was heard."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import asdict, dataclass, field

from django.utils import timezone

from avatar_engine.client import Presenter
from avatar_engine.types import AudioChunk
from avatar_engine.voice.chain import VoiceChain
from chat.llm.base import ChatModelError, PromptMessage
from chat.llm.chain import ModelChain
from chat.models import Message, Room, Sentence, Turn
from chat.output_check import check_sentence
from chat.prompt import build_prompt
from chat.selectors import build_observation
from chat.sentences import SentenceSplitter
from chat.speakable import build_speakable
from chat.speaker import Speaker
from chat.stamps import Stamps
from memory.conversation import Conversation, Exchange
from memory.store import MemoryStore, RecallScope, Recollection, Reply

log = logging.getLogger(__name__)

RECALLED_LINES = 10


@dataclass(frozen=True, slots=True)
class Tools:
    """What a turn works with; owned by the stage process."""

    models: ModelChain
    voices: VoiceChain
    memory: MemoryStore
    conversation: Conversation = field(default_factory=Conversation)


class TurnRunner:
    """Runs one turn of one room. `run` ends when everything is heard; cancel it and call `cut` to stop early."""

    def __init__(self, room: Room, turn: Turn, presenter: Presenter, generation: int, tools: Tools) -> None:
        self.room = room
        self.turn = turn
        self._tools = tools
        self._stamp = Stamps(turn)
        self._reply = tools.voices.choose(room.language, keep=turn.kind == Turn.Kind.IDLE)
        self.speaker = Speaker(presenter, turn, room.persona_name, generation, self._speak, self._stamp)
        self._count = 0

    async def run(self) -> None:
        """Write and speak. Raises TimeoutError where no render process shows the room."""
        self._stamp("picked")
        async with asyncio.TaskGroup() as group:
            group.create_task(self.speaker.run(), name=f"turn-{self.turn.pk}-speak")
            group.create_task(self._write(), name=f"turn-{self.turn.pk}-write")

    async def _write(self) -> None:
        if self.turn.message is not None and not self.turn.text:
            await self._answer(self.turn.message)
        else:
            await self._recite()
        self.speaker.finish()

    def resume(self, rows: list[Sentence]) -> None:
        """Take over the sentences that an earlier stage process left behind, instead of writing new ones."""
        for row in rows:
            if row.state == Sentence.State.ON_AIR:
                self.speaker.adopt(row)
            elif row.state == Sentence.State.WRITTEN:
                self.speaker.add(row)
            elif row.heard:
                self.speaker.heard.append(row.heard)
        self.speaker.finish()

    async def run_resumed(self) -> None:
        """Speak what `resume` took over."""
        await self.speaker.run()

    async def _answer(self, message: Message) -> None:
        scope = RecallScope(str(self.room.pk), str(message.viewer_id))
        recalled = await self._tools.memory.recall(scope, message.text, RECALLED_LINES, timezone.now())
        await self._tools.memory.observe(build_observation(message))
        exchanges = self._tools.conversation.exchanges
        older = leave_out(recalled, exchanges)
        prompt = build_prompt(self.room, message.display_name, message.text, older, exchanges)
        self.turn.prompt = prompt
        if not await self._ask(prompt):
            await self._ask(prompt)

    async def _ask(self, prompt: list[PromptMessage]) -> bool:
        """Speak one reply as it comes; False where its model broke off before the first sentence was whole.

        The rest of a sentence that breaks off is not said. A model that broke off rests, so the next one of the chain
        is asked the next time.
        """
        splitter = SentenceSplitter()
        stream = self._tools.models.stream(prompt)
        self._stamp("prompt_sent")
        try:
            async with aclosing(stream) as pieces:
                async for piece in pieces:
                    self._stamp("first_token")
                    for sentence in splitter.push(piece):
                        await self._say(sentence)
        except ChatModelError as error:
            log.warning("turn %s: the model stopped: %s", self.turn.pk, error)
            return stream.model is None or self._count > 0
        finally:
            self.turn.happened += [{"what": "model", **asdict(attempt)} for attempt in stream.attempts]
            self.turn.model_name = stream.model or ""
        for sentence in splitter.flush():
            await self._say(sentence)
        return True

    async def _recite(self) -> None:
        splitter = SentenceSplitter()
        for sentence in [*splitter.push(self.turn.text), *splitter.flush()]:
            await self._say(sentence, checked=True)

    async def _say(self, sentence: str, *, checked: bool = False) -> None:
        """Save one sentence and hand it to the speaker. An operator's own words are not checked."""
        if not checked:
            verdict = check_sentence(sentence, prompt=_system_text(self.turn))
            if not verdict.ok:
                self.turn.happened.append({"what": "replaced", "reason": verdict.reason, "text": sentence})
                sentence = verdict.replacement
        if not sentence or not build_speakable(sentence, self.room.language):
            return
        self._stamp("first_sentence")
        row = await Sentence.objects.acreate(turn=self.turn, index=self._count, text=sentence)
        self._count += 1
        self.turn.text = f"{self.turn.text} {sentence}".strip() if not checked else self.turn.text
        self.speaker.add(row)
        await self.turn.asave(update_fields=["text", "stamps", "prompt"])

    def _speak(self, text: str) -> AsyncGenerator[AudioChunk]:
        return self._reply.speak(build_speakable(text, self.room.language))

    async def close(self) -> None:
        """Write down what came of it, in the row and in memory."""
        turn = self.turn
        turn.heard = " ".join(self.speaker.heard)
        turn.voice_name = self._reply.card.name
        turn.happened += [{"what": "voice", **asdict(fallback)} for fallback in self._reply.fallbacks]
        turn.ended_at = timezone.now()
        await turn.asave()
        if turn.message is not None:
            viewer = str(turn.message.viewer_id)
            exchange = Exchange(viewer, turn.message.display_name, turn.message.text, turn.heard)
            self._tools.conversation.add(exchange)
            reply = Reply(str(turn.pk), str(self.room.pk), viewer, turn.heard, turn.ended_at)
            await self._tools.memory.remember_reply(reply)


def _system_text(turn: Turn) -> str:
    return "\n".join(item["content"] for item in turn.prompt if item["role"] == "system")


def leave_out(recalled: Sequence[Recollection], exchanges: Sequence[Exchange]) -> list[Recollection]:
    """This viewer's own lines that are not in the room's latest exchanges, which the prompt holds anyway."""
    known = {text for exchange in exchanges for text in (exchange.text, exchange.heard)}
    return [line for line in recalled if line.own and line.text not in known]
