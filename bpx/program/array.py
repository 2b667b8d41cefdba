"""Recording arrays: they have shapes and dtypes, no numbers, and note what is done to them.

They follow the Array API standard for the operations that a step of bpx, or a part of a
user's own, has use for. Any other operation raises a `RecordingError` that names it, as
does whatever would need a number that is not there yet.
"""

from collections.abc import Callable, Sequence
from contextvars import ContextVar
from math import e, inf, nan, pi, prod
from typing import Any, NoReturn

from bpx.errors import RecordingError
from bpx.program.operation import DTYPES, DType, Value, dtype_of
from bpx.program.standard import Finfo, broadcast, finfo, indexed, wider

__all__ = ["Recorded", "as_recorded", "namespace", "recorder_in_use"]


recorder_in_use: ContextVar[Any] = ContextVar("recorder_in_use")
"""What notes the arrays that are made from nothing, such as `arange`."""


class Recorded:
    """An array that notes what is done to it."""

    __slots__ = ("recorder", "value")

    def __init__(self, value: Value, recorder: Any) -> None:
        self.value, self.recorder = value, recorder

    def __array_namespace__(self, *, api_version: str | None = None) -> Any:
        return namespace

    shape = property(lambda self: self.value.shape)
    dtype = property(lambda self: self.value.dtype)
    ndim = property(lambda self: len(self.value.shape))
    size = property(lambda self: self.value.size)
    device = property(lambda self: None)

    @property
    def mT(self) -> "Recorded":  # noqa: N802
        """The transpose of a matrix."""
        return namespace.matrix_transpose(self)

    T = mT

    def __getattr__(self, name: str) -> Any:
        raise _NoAttributeError(
            f"a step under recording has no {name!r} on its arrays: {_ADVICE}"
        )

    def __getitem__(self, key: Any) -> "Recorded":
        if isinstance(key, Recorded) and key.dtype.kind == _BOOL:
            raise RecordingError(f"x[mask] has a shape that depends on numbers: {_ADVICE}")
        if isinstance(key, Recorded):
            return namespace.take(self, key, axis=0)
        key = key if isinstance(key, tuple) else (key,)
        return self.recorder.apply(
            "getitem", (self,), indexed(self.shape, key), self.dtype, key=key
        )

    def __setitem__(self, key: Any, value: Any) -> NoReturn:
        raise RecordingError(f"an array was written into, as by x[...] = y: {_ADVICE}")

    def _written(self, _: Any) -> NoReturn:
        raise RecordingError(
            f"an array was written into, as by x += y instead of x = x + y: {_ADVICE}"
        )

    def __repr__(self) -> str:
        return f"<recorded {self.dtype} {self.shape}>"

    def __array__(self, *_: Any, **__: Any) -> NoReturn:
        raise RecordingError(
            f"a NumPy function was called on an array under recording: {_ADVICE}"
        )

    def __array_ufunc__(self, ufunc: Any, *_: Any, **__: Any) -> NoReturn:
        raise RecordingError(
            f"NumPy's {ufunc.__name__} was called on an array under recording: {_ADVICE}"
        )

    @classmethod
    def __torch_function__(cls, *_: Any) -> NoReturn:
        raise RecordingError(
            f"a PyTorch function was called on an array under recording: {_ADVICE}"
        )

    def __jax_array__(self) -> NoReturn:
        raise RecordingError(
            f"a JAX function was called on an array under recording: {_ADVICE}"
        )

    def _numberless(self) -> NoReturn:
        raise RecordingError(
            f"a number of an array was asked for, which is not there yet: {_ADVICE}"
        )

    __bool__ = __int__ = __float__ = __index__ = __len__ = __iter__ = _numberless
    __hash__ = object.__hash__


class _NoAttributeError(RecordingError, AttributeError):
    """So that `hasattr` answers, too."""


_ADVICE = "what is recorded is written with operators and the functions of bpx.namespace(x)"
_FLOAT, _BOOL = "real floating", "bool"


def as_recorded(x: Any) -> Recorded:
    """The recording array itself; an error for anything else."""
    if not isinstance(x, Recorded):
        raise RecordingError(
            f"a {type(x).__module__}.{type(x).__qualname__} was given where an array of the "
            f"step was expected: {_ADVICE}"
        )
    return x


