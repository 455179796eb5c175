"""A network as a list of calls with known sizes: what `layers.py` writes and the exporters read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from avatar_engine.lipsync.synctalk_2d.folded import Kernel

CallKind = Literal["enter", "conv", "add", "meet", "squash"]


@dataclass(frozen=True, slots=True)
class Call:
    """One step; its result is the map of that number, [channels, height, width].

    inputs: numbers of earlier calls. What each kind does is said by the method of `Tape` with its name.
    fine: how many of the last channels want more than eight bits where the others have eight.
    exact: float32 wherever the network is written in eight bits.
    """

    kind: CallKind
    inputs: tuple[int, ...]
    channels: int
    height: int
    width: int
    name: str = ""
    kernel: Kernel | None = None
    stride: tuple[int, int] = (1, 1)
    padding: int = 0
    relu: bool = False
    enlarge: bool = False
    fine: int = 0
    exact: bool = False


class Tape:
    """Calls in the order in which they run."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.outputs: dict[str, int] = {}

    def enter(self, name: str, shape: tuple[int, int, int]) -> int:
        """A map that comes from outside."""
        return self._append(Call("enter", (), *shape, name=name))

    def leave(self, name: str, x: int) -> None:
        """Give map `x` to the outside."""
        self.outputs[name] = x

    def conv(
        self,
        x: int,
        kernel: Kernel,
        *,
        stride: tuple[int, int] = (1, 1),
        padding: int = 0,
        relu: bool = False,
        fine: int = 0,
        exact: bool = False,
    ) -> int:
        """A convolution, zeros around it, with `relu` and nothing below zero after it. See `Call` for the rest."""
        source = self.calls[x]
        height, width = (
            (side + 2 * padding - kernel.size) // step + 1
            for side, step in zip((source.height, source.width), stride, strict=True)
        )
        return self._append(
            Call(
                "conv",
                (x,),
                kernel.outputs,
                height,
                width,
                kernel=kernel,
                stride=stride,
                padding=padding,
                relu=relu,
                fine=fine,
                exact=exact,
            )
        )

    def add(self, a: int, b: int, *, exact: bool = False) -> int:
        source = self.calls[a]
        return self._append(Call("add", (a, b), source.channels, source.height, source.width, exact=exact))

    def meet(self, first: int, second: int, kernel: Kernel, *, enlarge: bool) -> int:
        """1x1 convolution and ReLU over two maps side by side; with `enlarge` the first has half the side.

        It is doubled bilinearly, corners aligned.
        """
        large = self.calls[second]
        return self._append(
            Call(
                "meet",
                (first, second),
                kernel.outputs,
                large.height,
                large.width,
                kernel=kernel,
                relu=True,
                enlarge=enlarge,
            )
        )

    def squash(self, x: int) -> int:
        """The logistic function."""
        source = self.calls[x]
        return self._append(Call("squash", (x,), source.channels, source.height, source.width, exact=True))

    def until(self, stop: int) -> Tape:
        """The first `stop` calls, without outputs."""
        part = Tape()
        part.calls = self.calls[:stop]
        return part

    def is_depthwise(self, call: Call) -> bool:
        """Whether a convolution looks at each channel by itself."""
        return call.kernel is not None and call.kernel.weight.shape[1] < self.calls[call.inputs[0]].channels

    def _append(self, call: Call) -> int:
        self.calls.append(call)
        return len(self.calls) - 1
