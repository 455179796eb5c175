"""The operator's console without a browser: logs in as the first operator and presses its buttons."""

from __future__ import annotations

import re
from typing import Any

import aiohttp

from tests.support.live_system import LiveSystem

TOKEN = re.compile(r'name="csrfmiddlewaretoken" value="([^"]+)"')


class Console:
    """A logged-in session."""

    def __init__(self, system: LiveSystem) -> None:
        self._system = system
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Console:
        self._session = aiohttp.ClientSession(self._system.url, cookie_jar=aiohttp.CookieJar(unsafe=True))
        name, password = self._system.operator
        async with self._session.get("/console/login/") as page:
            found = TOKEN.search(await page.text())
        assert found is not None
        form = {"username": name, "password": password, "csrfmiddlewaretoken": found[1]}
        async with self._session.post("/console/login/", data=form, headers=self._headers()) as answer:
            assert answer.status == 200, answer.status
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._session is not None
        await self._session.close()

    def _headers(self) -> dict[str, str]:
        assert self._session is not None
        cookies = self._session.cookie_jar.filter_cookies(self._session._base_url)  # type: ignore[arg-type]
        token = cookies["csrftoken"].value if "csrftoken" in cookies else ""
        return {"X-CSRFToken": token, "Referer": self._system.url, "Accept": "application/json"}

    async def press(self, slug: str, action: str, **fields: str) -> dict[str, Any]:
        """POST one of the console's actions."""
        assert self._session is not None
        url = f"/console/rooms/{slug}/{action}/"
        async with self._session.post(url, data=fields, headers=self._headers()) as answer:
            assert answer.status == 200, (answer.status, await answer.text())
            return dict(await answer.json())

    async def say(self, slug: str, text: str) -> None:
        await self.press(slug, "say", text=text)

    async def interrupt(self, slug: str) -> None:
        await self.press(slug, "interrupt")
