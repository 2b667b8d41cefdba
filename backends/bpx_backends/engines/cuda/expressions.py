"""Operations as CUDA C expressions, each in its own dtype, without implicit double."""

import struct
from collections.abc import Callable
from math import inf, isfinite, isnan

from bpx.program.operation import DType, Operand, Operation

__all__ = ["ELEMENTWISE", "TYPES", "converted", "expression", "largest", "literal", "smallest"]

TYPES = {
    "bool": "bool",
    "int8": "signed char",
    "int16": "short",
    "int32": "int",
    "int64": "long long",
    "uint8": "unsigned char",
    "uint16": "unsigned short",
    "uint32": "unsigned int",
    "uint64": "unsigned long long",
    "float32": "float",
    "float64": "double",
    "float16": "Half",
    "bfloat16": "Bfloat",
}
"""The CUDA C type of each dtype."""

_UNSIGNED = {name: TYPES[f"u{name}"] for name in ("int8", "int16", "int32", "int64")}

_COMPARISONS = {
    "equal": "==", "not_equal": "!=", "less": "<", "less_equal": "<=", "greater": ">",
    "greater_equal": ">=",
}  # fmt: skip
_TESTS = {
    "isnan": "({0} != {0})",
    "isfinite": "({0} - {0} == 0)",
    "isinf": "({0} == {0} && {0} - {0} != 0)",
}
_LOGIC = {
    "logical_and": "({0} && {1})", "logical_or": "({0} || {1})", "logical_xor": "({0} != {1})",
    "logical_not": "(!{0})",
}  # fmt: skip
# Unsigned, so that overflow wraps as in NumPy; for signed integers C leaves it undefined.
_WRAPPING = {
    "add": "{0} + {1}", "subtract": "{0} - {1}", "multiply": "{0} * {1}", "negative": "-{0}",
    "square": "{0} * {0}", "bitwise_left_shift": "{0} << {1}",
}  # fmt: skip
_FLOATING = {
    "add": "({0} + {1})", "subtract": "({0} - {1})", "multiply": "({0} * {1})",
    "divide": "({0} / {1})", "negative": "(-{0})", "square": "({0} * {0})",
}  # fmt: skip
_INTEGRAL = {
    "abs": "({0} < 0 ? -{0} : {0})", "pow": "whole_power({0}, {1})",
    "floor": "{0}", "ceil": "{0}", "trunc": "{0}", "round": "{0}",
    "bitwise_and": "({0} & {1})", "bitwise_or": "({0} | {1})", "bitwise_xor": "({0} ^ {1})",
    "bitwise_invert": "(~{0})", "bitwise_right_shift": "({0} >> {1})",
}  # fmt: skip
_ANY = {
    "copy": "{0}",
    "positive": "{0}",
    "broadcast_to": "{0}",
    "reshape": "{0}",
    # NaN wins, as in the standard.
    "maximum": "(({0} >= {1} || {0} != {0}) ? {0} : {1})",
    "minimum": "(({0} <= {1} || {0} != {0}) ? {0} : {1})",
    "sign": "({0} != {0} ? {0} : ({type})(({0} > 0) - ({0} < 0)))",
}
_CALLS = {
    name: name
    for name in (
        "exp", "expm1", "log", "log1p", "log2", "log10", "sqrt", "sin", "cos", "tan", "sinh",
        "cosh", "tanh", "asin", "acos", "atan", "asinh", "acosh", "atanh", "floor", "ceil",
        "trunc", "pow", "hypot", "atan2", "copysign",
    )
} | {"abs": "fabs", "round": "rint"}  # fmt: skip

ELEMENTWISE = frozenset(
    (*_COMPARISONS, *_TESTS, *_LOGIC, *_WRAPPING, *_FLOATING, *_INTEGRAL, *_ANY, *_CALLS,
     "astype", "where")
)  # fmt: skip
"""The operations that `expression` supports."""

Read = Callable[[Operand, DType | None], str]
"""``read(operand, dtype)``: the operand's name, or its literal, as a value of that dtype."""


