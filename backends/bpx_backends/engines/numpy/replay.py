"""The engine for NumPy: record and plan a step once, then replay it.

Each call binds the plan: each value of the program gets an array, and each instruction becomes
calls with these arrays as arguments. The first step of a call reads the given state and writes
a fresh one; later steps update that one in place. So the given state stays valid, and nobody
else holds the returned one. A donated state is updated in place from the first step on.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import numpy as np

from bpx.program.contract import index, leaves, rebuilt
from bpx.program.fusion import Kernel
from bpx.program.operation import Value
from bpx.program.plan import Plan
from bpx.program.program import apply
from bpx_backends.engines.numpy.bound import Compiled, Fused, Given, Workers
from bpx_backends.engines.numpy.calls import Call
from bpx_backends.engines.numpy.subnormals import flushed
from bpx_backends.engines.numpy.threads import threads
from bpx_backends.engines.shared.recycling import empty

__all__ = ["PART", "prepare", "replay", "replay_calls"]

PART = 1 << 24
"""The bytes of a kernel for each thread: about a millisecond's work.

Waking a thread and waiting for it took 80 to 250 µs besides OpenBLAS's own (measured).
"""


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
    picked = compiled.picked(rows.dtype)
    inputs = {**dict(zip(program.data, leaves(data), strict=True)), program.rows: picked}
    scratch = empty((compiled.plan.scratch,), "uint8")
    with flushed(), _workers(compiled) as workers:
        # From the second step on, the state is updated in place; if Python binds the plan for
        # it, which takes as long as some steps, then from the first one on, after a copy.
        copies = compiled.drive is None and not donate and stop - start > 1
        for pair in zip(fresh, entered, strict=True) if copies else ():
            np.copyto(*pair)
        begun = start if donate or copies else start + 1
        for old, first, last in ((entered, start, begun), (fresh, begun, stop)):
            if first == last:
                continue
            given = Given(compiled, inputs, old, fresh, scratch, workers)
            if compiled.drive is None or not compiled.drive(given, rows, first, last):
                bound = given.bound()
                replay_calls(bound.calls(), picked, rows, first, last)
    return rebuilt(state, fresh)


def replay_calls(
    step: list[Call], picked: np.ndarray, rows: np.ndarray, first: int, last: int
) -> None:
    """Run the calls of a step for the rows from `first` to `last`, each copied to `picked`."""
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


@contextmanager
def _workers(compiled: Compiled) -> Iterator[Workers]:
    large = any(each.parts > 1 for each in compiled.kernels.values())
    number = threads() if large else 1
    if number == 1:
        yield Workers(None, 1)
        return
    with ThreadPoolExecutor(number - 1, "bpx") as executor:
        yield Workers(executor, number)
