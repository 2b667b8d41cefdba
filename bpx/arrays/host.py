"""Host arrays, which are NumPy's: draws from a seed, and validation of inputs."""

import secrets
from contextlib import AbstractContextManager
from math import isfinite
from typing import Any

import numpy as np

from bpx._dense import refuse_masked_or_sparse
from bpx._validate import whole
from bpx.arrays.refusals import why_no_numbers, why_not_finite, why_not_traced
from bpx.arrays.registry import backend_of, dtype_name, is_traced
from bpx.errors import InputError, advice

__all__ = [
    "HostArray",
    "as_host",
    "as_labels",
    "batches",
    "block_order",
    "check_finite",
    "check_seed",
    "first_nonfinite_row",
    "fresh_seed",
    "generator",
    "has_finite_sum",
    "is_frozen",
    "is_host",
    "is_in_order",
    "is_read_only",
    "largest_difference",
    "one_hot_labels",
    "plain",
    "quietly",
    "total",
    "window_batches",
]

HostArray = np.ndarray[Any, np.dtype[Any]]

_PURPOSES = {
    "weights": 0,
    "biases": 1,
    "order": 2,
    "feedback": 3,
    "layer": 4,
    "window": 5,
    "validation": 6,
    "sampling": 16,
    "noise": 17,
}


def fresh_seed() -> int:
    """Return a seed from the operating system, to be recorded."""
    return secrets.randbits(32)


def check_seed(seed: int | None) -> int:
    """Return the seed, or a fresh one for None.

    Raises
    ------
    InputError
        If it is not a whole number in 0 ... 2**64 - 1.
    """
    if seed is None:
        return fresh_seed()
    return whole("seed", seed, 0, 2**64 - 1, "a whole number in 0 ... 2**64 - 1, or None")


def generator(seed: int, purpose: str, index: int) -> np.random.Generator:
    """Return the generator for (seed, purpose, index), independent of any earlier draws."""
    sequence = np.random.SeedSequence(seed, spawn_key=(_PURPOSES[purpose], index))
    return np.random.Generator(np.random.Philox(sequence))


def batches(
    seed: int, epoch: int, n: int, batch_size: int, *, shuffle: bool
) -> list[HostArray]:
    """Return one epoch's mini-batches as index matrices.

    Parameters
    ----------
    seed, epoch : int
        The order depends on these; the epoch counts from 1.
    n, batch_size : int
        The number of samples, and of samples in a batch, ``1 <= batch_size <= n``.
    shuffle : bool
        If False, the samples keep their order.

    Returns
    -------
    list of int32 arrays
        The full batches, shape (n // batch_size, batch_size), and the smaller last one, if
        any, shape (1, n % batch_size).
    """
    order = generator(seed, "order", epoch).permutation(n) if shuffle else np.arange(n)
    return _cut(order, batch_size)


def block_order(seed: int, epoch: int, n: int) -> HostArray:
    """Return the order in which an epoch reads the n blocks of its samples."""
    return generator(seed, "order", epoch).permutation(n)


def window_batches(
    drawn: tuple[int, int, int] | None, n: int, batch_size: int
) -> list[HostArray]:
    """Return the mini-batches of one window of an epoch, as `batches` does.

    Parameters
    ----------
    drawn : triple of int, or None
        The seed, the epoch and the window's number, from which the order is drawn; None to
        keep the order of the samples.
    n, batch_size : int
    """
    if drawn is None:
        return _cut(np.arange(n), batch_size)
    seed, epoch, window = drawn
    return _cut(generator(seed, "window", epoch << 32 | window).permutation(n), batch_size)


def _cut(order: HostArray, batch_size: int) -> list[HostArray]:
    even = len(order) - len(order) % batch_size
    order = order.astype(np.int32)
    parts = [order[:even].reshape(-1, batch_size), order[even:].reshape(1, -1)]
    return [part for part in parts if part.size]


def total(x: HostArray) -> float:
    """Sum all elements in float64, so that float32 costs cannot overflow."""
    with np.errstate(invalid="ignore"):
        return float(np.sum(x, dtype=np.float64))


def quietly() -> AbstractContextManager[Any]:
    """Return a context in which overflow and division by 0 on the host give no warnings."""
    return np.errstate(all="ignore")


def largest_difference(x: HostArray, y: HostArray) -> float:
    """Return the largest |x − y|, in float64; infinite if only one is NaN or infinite."""
    with quietly():
        off = np.abs(x.astype(np.float64) - y.astype(np.float64))
    off = np.where((x == y) | (np.isnan(x) & np.isnan(y)), 0.0, off)
    return float(np.max(np.where(np.isnan(off), np.inf, off), initial=0.0))


