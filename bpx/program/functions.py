"""The functions of the standard that a recording can hold, with the dtypes that they take."""

__all__ = ["BINARY", "BOOL", "FLOAT", "NUMERIC", "REDUCTIONS", "TESTS", "UNARY"]

FLOAT, BOOL = "real floating", "bool"
"""Kinds of dtype, as the standard's `isdtype` names them."""
NUMERIC = ("signed integer", "unsigned integer", FLOAT)
_BITS = ("signed integer", "unsigned integer", BOOL)
UNARY = {
    **dict.fromkeys(
        ("exp", "expm1", "log", "log1p", "log2", "log10", "sqrt", "sin", "cos", "tan", "tanh",
         "sinh", "cosh", "asin", "acos", "atan", "asinh", "acosh", "atanh"), (FLOAT,)),
    **dict.fromkeys(
        ("abs", "negative", "positive", "sign", "square", "floor", "ceil", "round", "trunc"),
        NUMERIC),
    **dict.fromkeys(("bitwise_invert",), _BITS),
    "logical_not": (BOOL,),
}  # fmt: skip
"""Elementwise functions of one array, and the kinds of dtype that each takes."""
BINARY = {
    **dict.fromkeys(
        (
            "add",
            "subtract",
            "multiply",
            "maximum",
            "minimum",
            "pow",
            "remainder",
            "floor_divide",
        ),
        NUMERIC,
    ),
    **dict.fromkeys(("divide", "logaddexp", "hypot", "atan2", "copysign"), (FLOAT,)),
    **dict.fromkeys(("bitwise_and", "bitwise_or", "bitwise_xor"), _BITS),
    **dict.fromkeys(("bitwise_left_shift", "bitwise_right_shift"), _BITS[:2]),
    **dict.fromkeys(("logical_and", "logical_or", "logical_xor"), (BOOL,)),
}
"""Elementwise functions of two arrays, and the kinds of dtype that each takes."""
TESTS = (
    "equal", "not_equal", "less", "less_equal", "greater", "greater_equal",
    "isfinite", "isnan", "isinf",
)  # fmt: skip
"""Elementwise functions that return bool for any dtype."""
REDUCTIONS = (
    ("sum", (FLOAT,), None),
    ("prod", (FLOAT,), None),
    ("mean", (FLOAT,), None),
    ("max", NUMERIC, None),
    ("min", NUMERIC, None),
    ("argmax", NUMERIC, "int64"),
    ("argmin", NUMERIC, "int64"),
    ("any", (BOOL,), None),
    ("all", (BOOL,), None),
)
"""Reductions: the kinds that each takes, and the result's dtype, None for the argument's."""
