"""The only reader of the environment: every setting that comes from outside is a field here."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, cast
from urllib.parse import urlsplit

from mysite.secret_files import load_or_create_secret

REPOSITORY = Path(__file__).resolve().parent.parent
LlmChoice = Literal["auto", "small", "large"]
MOST_PORT = 65535
MOST_MEGABYTES = 1_000_000
_LLM_CHOICES = ("auto", "small", "large", "off")
_LOOPBACK_NAMES = ("127.0.0.1", "localhost", "[::1]")
_EVERY_INTERFACE = ("0.0.0.0", "::", "")  # noqa: S104 - compared with, never bound


class EnvError(ValueError):
    """A variable of the environment has a value that Footlight cannot use. The text names it."""


@dataclass(frozen=True)
class Env:
    """What the environment says, read once.

    URLs are None where the embedded default (SQLite, in-memory channel layer, file broker) is to be used.
    """

    data_dir: Path
    """Database, secrets, weights, logs, broker files: everything that is not in the repository."""
    host: str
    """The address that web listens on."""
    port: int
    public_url: str | None
    """What a browser types where that differs from host and port, such as `https://show.example.org`."""
    behind_proxy: bool
    """Whether a proxy of ours stands in front and writes X-Forwarded-For anew; limits by address need to know."""
    extra_hosts: tuple[str, ...]
    database_url: str | None
    redis_url: str | None
    redis_prefix: str
    """What names in Redis begin with; publishing knows no database numbers."""
    celery_broker_url: str | None
    llm: LlmChoice
    """Which embedded language model: by this machine's size, or one of the two."""
    runs_llm: bool
    """Whether there is an embedded language model at all; FOOTLIGHT_LLM=off leaves it out."""
    llm_port: int
    voice_cache_bytes: int
    """Most that sentences kept as sound may take of the disk; 0 keeps none there."""
    shared: Path | None
    """Folder with data for tests that need it, or None."""
    process: str
    """Role of this process: web, stage, llm, worker, beat; `manage` for a command typed by hand."""
    environ: Mapping[str, str] = field(repr=False, compare=False)

    @property
    def allowed_hosts(self) -> tuple[str, ...]:
        """Host names that requests may carry: those of HOST, of PUBLIC_URL and of FOOTLIGHT_ALLOWED_HOSTS."""
        names = list(_LOOPBACK_NAMES)
        if self.host in _EVERY_INTERFACE:
            name = socket.gethostname()
            names += [name, f"{name}.local", *_own_addresses()]
        else:
            names.append(_bracketed(self.host))
        if self.public_url:
            names.append(_bracketed(urlsplit(self.public_url).hostname or ""))
        return tuple(dict.fromkeys(name.lower() for name in (*names, *self.extra_hosts) if name))

    @property
    def allowed_origins(self) -> tuple[str, ...]:
        """Origins other than the page's own that may post and open page sockets: that of PUBLIC_URL."""
        if not self.public_url:
            return ()
        parts = urlsplit(self.public_url)
        return (f"{parts.scheme}://{parts.netloc}",)

    @property
    def local_url(self) -> str:
        """Where a browser on this machine finds web, without a slash at the end."""
        host = "127.0.0.1" if self.host in _EVERY_INTERFACE else self.host
        return f"http://{_bracketed(host)}:{self.port}"

    @property
    def link_url(self) -> str:
        """Where stage and render dial web on this machine."""
        return self.local_url.replace("http://", "ws://", 1) + "/ws/link/"

    @property
    def api_token_file(self) -> Path:
        return self.data_dir / "secrets" / "api_token"

    def api_token(self) -> str:
        """What opens `/api/` to programs, made on first use and kept with mode 600."""
        return self.secret("FOOTLIGHT_API_TOKEN") or load_or_create_secret(self.api_token_file)

    @property
    def link_token_file(self) -> Path:
        return self.data_dir / "secrets" / "link_token"

    def build_child_environ(self, process: str, **changes: str) -> dict[str, str]:
        """The environment of a process that this one starts; `process` is its role."""
        return {**self.environ, "PYTHONUNBUFFERED": "1", "FOOTLIGHT_PROCESS": process, **changes}

    def secret(self, name: str) -> str | None:
        """The value of the environment variable `name`, such as an API key. Never log it."""
        return self.environ.get(name) or None

    def secret_key(self) -> str:
        """Django's secret key, made on first use and kept with mode 600."""
        return self.secret("SECRET_KEY") or load_or_create_secret(self.data_dir / "secrets" / "secret_key")

    @property
    def metrics_token_file(self) -> Path:
        return self.data_dir / "secrets" / "metrics_token"

    def metrics_token(self) -> str:
        """What opens `/metrics`, made on first use and kept with mode 600."""
        return self.secret("METRICS_TOKEN") or load_or_create_secret(self.metrics_token_file)

    def link_token(self) -> str:
        """The token of the process link, made on first use and kept with mode 600."""
        return self.secret("FOOTLIGHT_LINK_TOKEN") or load_or_create_secret(self.link_token_file)