def _number(x: Any) -> bool:
    # Not NumPy's scalars: those have a dtype, which promotes.
    return type(x) in (bool, int, float)


def _promoted(operands: Sequence[Any]) -> DType:
    """The dtype of a result: of the arrays, which Python numbers follow."""
    arrays = [as_recorded(each) for each in operands if not _number(each)]
    if not arrays:
        raise RecordingError(f"of {operands} none is an array, so that they have no dtype")
    dtype = arrays[0].dtype
    for each in arrays[1:]:
        dtype = wider(dtype, each.dtype)
    integral = dtype.kind != _FLOAT
    if integral and any(isinstance(each, float) for each in operands):
        raise RecordingError(f"a float was combined with an array of {dtype}: use astype first")
    if dtype.kind == _BOOL and any(type(each) is int for each in operands):
        raise RecordingError(
            f"a number was combined with an array of {dtype}: use astype first"
        )
    return dtype


def _common_shape(operands: Sequence[Any]) -> tuple[int, ...]:
    return broadcast([each.shape for each in operands if isinstance(each, Recorded)])


def _elementwise(
    name: str, kinds: tuple[str, ...] = (), result: str | None = None
) -> Callable[..., Recorded]:
    """A function of arrays that broadcast: of `kinds` alone, if given; its dtype, theirs."""

    def apply(*operands: Any) -> Recorded:
        dtype = _promoted(operands)
        if kinds and dtype.kind not in kinds:
            raise RecordingError(f"{name} was called on {dtype}")
        recorder = next(each.recorder for each in operands if isinstance(each, Recorded))
        return recorder.apply(
            name, operands, _common_shape(operands), dtype_of(result) if result else dtype
        )

    return apply


_NUMERIC = ("signed integer", "unsigned integer", _FLOAT)
_BITS = ("signed integer", "unsigned integer", _BOOL)
_UNARY = {
    **dict.fromkeys(
        ("exp", "expm1", "log", "log1p", "log2", "log10", "sqrt", "sin", "cos", "tan", "tanh",
         "sinh", "cosh", "asin", "acos", "atan", "asinh", "acosh", "atanh"), (_FLOAT,)),
    **dict.fromkeys(
        ("abs", "negative", "positive", "sign", "square", "floor", "ceil", "round", "trunc"),
        _NUMERIC),
    **dict.fromkeys(("bitwise_invert",), _BITS),
    "logical_not": (_BOOL,),
}  # fmt: skip
_BINARY = {
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
        _NUMERIC,
    ),
    **dict.fromkeys(("divide", "logaddexp", "hypot", "atan2", "copysign"), (_FLOAT,)),
    **dict.fromkeys(("bitwise_and", "bitwise_or", "bitwise_xor"), _BITS),
    **dict.fromkeys(("bitwise_left_shift", "bitwise_right_shift"), _BITS[:2]),
    **dict.fromkeys(("logical_and", "logical_or", "logical_xor"), (_BOOL,)),
}
_TESTS = (
    "equal", "not_equal", "less", "less_equal", "greater", "greater_equal",
    "isfinite", "isnan", "isinf",
)  # fmt: skip


_REDUCTIONS = (
    ("sum", (_FLOAT,), None),
    ("prod", (_FLOAT,), None),
    ("mean", (_FLOAT,), None),
    ("max", _NUMERIC, None),
    ("min", _NUMERIC, None),
    ("argmax", _NUMERIC, "int64"),
    ("argmin", _NUMERIC, "int64"),
    ("any", (_BOOL,), None),
    ("all", (_BOOL,), None),
)
_OPERATORS = {
    "add": "add", "subtract": "sub", "multiply": "mul", "divide": "truediv", "pow": "pow",
    "matmul": "matmul", "negative": "neg", "abs": "abs", "positive": "pos",
    "remainder": "mod", "floor_divide": "floordiv", "bitwise_and": "and",
    "bitwise_or": "or", "bitwise_xor": "xor", "bitwise_invert": "invert",
    "bitwise_left_shift": "lshift", "bitwise_right_shift": "rshift", "equal": "eq",
    "not_equal": "ne", "less": "lt", "less_equal": "le", "greater": "gt", "greater_equal": "ge",
}  # fmt: skip


