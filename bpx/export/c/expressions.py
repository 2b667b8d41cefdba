"""Elementwise operations as C expressions; their operands are names, elements or literals."""

from collections.abc import Callable, Sequence
from math import log

from bpx.errors import InputError
from bpx.export.c.text import is_float, literal, of_type, suffixed, unsigned
from bpx.program.operation import DType, Operand, Operation, Value, dtype_of
from bpx.program.standard import wider

__all__ = ["ELEMENTWISE", "TESTS", "cast", "expression", "operand_type", "refuse"]

_MATH = (
    "exp", "expm1", "log", "log1p", "log2", "log10", "sqrt", "sin", "cos", "tan", "tanh",
    "sinh", "cosh", "asin", "acos", "atan", "asinh", "acosh", "atanh", "hypot", "atan2",
    "copysign",
)  # fmt: skip
"""Functions of floats with the same name in ``math.h``."""
_ROUNDING = {"floor": "floor", "ceil": "ceil", "trunc": "trunc", "round": "rint"}
_FMOD = "{fmod}({0}, {1})"
"""The remainder of a division that rounds toward 0: it has the sign of what is divided."""
_AGREES = f"{{copysign}}({_FMOD}, {{1}}) == {_FMOD}"
"""Whether it has the sign of the divisor, too; a remainder of 0 has any sign."""
_FLOATS = {
    "add": "{0} + {1}", "subtract": "{0} - {1}", "multiply": "{0} * {1}", "divide": "{0} / {1}",
    "negative": "-{0}", "square": "{0} * {0}",
    "sign": "{0} != {0} ? {0} : ({t})(({0} > {zero}) - ({0} < {zero}))",
    # floor(a / b) would be another number: 1.0 / 0.1 is rounded up to 10.
    "remainder": f"{_AGREES} ? {{copysign}}({_FMOD}, {{1}}) : {_FMOD} + {{1}}",
    "floor_divide": "{1} == {zero} ? {0} / {1} : {copysign}("
    f"{{rint}}(({{0}} - {_FMOD}) / {{1}}) - ({{t}})!({_AGREES}), {{0}} / {{1}})",
    # Equal infinities have no difference.
    "logaddexp": "{0} == {1} ? {0} + {log2} : "
    "{fmax}({0}, {1}) + {log1p}({exp}(-{fabs}({0} - {1})))",
    "abs": "{fabs}({0})", "pow": "{pow}({0}, {1})",
}  # fmt: skip
_INTEGERS = {  # as unsigned ones, which wrap around
    "add": "({t})(({u}){0} + ({u}){1})", "subtract": "({t})(({u}){0} - ({u}){1})",
    "multiply": "({t})(({u}){0} * ({u}){1})", "negative": "({t})(0u - ({u}){0})",
    "square": "({t})(({u}){0} * ({u}){0})", "abs": "({t})({0} < 0 ? 0u - ({u}){0} : ({u}){0})",
    "sign": "({t})(({0} > 0) - ({0} < 0))",
    "bitwise_and": "({t})({0} & {1})", "bitwise_or": "({t})({0} | {1})",
    "bitwise_xor": "({t})({0} ^ {1})", "bitwise_invert": "({t})~{0}",
    "bitwise_left_shift": "({t})(({u}){0} << {1})", "bitwise_right_shift": "({t})({0} >> {1})",
    "floor_divide": "({t})({0} / {1} - ({0} % {1} != 0 && ({0} < 0) != ({1} < 0)))",
    "remainder": "({t})(({0} % {1} + {1}) % {1})",
    **dict.fromkeys(_ROUNDING, "{0}"),
}  # fmt: skip
_UNSIGNED = _INTEGERS | {  # of which compilers say that they are never below 0
    "abs": "{0}", "sign": "({t})({0} > 0)", "floor_divide": "({t})({0} / {1})",
    "remainder": "({t})({0} % {1})",
}  # fmt: skip
_TRUTHS = {
    "bitwise_and": "{0} && {1}", "bitwise_or": "{0} || {1}", "bitwise_xor": "{0} != {1}",
    "bitwise_invert": "!{0}", "logical_and": "{0} && {1}", "logical_or": "{0} || {1}",
    "logical_xor": "{0} != {1}", "logical_not": "!{0}",
}  # fmt: skip
_ANY = {
    "copy": "{0}", "positive": "{0}", "where": "{0} ? {1} : {2}",
    # NaN wins, as in the standard.
    "maximum": "{0} >= {1}{nan} ? {0} : {1}", "minimum": "{0} <= {1}{nan} ? {0} : {1}",
}  # fmt: skip
_NAN = " || {0} != {0}"
TESTS = {
    "equal": "{0} == {1}", "not_equal": "{0} != {1}", "less": "{0} < {1}",
    "less_equal": "{0} <= {1}", "greater": "{0} > {1}", "greater_equal": "{0} >= {1}",
    "isnan": "{0} != {0}",
    # The macros of math.h have a branch for each type, which some compilers warn of.
    "isfinite": "{0} - {0} == 0", "isinf": "{0} == {0} && {0} - {0} != 0",
}  # fmt: skip
"""Operations that return bool for operands of any dtype."""
_TABLES = {
    "real floating": _FLOATS, "signed integer": _INTEGERS, "unsigned integer": _UNSIGNED,
    "bool": _TRUTHS,
}  # fmt: skip
"""The forms of the operations whose results are of each kind."""
ELEMENTWISE = frozenset(
    (*_MATH, *_ROUNDING, *_FLOATS, *_INTEGERS, *_TRUTHS, *_ANY, *TESTS, "astype")
)
"""The operations that `expression` writes."""