def as_host(x: Any, name: str) -> HostArray:
    """Convert any array or nested sequence of real numbers to a host array.

    Parameters
    ----------
    x : array of any library, or array-like
        It is never written; the result may share its memory.
    name : str
        The argument's name, for messages.

    Raises
    ------
    InputError
        If it is masked, sparse, complex, ragged, or not made of numbers.
    """
    refuse_masked_or_sparse(x, name)
    backend = backend_of(x)
    try:
        array = np.asarray(x if backend is None else backend.to_host(x))
    except Exception as error:
        if is_traced(x):
            raise InputError(why_not_traced(name)) from error
        if not isinstance(error, ValueError | TypeError | RuntimeError):
            raise
        raise InputError(f"{name} cannot become an array of numbers: {error}") from error
    if array.dtype.kind not in "biuf":
        raise InputError(why_no_numbers(x, array, name))
    return array


def is_host(x: object) -> bool:
    """Whether `x` is a host array."""
    return isinstance(x, np.ndarray | np.generic)


def plain(value: Any) -> Any:
    """Return a scalar of NumPy as a number or a text of Python, and anything else as it is."""
    return value.item() if isinstance(value, np.generic) else value


def is_read_only(x: object) -> bool:
    """Whether `x` is a host array that must not be written."""
    return isinstance(x, np.ndarray) and not x.flags.writeable


def is_frozen(x: HostArray) -> bool:
    """Whether a host array can never change: it and the memory below it are read-only.

    So it is of a memory map with ``mode="r"``, but not of a read-only view of other memory.
    """
    base: Any = x
    while isinstance(base, np.ndarray):
        if base.flags.writeable:
            return False
        base = base.base
    if base is None:
        return True
    try:
        with memoryview(base) as memory:
            return memory.readonly
    except TypeError:  # not a buffer
        return False


def is_in_order(x: HostArray) -> bool:
    """Whether the rows of a host array follow one another in memory.

    NumPy copies any other array entirely whenever it gathers a few of its rows.
    """
    return x.flags.c_contiguous and x.flags.aligned


def as_labels(y: HostArray, classes: int, name: str) -> HostArray:
    """Check that class labels, shape (n,), are in 0 ... classes - 1; return them as int32.

    Raises
    ------
    InputError
        If a label is not whole, negative, or too large; the message names the first row.
    """
    right = (y >= 0) & (y < classes)
    wrong = ~(right if y.dtype.kind in "iub" else right & (y == np.floor(y)))  # and NaN is
    if wrong.any():
        row = int(np.argmax(wrong))
        raise InputError(
            f"{name}[{row}] is {y[row]}; expected whole labels in 0 ... {classes - 1} "
            f"for {classes} outputs ({int(wrong.sum())} of {len(y)} are not)"
            + _from_0(y, classes, name)
        )
    return y.astype(np.int32, copy=False)


def _from_0(y: HostArray, classes: int, name: str) -> str:
    """Advise how to number classes from 0, if they are whole numbers and few enough."""
    if not (y == np.floor(y)).all() or len(np.unique(y)) > classes:
        return ""
    return "; " + advice(
        f"number them from 0: np.unique({name.rpartition(' ')[2]}, return_inverse=True)[1]",
        "number the classes from 0 in the file",
    )


def one_hot_labels(y: HostArray) -> HostArray | None:
    """Convert one-hot rows, (n, k), to labels, (n,) int32; None if a row is not one-hot."""
    if y.shape[1] > 1 and np.all((y == 0) | (y == 1)) and np.all(y.sum(axis=1) == 1):
        return np.argmax(y, axis=1).astype(np.int32)
    return None


def has_finite_sum(x: HostArray) -> bool:
    """Whether the sum of x is finite, which NaN and infinity are not: one pass, no memory.

    The sum of finite numbers may overflow.
    """
    with quietly():
        return isfinite(np.add.reduce(x, None))


def check_finite(x: HostArray, dtype: str, name: str) -> None:
    """Raise InputError if numbers, shape (n, ...), are not finite when stored as `dtype`.

    Raises
    ------
    InputError
        The message names the first such row.
    """
    if x.dtype.kind != "f":
        return
    if dtype_name(x) == dtype and has_finite_sum(x):
        return
    largest = np.finfo(dtype).max
    if x.max(initial=0.0) <= largest and x.min(initial=0.0) >= -largest:  # NaN is neither
        return
    with quietly():
        row = first_nonfinite_row(x.astype(dtype))
    raise InputError(why_not_finite(name, dtype, row))


def first_nonfinite_row(x: HostArray) -> int | None:
    """Return the first row of x, shape (n, ...), with NaN or infinity, or None."""
    bad = ~np.isfinite(x.reshape(len(x), -1)).all(axis=1)
    return int(np.argmax(bad)) if bad.any() else None
