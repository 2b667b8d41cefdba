"""The Python text of operations in a kernel: expressions, constants, and initial values."""

from math import isfinite, isnan
from typing import Any, TypeGuard

from bpx.program.fusion import REDUCTIONS
from bpx.program.operation import DType, Operation

__all__ = [
    "FORMS",
    "SUPPORTED",
    "TESTS",
    "cast",
    "common",
    "literal",
    "share",
    "start",
    "varies",
]

_INFIX = {
    "add": "+", "subtract": "-", "multiply": "*", "divide": "/", "pow": "**",
    "equal": "==", "not_equal": "!=", "less": "<", "less_equal": "<=", "greater": ">",
    "greater_equal": ">=", "logical_and": "&", "logical_or": "|", "bitwise_and": "&",
    "bitwise_or": "|", "bitwise_xor": "^", "bitwise_left_shift": "<<",
    "bitwise_right_shift": ">>",
}  # fmt: skip
_CALLS = {
    name: f"np.{name}({{0}})"
    for name in (
        "exp",
        "expm1",
        "floor",
        "isfinite",
        "isnan",
        "log",
        "log1p",
        "sign",
        "sqrt",
        "tanh",
    )
}
FORMS = {
    **{name: f"({{0}} {sign} {{1}})" for name, sign in _INFIX.items()},
    **_CALLS,
    "abs": "abs({0})",
    "negative": "(-{0})",
    "positive": "{0}",
    "copy": "{0}",
    "astype": "{0}",
    "square": "({0} * {0})",
    "logical_not": "(not {0})",
    "where": "({1} if {0} else {2})",
    # NaN wins, as in the standard.
    "maximum": "({0} if {0} >= {1} or {0} != {0} else {1})",
    "minimum": "({0} if {0} <= {1} or {0} != {0} else {1})",
}
"""The expression of each operation, with its operands as {0}, {1} and {2}."""

TESTS = frozenset(
    (
        "equal",
        "not_equal",
        "less",
        "less_equal",
        "greater",
        "greater_equal",
        "isfinite",
        "isnan",
    )
)
"""The operations whose results are bool for operands of any dtype."""

SUPPORTED = frozenset(FORMS) | REDUCTIONS
"""The operations that a kernel's source can hold."""


def start(op: Operation) -> str:
    """Return the initial value of a reduction."""
    dtype = op.values[0].dtype
    if op.name in ("sum", "mean"):
        return f"{dtype}(0)"
    sign = "" if op.name == "min" else "-"
    if dtype.kind == "real floating":
        return f"{dtype}({sign}np.inf)"
    return f"np.iinfo({dtype}).{'max' if op.name == 'min' else 'min'}"


def share(size: str) -> str:
    """Return one part's range of the indices 0 ... size - 1, unsigned to skip sign checks."""
    return f"{size} * part // parts, {size} * (part + uint64(1)) // parts"


def common(op: Operation) -> DType:
    """Return the dtype in which a comparison compares."""
    return max((v.dtype for v in op.values), key=lambda each: each.itemsize)


def cast(dtype: DType | None, text: str) -> str:
    """Convert an expression to a dtype; None leaves it unchanged."""
    return f"{'bool' if dtype.name == 'bool' else dtype.name}({text})" if dtype else text


def varies(number: Any) -> TypeGuard[float]:
    """Whether a constant is likely to differ in another network."""
    return (
        type(number) is float and isfinite(number) and number not in (-1.0, 0.0, 0.5, 1.0, 2.0)
    )


def literal(number: Any) -> str:
    """Return a constant as text."""
    if isinstance(number, float) and not isfinite(number):
        return "np.nan" if isnan(number) else f"{'-' if number < 0 else ''}np.inf"
    return repr(number)
