"""`/metrics` opens for its token and says what happened, each thing once."""

import json
import re
import stat
from collections.abc import Iterator
from typing import Any

import pytest
from channels.testing import HttpCommunicator
from django.conf import settings
from django.utils import timezone
from prometheus_client import CollectorRegistry
from prometheus_client.parser import text_string_to_metric_families

from chat.models import Message, Room, Turn, Viewer
from frontend.hub import MediaHub
from mysite.asgi import build_application
from mysite.env import REPOSITORY
from mysite.metrics import Metrics
from mysite.metrics_chat import ChatMeter
from mysite.metrics_turns import ROWS_A_READ, TurnMeter
from mysite.routing import build_relay
from tests.frontend.hub_kit import build_frame

HOST = (b"host", b"testserver")
DASHBOARD = REPOSITORY / "deploy" / "grafana" / "footlight.json"
# Names that the dashboard's expressions use beside metrics.
METRIC_NAME = re.compile(r"\b(footlight_[a-z0-9_]+|process_[a-z_]+)\b")


def read_samples(text: bytes) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    families = text_string_to_metric_families(text.decode())
    return {(s.name, tuple(sorted(s.labels.items()))): s.value for family in families for s in family.samples}


def value(registry: CollectorRegistry, name: str, **labels: str) -> float | None:
    return registry.get_sample_value(name, labels)


@pytest.fixture
def room(db: Any) -> Room:
    return Room.objects.create(slug="one", title="One")


def make_turn(room: Room, **fields: Any) -> Turn:
    values = {"kind": Turn.Kind.VIEWER, "state": Turn.State.FINISHED, "ended_at": timezone.now()}
    return Turn.objects.create(room=room, **(values | fields))


# the door


async def ask(*headers: tuple[bytes, bytes]) -> dict[str, Any]:
    request = HttpCommunicator(build_application(), "GET", "/metrics", headers=[HOST, *headers])
    return await request.get_response(timeout=5)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("given", [None, b"", b"Bearer", b"Bearer wrong", b"Bearer \xff", b"Basic wrong"])
async def test_without_the_token_nothing_is_told(given: bytes | None) -> None:
    answer = await ask(*([(b"authorization", given)] if given is not None else []))
    assert answer["status"] == 401
    assert b"footlight" not in answer["body"]


@pytest.mark.django_db(transaction=True)
async def test_with_the_token_every_figure_is_told() -> None:
    token = settings.FOOTLIGHT.metrics_token()
    assert stat.S_IMODE(settings.FOOTLIGHT.metrics_token_file.stat().st_mode) == 0o600
    answer = await ask((b"authorization", f"Bearer {token}".encode()))
    assert answer["status"] == 200
    samples = read_samples(answer["body"])
    assert samples["footlight_database_up", ()] == 1
    assert samples["footlight_process_resident_bytes", (("process", "test"),)] > 1_000_000
    assert samples["footlight_disk_free_bytes", ()] > 0


# turns


@pytest.mark.django_db
def test_turn_is_counted_once_and_not_before_its_end(room: Room) -> None:
    registry = CollectorRegistry()
    meter = TurnMeter(registry)
    make_turn(room)
    meter.read()  # what was there before is not counted
    running = make_turn(room, state=Turn.State.RUNNING, ended_at=None)
    make_turn(room, state=Turn.State.INTERRUPTED)
    for _ in range(3):
        meter.read()
    assert value(registry, "footlight_turns_total", kind="viewer", state="interrupted") == 1
    assert value(registry, "footlight_turns_total", kind="viewer", state="finished") is None
    Turn.objects.filter(pk=running.pk).update(state=Turn.State.FINISHED)
    for _ in range(3):
        meter.read()
    assert value(registry, "footlight_turns_total", kind="viewer", state="finished") == 1
    assert value(registry, "footlight_turns_total", kind="viewer", state="interrupted") == 1


@pytest.mark.django_db
def test_turn_that_never_ends_does_not_hide_the_others(room: Room) -> None:
    registry = CollectorRegistry()
    meter = TurnMeter(registry)
    meter.read()
    make_turn(room, state=Turn.State.RUNNING, ended_at=None)
    ended = ROWS_A_READ + 20
    Turn.objects.bulk_create(Turn(room=room, kind="idle", state="finished") for _ in range(ended))
    for _ in range(4):
        meter.read()
    assert value(registry, "footlight_turns_total", kind="idle", state="finished") == ended


@pytest.mark.django_db
def test_each_border_is_timed_from_the_one_before_and_from_the_first(room: Room) -> None:
    registry = CollectorRegistry()
    meter = TurnMeter(registry)
    meter.read()
    make_turn(room, stamps={"received": 100.0, "accepted": 100.1, "first_token": 101.1, "displayed": 100.9})
    meter.read()

    def total(name: str, border: str) -> float:
        return value(registry, f"footlight_turn_{name}_seconds_sum", border=border) or 0.0

    assert total("step", "first_token") == pytest.approx(1.0)
    assert total("reached", "first_token") == pytest.approx(1.1)
    assert total("step", "displayed") == 0.0  # clocks that differ make no negative time
    assert value(registry, "footlight_turn_step_seconds_count", border="voice_sent") == 0


