"""The ASGI application that daphne serves."""

import os
from collections.abc import Awaitable, Callable
from typing import Any

from channels.routing import ProtocolTypeRouter
from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mysite.settings.base")

AsgiApplication = Callable[[Any, Any, Any], Awaitable[None]]


def build_application() -> AsgiApplication:
    """One web process: pages and sockets around one media hub and one relay, which every scope carries."""
    pages = get_asgi_application()
    from django.conf import settings

    from mysite.metrics import Metrics
    from mysite.routing import build_clips, build_hub, build_relay, build_websocket_routes  # models exist from here on

    hub = build_hub(settings.FOOTLIGHT)
    relay = build_relay(hub, settings.FOOTLIGHT)
    router = ProtocolTypeRouter({"http": pages, "websocket": build_websocket_routes(hub, relay, settings.FOOTLIGHT)})
    metrics = Metrics(hub, relay, settings.FOOTLIGHT)
    parts = {"footlight.hub": hub, "footlight.relay": relay, "footlight.metrics": metrics}
    parts["footlight.clips"] = build_clips(relay, settings.FOOTLIGHT)

    async def serve(scope: Any, receive: Any, send: Any) -> None:
        relay.start()
        await router({**scope, **parts}, receive, metrics.chat.watch(scope, send))

    return serve


application = build_application()
