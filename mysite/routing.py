"""Which socket goes where."""

from __future__ import annotations

from typing import Any

from asgiref.sync import sync_to_async
from channels.layers import get_channel_layer
from channels.routing import URLRouter
from channels.security.websocket import WebsocketDenier
from django.urls import path, re_path

from chat import selectors
from chat.consumers import ChatConsumer
from chat.events import room_group
from chat.hub import ChatHub
from frontend.clip_debug import DebugStore
from frontend.clip_desk import ClipDesk
from frontend.clip_service import ClipService
from frontend.consumers import MediaConsumer
from frontend.hub import MediaHub
from frontend.hub_hooks import HubHooks
from frontend.link import LinkConsumer
from frontend.redis_relay import RedisRelay
from frontend.relay import Relay
from frontend.switchboard import Switchboard
from mysite.env import Env
from mysite.origins import PageOriginValidator


def build_hub(env: Env) -> MediaHub:
    """The media of every room of this web process."""
    return MediaHub(idle_dir=env.data_dir / "idle_clips")


def build_relay(hub: MediaHub, env: Env) -> Switchboard:
    """The middle of the star, listening to `hub`: this process, or all web copies together over Redis."""
    relay: Switchboard
    if env.redis_url:
        relay = RedisRelay(hub, env.redis_url, env.redis_prefix, send_to_pages)
    else:
        relay = Relay(hub, send_to_pages)

    async def tell_displayed(room: str, epoch: int, pts: int, wall_ms: float) -> None:
        await relay.tell_stage(room, {"type": "displayed", "epoch": epoch, "pts": pts, "wall_ms": wall_ms})

    async def tell_delivered(room: str, epoch: int, pts: int, generation: int, wall_ms: float) -> None:
        message = {"type": "delivered", "epoch": epoch, "pts": pts, "generation": generation, "wall_ms": wall_ms}
        await relay.tell_stage(room, message)

    async def tell_audience(room: str, viewers: int) -> None:
        await relay.tell_stage(room, {"type": "audience", "viewers": viewers})

    hub.attach(
        HubHooks(
            on_displayed=tell_displayed,
            on_delivered=tell_delivered,
            on_keyframe_wanted=relay.ask_keyframe,
            on_audience=tell_audience,
            on_room=relay.want_room,
            on_room_gone=relay.forget_room,
        )
    )
    return relay


def build_clips(relay: Switchboard, env: Env) -> ClipService:
    """What makes clips for the API in this web process."""
    return ClipService(ClipDesk(relay), DebugStore(env.data_dir / "synctalk_debug"))


def build_websocket_routes(hub: MediaHub, relay: Switchboard, env: Env) -> URLRouter:
    """The two sockets of a page, open to pages of this site, and the link, open to who has the token."""
    chat = ChatConsumer.as_asgi(hub=ChatHub(relay.tell_chatters))
    media = MediaConsumer.as_asgi(hub=hub, room_exists=room_exists)
    link = LinkConsumer.as_asgi(relay=relay, token=env.link_token)

    def page_only(application: Any) -> Any:
        return PageOriginValidator(application, env.allowed_hosts, env.allowed_origins)

    return URLRouter(
        [
            path("ws/rooms/<slug:slug>/chat/", page_only(chat)),
            path("ws/rooms/<slug:slug>/media/", page_only(media)),
            path("ws/link/", link),
            re_path("", WebsocketDenier()),
        ]
    )


async def send_to_pages(room: str, item: dict[str, Any]) -> None:
    """Pass an event of section 4 of the wire protocol to every chat socket of `room`."""
    layer = get_channel_layer()
    assert layer is not None
    await layer.group_send(room_group(room), {"type": "room.event", "item": item})


async def room_exists(slug: str) -> bool:
    return await sync_to_async(selectors.get_room)(slug) is not None
