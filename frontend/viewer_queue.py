"""What waits for one viewer, and how much of what was sent the viewer has not acknowledged."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

WINDOW_FRAGMENTS = 50
RESUME_BELOW = WINDOW_FRAGMENTS // 2
SILENT_S = 15.0
STALL_S = 0.2
"""What a wait between two frames counts at most as the viewer's silence: where it was longer, the silence is ours."""
MAX_NOTES = 64
CLOSE_SILENT = 4408


class ViewerClosed(Exception):
    """The hub gave this viewer up; `code` is the close code for its socket."""

    def __init__(self, code: int) -> None:
        super().__init__(f"viewer closed with {code}")
        self.code = code


@dataclass(frozen=True, slots=True)
class Fragment:
    """One frame, wrapped once for all viewers: header and fMP4. `seq` is the room's count."""

    seq: int
    key: bool
    data: bytes


class ViewerQueue:
    """Bounded in fragments that are queued or sent and not acknowledged: at most 50, 2 s.

    A viewer who reaches the bound loses what is not sent yet and everything up to a key frame that comes when half
    of the window is free again. The group of pictures replayed on joining comes on top until it is acknowledged.
    Notes (text, init segments) are never dropped; a viewer with 64 of them unsent is closed, and so is one who
    acknowledges nothing for 15 s of the stream. Time in which no frame came is no time of the stream: while this
    process stands still, or render is away, acknowledgements lie unread or there is nothing to acknowledge.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        """`clock` gives monotonic seconds."""
        self._clock = clock
        self._waiting: deque[str | bytes | Fragment] = deque()
        self._notes = 0
        self._unacknowledged: deque[int] = deque()
        self._offered_at = clock()
        self._silent_s = 0.0
        self._needs_key = True
        self._fell_behind = False
        self._replayed = 0
        self._last_replayed = -1
        self._last_taken = -1
        self._wakeup: asyncio.Future[None] | None = None
        self._closed: int | None = None
        self.dropped = 0

    @property
    def in_flight(self) -> int:
        """Fragments queued or sent, and not acknowledged."""
        return len(self._unacknowledged)

    @property
    def waiting(self) -> int:
        """Messages that `get` would give at once."""
        return len(self._waiting)

    @property
    def closed(self) -> bool:
        return self._closed is not None

    def replay(self, fragments: Sequence[Fragment]) -> None:
        """Take the current group of pictures, which starts with a key frame, when the viewer joins."""
        if not fragments:
            return
        self._needs_key = False
        self._replayed, self._last_replayed = len(fragments), fragments[-1].seq
        for fragment in fragments:
            self._accept(fragment)

    def offer(self, fragment: Fragment) -> None:
        """Take or drop one live fragment. Never waits."""
        if self._closed is not None:
            return
        if self._count_silence() > SILENT_S:
            self.close(CLOSE_SILENT)
        elif self._needs_key and not (fragment.key and self.in_flight <= RESUME_BELOW + self._replayed):
            self.dropped += 1
        elif self.in_flight >= WINDOW_FRAGMENTS + self._replayed:
            self.dropped += 1
            self._drop_unsent()
        else:
            self._needs_key = False
            self._accept(fragment)

    def note(self, message: str | bytes) -> None:
        """Queue a message that is not a frame, in order with the frames."""
        if self._closed is not None:
            return
        if self._notes >= MAX_NOTES:
            self.close(CLOSE_SILENT)
            return
        self._notes += 1
        self._waiting.append(message)
        self._wake()

    def acknowledge(self, seq: int) -> None:
        """The page has all fragments up to `seq`; of those not taken from the queue yet it cannot speak."""
        seq = min(seq, self._last_taken)
        before = self.in_flight
        while self._unacknowledged and self._unacknowledged[0] <= seq:
            self._unacknowledged.popleft()
        if self.in_flight < before:
            self._silent_s = 0.0
            self._fell_behind = False
        if seq >= self._last_replayed:
            self._replayed = 0

    async def get(self) -> str | bytes:
        """The next message to send. Raises `ViewerClosed` once closed. One reader only."""
        while not self._waiting:
            if self._closed is not None:
                raise ViewerClosed(self._closed)
            self._wakeup = asyncio.get_running_loop().create_future()
            await self._wakeup
        message = self._waiting.popleft()
        if isinstance(message, Fragment):
            self._last_taken = message.seq
            return message.data
        self._notes -= 1
        return message

    def close(self, code: int) -> None:
        """Forget everything; the reader gets `ViewerClosed`."""
        if self._closed is None:
            self._closed = code
            self._waiting.clear()
            self._unacknowledged.clear()
            self._wake()

    def _count_silence(self) -> float:
        """Seconds of the stream in which the viewer owed an acknowledgement and gave none, up to now."""
        now = self._clock()
        passed_s, self._offered_at = now - self._offered_at, now
        if self._unacknowledged or self._fell_behind:
            self._silent_s += min(passed_s, STALL_S)
        else:
            self._silent_s = 0.0  # there is nothing to acknowledge
        return self._silent_s

    def _accept(self, fragment: Fragment) -> None:
        self._unacknowledged.append(fragment.seq)
        self._waiting.append(fragment)
        self._wake()

    def _drop_unsent(self) -> None:
        notes = [message for message in self._waiting if not isinstance(message, Fragment)]
        unsent = len(self._waiting) - len(notes)
        for _ in range(unsent):
            self._unacknowledged.pop()
        self.dropped += unsent
        self._waiting = deque(notes)
        self._needs_key = self._fell_behind = True

    def _wake(self) -> None:
        if self._wakeup is not None and not self._wakeup.done():
            self._wakeup.set_result(None)