def expression(op: Operation, read: Read) -> str:
    """Return the result of an elementwise operation, in its own dtype."""
    dtype = op.result.dtype
    if op.name == "astype":
        return converted(read(op.operands[0], None), dtype)
    if op.name == "where":
        condition, a, b = op.operands
        return f"({read(condition, None)} ? {read(a, dtype)} : {read(b, dtype)})"
    if op.name in _COMPARISONS or op.name in _TESTS:
        dtype = _compared_in(op)
    parts = [read(each, dtype) for each in op.operands]
    if op.name in _COMPARISONS:
        return f"({parts[0]} {_COMPARISONS[op.name]} {parts[1]})"
    return _form(op.name, dtype, len(parts)).format(*parts, type=TYPES[dtype.name])


def converted(text: str, dtype: DType) -> str:
    """Convert an expression to another dtype."""
    if dtype.name == "float16":
        return f"to_half((float){text})"
    if dtype.name == "bfloat16":
        return f"to_bfloat((float){text})"
    return f"(({TYPES[dtype.name]}){text})"


def _form(name: str, dtype: DType, count: int) -> str:
    """Return a template of the expression."""
    if name in _TESTS:
        return _TESTS[name]
    if dtype.kind == "bool" and name == "bitwise_invert":
        return _LOGIC["logical_not"]
    if dtype.kind == "real floating":
        if name in _FLOATING:
            return _FLOATING[name]
        if name in _CALLS:
            arguments = ", ".join(f"{{{i}}}" for i in range(count))
            return f"{_CALLS[name]}{'f' * (dtype.name == 'float32')}({arguments})"
    elif name in _WRAPPING and dtype.kind != "bool":
        kind = TYPES[dtype.name]
        unsigned = _UNSIGNED.get(dtype.name, kind)
        wrapped = _WRAPPING[name].replace("{", f"({unsigned}){{")
        return f"(({kind})({wrapped}))"
    return {**_LOGIC, **_INTEGRAL, **_ANY}[name]


def _compared_in(op: Operation) -> DType:
    """Return the dtype of a comparison: the widest among the operands."""
    return max((v.dtype for v in op.values), key=lambda d: (d.kind != "bool", d.itemsize))


def literal(number: float, dtype: DType) -> str:
    """Return a Python number as a constant of the dtype."""
    if dtype.kind == "real floating":
        return _floating(_rounded(number, dtype), dtype)
    if dtype.kind == "bool":
        return "true" if number else "false"
    if dtype.name == "int64" and number == -(2**63):
        return "(-9223372036854775807LL - 1)"  # C reads the number first, then the sign
    suffix = "LL" if dtype.itemsize == 8 else ""
    return f"(({TYPES[dtype.name]}){int(number)}{'U' * (dtype.kind[0] == 'u')}{suffix})"


def _rounded(number: float, dtype: DType) -> float:
    if dtype.name == "float64" or isnan(number):
        return float(number)
    try:
        return float(struct.unpack("f", struct.pack("f", number))[0])
    except OverflowError:
        return inf if number > 0 else -inf


def _floating(number: float, dtype: DType) -> str:
    if not isfinite(number):
        return _special(number, dtype)
    digits, suffix = (9, "f") if dtype.name == "float32" else (17, "")
    text = f"{number:.{digits}g}"
    point = "" if "." in text or "e" in text else ".0"
    text = f"{text}{point}{suffix}"
    return f"({text})" if text.startswith("-") else text


def _special(number: float, dtype: DType) -> str:
    """Return an infinity or NaN by its bits, which needs no header."""
    if dtype.name == "float32":
        text = f"__int_as_float({'0x7fc00000' if isnan(number) else '0x7f800000'})"
    else:
        high = "0x7ff80000" if isnan(number) else "0x7ff00000"
        text = f"__longlong_as_double({high}00000000LL)"
    return f"(-{text})" if number < 0 else text


def smallest(dtype: DType) -> str:
    """Return the smallest value, the start of a search for the largest."""
    if dtype.kind == "real floating":
        return literal(-inf, dtype)
    bits = 8 * dtype.itemsize
    return literal(0 if dtype.kind[0] == "u" else -(2 ** (bits - 1)), dtype)


def largest(dtype: DType) -> str:
    """Return the largest value, the start of a search for the smallest."""
    if dtype.kind == "real floating":
        return literal(inf, dtype)
    bits = 8 * dtype.itemsize
    return literal(2**bits - 1 if dtype.kind[0] == "u" else 2 ** (bits - 1) - 1, dtype)