def read_env(environ: Mapping[str, str] = os.environ) -> Env:
    """Read the environment. Raises EnvError, naming the variable, where a value cannot be used."""
    shared = environ.get("FOOTLIGHT_SHARED")
    llm = environ.get("FOOTLIGHT_LLM") or "auto"
    if llm not in _LLM_CHOICES:
        raise EnvError(f"FOOTLIGHT_LLM is {llm!r}: choose one of {', '.join(_LLM_CHOICES)}")
    port = _read_port(environ, "PORT", 8000)
    public_url = (environ.get("PUBLIC_URL") or "").rstrip("/") or None
    if public_url and (urlsplit(public_url).scheme not in ("http", "https") or not urlsplit(public_url).hostname):
        raise EnvError(f"PUBLIC_URL is {public_url!r}: write it as https://show.example.org")
    return Env(
        data_dir=Path(environ.get("DATA") or REPOSITORY / "data").expanduser().resolve(),
        host=environ.get("HOST") or "127.0.0.1",
        port=port,
        public_url=public_url,
        behind_proxy=environ.get("FOOTLIGHT_BEHIND_PROXY") == "1",
        extra_hosts=tuple(
            name.strip() for name in environ.get("FOOTLIGHT_ALLOWED_HOSTS", "").split(",") if name.strip()
        ),
        database_url=environ.get("DATABASE_URL") or None,
        redis_url=environ.get("REDIS_URL") or None,
        redis_prefix=environ.get("FOOTLIGHT_REDIS_PREFIX") or "footlight",
        celery_broker_url=environ.get("CELERY_BROKER_URL") or None,
        llm=cast(LlmChoice, "auto" if llm == "off" else llm),
        runs_llm=llm != "off",
        llm_port=_read_port(environ, "FOOTLIGHT_LLM_PORT", _default_llm_port(port)),
        voice_cache_bytes=_read_megabytes(environ, "FOOTLIGHT_VOICE_CACHE_MB", 200),
        shared=Path(shared).resolve() if shared else None,
        process=environ.get("FOOTLIGHT_PROCESS") or "manage",
        environ=environ,
    )


def _read_port(environ: Mapping[str, str], name: str, default: int) -> int:
    text = environ.get(name) or str(default)
    if not text.isdecimal() or not 0 < int(text) <= MOST_PORT:
        raise EnvError(f"{name} is {text!r}: choose a number from 1 to {MOST_PORT}")
    return int(text)


def _read_megabytes(environ: Mapping[str, str], name: str, default: int) -> int:
    """In bytes."""
    text = environ.get(name) or str(default)
    if not text.isdecimal() or int(text) > MOST_MEGABYTES:
        raise EnvError(f"{name} is {text!r}: choose a number of megabytes from 0 to {MOST_MEGABYTES}")
    return int(text) * 1_000_000


def _default_llm_port(port: int) -> int:
    """Nine above the port of web, or below it where there is none above."""
    return port + 9 if port + 9 <= MOST_PORT else port - 9


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host and not host.startswith("[") else host


def _own_addresses() -> list[str]:
    """The addresses of this machine's interfaces, IPv6 in brackets, without asking a name server."""
    import psutil

    families = (socket.AF_INET, socket.AF_INET6)
    found = [a.address for card in psutil.net_if_addrs().values() for a in card if a.family in families]
    return [_bracketed(address.split("%")[0]) for address in found]
