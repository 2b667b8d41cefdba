"""Steps on CUDA: the step of a plan is captured once as a graph, which is then replayed.

Sums over ranks are in no graph: NCCL requires all ranks to capture one together, and a rank may
have to capture again alone, after a callback of its own has trained. So such a step has a graph
of what is before the sum, and one of what is after it.

A capture takes some milliseconds, and training runs in chunks of half a second. So a graph is
kept, with its tensors, until `release`: each call copies the state and the rows in, replays,
and copies the new state out. The given state stays valid, and a returned state is never
written again.
"""

from collections.abc import Iterator, Sequence
from itertools import groupby
from threading import Lock
from typing import Any

import torch

from bpx.program.contract import leaves, rebuilt
from bpx.program.plan import Plan
from bpx_backends.engines.torch.calls import Call
from bpx_backends.engines.torch.copying import run as copied
from bpx_backends.engines.torch.kept import Kept
from bpx_backends.engines.torch.replay import (
    NOTHING,
    After,
    Message,
    at,
    bind,
    block,
    replay,
    used,
)

__all__ = ["release", "run"]

WARM_UPS = 3
"""The steps before a capture, in which libraries initialize, as PyTorch requires."""
WORTHWHILE = 16
"""The fewest steps for which a graph is captured."""
KEPT = 8
"""The most graphs that are kept."""

_capturing = Lock()
"""A process can capture only one graph at a time."""


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

    On CUDA this replays the kept graph. Steps elsewhere, and a few steps without a graph, run
    as separate calls.
    """
    if not _captures(rows):
        return copied(planned, state, data, rows, start, stop, donate, after=after)
    key = _key(planned, state, data, rows, after)
    found = _graphs.taken(key)
    if found is None and stop - start < WORTHWHILE:
        return replay(planned, state, data, rows, start, stop, donate, after=after)
    found = found or Graphed(planned, state, tuple(leaves(data)), rows, after)
    state = found.run(state, rows, start, stop - start, donate)
    _graphs.put(key, found)
    return state


def _key(planned: Plan, state: Any, data: Any, rows: torch.Tensor, after: After) -> Any:
    """Return the key of a graph, which keeps its data alive, so that their ids stay valid."""
    read = tuple(map(id, leaves(data)))
    return planned, after, after.numbers(state), rows.device, read


def _captures(rows: torch.Tensor) -> bool:
    """Whether steps are captured on the device of these rows."""
    return rows.device.type == "cuda"


def release() -> None:
    """Release all graphs and their memory."""
    _graphs.clear()


class Graphed:
    """A plan on its own tensors, and the graphs of one step on them, once it is captured."""

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
        self.read = read  # kept as long as the graph, which has their addresses
        self.step: list[Call] = []

    def run(self, state: Any, rows: torch.Tensor, start: int, times: int, donate: bool) -> Any:
        """Return the state after `times` steps from `start`."""
        entered = list(leaves(state))
        with torch.cuda.device(rows.device), torch.no_grad():
            self._enter(entered, rows, start)
            if not self.step:
                times -= self._captured(rows.device, times)
            for _ in range(times):
                _call(self.step)
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
        """Capture a step on a side stream, after the first few steps; return their number."""
        aside = torch.cuda.Stream(device)
        first = min(WARM_UPS, times)
        with _capturing:
            here = torch.cuda.current_stream()
            aside.wait_stream(here)
            with torch.cuda.stream(aside):
                for _ in range(first):
                    _call(self.bound.each)
            here.wait_stream(aside)
            self.step = list(_replays(self.bound.each, aside))
        return first

    def _left(self, entered: Sequence[torch.Tensor], donate: bool) -> list[torch.Tensor]:
        """Copy the new state into the caller's tensors: the donated ones, if any."""
        left = []
        for own, x, looked_at in zip(self.own, entered, self.used, strict=True):
            left.append(x.copy_(own) if donate and looked_at else own.clone())
        return left


def _replays(calls: Sequence[Call], aside: torch.cuda.Stream) -> Iterator[Call]:
    """Capture the calls; yield those that replay them, and the sums over the ranks between."""
    for is_message, part in groupby(calls, lambda each: isinstance(each, Message)):
        if is_message:
            yield from part
            continue
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph, stream=aside, capture_error_mode="thread_local"):
            _call(list(part))
        yield graph.replay


def _call(calls: Sequence[Call]) -> None:
    for call in calls:
        call()


_graphs: Kept[Graphed] = Kept(KEPT)
