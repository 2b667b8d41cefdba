"""Replay a recorded step with JAX's own functions, for XLA to compile.

XLA makes a loop of each call that it cannot fuse with another. It fuses the operations after
its own sigmoid, and gathers a mini-batch's rows without checking that they are in range.
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp

from bpx.program.contract import Step, keeping, leaves, rebuilt
from bpx.program.operation import Operation
from bpx.program.program import Program, apply
from bpx.program.record import record
from bpx_backends.engines.jax.mesh import Spread
from bpx_backends.engines.shared.patterns import SIGMOID, rewritten

__all__ = ["native"]


def native(step: Step, state: Any, data: Any, rows: Any) -> Step:
    """Return a step that does the same for arrays of these shapes and dtypes, to be traced.

    If a step cannot be recorded, for example because a user's part calls JAX, it is returned
    unchanged.
    """
    if isinstance(step, Spread):
        return replace(step, plain=native(step.plain, state, data, rows))
    try:
        program = rewritten(record(keeping(step), state, data, rows), (SIGMOID,))
    except Exception:  # a user's part may do anything to placeholders: tracing reports it
        return step
    return partial(_run, program)


def _run(program: Program, state: Any, data: Any, rows: Any) -> Any:
    entered = (*leaves(state), *leaves(data), rows)
    held: dict[Any, Any] = dict(zip(program.inputs, entered, strict=True))
    for op in program.operations:
        held[op.result] = _call(program, op, [held.get(v, v) for v in op.operands])
    return rebuilt(state, [held[v] for v in program.outputs])


def _call(program: Program, op: Operation, operands: Sequence[Any]) -> jax.Array:
    if op.attribute("native") == "sigmoid":
        return jax.nn.sigmoid(*operands)
    if op.name == "take" and op.values[0] in program.data and op.values[1] is program.rows:
        x, rows = operands
        return x.at[rows].get(mode="promise_in_bounds")
    return apply(jnp, op, operands)
