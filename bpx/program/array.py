"""Recording arrays, which have shapes and dtypes but no values, and note each operation.

Operators and indexing are here; functions are in `bpx.program.namespace`. Anything that needs
a value, which does not exist yet, or that modifies an array raises a `RecordingError` that
says so.
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
"""The recorder that notes arrays without operands, such as those of `arange`."""


class Recorded:
    """An array that notes the operations on it."""

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
        """The transpose of a matrix; the standard defines T only for matrices."""
        if self.ndim != 2:
            raise RecordingError(f"T was used on {self!r}, which is not a matrix: use mT")
        return self.mT

    def __getattr__(self, name: str) -> Any:
        raise NoAttributeError(
            f"arrays have no attribute {name!r} while a step is recorded: {ADVICE}"
        )

    def __getitem__(self, key: Any) -> "Recorded":
        if isinstance(key, Recorded) and key.dtype.kind == BOOL:
            raise RecordingError(f"the shape of x[mask] depends on values: {ADVICE}")
        if isinstance(key, Recorded):
            return self.recorder.namespace.take(self, key, axis=0)
        key = key if isinstance(key, tuple) else (key,)
        return self.recorder.apply(
            "getitem", (self,), indexed(self.shape, key), self.dtype, key=key
        )

    def __setitem__(self, key: Any, value: Any) -> NoReturn:
        raise RecordingError(f"an array was modified, as by x[...] = y: {ADVICE}")

    def _written(self, _: Any) -> NoReturn:
        raise RecordingError(
            f"an array was modified, as by x += y instead of x = x + y: {ADVICE}"
        )

    def __repr__(self) -> str:
        return f"<recorded {self.dtype} {self.shape}>"

    def __array__(self, *_: Any, **__: Any) -> NoReturn:
        raise RecordingError(
            f"a NumPy function was called on an array of a recording: {ADVICE}"
        )

    def __array_ufunc__(self, ufunc: Any, *_: Any, **__: Any) -> NoReturn:
        raise RecordingError(
            f"NumPy's {ufunc.__name__} was called on an array of a recording: {ADVICE}"
        )

    @classmethod
    def __torch_function__(cls, *_: Any) -> NoReturn:
        raise RecordingError(
            f"a PyTorch function was called on an array of a recording: {ADVICE}"
        )

    def __jax_array__(self) -> NoReturn:
        raise RecordingError(f"a JAX function was called on an array of a recording: {ADVICE}")

    def _numberless(self) -> NoReturn:
        raise RecordingError(
            f"a value of an array was read, but a recording has no values: {ADVICE}"
        )

    __bool__ = __int__ = __float__ = __index__ = __len__ = __iter__ = _numberless
    __hash__ = object.__hash__


class NoAttributeError(RecordingError, AttributeError):
    """A `RecordingError` that is also an `AttributeError`, so that `hasattr` works."""


ADVICE = "use only operators and the functions of bpx.namespace(x)"


def as_recorded(x: Any) -> Recorded:
    """Return a recording array unchanged; raise an error for anything else."""
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


# Set on the class, because Python does not use `__getattr__` for operators. Those that modify
# an array, as by `x += y`, raise: without them Python would compute `x = x + y`, which means
# something else.
for _name, _operator in _OPERATORS.items():
    setattr(Recorded, f"__{_operator}__", _method(_name))
    if _name in BINARY:
        setattr(Recorded, f"__r{_operator}__", _method(_name, swapped=True))
    if _name in BINARY or _name == "matmul":
        setattr(Recorded, f"__i{_operator}__", Recorded._written)
