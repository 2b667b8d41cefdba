"""Reductions as C: the number that they begin with, what an element does to it, and the end."""

from bpx.export.c.expressions import refuse
from bpx.export.c.text import is_float, literal, of_type
from bpx.program.operation import DType, Operation

__all__ = ["REDUCTIONS", "accumulated", "begin", "finished", "indexes"]

REDUCTIONS = frozenset(("sum", "mean", "prod", "max", "min", "argmax", "argmin", "any", "all"))
"""The reductions that C can hold."""
_FORMS = {
    "sum": "{0} += {1};", "mean": "{0} += {1};", "prod": "{0} *= {1};",
    "any": "{0} = {0} || {1};", "all": "{0} = {0} && {1};",
    # NaN wins, and stays, as in the standard.
    "max": "if ({1} > {0}{nan}) {0} = {1};", "min": "if ({1} < {0}{nan}) {0} = {1};",
}  # fmt: skip
_BEST = "if ({2} {sign} {1}{nan}) {{ {1} = {2}; {0} = ({t}){3}; }}"
_BOUNDS = {"max": False, "argmax": False, "min": True, "argmin": True}
"""Whether each begins with the largest number, not the smallest."""


def indexes(op: Operation) -> bool:
    """Whether a reduction returns the index of an element."""
    return op.name in ("argmax", "argmin")


def begin(op: Operation) -> str:
    """Return the number that a reduction begins with; for an index, that of its element."""
    dtype = op.values[0].dtype
    if op.name in _BOUNDS:
        return _bound(dtype, _BOUNDS[op.name])
    if op.name not in REDUCTIONS:
        raise refuse(op)
    return literal(op.name in ("prod", "all"), dtype)


def _bound(dtype: DType, largest: bool) -> str:
    if is_float(dtype):
        return literal(float("inf") if largest else -float("inf"), dtype)
    signed = dtype.kind == "signed integer"
    bits = 8 * dtype.itemsize - signed
    return literal(2**bits - 1 if largest else -(2**bits) * signed, dtype)


def accumulated(
    op: Operation, total: str, element: str, best: str = "", index: str = ""
) -> str:
    """Return the statement that takes one more element into a total.

    For an index, `best` is the best element so far, and `index` the index of this one.
    """
    real = is_float(op.values[0].dtype)
    if indexes(op):
        sign = ">" if op.name == "argmax" else "<"
        nan = f" || ({element} != {element} && {best} == {best})" if real else ""
        kind = of_type(op.result.dtype)
        return _BEST.format(total, best, element, index, sign=sign, nan=nan, t=kind)
    nan = f" || {element} != {element}" if real else ""
    return _FORMS[op.name].format(total, element, nan=nan)


def finished(op: Operation, total: str, count: int) -> str | None:
    """Return the statement that ends a reduction of so many elements, if it needs one."""
    if op.name != "mean":
        return None
    return f"{total} = {total} / {literal(count, op.result.dtype)};"
