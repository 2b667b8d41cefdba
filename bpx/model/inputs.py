"""The boundary of a network: arrays are checked as a whole, then moved to its home.

Inside this boundary, nothing is checked again and nothing is moved.
"""

from collections.abc import Iterator
from math import prod
from typing import Any, NamedTuple, Protocol

from bpx._dense import refuse_masked_or_sparse
from bpx._typing import Array
from bpx.arrays.home import Home
from bpx.arrays.host import (
    as_host,
    as_labels,
    first_nonfinite_row,
    has_finite_sum,
    is_host,
    one_hot_labels,
)
from bpx.arrays.refusals import why_not_finite, why_not_traced
from bpx.arrays.registry import backend_of, compiled, dtype_name, is_traced, namespace
from bpx.arrays.transfer import DTYPES, bring, lasting, to_host
from bpx.errors import InputError
from bpx.model.accepted import refuse_outside
from bpx.model.codes import check_codes
from bpx.model.metrics import Accuracy, single_rule
from bpx.model.parameters import Parameters
from bpx.model.shapes import shape_advice
from bpx.model.spec import Spec

__all__ = [
    "Placed",
    "Samples",
    "check_target_shape",
    "check_values",
    "chunks",
    "dense",
    "finite",
    "inputs",
    "repeated",
    "rows_at_once",
    "rows_of",
    "samples",
]

BYTES = frozenset(("bool", "int8", "uint8"))
"""The dtypes that samples keep: mini-batches are cast one at a time."""
_FEW = 2**14
"""The number of values to check on the host, wherever they are."""
_LOOKED_AT = 2**22
"""The number of values to check at a time."""
AT_ONCE = 2**26
"""The bytes that all z and a of the samples computed at once may take."""
LINE = 16
"""Parts of a multiple of it begin in a cache line, as the whole does: MKL's bits need it."""


class Placed(Protocol):
    """The read-only interface of a `Network`."""

    @property
    def spec(self) -> Spec:
        """The layers, the cost and the feedback."""

    @property
    def home(self) -> Home:
        """The backend, device and dtype of the parameters."""

    @property
    def parameters(self) -> Parameters:
        """The current weights and biases."""

    @property
    def feedback(self) -> tuple[Array, ...]:
        """The arrays that the spec's feedback has drawn, mostly one for each hidden layer."""


class Samples(NamedTuple):
    """Inputs and targets at a network's home.

    Attributes
    ----------
    x : array, shape (n, k_0)
        In the home's dtype; or bool, int8 or uint8, which is cast on use: see
        `bpx.model.expected.as_inputs`.
    y : array, shape (n,), int32 labels or numbers, or (n, k_L), numbers
    accuracy : {"argmax", "threshold", "sign", None}
    s : array, shape (n,), or None
        The weight of each sample, of the home's dtype; None if all count equally.
    """

    x: Array
    y: Array
    accuracy: Accuracy
    s: Array | None = None


def inputs(home: Home, spec: Spec, x: Any, name: str = "x", *, snapshot: bool = False) -> Array:
    """Check inputs, shape (n, k_0), and move them to `home`; integers are cast, never scaled.

    Bytes (bool, int8, uint8) keep their dtype and are cast on use. A snapshot never changes,
    even if `x` is modified later: see `bpx.arrays.transfer.lasting`.

    Raises
    ------
    InputError
        If they are empty, of another rank or width, not real numbers, or not finite.
    """
    x = rows_of(spec, x, name)
    kept = dtype_name(x) in BYTES
    move = lasting if snapshot else bring
    arrived: Array = move(x, home, name, dtype=dtype_name(x) if kept else None)
    try:
        if not kept:
            _refuse_nonfinite(arrived, name)
    except Exception as error:
        if is_traced(arrived) and not isinstance(error, InputError):
            raise InputError(why_not_traced(name)) from error
        raise
    check_codes(spec, x, name)
    return arrived


def rows_of(spec: Spec, x: Any, name: str) -> Any:
    """Return `x` as an array of shape (n, k_0), on the device where it is.

    Raises
    ------
    InputError
        If it is empty, of another rank or width, or not real numbers.
    """
    given, x = x, dense(x, name)
    shape, width = tuple(x.shape), spec.sizes[0]
    if len(shape) != 2 or shape[1] != width:
        raise InputError(
            f"{name} has shape {shape}; expected (n, {width}), one sample per row"
            f"{shape_advice(given, shape, width, name)}"
        )
    if shape[0] == 0:
        raise InputError(f"{name} is empty, with shape {shape}; expected at least one sample")
    return x


def samples(
    home: Home,
    spec: Spec,
    x: Any,
    y: Any,
    names: tuple[str, str] = ("x", "y"),
    *,
    snapshot: bool = False,
) -> Samples:
    """Check inputs and targets together, and move them to `home`; see `inputs`.

    Raises
    ------
    InputError
        If either cannot be used, or their lengths differ.
    """
    arrived = inputs(home, spec, x, names[0], snapshot=snapshot)
    if is_traced(arrived):  # the results are Python numbers, which cannot be traced
        raise InputError(why_not_traced(names[0]))
    host = as_host(y, names[1])
    n, k = arrived.shape[0], spec.sizes[-1]
    if host.ndim == 0 or host.shape[0] != n:
        raise InputError(
            f"{names[0]} has {n} samples, but {names[1]} has shape {host.shape}; "
            "expected one target for each sample"
        )
    _refuse_unequal(spec, host, k, names[1])
    targets, accuracy = _targets(spec, host, k, names[1])
    dtype = "int32" if targets.dtype.kind in "iu" else home.dtype
    if targets is not host:  # a cast made a new array, which nobody else can modify
        return Samples(arrived, bring(targets, home, names[1], dtype=dtype), accuracy)
    given = targets if backend_of(y) is None else y
    move = lasting if snapshot else bring
    return Samples(arrived, move(given, home, names[1], dtype=dtype), accuracy)


