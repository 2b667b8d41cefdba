"""The engine for NumPy: record and plan a step once, then replay it.

Each call binds the plan: each value of the program gets an array, and each instruction becomes
calls with these arrays as arguments. The first step of a call reads the given state and writes
a fresh one; later steps update that one in place. So the given state stays valid, and nobody
else holds the returned one. A donated state is updated in place from the first step on.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from bpx.program.contract import index, leaves, rebuilt
from bpx.program.fusion import Kernel
from bpx.program.operation import Operation, Value
from bpx.program.plan import Plan
from bpx.program.program import apply
from bpx_backends.engines.numpy.calls import Call, calls, gathered
from bpx_backends.engines.numpy.subnormals import flushed
from bpx_backends.engines.numpy.threads import threads
from bpx_backends.engines.shared.recycling import empty

__all__ = ["PART", "Compiled", "Fused", "prepare", "replay"]

PART = 1 << 24
"""The bytes of a kernel for each thread: about a millisecond's work.

Waking a thread and waiting for it took 80 to 250 µs besides OpenBLAS's own (measured).
"""
BLOCK = 1 << 21
"""The bytes moved at a time, few enough to stay in the cache."""


class Fused(NamedTuple):
    """A kernel's function and its arguments.

    Attributes
    ----------
    function : callable
        ``function(part, parts, *fixed, *arrays)``, with flat arrays.
    fixed : tuple of ndarray
        Its other arguments: sizes and constants.
    arguments : tuple of Value
        The values of those arrays. A value written over another one is not listed again.
    parts : int
        The largest number of parts that can run at the same time.
    flat : bool
        Whether each part works on its own share of every array, counted from its beginning.
    """

    function: Callable[..., Any]
    fixed: tuple[np.ndarray, ...]
    arguments: tuple[Value, ...]
    parts: int
    flat: bool


class Compiled(NamedTuple):
    """A plan, and the objects that are made once for it.

    Attributes
    ----------
    plan : Plan
    kernels : mapping of Kernel to Fused
    overwritten : mapping of Kernel to mapping of Value to Value
        See `Plan.overwritten`.
    constants : mapping of Value to ndarray
    only_gathers : bool
        Whether the rows are only indices: NumPy gathers faster with its native integers.
    drive : callable or None
        ``drive(bound, rows, first, last)`` runs steps in one call, or returns False.
    """

    plan: Plan
    kernels: Mapping[Kernel, Fused]
    overwritten: Mapping[Kernel, Mapping[Value, Value]]
    constants: Mapping[Value, np.ndarray]
    only_gathers: bool
    drive: Callable[..., bool] | None = None


def prepare(plan: Plan, fused: Callable[[Kernel], Fused] | None = None) -> Compiled:
    """Compile a plan's kernels, if any, and compute its constants."""
    constants: dict[Value, np.ndarray] = {}
    for op in plan.constants:
        operands = [constants[v] if isinstance(v, Value) else v for v in op.operands]
        constants[op.result] = np.asarray(apply(np, op, operands))
    kernels = {each: fused(each) for each in plan.kernels if fused}
    overwritten = {each: plan.overwritten(each) for each in kernels}
    return Compiled(plan, kernels, overwritten, constants, _only_gathers(plan))


def replay(
    compiled: Compiled,
    state: Any,
    data: Any,
    rows: np.ndarray,
    start: int,
    stop: int,
    donate: bool = False,
) -> Any:
    """Run the steps from `start` to `stop`: an engine's scan, for this plan."""
    program = compiled.plan.program
    entered = [np.array(each, order="C", copy=None) for each in leaves(state)]
    fresh = [
        old if donate or was is now else empty(was.shape, was.dtype.name)
        for old, was, now in zip(entered, program.state, program.outputs, strict=True)
    ]
    picked = np.empty(program.rows.shape, np.intp if compiled.only_gathers else rows.dtype)
    inputs = {**dict(zip(program.data, leaves(data), strict=True)), program.rows: picked}
    scratch = empty((compiled.plan.scratch,), "uint8")
    with flushed(), _workers(compiled) as workers:
        # From the second step on, the state is updated in place.
        for old, first, last in ((entered, start, start + 1), (fresh, start + 1, stop)):
            if first < last:
                bound = _Bound(compiled, inputs, old, fresh, scratch, workers)
                if not (compiled.drive and compiled.drive(bound, rows, first, last)):
                    _replay(bound.calls(), picked, rows, first, last)
    return rebuilt(state, fresh)


def _replay(step: list[Call], picked: Any, rows: np.ndarray, first: int, last: int) -> None:
    for i in range(first, last):
        picked[...] = index(rows, i)
        for function, arguments in step:
            function(*arguments)


def _only_gathers(plan: Plan) -> bool:
    """Whether the rows are used only as indices."""
    rows, roots = plan.program.rows, plan.roots
    users = (
        op for op in plan.program.operations if rows in (roots.get(v, v) for v in op.values)
    )
    return all(op.result in plan.views or plan.picks(op) for op in users)


