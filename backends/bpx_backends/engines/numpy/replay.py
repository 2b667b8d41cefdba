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
from bpx_backends.engines.numpy.calls import Call, address_of, calls, gathered
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
    where : tuple of int
        The addresses of `fixed`, for a native kernel.
    """

    function: Callable[..., Any]
    fixed: tuple[np.ndarray, ...]
    arguments: tuple[Value, ...]
    parts: int
    flat: bool
    where: tuple[int, ...] = ()


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
        begun = start if donate else start + 1
        for old, first, last in ((entered, start, begun), (fresh, begun, stop)):
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
    where: dict[Value, int] = field(default_factory=dict)
    begin: int = 0

    def __post_init__(self) -> None:
        plan, self.begin = self.compiled.plan, address_of(self.scratch)
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

    def moves(self, kernel: Kernel) -> list[tuple[np.ndarray, np.ndarray]]:
        """Return what a kernel that works in place copies there first: pairs (to, from)."""
        if self.entered is self.fresh:
            return []
        over, state = self.compiled.overwritten[kernel], self.compiled.plan.program.state
        return [
            (place.reshape(-1), old.reshape(-1))
            for v, base in over.items()
            if base in state and (old := self.find(base)) is not (place := self.find(v))
        ]

    def addresses(self, kernel: Kernel) -> list[int]:
        """Return the addresses of a kernel's arrays."""
        places = {base: v for v, base in self.compiled.overwritten[kernel].items()}
        fused = self.compiled.kernels[kernel]
        return [*fused.where, *(self.address(places.get(v, v)) for v in fused.arguments)]

    def address(self, v: Value) -> int:
        """Return the address of a value's array."""
        found = self.where.get(v)
        if found is None:
            plan = self.compiled.plan
            offset, view = plan.offsets.get(v), plan.views.get(v)
            if offset is not None:
                found = self.begin + offset
            elif view is not None and view.name in ("matrix_transpose", "reshape"):
                found = self.address(view.values[0])
            else:
                found = address_of(self.find(v))
            self.where[v] = found
        return found

    def _kernel(self, kernel: Kernel) -> Iterator[Call]:
        function, fixed, arguments, parts, flat, _ = self.compiled.kernels[kernel]
        places = {base: v for v, base in self.compiled.overwritten[kernel].items()}
        given = (self.find(places.get(v, v)).reshape(-1) for v in arguments)
        moves, arrays = self.moves(kernel), [*fixed, *given]
        if moves and flat and parts > 1:
            size = sum(place.nbytes for place, _ in moves)
            yield self._in_parts(_Moved(function, moves, -(-size // BLOCK)), parts, arrays)
        else:
            yield from (Call(np.copyto, move) for move in moves)
            yield self._in_parts(function, parts, arrays)

    def _in_parts(self, function: Callable[..., Any], parts: int, arrays: list[Any]) -> Call:
        parts = min(parts, self.workers.threads)
        calls = [self._part(function, part, parts, arrays) for part in range(parts)]
        return calls[0] if parts == 1 else Call(_together, (self.workers.executor, calls))

    def _part(
        self, function: Callable[..., Any], part: int, parts: int, arrays: list[Any]
    ) -> Call:
        bind = getattr(function, "bound", None)
        if bind is None:
            return Call(function, (part, parts, *arrays))
        run, arguments, kept = bind(part, parts, arrays)
        self.kept.append(kept)
        return Call(run, arguments)


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


def _together(executor: Executor, calls: Sequence[Call]) -> None:
    """Run all parts of a kernel at once, the first one in this thread."""
    first, *others = calls
    running = [executor.submit(function, *arguments) for function, arguments in others]
    first.function(*first.arguments)
    for each in running:
        each.result()