def check_values(spec: Spec, y: Array) -> None:
    """Refuse labels out of range, and numbers that the cost does not accept.

    A device would silently treat such a label as no class at all. A traced array passes, since
    it has no values yet.
    """
    if backend_of(y) is not None and not is_traced(y):
        _targets(spec, as_host(y, "y"), spec.sizes[-1], "y")


def chunks(spec: Spec, x: Array) -> Iterator[Array]:
    """Split the rows of `x` into parts with at most 64 MiB for all z and a of a part."""
    return _parts(x, rows_at_once(spec))


def rows_at_once(spec: Spec) -> int:
    """The number of samples in each part but the last that `chunks` makes."""
    most = max(1, AT_ONCE // (16 * sum(spec.sizes)))
    return most - most % LINE if most > LINE else most


def _parts(x: Array, size: int) -> Iterator[Array]:
    n = x.shape[0]
    if n <= size:
        return iter((x,))
    return (x[begin : min(begin + size, n), ...] for begin in range(0, n, size))


def _targets(spec: Spec, y: Any, k: int, name: str) -> tuple[Any, Accuracy]:
    y = repeated(spec, y, k)
    check_target_shape(y, len(y), k, name)
    if y.ndim == 1 and k > 1:
        return as_labels(y, k, name), "argmax"
    _refuse_nonfinite(y, name)
    classes = y.dtype.kind != "f" or _is_probability(spec) or spec.cost.targets == "one_hot"
    labels = one_hot_labels(y) if y.ndim == 2 and classes else None
    if labels is not None:
        return labels, "argmax"
    refuse_outside(spec.cost, y, name)
    y = y if y.dtype.kind == "f" else y.astype("float64")
    rule = single_rule(spec) if k == 1 else None
    return y, rule if rule and bool(((y == 0) | (y == 1)).all()) else None


def _refuse_unequal(spec: Spec, y: Any, k: int, name: str) -> None:
    """Refuse several targets where the cost has several outputs for a single one."""
    each, n = spec.cost.per_target, y.shape[0]
    if each == 1 or y.shape != (n, k) or y.dtype.kind not in "biuf":
        return
    grouped = y.reshape(n, k // each, each)
    if (grouped[:, :, 1:] == grouped[:, :, :1]).all() or not finite(y):
        return
    raise InputError(
        f"{name} has shape {y.shape}, but the cost {spec.cost.name!r} has {each} outputs for "
        f"each target, so that {k} outputs are for {k // each}; expected ({n}, {k // each}), "
        f"or a network with {k * each} outputs"
    )


def repeated(spec: Spec, y: Any, k: int) -> Any:
    """Repeat each column of y for the outputs that the cost has for it; else return y."""
    each = spec.cost.per_target
    if each == 1 or tuple(y.shape[1:]) not in ((), (k // each,)):
        return y
    xp, columns = namespace(y), y if y.ndim == 2 else y[:, None]
    if columns.shape[1] * each != k:
        return y
    n = columns.shape[0]
    return xp.reshape(xp.broadcast_to(columns[:, :, None], (n, k // each, each)), (n, k))


def check_target_shape(y: Any, n: int, k: int, name: str) -> None:
    """Refuse targets that are neither (n,) nor (n, k), with an `InputError`."""
    shape = tuple(y.shape)
    if shape not in ((n,), (n, k)):
        advice = f": {name}[:, 0]" if shape == (n, 1) else ""
        raise InputError(
            f"{name} has shape {shape}; expected labels ({n},) or ({n}, {k}), for {k} "
            f"outputs{advice}"
        )


def _is_probability(spec: Spec) -> bool:
    """Whether the outputs lie in (0, 1). If not, targets of 0 and 1 are plain numbers."""
    return getattr(spec.output, "reach", None) == (0.0, 1.0)


def finite(x: Array) -> bool:
    """Whether all numbers of an array are finite; the answer is read on the host."""
    if prod(x.shape) <= _FEW and not is_traced(x) and has_finite_sum(to_host(x)):
        return True  # few numbers take no longer to read than the answer
    return bool(compiled(_all_finite, 0, x)(x))


def _all_finite(x: Array) -> Array:
    xp = namespace(x)
    return xp.all(xp.isfinite(x))


def dense(x: Any, name: str) -> Any:
    """Return `x` if it is a library's array of real numbers, or else convert it on the host."""
    backend = backend_of(x)
    if backend is None or is_host(x):
        return as_host(x, name)
    refuse_masked_or_sparse(x, name)
    real = dtype_name(x) in DTYPES  # which is known at once, and otherwise asked for
    if not real and not backend.xp.isdtype(x.dtype, ("bool", "integral", "real floating")):
        raise InputError(f"{name} has dtype {x.dtype}; expected real numbers")
    return x


def _refuse_nonfinite(x: Any, name: str) -> None:
    if is_host(x) and has_finite_sum(x):
        return
    # In parts, because some libraries need several times the memory of the array.
    size = max(1, _LOOKED_AT * x.shape[0] // max(1, prod(x.shape)))
    if not all(map(finite, _parts(x, size))):
        row = first_nonfinite_row(as_host(x, name))
        raise InputError(why_not_finite(name, dtype_name(x), row))