class _Workers(NamedTuple):
    """The threads for large kernels, in addition to the calling one."""

    executor: Executor | None
    threads: int


@contextmanager
def _workers(compiled: Compiled) -> Iterator[_Workers]:
    large = any(each.parts > 1 for each in compiled.kernels.values())
    number = threads() if large else 1
    if number == 1:
        yield _Workers(None, 1)
        return
    with ThreadPoolExecutor(number - 1, "bpx") as executor:
        yield _Workers(executor, number)


@dataclass
class _Bound:
    """A plan bound to arrays: the given state, the new one, and everything in between."""

    compiled: Compiled
    inputs: Mapping[Value, np.ndarray]
    entered: Sequence[np.ndarray]
    fresh: Sequence[np.ndarray]
    scratch: np.ndarray
    workers: _Workers
    held: dict[Value, Any] = field(default_factory=dict)
    kept: list[Any] = field(default_factory=list)

    def __post_init__(self) -> None:
        plan = self.compiled.plan
        self.held = {**self.inputs, **self.compiled.constants}
        self.held |= dict(zip(plan.program.state, self.entered, strict=True))
        self.held |= {value: self.fresh[i] for value, i in plan.states.items()}
        for v, offset in plan.offsets.items():
            memory = self.scratch[offset : offset + v.nbytes]
            self.held[v] = memory.view(v.dtype.name).reshape(v.shape)

    def find(self, v: Any) -> Any:
        """Return the array of a value; a view is made on first use."""
        if not isinstance(v, Value):
            return v
        if v not in self.held:
            op = self.compiled.plan.views[v]
            self.held[v] = apply(np, op, [self.find(op.values[0])])
        return self.held[v]

    def calls(self) -> list[Call]:
        """Return the calls of one step."""
        plan = self.compiled.plan
        steps: list[Call] = []
        for each in plan.instructions:
            steps += self.one(each) if isinstance(each, Operation) else self._kernel(each)
        return steps + [Call(np.copyto, (self.fresh[i], self.find(v))) for i, v in plan.copies]

    def one(self, op: Operation) -> list[Call]:
        """Return the calls of an operation that is in no kernel."""
        operands, out = [self.find(v) for v in op.operands], self.find(op.result)
        if op.name == "take" and self.compiled.plan.picks(op):
            x, rows = operands
            return [gathered(x, rows, out)]
        return calls(op, operands, out)

    def prepared(
        self, kernel: Kernel
    ) -> tuple[Fused, list[tuple[np.ndarray, np.ndarray]], list[Any]]:
        """Return a kernel's function, what is copied before, and its arrays."""
        fused = self.compiled.kernels[kernel]
        over = self.compiled.overwritten[kernel]
        places = {base: self.find(v) for v, base in over.items()}
        given = (places.get(v, self.find(v)).reshape(-1) for v in fused.arguments)
        # The kernel works in place, so first copy the arrays that it overwrites into place.
        moves = [
            (place.reshape(-1), old.reshape(-1))
            for base, place in places.items()
            if (old := self.find(base)) is not place
            and base in self.compiled.plan.program.state
        ]
        return fused, moves, [*fused.fixed, *given]

    def _kernel(self, kernel: Kernel) -> Iterator[Call]:
        (function, _, _, parts, flat), moves, arrays = self.prepared(kernel)
        if moves and flat and parts > 1:
            size = sum(place.nbytes for place, _ in moves)
            yield self._in_parts(_Moved(function, moves, -(-size // BLOCK)), parts, arrays)
        else:
            yield from (Call(np.copyto, move) for move in moves)
            yield self._in_parts(function, parts, arrays)

    def _in_parts(self, function: Callable[..., Any], parts: int, arrays: list[Any]) -> Call:
        parts = min(parts, self.workers.threads)
        if parts == 1:
            return Call(function, (0, 1, *arrays))
        return Call(_together, (self.workers.executor, function, parts, arrays))


@dataclass(frozen=True)
class _Moved:
    """A kernel that first copies the arrays that it overwrites into place, block by block.

    A copied block is still in the cache when the kernel reads it.
    """

    function: Callable[..., Any]
    moves: Sequence[tuple[np.ndarray, np.ndarray]]
    blocks: int

    def __call__(self, part: int, parts: int, *arrays: np.ndarray) -> None:
        for block in range(self.blocks * part // parts, self.blocks * (part + 1) // parts):
            for place, old in self.moves:
                first, last = (place.size * (block + end) // self.blocks for end in (0, 1))
                place[first:last] = old[first:last]
            self.function(block, self.blocks, *arrays)


def _together(executor: Executor, function: Any, parts: int, arrays: Sequence[Any]) -> None:
    """Run all parts of a kernel at once, the first one in this thread."""
    others = [executor.submit(function, part, parts, *arrays) for part in range(1, parts)]
    function(0, parts, *arrays)
    for each in others:
        each.result()
