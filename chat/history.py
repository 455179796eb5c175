"""Fills a room's short-term memory from its rows when a stage process takes the room."""

from __future__ import annotations

from asgiref.sync import sync_to_async

from chat import selectors
from chat.models import Room, Turn
from chat.turn import Tools
from memory.conversation import Exchange
from memory.store import Reply


async def remember_history(room: Room, tools: Tools) -> None:
    """Tell memory and the room's conversation of the latest answered messages, oldest first."""
    for turn in await sync_to_async(selectors.list_answered)(room):
        await remember_turn(turn, tools)


async def remember_turn(turn: Turn, tools: Tools) -> None:
    """One answered message and what was heard of the answer."""
    message = turn.message
    if message is None or turn.ended_at is None:
        return
    viewer = str(message.viewer_id)
    await tools.memory.observe(selectors.build_observation(message))
    reply = Reply(str(turn.pk), str(turn.room_id), viewer, turn.heard, turn.ended_at)
    await tools.memory.remember_reply(reply)
    tools.conversation.add(Exchange(viewer, message.display_name, message.text, turn.heard))
