"""One property over everything that a render process may do."""

import itertools

from hypothesis import given, settings
from hypothesis import strategies as st

from avatar_engine.timing import FPS
from frontend.hub import MediaHub
from tests.frontend.hub_kit import Received, VirtualTime, assert_contiguous, build_frame, drain, frames_of, put_clip


class Stage:
    """A render process that misbehaves on demand, and one page that watches."""

    def __init__(self) -> None:
        self.time = VirtualTime()
        self.hub = MediaHub(clock=self.time.clock, wall=self.time.wall, sleep=self.time.sleep)
        self.room = self.hub.room("demo")
        self.viewer = self.room.subscribe()
        self.seen: list[Received] = []
        self.epoch, self.number = 100, 0
        put_clip(self.room)

    async def frames(self, count: float) -> None:
        for _ in range(int(count)):
            video = b"%d.%d" % (self.epoch, self.number)
            self.room.publish(build_frame(self.number, epoch=self.epoch, video=video))
            self.number += 1
            await self.stall(1 / FPS)

    async def stall(self, seconds: float) -> None:
        for _ in range(round(seconds * FPS)):
            await self.time.advance(1 / FPS)
            self.seen += frames_of(await drain(self.viewer))
            if self.seen:
                self.room.acknowledge(self.viewer, self.seen[-1].seq, self.seen[-1].room_pts)

    async def skip(self, count: float) -> None:
        self.number += int(count)

    async def restart(self, epochs_later: float) -> None:
        """Clocks of two machines may disagree, so a later run may have an older epoch."""
        self.epoch, self.number = self.epoch + int(epochs_later), 0

    async def lose(self, _: float) -> None:
        self.room.render_lost()


def read_source(frame: Received) -> tuple[int, int]:
    """Epoch and number that were written into the picture."""
    epoch, number = frame.body.rpartition(b"mdat")[2].removesuffix(b"onetwo").split(b".")
    return int(epoch), int(number)


events = st.lists(
    st.one_of(
        st.tuples(st.just(Stage.frames), st.integers(1, 70)),
        st.tuples(st.just(Stage.skip), st.integers(1, 60)),
        st.tuples(st.just(Stage.stall), st.floats(0.1, 3)),
        st.tuples(st.just(Stage.restart), st.integers(-5, 5)),
        st.tuples(st.just(Stage.lose), st.just(0)),
    ),
    max_size=25,
)


@given(events=events)
@settings(deadline=None, max_examples=60)
async def test_whatever_render_does_a_page_sees_one_unbroken_decodable_stream(events):
    stage = Stage()
    for event, amount in events:
        await event(stage, amount)
    await stage.hub.close()

    assert_contiguous(stage.seen)
    assert all(frame.key for frame in stage.seen[:1])
    for before, after in itertools.pairwise(stage.seen):
        (epoch, number), source = read_source(before), read_source(after)
        assert after.key or source == (epoch, number + 1)
