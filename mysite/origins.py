"""Who may open a page's socket: a page of this site, and nobody else."""

from collections.abc import Awaitable, Callable, Collection
from typing import Any
from urllib.parse import urlsplit

from channels.security.websocket import WebsocketDenier
from django.http.request import split_domain_port, validate_host

AsgiApplication = Callable[[Any, Any, Any], Awaitable[None]]


class PageOriginValidator:
    """Lets a socket through where its Origin is the host that it was sent to, or one of `extra_origins`.

    The host must be one of `allowed_hosts`, so that a foreign name pointed at this machine opens nothing. Programs
    that send no Origin are refused: a page socket belongs to a page.
    """

    def __init__(
        self, application: AsgiApplication, allowed_hosts: Collection[str], extra_origins: Collection[str]
    ) -> None:
        self._application = application
        self._allowed_hosts = list(allowed_hosts)
        self._extra_origins = {origin.lower() for origin in extra_origins}

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        headers = {name: value.decode("latin1").lower() for name, value in scope["headers"]}
        if self._check_origin(headers.get(b"origin"), headers.get(b"host", "")):
            await self._application(scope, receive, send)
        else:
            await WebsocketDenier()(scope, receive, send)

    def _check_origin(self, origin: str | None, host: str) -> bool:
        if origin is None:
            return False
        if origin in self._extra_origins:
            return True
        try:
            parts = urlsplit(origin)
        except ValueError:
            return False
        domain, _ = split_domain_port(host)
        return (
            parts.scheme in ("http", "https")
            and parts.netloc == host
            and bool(domain)
            and validate_host(domain, self._allowed_hosts)
        )
