"""Messages on their way to the database: what comes while a transaction runs goes into the next one together."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from channels.db import database_sync_to_async
from django.db import DatabaseError

from chat import selectors
from chat.acceptance import Accepted, Draft, Outcome, accept_drafts
from chat.moderation import Refusal

log = logging.getLogger(__name__)

MOST_WAITING = 1000
MOST_TOGETHER = 200
BUSY_RETRY_S = 2.0

Announce = Callable[[str, list[dict[str, Any]]], Awaitable[None]]


class Intake:
    """Bounded: of more than 1000 waiting drafts the newest is refused, and its viewer told to try again."""

    def __init__(self, announce: Announce) -> None:
        """`announce(slug, items)` tells a room of its new messages and of those that were shed."""
        self._announce = announce
        self._waiting: deque[tuple[Draft, asyncio.Future[Outcome]]] = deque()
        self._task: asyncio.Task[None] | None = None

    @property
    def waiting(self) -> int:
        """Drafts that are in no transaction yet."""
        return len(self._waiting)

    async def submit(self, draft: Draft) -> Outcome:
        """Save `draft` with those of others; returns when its row is committed."""
        if len(self._waiting) >= MOST_WAITING:
            return Outcome(refusal=Refusal("too_fast", BUSY_RETRY_S))
        future: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        self._waiting.append((draft, future))
        if self._task is None:
            self._task = asyncio.create_task(self._run(), name="intake")
        return await future

    async def _run(self) -> None:
        try:
            while self._waiting:
                together = [self._waiting.popleft() for _ in range(min(MOST_TOGETHER, len(self._waiting)))]
                drafts = [draft for draft, _ in together]
                accepted = await self._save(drafts)
                for (_, future), outcome in zip(together, accepted.outcomes, strict=True):
                    if not future.done():
                        future.set_result(outcome)
                await self._tell(drafts, accepted)
        finally:
            self._task = None

    async def _save(self, drafts: Sequence[Draft]) -> Accepted:
        try:
            accepted: Accepted = await database_sync_to_async(accept_drafts)(drafts)
            return accepted
        except DatabaseError:
            log.exception("%d messages could not be saved", len(drafts))
            return Accepted([Outcome(refusal=Refusal("not_saved")) for _ in drafts])

    async def _tell(self, drafts: Sequence[Draft], accepted: Accepted) -> None:
        slugs = {draft.room.pk: draft.room.slug for draft in drafts}
        new = [outcome.message for outcome in accepted.outcomes if outcome.is_new and outcome.message is not None]
        for room_id in dict.fromkeys(message.room_id for message in new):
            items = [selectors.message_item(message) for message in new if message.room_id == room_id]
            told = {message.pk for message in new}
            items += [
                {"type": "message.state", "id": gone.pk, "state": gone.state, "reason": gone.reason}
                for gone in accepted.shed.get(room_id, [])
                if gone.pk not in told
            ]
            try:
                await self._announce(slugs[room_id], items)
            except Exception:  # the loop's edge: rows are saved, and stages and pages read them sooner or later
                log.exception("room %s was not told of %d messages", slugs[room_id], len(items))

    def close(self) -> None:
        """Stop; what waits is not saved, and pages send it again."""
        if self._task is not None:
            self._task.cancel()
