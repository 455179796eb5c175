"""Main of the render process: `python -m avatar_engine.render --web URL --token-file FILE`. No Django, no database."""

from __future__ import annotations

import argparse
import asyncio
import logging
import signal
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import cv2

from avatar_engine import wire
from avatar_engine.clips.jobs import ClipJobs
from avatar_engine.clips.wire import unpack_sound
from avatar_engine.dialer import LinkDialer
from avatar_engine.errors import WireError
from avatar_engine.lipsync.registry import ENGINES
from avatar_engine.performer_spec import RoomSpec
from avatar_engine.stage_set import StageSet
from avatar_engine.stream.envelope import MediaEnvelope

log = logging.getLogger("avatar_engine.render")

LINK_LOSS_CLOSES_AFTER_S = 60.0


class RenderProcess:
    """Answers the link: rooms open and close, speech comes in, pictures go out."""

    def __init__(self, args: argparse.Namespace) -> None:
        self._args = args
        self._dialer = LinkDialer(
            args.web,
            Path(args.token_file).read_text(encoding="utf-8").strip(),
            "render",
            args.name,
            hello=self._build_hello,
            on_text=self._take_text,
            on_binary=self._take_binary,
            on_down=self._link_down,
        )
        self._rooms = StageSet(
            Path(args.data),
            args.device,
            send=self._send,
            send_media=self._send_media,
            send_clip=self._send_clip,
            encoder=args.encoder,
        )
        self._clips = ClipJobs(
            self._rooms.lend,
            lambda: self._rooms.is_pressed,
            send=self._dialer.send_text,
            send_binary=self._dialer.send_binary,
        )
        self._closing: asyncio.Task[None] | None = None
        self._changes: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Serve until cancelled."""
        try:
            await self._dialer.run()
        finally:
            await self._clips.close()
            await self._rooms.close()

    def _build_hello(self) -> dict[str, Any]:
        if self._closing is not None:
            self._closing.cancel()
            self._closing = None
        self._rooms.go_on()
        rooms = []
        for name, performer in self._rooms.performers.items():
            performer.request_keyframe()
            rooms.append({"room": name, "epoch": performer.epoch, "generation": performer.generation})
        return {
            "type": "hello",
            "name": self._args.name,
            "version": wire.VERSION,
            "families": sorted(ENGINES),
            "capacity": self._args.capacity,
            "rooms": rooms,
        }

    async def _link_down(self) -> None:
        self._rooms.hold()
        self._clips.drop_all()
        self._closing = asyncio.create_task(self._close_when_forgotten(), name="close-when-forgotten")

    async def _close_when_forgotten(self) -> None:
        await asyncio.sleep(LINK_LOSS_CLOSES_AFTER_S)
        log.warning("no link for %.0f s, rooms are closed", LINK_LOSS_CLOSES_AFTER_S)
        await self._rooms.close()

    async def _take_text(self, message: dict[str, Any]) -> None:
        kind, room = message["type"], str(message.get("room", ""))
        if kind.startswith("clip."):
            self._take_clip(kind, message)
            return
        if kind == "room.open":
            self._open_room(room, message)
            return
        if kind == "room.close":
            self._start(self._rooms.close_room(room), f"close-{room}")
            return
        performer = self._rooms.performers.get(room)
        if performer is None:
            return
        if kind == "interrupt":
            performer.interrupt(int(message["generation"]))
        elif kind == "stage.lost":
            performer.truncate()
        elif kind == "report.ack":
            performer.reports.acknowledge(int(message["n"]))
        elif kind == "keyframe":
            performer.request_keyframe()

    def _take_clip(self, kind: str, message: dict[str, Any]) -> None:
        if kind == "clip.open":
            self._clips.open(message)
        elif kind == "clip.credit":
            self._clips.take_credit(str(message["clip"]), int(message["until"]))
        elif kind == "clip.close":
            self._clips.drop(str(message["clip"]))

    def _open_room(self, room: str, message: dict[str, Any]) -> None:
        try:
            spec, generation = RoomSpec.parse(message["spec"]), int(message["generation"])
        except (KeyError, TypeError, ValueError) as error:
            raise WireError(f"bad room.open: {error}") from error
        self._start(self._rooms.open(room, spec, generation), f"open-{room}")

    def _start(self, work: Coroutine[Any, Any, None], name: str) -> None:
        """Loading a network may take seconds; sound and interrupts of other rooms do not wait for it."""
        task = asyncio.create_task(work, name=name)
        self._changes.add(task)
        task.add_done_callback(self._changes.discard)

    async def _take_binary(self, frame: wire.BinaryFrame) -> None:
        if frame.kind is wire.Kind.CLIP_SOUND:
            self._clips.take_sound(unpack_sound(frame))
            return
        performer = self._rooms.performers.get(frame.room)
        if frame.kind is wire.Kind.SPEECH and performer is not None:
            performer.push(wire.unpack_speech(frame))

    def _send(self, message: dict[str, Any]) -> None:
        if message["type"] == "playhead":
            message = {**message, "link_dropped": self._dialer.dropped}
        self._dialer.send_text(message)

    def _send_media(self, room: str, envelope: MediaEnvelope) -> None:
        self._dialer.send_binary(wire.pack_binary(wire.Kind.MEDIA, {"room": room}, envelope.pack()))

    def _send_clip(self, room: str, index: int, count: int, envelope: MediaEnvelope) -> None:
        header = {"room": room, "index": index, "count": count}
        self._dialer.send_binary(wire.pack_binary(wire.Kind.IDLE_CLIP, header, envelope.pack()))


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m avatar_engine.render", description=__doc__)
    parser.add_argument("--web", required=True, help="link URL of a web process, ws://host:port/ws/link/")
    parser.add_argument("--token-file", required=True, help="file that holds the link token")
    parser.add_argument("--name", default="render-1", help="name in logs and in the console")
    parser.add_argument("--data", default="data", help="folder with avatars and weights")
    parser.add_argument("--device", default="cpu", help="cpu or cuda:N")
    parser.add_argument("--encoder", default="h264", help="stream encoder")
    parser.add_argument("--capacity", type=int, default=8, help="rooms that this process takes")
    return parser.parse_args(argv)


async def serve(args: argparse.Namespace) -> None:
    """Run until SIGTERM or SIGINT."""
    process = asyncio.create_task(RenderProcess(args).run(), name="render")
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, process.cancel)
    await asyncio.gather(process, return_exceptions=True)
    if not process.cancelled() and (error := process.exception()) is not None:
        raise error


def main() -> None:
    """Entry point."""
    args = parse_args()
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    cv2.setNumThreads(1)
    asyncio.run(serve(args))


if __name__ == "__main__":
    main()
