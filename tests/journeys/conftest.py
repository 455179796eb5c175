"""One running Footlight for the journeys of a file."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest

from tests.support.live_system import LiveSystem
from tests.support.socket_viewer import SocketViewer

QUIET = "UPDATE chat_room SET greeting = '', idle_lines = '[]'"


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveSystem]:
    """On air, without a language model: persona lines answer at once, so the journeys are about the way."""
    with LiveSystem(tmp_path_factory.mktemp("live")) as running:
        running.wait_on_air(60)
        running.execute(QUIET)
        yield running


@pytest.fixture
async def viewer(system: LiveSystem) -> AsyncIterator[SocketViewer]:
    """Somebody who watches and chats."""
    async with SocketViewer(system.ws_url) as joined:
        await joined.wait(lambda: len(joined.fragments) > 5, 20)
        yield joined