def expression(op: Operation, read: Callable[[Operand, DType], str]) -> str:
    """Return an elementwise operation as C.

    Parameters
    ----------
    op : Operation
    read : callable
        ``read(operand, dtype)`` is the operand's text, of that dtype.

    Raises
    ------
    InputError
        If C has no such operation on this dtype.
    """
    dtype = op.result.dtype
    if op.name == "astype":
        (value,) = op.values
        return cast(read(value, value.dtype), value.dtype, dtype)
    parts = [read(each, operand_type(op, i)) for i, each in enumerate(op.operands)]
    return _form(op, operand_type(op, 0)).format(*parts, **_words(dtype))


def _form(op: Operation, given: DType) -> str:
    if op.name in ("isnan", "isfinite", "isinf") and not is_float(given):
        return "true" if op.name == "isfinite" else "false"
    if op.name in TESTS:
        return TESTS[op.name]
    if op.name in _ANY:
        return _ANY[op.name].replace("{nan}", _NAN if is_float(op.result.dtype) else "")
    dtype = op.result.dtype
    if is_float(dtype) and op.name in (*_MATH, *_ROUNDING):
        function = suffixed(_ROUNDING.get(op.name, op.name), dtype)
        return f"{function}({', '.join(f'{{{i}}}' for i in range(len(op.operands)))})"
    table = _TABLES[dtype.kind]
    if op.name not in table:
        raise refuse(op)
    return table[op.name]


def _words(dtype: DType) -> dict[str, str]:
    functions = ("copysign", "exp", "fabs", "fmax", "fmod", "log1p", "pow", "rint")
    types = {"t": of_type(dtype), "u": unsigned(dtype), "zero": literal(0, dtype)}
    numbers = {"log2": literal(log(2.0), dtype)} if is_float(dtype) else {}
    return types | numbers | {name: suffixed(name, dtype) for name in functions}


def operand_type(op: Operation, i: int) -> DType:
    """Return the dtype in which an operation reads its operand with that index."""
    if op.name == "where":
        return op.values[0].dtype if i == 0 else op.result.dtype
    return common(op.values) if op.name in TESTS else op.result.dtype


def common(values: Sequence[Value]) -> DType:
    """Return the dtype in which a comparison compares."""
    found = values[0].dtype
    for each in values[1:]:
        found = wider(found, each.dtype)
    return found


def cast(text: str, old: DType, new: DType) -> str:
    """Convert an expression, which binds as tightly as a name, to another dtype."""
    if old == new:
        return text
    if new == dtype_of("bool"):
        return f"({text} != {literal(0, old)})"
    return f"({of_type(new)}){text}"


def refuse(op: Operation) -> InputError:
    """Return the error for an operation that C cannot hold, which names who called it."""
    kinds = ", ".join(dict.fromkeys(f"{v.dtype}" for v in (*op.values, op.result)))
    callers = [each for each in map(str, op.origin) if each and each != "step"]
    where = f" in {callers[0]!r}" if callers else ""
    return InputError(
        f"the network calls {op.name} on {kinds}{where}, which bpx cannot write as C; use "
        "another function there, or compute it in floating-point numbers"
    )
