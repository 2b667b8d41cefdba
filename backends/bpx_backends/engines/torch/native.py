"""Operations that PyTorch does in one call: see `bpx_backends.engines.torch.calls`."""

from bpx.program.operation import Operation
from bpx.program.program import Program
from bpx_backends.engines.shared.patterns import SIGMOID, Bound, Rule, arrays, rewritten

__all__ = ["RULES", "native"]


def _affine(op: Operation, bound: Bound) -> bool:
    """Whether it is a product of matrices that is as large as the sum."""
    return arrays(op, bound) and op.result.shape == (
        bound["a"].shape[0],
        bound["b"].shape[1],
    )


def _scaled(op: Operation, bound: Bound) -> bool:
    """Whether it is scaled by a number."""
    return type(bound["r"]) is float and arrays(op, {**bound, "r": op.result})


def _scaled_matrix(op: Operation, bound: Bound) -> bool:
    return len(op.result.shape) == 2 and _scaled(op, bound)


_PRODUCT = ("multiply", "s", "y")
_POSITIVE = ("astype", ("greater", "z", 0.0))

RULES = (
    Rule(("add", ("matmul", "a", "b"), "c"), "matmul", "addmm", "cab", _affine, alone=True),
    SIGMOID,
    Rule(("multiply", "g", _POSITIVE), "multiply", "threshold_backward", "gz"),
    Rule(
        ("matmul", ("matrix_transpose", ("multiply", "r", "d")), "a"),
        *("matmul", "scaled_product", "rda", _scaled_matrix),
    ),
    Rule(("sum", ("multiply", "r", "d")), "sum", "scaled_sum", "rd", _scaled),
    Rule(("add", "x", _PRODUCT), "add", "addcmul", "xsy", attributes=(("value", 1),)),
    Rule(
        ("subtract", "x", _PRODUCT), "subtract", "addcmul", "xsy", attributes=(("value", -1),)
    ),
)
"""``threshold_backward`` equals ``g * (z > 0)`` for finite numbers; the others are exact."""


def native(program: Program) -> Program:
    """Return the same program, with one operation for each pattern that is one PyTorch call."""
    return rewritten(program, RULES)
