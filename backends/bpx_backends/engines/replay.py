"""The engine for NumPy: a step is recorded and planned once, then replayed.

At every call the plan is bound: each value of the program gets its array, and each
instruction becomes calls with these arrays as arguments. The first step of a call reads the
state that entered and writes a fresh one; the steps after it work on that one, in place. So
the state that entered stays valid, and what is given back is nobody else's.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from bpx.engine import index, leaves, rebuilt
from bpx.fusion import Kernel
from bpx.plan import Plan
from bpx.program import Operation, Value, apply
from bpx_backends.engines.calls import Call, calls

__all__ = ["Compiled", "Run", "bound", "replay"]

Run = Callable[..., Any]
"""A kernel, compiled: called with the arrays that it reads, then with those it writes."""


class Compiled(NamedTuple):
    """A plan, and what it needs to be bound.

    Attributes
    ----------
    plan : Plan
    kernels : mapping of Kernel to callable
    constants : mapping of Value to ndarray
    pool : callable
        A context around a call, which gives a function that runs a kernel's call.
    """

    plan: Plan
    kernels: Mapping[Kernel, Run]
    constants: Mapping[Value, np.ndarray]


def prepare(plan: Plan, compile_kernel: Callable[[Kernel], Run] | None = None) -> Compiled:
    """What is done once for a plan: its kernels compiled, its constants computed."""
    kernels = {each: compile_kernel(each) for each in plan.kernels if compile_kernel}
    constants: dict[Value, np.ndarray] = {}
    for op in plan.constants:
        operands = [constants[v] if isinstance(v, Value) else v for v in op.operands]
        constants[op.result] = np.asarray(apply(np, op, operands))
    return Compiled(plan, kernels, constants)


def replay(
    compiled: Compiled, state: Any, data: Any, rows: np.ndarray, start: int, stop: int
) -> Any:
    """Run the steps from `start` to `stop`: an engine's scan, for this plan."""
    program = compiled.plan.program
    entered = [np.array(each, order="C", copy=None) for each in leaves(state)]
    fresh = [
        old if was is now else np.empty(was.shape, was.dtype.name)
        for old, was, now in zip(entered, program.state, program.outputs, strict=True)
    ]
    picked = np.empty(program.rows.shape, np.intp if _only_gathers(program) else rows.dtype)
    scratch = np.empty(compiled.plan.scratch, np.uint8)
    shared = {**dict(zip(program.data, leaves(data), strict=True)), program.rows: picked}
    first, rest = (
        bound(compiled, dict(zip(program.state, old, strict=True)) | shared, fresh, scratch)
        for old in (entered, fresh)
    )
    for i in range(start, stop):
        picked[...] = index(rows, i)
        for function, arguments in first if i == start else rest:
            function(*arguments)
    return rebuilt(state, fresh)


def bound(
    compiled: Compiled,
    inputs: Mapping[Value, np.ndarray],
    fresh: Sequence[np.ndarray],
    scratch: np.ndarray,
) -> list[Call]:
    """The calls of one step, on these arrays.

    Parameters
    ----------
    compiled : Compiled
    inputs : mapping of Value to ndarray
        The program's inputs.
    fresh : sequence of ndarray
        Where the new state goes, leaf by leaf.
    scratch : ndarray of uint8
        For all other results.
    """
    plan = compiled.plan
    held = {**inputs, **compiled.constants}
    held |= {value: fresh[i] for value, i in plan.states.items()}
    for value, offset in plan.offsets.items():
        held[value] = _at(scratch, offset, value)

    def find(v: Any) -> Any:
        if v in plan.views and v not in held:
            op = plan.views[v]
            held[v] = apply(np, op, [find(op.values[0])])
        return held.get(v, v) if isinstance(v, Value) else v

    steps: list[Call] = []
    for instruction in plan.instructions:
        if isinstance(instruction, Operation):
            operands = [find(v) for v in instruction.operands]
            steps += calls(instruction, operands, find(instruction.result))
        else:
            arrays = (find(v) for v in (*instruction.reads, *instruction.writes))
            steps.append(Call(compiled.kernels[instruction], tuple(arrays)))
    return steps + [Call(np.copyto, (fresh[i], find(value))) for i, value in plan.copies]


def _at(scratch: np.ndarray, offset: int, value: Value) -> np.ndarray:
    return scratch[offset : offset + value.nbytes].view(value.dtype.name).reshape(value.shape)


def _only_gathers(program: Any) -> bool:
    """Whether the rows are indices alone; NumPy gathers faster by its own integers."""
    users = [op for op in program.operations if program.rows in op.values]
    return all(op.name == "take" and op.values[0] is not program.rows for op in users)
