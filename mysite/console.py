"""The console of `make live`: one stream of lines, each with the name of the process that said it."""

from collections.abc import Collection
from typing import TextIO

_COLOURS = (36, 32, 35, 33, 34, 31, 96, 92, 95, 93)  # of ANSI terminals, cyan first
_RESET = "\033[0m"


class Console:
    """Writes `name | text`, in a colour of its own for each name where the stream is a terminal."""

    def __init__(self, stream: TextIO, names: Collection[str], *, colour: bool) -> None:
        self._stream = stream
        self._width = max(map(len, names))
        self._colours = {name: _COLOURS[i % len(_COLOURS)] for i, name in enumerate(names)} if colour else {}

    def say(self, name: str, text: str) -> None:
        """Write one line. A reader that went away is not worth ending a show for."""
        prefix = f"{name:<{self._width}} | "
        if name in self._colours:
            prefix = f"\033[{self._colours[name]}m{prefix}{_RESET}"
        try:
            self._stream.write(f"{prefix}{text}\n")
            self._stream.flush()
        except (BrokenPipeError, ValueError):
            return
