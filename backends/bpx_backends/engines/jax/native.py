"""A recorded step in JAX's own calls, for XLA to compile.

XLA makes a loop of each call that it cannot join with another. It joins what follows its own
sigmoid, and gathers the rows of a mini-batch without a look at whether they are in range.
"""

from collections.abc import Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp

from bpx.program.contract import Step, keeping, leaves, rebuilt
from bpx.program.operation import Operation
from bpx.program.program import Program, apply
from bpx.program.record import record
from bpx_backends.engines.shared.patterns import SIGMOID, rewritten

__all__ = ["native"]


def native(step: Step, state: Any, data: Any, rows: Any) -> Step:
    """A step for arrays of these shapes and dtypes, to be traced, that does the same.

    What cannot be recorded, as a part of the user's own calls JAX, is traced as it is.
    """
    try:
        program = rewritten(record(keeping(step), state, data, rows), (SIGMOID,))
    except Exception:  # whatever it asks of arrays that are none: tracing will tell
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
