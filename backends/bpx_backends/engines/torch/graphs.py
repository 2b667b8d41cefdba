"""Steps on CUDA: those of one plan are captured as a graph once, which is then replayed.

A capture takes some milliseconds, and a training runs in chunks of half a second. So a graph
stays, with the tensors that it works on, until `release`: a call copies the state and the rows
in, replays, and copies the new state out. What entered stays valid, and what was given back is
never written again.
"""

from collections import OrderedDict
from collections.abc import Sequence
from threading import Lock
from typing import Any

import torch

from bpx.program.contract import leaves, rebuilt
from bpx.program.plan import Plan
from bpx_backends.engines.torch.calls import Call
from bpx_backends.engines.torch.replay import NOTHING, After, at, bind, block, replay, used

__all__ = ["release", "run"]

WARM_UPS = 3
"""Steps before a capture, in which libraries set themselves up, as PyTorch asks."""
WORTHWHILE = 16
"""Fewer steps are not captured."""
KEPT = 8
"""Graphs that keep their memory; the one longest unused gives its back."""

_capturing = Lock()
"""A process may capture one graph at a time."""


def run(
    planned: Plan,
    state: Any,
    data: Any,
    rows: torch.Tensor,
    start: int,
    stop: int,
    donate: bool = False,
    *,
    after: After = NOTHING,
) -> Any:
    """Run the steps from `start` to `stop`: an engine's scan.

    On CUDA by the graph that was kept of them; few steps that have none, and all steps
    elsewhere, by calls.
    """
    captured = _captures(rows)
    key = _key(planned, state, data, rows, after) if captured else None
    found = _graphs.taken(key) if captured else None
    if found is None and (not captured or stop - start < WORTHWHILE):
        return replay(planned, state, data, rows, start, stop, donate, after=after)
    found = found or Graphed(planned, state, tuple(leaves(data)), rows, after)
    state = found.run(state, rows, start, stop - start, donate)
    _graphs.put(key, found)
    return state


def _key(planned: Plan, state: Any, data: Any, rows: torch.Tensor, after: After) -> Any:
    """What a graph has for good: addresses and numbers. It keeps the data: ids stay theirs."""
    read = tuple(map(id, leaves(data)))
    return planned, after, after.numbers(state), rows.device, read


def _captures(rows: torch.Tensor) -> bool:
    """Whether steps are captured where these rows are."""
    return rows.device.type == "cuda"


def release() -> None:
    """Let go of all graphs, and of the memory that they work on."""
    _graphs.clear()


class Graphed:
    """A plan on tensors of its own, and the graph of one step on them, once it is captured."""

    def __init__(
        self,
        planned: Plan,
        state: Any,
        read: Sequence[torch.Tensor],
        rows: torch.Tensor,
        after: After,
    ) -> None:
        program, device = planned.program, rows.device
        with torch.no_grad():
            self.own = [at(block(v.nbytes, device), 0, v) for v in program.state]
            self.rows = torch.empty(rows.shape, dtype=rows.dtype, device=device)
            tree = rebuilt(state, self.own)
            self.bound = bind(planned, tree, read, self.rows, after, after.numbers(state))
        self.used = used(program)
        self.read = read  # as long as the graph: it has their addresses
        self.graph: Any = None

    def run(self, state: Any, rows: torch.Tensor, start: int, times: int, donate: bool) -> Any:
        """The state after so many steps from `start`."""
        entered = list(leaves(state))
        with torch.cuda.device(rows.device), torch.no_grad():
            self._enter(entered, rows, start)
            if self.graph is None:
                times -= self._captured(rows.device, times)
            for _ in range(times):
                self.graph.replay()
            left = self._left(entered, donate)
            torch.cuda.current_stream().synchronize()  # the graph is not freed while it runs
        return rebuilt(state, left)

    def _enter(self, entered: Sequence[torch.Tensor], rows: torch.Tensor, start: int) -> None:
        for own, x, looked_at in zip(self.own, entered, self.used, strict=True):
            if looked_at:
                own.copy_(x)
        self.rows.copy_(rows)
        self.bound.count.fill_(start)
        _call(self.bound.first)

    def _captured(self, device: torch.device, times: int) -> int:
        """Capture a step, on a stream aside, after the first few; say how many these are."""
        graph, aside = torch.cuda.CUDAGraph(), torch.cuda.Stream(device)
        first = min(WARM_UPS, times)
        with _capturing:
            here = torch.cuda.current_stream()
            aside.wait_stream(here)
            with torch.cuda.stream(aside):
                for _ in range(first):
                    _call(self.bound.each)
            here.wait_stream(aside)
            with torch.cuda.graph(graph, stream=aside, capture_error_mode="thread_local"):
                _call(self.bound.each)
        self.graph = graph
        return first

    def _left(self, entered: Sequence[torch.Tensor], donate: bool) -> list[torch.Tensor]:
        """The new state in tensors of the caller's: in those that were donated, if any."""
        left = []
        for own, x, looked_at in zip(self.own, entered, self.used, strict=True):
            left.append(x.copy_(own) if donate and looked_at else own.clone())
        return left


def _call(calls: Sequence[Call]) -> None:
    for call in calls:
        call()


class _Graphs:
    """The graphs that are kept. One in use is nobody else's: it is taken, and put back."""

    def __init__(self) -> None:
        self.kept: OrderedDict[Any, Graphed] = OrderedDict()
        self.lock = Lock()

    def taken(self, key: Any) -> Graphed | None:
        with self.lock:
            return self.kept.pop(key, None)

    def put(self, key: Any, graphed: Graphed) -> None:
        with self.lock:
            self.kept[key] = graphed
            while len(self.kept) > KEPT:
                self.kept.popitem(last=False)

    def clear(self) -> None:
        with self.lock:
            self.kept.clear()


_graphs = _Graphs()
