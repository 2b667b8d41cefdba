"""A plan bound to the arrays of a call, and the calls of one step."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from bpx.program.fusion import Kernel
from bpx.program.instructions import Exchange
from bpx.program.operation import ALL_REDUCE, Operation, Value
from bpx.program.plan import Plan
from bpx.program.program import apply
from bpx_backends.engines.numpy.calls import Call, address_of, calls, gathered
from bpx_backends.engines.numpy.native import NativeKernel, Run, in_one_call, one_by_one

__all__ = ["Bound", "Compiled", "Fused", "Given", "Loop", "Workers"]

BLOCK = 1 << 21
"""The bytes moved at a time, few enough to stay in the cache."""


class Loop(NamedTuple):
    """A nest's function and its arguments.

    Attributes
    ----------
    function : callable
        ``function(part, parts, *fixed, *arrays)``, with flat arrays.
    fixed : tuple of ndarray
        Its other arguments: sizes and constants.
    arguments : tuple of Value
        The values of those arrays. A value written over another one is not listed again.
    where : tuple of int
        The addresses of `fixed`, for a native kernel.
    """

    function: Any
    fixed: tuple[np.ndarray, ...]
    arguments: tuple[Value, ...]
    where: tuple[int, ...] = ()


class Fused(NamedTuple):
    """A kernel's functions, which run one after another.

    Attributes
    ----------
    loops : tuple of Loop
        One for each nest.
    parts : int
        The largest number of parts that can run at the same time.
    flat : bool
        Whether each part works on its own share of every array, counted from its beginning.
    """

    loops: tuple[Loop, ...]
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
        ``drive(given, rows, first, last)`` runs steps in one call, or returns False.
    """

    plan: Plan
    kernels: Mapping[Kernel, Fused]
    overwritten: Mapping[Kernel, Mapping[Value, Value]]
    constants: Mapping[Value, np.ndarray]
    only_gathers: bool
    drive: Callable[..., bool] | None = None

    def picked(self, dtype: Any) -> np.ndarray:
        """Return memory for the rows of a step, whose indices have a dtype."""
        kind = np.intp if self.only_gathers else dtype
        return np.empty(self.plan.program.rows.shape, kind)


class Workers(NamedTuple):
    """The threads for large kernels, in addition to the calling one."""

    executor: Executor | None
    threads: int


@dataclass
class Given:
    """The arrays of a call: the given state, the new one, and the rest."""

    compiled: Compiled
    inputs: Mapping[Value, np.ndarray]
    entered: Sequence[np.ndarray]
    fresh: Sequence[np.ndarray]
    scratch: np.ndarray
    workers: Workers

    def bound(self) -> "Bound":
        """Return the plan bound to them."""
        return Bound(**vars(self))


@dataclass
class Bound(Given):
    """A plan bound to arrays: those of a call, and everything in between."""

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
            if isinstance(each, Operation):
                steps += self.one(each)
            else:
                steps += self._kernel(each) if isinstance(each, Kernel) else self.exchange(each)
        return steps + [Call(np.copyto, (self.fresh[i], self.find(v))) for i, v in plan.copies]

    def one(self, op: Operation) -> list[Call]:
        """Return the calls of an operation that is in no kernel."""
        operands, out = [self.find(v) for v in op.operands], self.find(op.result)
        if op.name == "take" and self.compiled.plan.picks(op):
            x, rows = operands
            return [gathered(x, rows, out)]
        return calls(op, operands, out)

    def exchange(self, each: Exchange) -> Iterator[Call]:
        """Yield the calls of messages between ranks; sums in scratch memory are one message."""
        plan = self.compiled.plan
        for op in each.sums:
            own, total = self.find(op.values[0]), self.find(op.result)
            if own.size and address_of(own) != address_of(total):
                yield Call(np.copyto, (total, own))
        if (message := plan.message(each)) is not None:
            begin, end = message
            dtype = each.writes[0].dtype.name
            yield Call(each.group.all_reduce, (self.scratch[begin:end].view(dtype),))
        for op in each.operations:
            own, made = self.find(op.values[0]), self.find(op.result)
            if op.name != ALL_REDUCE:
                yield Call(getattr(each.group, op.name), (own, made))
            elif op.result not in plan.offsets:
                yield Call(each.group.all_reduce, (made,))

    def moves(self, kernel: Kernel) -> list[tuple[np.ndarray, np.ndarray]]:
        """Return what a kernel that works in place copies there first: pairs (to, from)."""
        if self.entered is self.fresh:
            return []
        plan, over = self.compiled.plan, self.compiled.overwritten[kernel]
        return [
            (place.reshape(-1), old.reshape(-1))
            for v, base in over.items()
            if plan.roots.get(base, base) in plan.program.state
            and (old := self.find(base)) is not (place := self.find(v))
        ]

    def addresses(self, kernel: Kernel) -> Iterator[tuple[int, list[int]]]:
        """Yield, for each of a kernel's loops, its function's address and those it is given."""
        places = {base: v for v, base in self.compiled.overwritten[kernel].items()}
        for function, _, arguments, where in self.compiled.kernels[kernel].loops:
            arrays = (self.address(places.get(v, v)) for v in arguments)
            yield function.address, [*where, *arrays]

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
        loops, parts, flat = self.compiled.kernels[kernel]
        places = {base: v for v, base in self.compiled.overwritten[kernel].items()}
        runs = [
            Run(
                each.function,
                [*each.fixed, *(self._flat(places.get(v, v)) for v in each.arguments)],
            )
            for each in loops
        ]
        moves = self.moves(kernel)
        if moves and flat and parts > 1:
            size = sum(place.nbytes for place, _ in moves)
            moved = _Moved(runs, moves, -(-size // BLOCK))
            yield self._in_parts(lambda *part: Call(moved, part), parts)
        else:
            yield from (Call(np.copyto, move) for move in moves)
            yield self._in_parts(partial(self._part, runs), parts)

    def _flat(self, v: Value) -> np.ndarray:
        flat: np.ndarray = self.find(v).reshape(-1)
        return flat

    def _in_parts(self, make: Callable[[int, int], Call], parts: int) -> Call:
        parts = min(parts, self.workers.threads)
        calls = [make(part, parts) for part in range(parts)]
        return calls[0] if parts == 1 else Call(_together, (self.workers.executor, calls))

    def _part(self, runs: Sequence[Run], part: int, parts: int) -> Call:
        if not all(isinstance(each.function, NativeKernel) for each in runs):
            return Call(one_by_one, (runs, part, parts))
        call, kept = in_one_call(runs, part, parts)
        self.kept.append(kept)
        return call


@dataclass(frozen=True)
class _Moved:
    """A kernel that first copies the arrays that it overwrites into place, block by block.

    A copied block is still in the cache when the kernel reads it.
    """

    runs: Sequence[Run]
    moves: Sequence[tuple[np.ndarray, np.ndarray]]
    blocks: int

    def __call__(self, part: int, parts: int) -> None:
        for block in range(self.blocks * part // parts, self.blocks * (part + 1) // parts):
            for place, old in self.moves:
                first, last = (place.size * (block + end) // self.blocks for end in (0, 1))
                place[first:last] = old[first:last]
            one_by_one(self.runs, block, self.blocks)


def _together(executor: Executor, calls: Sequence[Call]) -> None:
    """Run all parts of a kernel at once, the first one in this thread."""
    first, *others = calls
    running = [executor.submit(function, *arguments) for function, arguments in others]
    first.function(*first.arguments)
    for each in running:
        each.result()
