"""The embedded language model: a weight file behind xllamacpp's own OpenAI-compatible server, in this process."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HOST = "127.0.0.1"
CONTEXT_TOKENS = 2048
BATCH_TOKENS = 256
HTTP_THREADS = 4
PREFIX_CACHE_MIB = 64
"""Prefixes of other rooms that the server keeps aside, about 12 MiB for 400 tokens."""


@dataclass(frozen=True, slots=True)
class ThreadPlan:
    """decode, prefill: threads. spin: whether idle threads wait busily for the next piece of work."""

    decode: int
    prefill: int
    spin: bool


def plan_threads(cores: int) -> ThreadPlan:
    """Threads for a machine with so many cores.

    Lip-sync and encoder are the model's neighbours. On fewer than four cores threads that wait busily, or a second
    decoding thread, make both several times slower; decoding is bound by memory anyway.
    """
    if cores < 4:
        return ThreadPlan(decode=1, prefill=max(1, min(2, cores)), spin=False)
    return ThreadPlan(decode=min(4, cores // 2), prefill=min(8, cores // 2), spin=True)


def base_url(port: int) -> str:
    return f"http://{HOST}:{port}/v1"


class EmbeddedServer:
    """The running server. `close` ends it."""

    def __init__(self, weight: Path, port: int, plan: ThreadPlan) -> None:
        """Load the model and listen on 127.0.0.1. Raises RuntimeError where the file or the port is no good.

        Must be the first in this process to load OpenMP: the thread plan reaches it through the environment, which
        it reads once.
        """
        if not plan.spin:
            os.environ["OMP_WAIT_POLICY"] = "passive"  # written, not read: it is the only way to tell OpenMP
            os.environ["GOMP_SPINCOUNT"] = "0"
        import xllamacpp

        self._server: Any = xllamacpp.Server(_build_params(xllamacpp, weight, port, plan))

    def close(self) -> None:
        """Stop listening and free the model."""
        self._server = None


def _build_params(xllamacpp: Any, weight: Path, port: int, plan: ThreadPlan) -> Any:
    params = xllamacpp.CommonParams()
    params.model.path = str(weight)
    params.model_alias = {weight.stem}
    params.hostnames = [HOST]
    params.port = port
    params.n_threads_http = HTTP_THREADS
    params.n_ctx = CONTEXT_TOKENS
    params.n_batch = params.n_ubatch = BATCH_TOKENS
    params.n_parallel = 1
    params.n_gpu_layers = 0
    params.cache_ram_mib = PREFIX_CACHE_MIB
    params.warmup = False  # reading the persona prefix warms it as well
    params.verbosity = 1
    # Nothing but chat: no page, and no endpoint that shows what others wrote.
    params.ui = params.endpoint_slots = params.endpoint_props = params.endpoint_metrics = False
    params.cors_origins = ""
    for threads, count in ((params.cpuparams, plan.decode), (params.cpuparams_batch, plan.prefill)):
        threads.n_threads = count
        if not plan.spin:
            threads.poll = 0
    return params
