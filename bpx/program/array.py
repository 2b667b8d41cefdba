"""Recording arrays: they have shapes and dtypes, no numbers, and note what is done to them.

What is done by operators and by indexing is here; functions are `bpx.program.namespace`'s.
Whatever would need a number that is not there yet, or would write into an array, raises a
`RecordingError` that says so.
"""

from collections.abc import Callable
from contextvars import ContextVar
from typing import Any, NoReturn

from bpx.errors import RecordingError
from bpx.program.functions import BINARY, BOOL
from bpx.program.operation import Value
from bpx.program.standard import indexed

__all__ = ["ADVICE", "NoAttributeError", "Recorded", "as_recorded", "recorder_in_use"]

recorder_in_use: ContextVar[Any] = ContextVar("recorder_in_use")
"""What notes the arrays that are made from nothing, such as `arange`."""


class Recorded:
    """An array that notes what is done to it."""

    __slots__ = ("recorder", "value")

    def __init__(self, value: Value, recorder: Any) -> None:
        self.value, self.recorder = value, recorder

    def __array_namespace__(self, *, api_version: str | None = None) -> Any:
        return self.recorder.namespace

    shape = property(lambda self: self.value.shape)
    dtype = property(lambda self: self.value.dtype)
    ndim = property(lambda self: len(self.value.shape))
    size = property(lambda self: self.value.size)
    device = property(lambda self: None)

    @property
    def mT(self) -> "Recorded":  # noqa: N802
        """The transpose of a matrix, or of each of a stack."""
        return self.recorder.namespace.matrix_transpose(self)

    @property
    def T(self) -> "Recorded":  # noqa: N802
        """The same: the standard has it of matrices alone."""
        if self.ndim != 2:
            raise RecordingError(f"T was asked of {self!r}, which is no matrix: use mT")
        return self.mT

    def __getattr__(self, name: str) -> Any:
        raise NoAttributeError(
            f"a step under recording has no {name!r} on its arrays: {ADVICE}"
        )

    def __getitem__(self, key: Any) -> "Recorded":
        if isinstance(key, Recorded) and key.dtype.kind == BOOL:
            raise RecordingError(f"x[mask] has a shape that depends on numbers: {ADVICE}")
        if isinstance(key, Recorded):
            return self.recorder.namespace.take(self, key, axis=0)
        key = key if isinstance(key, tuple) else (key,)
        return self.recorder.apply(
            "getitem", (self,), indexed(self.shape, key), self.dtype, key=key
        )

    def __setitem__(self, key: Any, value: Any) -> NoReturn:
        raise RecordingError(f"an array was written into, as by x[...] = y: {ADVICE}")

    def _written(self, _: Any) -> NoReturn:
        raise RecordingError(
            f"an array was written into, as by x += y instead of x = x + y: {ADVICE}"
        )

    def __repr__(self) -> str:
        return f"<recorded {self.dtype} {self.shape}>"

    def __array__(self, *_: Any, **__: Any) -> NoReturn:
        raise RecordingError(
            f"a NumPy function was called on an array under recording: {ADVICE}"
        )

    def __array_ufunc__(self, ufunc: Any, *_: Any, **__: Any) -> NoReturn:
        raise RecordingError(
            f"NumPy's {ufunc.__name__} was called on an array under recording: {ADVICE}"
        )

    @classmethod
    def __torch_function__(cls, *_: Any) -> NoReturn:
        raise RecordingError(
            f"a PyTorch function was called on an array under recording: {ADVICE}"
        )

    def __jax_array__(self) -> NoReturn:
        raise RecordingError(f"a JAX function was called on an array under recording: {ADVICE}")

    def _numberless(self) -> NoReturn:
        raise RecordingError(
            f"a number of an array was asked for, which is not there yet: {ADVICE}"
        )

    __bool__ = __int__ = __float__ = __index__ = __len__ = __iter__ = _numberless
    __hash__ = object.__hash__


class NoAttributeError(RecordingError, AttributeError):
    """So that `hasattr` answers, too."""


ADVICE = "what is recorded is written with operators and the functions of bpx.namespace(x)"


def as_recorded(x: Any) -> Recorded:
    """The recording array itself; an error for anything else."""
    if not isinstance(x, Recorded):
        raise RecordingError(
            f"a {type(x).__module__}.{type(x).__qualname__} was given where an array of the "
            f"step was expected: {ADVICE}"
        )
    return x


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
        return getattr(self.recorder.namespace, name)(*operands)

    return operator


# Set on the class, as Python asks no `__getattr__` for an operator. Those that write, as by
# `x += y`, refuse: without them Python would take `x = x + y`, which means something else.
for _name, _operator in _OPERATORS.items():
    setattr(Recorded, f"__{_operator}__", _method(_name))
    if _name in BINARY:
        setattr(Recorded, f"__r{_operator}__", _method(_name, swapped=True))
    if _name in BINARY or _name == "matmul":
        setattr(Recorded, f"__i{_operator}__", Recorded._written)