@pytest.mark.django_db
def test_models_and_voices_are_counted_by_what_came_of_them(room: Room) -> None:
    registry = CollectorRegistry()
    meter = TurnMeter(registry)
    meter.read()
    happened = [
        {"what": "model", "model": "a", "outcome": "failed"},
        {"what": "model", "model": "b", "outcome": "answered"},
        {"what": "voice", "failed": "edge", "took_over": "hibari"},
        {"what": "replaced", "reason": "profanity"},
    ]
    make_turn(room, voice_name="hibari", happened=happened)
    meter.read()
    assert value(registry, "footlight_model_attempts_total", outcome="failed") == 1
    assert value(registry, "footlight_model_attempts_total", outcome="answered") == 1
    assert value(registry, "footlight_voice_outcomes_total", voice="edge", outcome="failed") == 1
    assert value(registry, "footlight_voice_outcomes_total", voice="hibari", outcome="spoke") == 1


# rooms


async def scrape(hub: MediaHub, playheads: dict[str, dict[str, Any]]) -> dict[Any, float]:
    relay = build_relay(hub, settings.FOOTLIGHT)
    relay.playheads.update(playheads)
    return read_samples(await Metrics(hub, relay, settings.FOOTLIGHT).scrape())


@pytest.mark.django_db(transaction=True)
async def test_rooms_tell_viewers_queues_and_what_was_dropped() -> None:
    hub = MediaHub()
    room = hub.room("one")
    slow = room.subscribe()
    gone = room.subscribe()
    for number in range(60):
        room.publish(build_frame(number))
    room.unsubscribe(gone)
    playhead = {"pts": 1920 * 60, "buffered_ms": 40, "underruns": 2, "slips": 1, "refused": 3, "link_dropped": 4}
    samples = await scrape(hub, {"one": playhead})
    await hub.close()
    one = (("room", "one"),)
    assert samples["footlight_viewers", one] == 1
    assert samples["footlight_room_frames_total", one] == 60
    assert samples["footlight_room_state", (("room", "one"), ("state", "live"))] == 1
    assert samples["footlight_room_state", (("room", "one"), ("state", "holding"))] == 0
    assert samples["footlight_viewer_queue_dropped_total", one] == slow.dropped * 2 > 0
    assert samples["footlight_render_frames_total", one] == 60
    assert [samples[f"footlight_render_{n}_total", one] for n in ("underruns", "slips", "refused", "link_dropped")] == [
        *(2, 1, 3, 4)
    ]


@pytest.mark.django_db(transaction=True)
async def test_messages_that_wait_are_counted_by_room() -> None:
    room = await Room.objects.acreate(slug="one", title="One")
    viewer = await Viewer.objects.acreate(token_hash="x")
    for number, state in enumerate(("waiting", "waiting", "answered")):
        fields = {"client_id": str(number), "text": "Hi", "state": state, "received_at": timezone.now()}
        await Message.objects.acreate(room=room, viewer=viewer, **fields)
    samples = await scrape(MediaHub(), {})
    assert samples["footlight_messages_waiting", (("room", "one"),)] == 2


# chat


async def tell(meter: ChatMeter, path: str, *messages: dict[str, Any]) -> list[dict[str, Any]]:
    sent: list[dict[str, Any]] = []

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    watched = meter.watch({"type": "websocket", "path": path}, send)
    for message in messages:
        await watched(message)
    return sent


def build_event(**event: Any) -> dict[str, Any]:
    return {"type": "websocket.send", "text": json.dumps(event, separators=(",", ":"))}


async def test_chat_counts_answers_and_passes_everything_on() -> None:
    registry = CollectorRegistry()
    meter = ChatMeter(registry)
    messages = [
        build_event(type="accepted", client_id="a", id=1),
        build_event(type="rejected", client_id="b", reason="too_fast", detail={}),
        build_event(type="error", reason="binary"),
        build_event(type="message", text='{"type":"accepted"'),
        {"type": "websocket.close", "code": 4400},
    ]
    assert await tell(meter, "/ws/rooms/one/chat/", *messages) == messages
    assert await tell(meter, "/ws/rooms/one/media/", messages[-1]) == messages[-1:]
    assert value(registry, "footlight_chat_accepted_total") == 1
    assert value(registry, "footlight_chat_refused_total", reason="too_fast") == 1
    assert value(registry, "footlight_chat_refused_total", reason="binary") == 1
    assert value(registry, "footlight_chat_closed_total", code="4400") == 1


# the dashboard


def list_expressions(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("expr"), str):
            yield node["expr"]
        for part in node.values():
            yield from list_expressions(part)
    elif isinstance(node, list):
        for part in node:
            yield from list_expressions(part)


@pytest.mark.django_db(transaction=True)
async def test_every_metric_of_the_dashboard_exists() -> None:
    wanted = {
        name
        for expression in list_expressions(json.loads(DASHBOARD.read_text(encoding="utf-8")))
        for name in METRIC_NAME.findall(expression)
    }
    assert len(wanted) >= 15
    hub = MediaHub()
    relay = build_relay(hub, settings.FOOTLIGHT)
    text = (await Metrics(hub, relay, settings.FOOTLIGHT).scrape()).decode()
    known = set()
    for name, kind in re.findall(r"^# TYPE (\S+) (\S+)$", text, re.M):
        known.add(name)
        if kind == "histogram":
            known |= {f"{name}_bucket", f"{name}_sum", f"{name}_count"}
    assert not wanted - known


@pytest.mark.django_db
def test_a_read_is_one_query(room: Room, django_assert_num_queries: Any) -> None:
    meter = TurnMeter(CollectorRegistry())
    with django_assert_num_queries(1):
        meter.read()
    for _ in range(30):
        make_turn(room)
    with django_assert_num_queries(1):
        meter.read()
