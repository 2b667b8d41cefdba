"""The standard's functions for recording arrays, which `bpx.namespace` finds for them.

These are the functions that a step of bpx or a custom part may need. Any other raises a
`RecordingError` that names it.
"""

from collections.abc import Callable, Sequence
from math import e, inf, nan, pi, prod
from typing import Any, NoReturn

from bpx.errors import RecordingError
from bpx.program.array import (
    ADVICE,
    NoAttributeError,
    Recorded,
    as_recorded,
    recorder_in_use,
)
from bpx.program.functions import BINARY, BOOL, FLOAT, NUMERIC, REDUCTIONS, TESTS, UNARY
from bpx.program.operation import DTYPES, DType, dtype_of
from bpx.program.standard import Finfo, broadcast, finfo, wider

__all__ = ["namespace"]


def _number(x: Any) -> bool:
    # This excludes NumPy's scalars, which have a dtype that promotes.
    return type(x) in (bool, int, float)


def _promoted(operands: Sequence[Any]) -> DType:
    """The dtype of a result: that of the arrays, which Python numbers follow."""
    arrays = [as_recorded(each) for each in operands if not _number(each)]
    if not arrays:
        raise RecordingError(f"none of {operands} is an array, so the result has no dtype")
    dtype = arrays[0].dtype
    for each in arrays[1:]:
        dtype = wider(dtype, each.dtype)
    if dtype.kind == FLOAT:
        return dtype
    if any(isinstance(each, float) for each in operands):
        raise RecordingError(f"a float was combined with an array of {dtype}: use astype first")
    if dtype.kind == BOOL and any(type(each) is int for each in operands):
        raise RecordingError(
            f"a number was combined with an array of {dtype}: use astype first"
        )
    return dtype


def _common_shape(operands: Sequence[Any]) -> tuple[int, ...]:
    return broadcast([each.shape for each in operands if isinstance(each, Recorded)])


def _elementwise(
    name: str, kinds: tuple[str, ...] = (), result: str | None = None
) -> Callable[..., Recorded]:
    """Make a function of arrays that broadcast, of `kinds` if given, and of dtype `result`."""

    def apply(*operands: Any) -> Recorded:
        dtype = _promoted(operands)
        if kinds and dtype.kind not in kinds:
            raise RecordingError(f"{name} was called on {dtype}")
        recorder = next(each.recorder for each in operands if isinstance(each, Recorded))
        return recorder.apply(
            name, operands, _common_shape(operands), dtype_of(result) if result else dtype
        )

    return apply


class _Namespace:
    """The standard's functions, for recording arrays."""

    bool = dtype_of("bool")
    pi, e, inf, nan, newaxis = pi, e, inf, nan, None

    def __getattr__(self, name: str) -> NoReturn:
        raise NoAttributeError(f"{name!r} was called, which a recording cannot hold: {ADVICE}")

    def finfo(self, of: Any) -> Finfo:
        return finfo(of.dtype if isinstance(of, Recorded) else of)

    def isdtype(self, dtype: DType, kind: Any) -> Any:
        if isinstance(kind, tuple):
            return any(self.isdtype(dtype, each) for each in kind)
        kinds = {"numeric": NUMERIC, "integral": NUMERIC[:2]}.get(kind, (kind,))
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
        matrices = a.ndim > 1 and b.ndim > 1 and a.dtype == b.dtype
        if not matrices or a.shape[-1] != b.shape[-2]:
            raise RecordingError(f"cannot record the product of {a!r} and {b!r}")
        stack = broadcast([a.shape[:-2], b.shape[:-2]])
        shape = (*stack, a.shape[-2], b.shape[-1])
        return a.recorder.apply("matmul", (a, b), shape, a.dtype)

    def matrix_transpose(self, x: Recorded) -> Recorded:
        if x.ndim < 2:
            raise RecordingError(f"cannot record the transpose of {x!r}, which is not a matrix")
        shape = (*x.shape[:-2], x.shape[-1], x.shape[-2])
        return x.recorder.apply("matrix_transpose", (x,), shape, x.dtype)

    def permute_dims(self, x: Recorded, axes: Any) -> Recorded:
        return (
            self.matrix_transpose(x)
            if x.ndim == 2 and tuple(axes) == (1, 0)
            else self.__getattr__("permute_dims")
        )

    def take(self, x: Recorded, indices: Recorded, *, axis: int | None = None) -> Recorded:
        if axis not in (0, None) or indices.ndim != 1 or (axis is None and x.ndim != 1):
            raise RecordingError(f"cannot record take along axis {axis}; only along axis 0")
        shape = (*indices.shape, *x.shape[1:])
        return x.recorder.apply("take", (x, indices), shape, x.dtype, axis=0)

    def concat(self, arrays: Sequence[Recorded], /, *, axis: int | None = 0) -> Recorded:
        first, *others = (as_recorded(each) for each in arrays)
        if axis is None or not -first.ndim <= axis < first.ndim:
            raise RecordingError(f"cannot record concat of {first!r} along axis {axis}")
        at = axis % first.ndim
        apart = [(*x.shape[:at], *x.shape[at + 1 :], x.dtype) for x in (first, *others)]
        if any(each != apart[0] for each in apart):
            raise RecordingError(f"cannot record concat of {[first, *others]} along axis {at}")
        size = sum(each.shape[at] for each in (first, *others))
        shape = (*first.shape[:at], size, *first.shape[at + 1 :])
        return first.recorder.apply("concat", (first, *others), shape, first.dtype, axis=at)

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
    """Make a function over one axis, over several, or over all."""

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


# As methods, these would be seventy one-liners that differ only in their names and kinds.
for _name, _kinds in (UNARY | BINARY).items():
    setattr(_Namespace, _name, staticmethod(_elementwise(_name, _kinds)))
for _name in TESTS:
    setattr(_Namespace, _name, staticmethod(_elementwise(_name, result="bool")))
for _name, _kinds, _result in REDUCTIONS:
    setattr(_Namespace, _name, _reduction(_name, _kinds, _result))
for _each in DTYPES:
    setattr(_Namespace, _each, dtype_of(_each))
namespace = _Namespace()
"""The namespace that `bpx.namespace` returns for a recording array."""