def _method(name: str, *, swapped: bool = False) -> Callable[..., Recorded]:
    """An operator of `Recorded`."""

    def operator(self: Recorded, *other: Any) -> Recorded:
        operands = (*other, self) if swapped else (self, *other)
        return getattr(namespace, name)(*operands)

    return operator


class _Namespace:
    """The standard's functions, for recording arrays."""

    bool = dtype_of("bool")
    pi, e, inf, nan, newaxis = pi, e, inf, nan, None

    def __getattr__(self, name: str) -> NoReturn:
        raise _NoAttributeError(
            f"a step under recording called {name!r}, which it cannot hold; {_ADVICE}"
        )

    def finfo(self, of: Any) -> Finfo:
        return finfo(of.dtype if isinstance(of, Recorded) else of)

    def isdtype(self, dtype: DType, kind: Any) -> Any:
        if isinstance(kind, tuple):
            return any(self.isdtype(dtype, each) for each in kind)
        kinds = {"numeric": _NUMERIC, "integral": _NUMERIC[:2]}.get(kind, (kind,))
        return dtype == kind or dtype.kind in kinds

    def result_type(self, *of: Any) -> DType:
        dtypes = [each.dtype if isinstance(each, Recorded) else each for each in of]
        dtype = dtypes[0]
        for each in dtypes[1:]:
            dtype = wider(dtype, each)
        return dtype

    def astype(
        self, x: Recorded, dtype: DType, *, copy: Any = True, device: Any = None
    ) -> Recorded:
        if dtype == x.dtype:
            return x
        return x.recorder.apply("astype", (x,), x.shape, dtype, dtype=dtype)

    def where(self, condition: Recorded, a: Any, b: Any) -> Recorded:
        dtype, operands = _promoted((a, b)), (condition, a, b)
        return condition.recorder.apply("where", operands, _common_shape(operands), dtype)

    def clip(self, x: Recorded, min: Any = None, max: Any = None) -> Recorded:  # noqa: A002
        low = x if min is None else self.maximum(x, min)
        return low if max is None else self.minimum(low, max)

    def reciprocal(self, x: Recorded) -> Recorded:
        return self.divide(1.0, x)

    def matmul(self, a: Recorded, b: Recorded) -> Recorded:
        if a.ndim != 2 or b.ndim != 2 or a.shape[1] != b.shape[0] or a.dtype != b.dtype:
            raise RecordingError(f"cannot record the product of {a!r} and {b!r}")
        return a.recorder.apply("matmul", (a, b), (a.shape[0], b.shape[1]), a.dtype)

    def matrix_transpose(self, x: Recorded) -> Recorded:
        if x.ndim != 2:
            raise RecordingError(f"cannot record the transpose of {x!r}, which is no matrix")
        return x.recorder.apply("matrix_transpose", (x,), x.shape[::-1], x.dtype)

    def permute_dims(self, x: Recorded, axes: Any) -> Recorded:
        return (
            self.matrix_transpose(x)
            if tuple(axes) == (1, 0)
            else self.__getattr__("permute_dims")
        )

    def take(self, x: Recorded, indices: Recorded, *, axis: int | None = None) -> Recorded:
        if axis not in (0, None) or indices.ndim != 1 or (axis is None and x.ndim != 1):
            raise RecordingError(f"cannot record take along axis {axis}; only along axis 0")
        shape = (*indices.shape, *x.shape[1:])
        return x.recorder.apply("take", (x, indices), shape, x.dtype, axis=0)

    def reshape(self, x: Recorded, shape: Any, *, copy: Any = None) -> Recorded:
        shape = (shape,) if isinstance(shape, int) else tuple(shape)
        if -1 in shape:
            known = prod(size for size in shape if size != -1)
            shape = tuple(x.size // known if size == -1 else size for size in shape)
        if prod(shape) != x.size:
            raise RecordingError(f"cannot reshape {x!r} to {shape}")
        return (
            x
            if shape == x.shape
            else x.recorder.apply("reshape", (x,), shape, x.dtype, shape=shape)
        )

    def expand_dims(self, x: Recorded, *, axis: int = 0) -> Recorded:
        at = axis if axis >= 0 else axis + x.ndim + 1
        return self.reshape(x, (*x.shape[:at], 1, *x.shape[at:]))

    def squeeze(self, x: Recorded, axis: Any) -> Recorded:
        axes = {a % x.ndim for a in (axis if isinstance(axis, tuple) else (axis,))}
        return self.reshape(x, tuple(s for i, s in enumerate(x.shape) if i not in axes))

    def broadcast_to(self, x: Recorded, shape: Any) -> Recorded:
        return x.recorder.apply("broadcast_to", (x,), tuple(shape), x.dtype, shape=tuple(shape))

    def arange(
        self,
        start: int,
        stop: Any = None,
        step: int = 1,
        *,
        dtype: Any = None,
        device: Any = None,
    ) -> Recorded:
        start, stop = (0, start) if stop is None else (start, stop)
        size = len(range(start, stop, step))
        return self._made("arange", (start, stop, step), (size,), dtype)

    def full(
        self, shape: Any, value: Any, *, dtype: Any = None, device: Any = None
    ) -> Recorded:
        if not _number(value):
            raise RecordingError(f"full was called with {value!r}: use broadcast_to")
        shape = (shape,) if isinstance(shape, int) else tuple(shape)
        return self._made("full", (value,), shape, dtype, shape=shape)

    def zeros(self, shape: Any, *, dtype: Any = None, device: Any = None) -> Recorded:
        return self.full(shape, 0, dtype=dtype)

    def ones(self, shape: Any, *, dtype: Any = None, device: Any = None) -> Recorded:
        return self.full(shape, 1, dtype=dtype)

    def full_like(
        self, x: Recorded, value: Any, *, dtype: Any = None, device: Any = None
    ) -> Recorded:
        return self.full(x.shape, value, dtype=dtype or x.dtype)

    def zeros_like(self, x: Recorded, *, dtype: Any = None, device: Any = None) -> Recorded:
        return self.full(x.shape, 0, dtype=dtype or x.dtype)

    def ones_like(self, x: Recorded, *, dtype: Any = None, device: Any = None) -> Recorded:
        return self.full(x.shape, 1, dtype=dtype or x.dtype)

    def _made(
        self, name: str, operands: tuple[Any, ...], shape: Any, dtype: Any, /, **given: Any
    ) -> Recorded:
        if dtype is None:
            raise RecordingError(
                f"{name} was called without a dtype: give one, such as z.dtype"
            )
        recorder = recorder_in_use.get()
        return recorder.apply(name, operands, shape, dtype, **given, dtype=dtype)


def _reduction(name: str, kinds: tuple[str, ...], result: str | None = None) -> Any:
    """A function over one axis, or over all."""

    def apply(
        self: Any, x: Recorded, *, axis: Any = None, keepdims: bool = False, dtype: Any = None
    ) -> Recorded:
        if x.dtype.kind not in kinds or dtype not in (None, x.dtype):
            to = "" if dtype is None else f" to {dtype}"
            raise RecordingError(f"cannot record {name} of {x.dtype}{to}")
        axes = range(x.ndim) if axis is None else axis if isinstance(axis, tuple) else (axis,)
        gone = {each % x.ndim for each in axes}
        shape = [
            1 if i in gone else n for i, n in enumerate(x.shape) if keepdims or i not in gone
        ]
        kind = dtype_of(result) if result else x.dtype
        at = (
            None
            if len(gone) == x.ndim
            else min(gone)
            if len(gone) == 1
            else tuple(sorted(gone))
        )
        return x.recorder.apply(name, (x,), shape, kind, axis=at, keepdims=keepdims)

    return apply


for _name, _kinds in (_UNARY | _BINARY).items():
    setattr(_Namespace, _name, staticmethod(_elementwise(_name, _kinds)))
for _name in _TESTS:
    setattr(_Namespace, _name, staticmethod(_elementwise(_name, result="bool")))
for _name, _kinds, _result in _REDUCTIONS:
    setattr(_Namespace, _name, _reduction(_name, _kinds, _result))
for _each in DTYPES:
    setattr(_Namespace, _each, dtype_of(_each))
namespace = _Namespace()
"""What `bpx.namespace` finds for a recording array."""

for _name, _operator in _OPERATORS.items():
    setattr(Recorded, f"__{_operator}__", _method(_name))
    if _name in _BINARY:
        setattr(Recorded, f"__r{_operator}__", _method(_name, swapped=True))
    if _name in _BINARY or _name == "matmul":
        setattr(Recorded, f"__i{_operator}__", Recorded._written)
