"""Parts of the player and the captions, each by itself, run where they live: in the browser."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page

pytestmark = pytest.mark.browser


@pytest.fixture
def page(open_page) -> Page:
    return open_page("/")


def run(page: Page, module: str, body: str) -> object:
    return page.evaluate(
        "async ([module, body]) => new Function('m', body)(await import(`/static/frontend/${module}`))",
        [module, body],
    )


def test_player_speeds_up_when_behind_and_settles_again(page: Page) -> None:
    rates = run(
        page,
        "live/live_edge.js",
        """
        const edge = new m.LiveEdge();
        const rates = [];
        let time = 9.5;
        for (let i = 0; i < 200; i += 1) {
          const end = 10 + i * 0.04;
          const { rate } = edge.decide({ time, ranges: [[0, end]], nowMs: i * 40 });
          rates.push(rate);
          time += 0.04 * rate;
        }
        return { rates, behind: edge.behind, target: edge.target };
        """,
    )
    assert max(rates["rates"]) <= 1.25
    assert rates["rates"][0] >= 1.03
    assert rates["rates"][-1] == 1
    assert abs(rates["behind"] - rates["target"]) < 0.035


def test_pause_may_pass_faster_than_speech(page: Page) -> None:
    quiet, speaking = run(
        page,
        "live/live_edge.js",
        """
        const rate = (isQuiet) => new m.LiveEdge().decide({ time: 9.3, ranges: [[0, 10]], nowMs: 0, isQuiet }).rate;
        return [rate(true), rate(false)];
        """,
    )
    assert (quiet, speaking) == (1.5, 1.25)


def test_player_jumps_when_more_than_a_second_behind_or_in_a_gap(page: Page) -> None:
    behind, gap, starved, fine = run(
        page,
        "live/live_edge.js",
        """
        const decide = (time, ranges, isStarved) =>
          new m.LiveEdge().decide({ time, ranges, nowMs: 0, isStarved }).seekTo;
        return [
          decide(1, [[0, 5]], false),
          decide(4.9, [[0, 5], [5.3, 6]], false),
          decide(4.7, [[0, 5]], true),
          decide(5.6, [[0, 5], [5.3, 6]], false),
        ];
        """,
    )
    assert behind == pytest.approx(4.78)  # far enough back to start at once
    assert gap == pytest.approx(5.78)
    assert starved == pytest.approx(4.78)
    assert fine is None


def test_stall_raises_the_distance_and_smooth_play_lowers_it_slowly(page: Page) -> None:
    first, raised, eased, floor, ceiling = run(
        page,
        "live/live_edge.js",
        """
        const edge = new m.LiveEdge();
        const play = (fromMs, toMs) => {
          for (let t = fromMs; t <= toMs; t += 1000) edge.decide({ time: 0.9, ranges: [[0, 1]], nowMs: t });
          return edge.target;
        };
        const first = edge.target;
        edge.stalled(1000);
        const raised = edge.target;
        const eased = play(1000, 12_000);
        const floor = play(12_000, 300_000);
        for (let i = 0; i < 100; i += 1) edge.stalled(300_000);
        return [first, raised, eased, floor, edge.target];
        """,
    )
    assert raised == pytest.approx(first + 0.03)
    assert first < eased < raised
    assert floor == pytest.approx(0.12)
    assert ceiling == pytest.approx(0.6)


def test_captions_keep_punctuation_with_the_word_before_it(page: Page) -> None:
    pieces = run(
        page,
        "live/caption_panel.js",
        """return m.slicePieces('“Well, 3.5 km!” she said.', [['Well', 0, 200], ['3.5', 300, 500], ['km', 500, 700],
             ['she', 700, 800], ['said', 800, 1000]], 1000).map((piece) => [piece.text, piece.startMs]);""",
    )
    assert "".join(text for text, _ in pieces) == "“Well, 3.5 km!” she said."
    assert pieces == [["“Well, ", 0], ["3.5 ", 300], ["km!” ", 500], ["she ", 700], ["said.", 800]]


def test_captions_without_word_times_spread_over_the_sentence(page: Page) -> None:
    pieces = run(page, "live/caption_panel.js", "return m.slicePieces('你好，世界。', [], 600);")
    assert "".join(piece["text"] for piece in pieces) == "你好，世界。"
    assert [piece["startMs"] for piece in pieces] == sorted(piece["startMs"] for piece in pieces)
    assert len(pieces) == 4


def test_long_sentence_is_broken_into_short_captions(page: Page) -> None:
    lengths = run(
        page,
        "live/caption_panel.js",
        """
        const words = Array.from({ length: 40 }, (_, i) => ({ text: 'word ', startMs: i }));
        return m.breakLines(words, 48).map((line) => line.map((piece) => piece.text).join('').trimEnd().length);
        """,
    )
    assert sum(lengths) + len(lengths) - 1 == 40 * 5 - 1
    assert max(lengths) <= 48


TIMED = """
const listeners = {};
const player = {
  status: 'playing', now: 0, offsets: { 7: 100 },
  addEventListener: (type, listener) => (listeners[type] = listener), removeEventListener() {},
  roomPtsNow() { return this.now; },
  timeline: {
    roomPts: (epoch, pts) => epoch in player.offsets ? pts + player.offsets[epoch] : null,
    isPast: (epoch) => epoch < 7,
  },
};
const queue = new m.TimedQueue(player);
queue.start();
const shown = [];
const add = (name, item) => queue.add({ kind: 'speech', turn: 1, ...item }, () => shown.push(name));
const at = (pts) => { player.now = pts; listeners.tick(); };
"""


def test_timed_items_appear_in_order_when_the_player_gets_there(page: Page) -> None:
    shown = run(
        page,
        "live/timed_queue.js",
        TIMED
        + """
        add('late', { epoch: 7, pts: 900 });
        add('soon', { epoch: 7, pts: 500 });
        add('unknown epoch', { epoch: 8, pts: 0 });
        add('past epoch', { epoch: 6, pts: 5000 });
        add('untimed', {});
        const first = [...shown];
        at(599); const before = [...shown];
        at(1000); const both = [...shown];
        player.offsets[8] = 1000; listeners.timeline();
        return { first, before, both, shown };
        """,
    )
    assert shown["first"] == ["past epoch", "untimed"]
    assert shown["before"] == ["past epoch", "untimed"]
    assert shown["both"] == ["past epoch", "untimed", "soon", "late"]
    assert shown["shown"][-1] == "unknown epoch"


def test_cut_turn_loses_what_lies_behind_the_cut_and_nothing_else(page: Page) -> None:
    shown = run(
        page,
        "live/timed_queue.js",
        TIMED
        + """
        add('heard', { epoch: 7, pts: 100 });
        add('never heard', { epoch: 7, pts: 300 });
        add('next turn', { epoch: 7, pts: 400, turn: 2 });
        add('state', { epoch: 7, pts: 350, kind: 'state' });
        queue.interrupt({ turn: 1, epoch: 7, pts: 200 });
        at(10_000);
        return shown;
        """,
    )
    assert shown == ["heard", "state", "next turn"]


def test_state_for_now_ends_the_states_that_wait(page: Page) -> None:
    shown = run(
        page,
        "live/timed_queue.js",
        TIMED
        + """
        add('idle after the speech', { epoch: 7, pts: 300, kind: 'state' });
        add('starting', { kind: 'state' });
        add('words', { epoch: 7, pts: 300 });
        at(10_000);
        return shown;
        """,
    )
    assert shown == ["starting", "words"]


def test_nothing_waits_where_no_player_runs(page: Page) -> None:
    run_without = (
        "const q = new m.TimedQueue(null); let shown = 0; q.add({ epoch: 1, pts: 9e9 }, () => shown++); return shown;"
    )
    assert run(page, "live/timed_queue.js", run_without) == 1


def test_reconnect_delays_double_stay_bounded_and_differ(page: Page) -> None:
    low, high = run(
        page,
        "shared/backoff.js",
        """
        const delays = (random) => {
          const backoff = new m.Backoff({ random: () => random });
          return Array.from({ length: 9 }, () => backoff.next());
        };
        return [delays(0), delays(1)];
        """,
    )
    assert low[:3] == [200, 400, 800]
    assert high[:3] == [400, 800, 1600]
    assert max(high) == 10_000


def test_media_message_is_read_as_the_server_writes_it(page: Page) -> None:
    from frontend.media_message import HEADER

    head = HEADER.pack(2, 5, 0, 77, (1 << 40) + 1920, 1_700_000_000_123.5) + b"moof"
    message = run(
        page,
        "live/media_message.js",
        f"const r = m.readMediaMessage(new Uint8Array({list(head)}).buffer); return {{ ...r, bytes: [...r.bytes] }};",
    )
    assert message == {
        "kind": 2,
        "flags": 5,
        "seq": 77,
        "roomPts": (1 << 40) + 1920,
        "wallMs": 1_700_000_000_123.5,
        "bytes": list(b"moof"),
    }
