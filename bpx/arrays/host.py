"""The host's own arrays, which are NumPy: draws keyed by a seed, and input brought to order."""

import secrets
from contextlib import AbstractContextManager
from typing import Any

import numpy as np

from bpx._validate import whole
from bpx.arrays.refusals import why_no_numbers, why_not_finite, why_not_traced
from bpx.arrays.registry import backend_of, is_traced
from bpx.errors import InputError, advice

__all__ = [
    "HostArray",
    "as_host",
    "as_labels",
    "batches",
    "check_finite",
    "check_seed",
    "first_nonfinite_row",
    "fresh_seed",
    "generator",
    "is_frozen",
    "is_host",
    "is_in_order",
    "is_read_only",
    "largest_difference",
    "one_hot_labels",
    "quietly",
    "refuse_masked_or_sparse",
    "total",
]

HostArray = np.ndarray[Any, np.dtype[Any]]

_PURPOSES = {
    "weights": 0,
    "biases": 1,
    "order": 2,
    "feedback": 3,
    "layer": 4,
    "sampling": 16,
    "noise": 17,
}


def fresh_seed() -> int:
    """A seed from the operating system, to be recorded."""
    return secrets.randbits(32)


def check_seed(seed: int | None) -> int:
    """The seed, or a fresh one for None.

    Raises
    ------
    InputError
        If it is not a whole number in 0 ... 2**64 - 1.
    """
    if seed is None:
        return fresh_seed()
    return whole("seed", seed, 0, 2**64 - 1, "a whole number in 0 ... 2**64 - 1, or None")


def generator(seed: int, purpose: str, index: int) -> np.random.Generator:
    """The generator of (seed, purpose, index): the same numbers whatever was drawn before."""
    sequence = np.random.SeedSequence(seed, spawn_key=(_PURPOSES[purpose], index))
    return np.random.Generator(np.random.Philox(sequence))


def batches(
    seed: int, epoch: int, n: int, batch_size: int, *, shuffle: bool
) -> list[HostArray]:
    """One epoch's mini-batches as index matrices.

    Parameters
    ----------
    seed, epoch : int
        What the order depends on; the epoch is counted from 1.
    n, batch_size : int
        The number of samples, and of samples in a batch, ``1 <= batch_size <= n``.
    shuffle : bool
        If False, the samples' own order.

    Returns
    -------
    list of int32 arrays
        The whole batches, shape (n // batch_size, batch_size), and, where they leave
        samples over, the ragged last one, shape (1, n % batch_size).
    """
    order = generator(seed, "order", epoch).permutation(n) if shuffle else np.arange(n)
    order = order.astype(np.int32)
    even = n - n % batch_size
    parts = [order[:even].reshape(-1, batch_size), order[even:].reshape(1, -1)]
    return [part for part in parts if part.size]


def total(x: HostArray) -> float:
    """The sum of all elements, in float64, so that float32 costs cannot overflow in it."""
    with np.errstate(invalid="ignore"):
        return float(np.sum(x, dtype=np.float64))


def quietly() -> AbstractContextManager[Any]:
    """A context in which host arrays may overflow, or be divided by 0, without a warning."""
    return np.errstate(all="ignore")


def largest_difference(x: HostArray, y: HostArray) -> float:
    """The largest |x − y|, in float64; infinite where only one of them is NaN or infinite."""
    with quietly():
        off = np.abs(x.astype(np.float64) - y.astype(np.float64))
    off = np.where((x == y) | (np.isnan(x) & np.isnan(y)), 0.0, off)
    return float(np.max(np.where(np.isnan(off), np.inf, off), initial=0.0))


def as_host(x: Any, name: str) -> HostArray:
    """Any array or nested sequence of real numbers as a host array.

    Parameters
    ----------
    x : array of any library, or array-like
        Not written; the result may share its memory.
    name : str
        What the caller called it, for the messages.

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
        raise InputError(f"{name} cannot be made an array of numbers: {error}") from error
    if array.dtype.kind not in "biuf":
        raise InputError(why_no_numbers(x, array, name))
    return array


def is_host(x: object) -> bool:
    """Whether `x` is a host array."""
    return isinstance(x, np.ndarray | np.generic)


def is_read_only(x: object) -> bool:
    """Whether `x` is a host array that must not be written."""
    return isinstance(x, np.ndarray) and not x.flags.writeable


def is_frozen(x: HostArray) -> bool:
    """Whether nobody can write a host array: it is read-only, and so is the memory below it.

    Such as a memory map opened with ``mode="r"``, and its slices. A read-only view of an array
    that can be written is not.
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
    except TypeError:  # it does not say
        return False


def is_in_order(x: HostArray) -> bool:
    """Whether the rows of a host array follow one another in memory.

    NumPy copies any other array as a whole whenever it gathers a few of its rows.
    """
    return x.flags.c_contiguous and x.flags.aligned


def refuse_masked_or_sparse(x: Any, name: str) -> None:
    """Raise an InputError for arrays that hide or leave out elements, and for matrices."""
    if isinstance(x, np.matrix):
        raise InputError(
            f"{name} is a numpy.matrix, whose * is another product: np.asarray({name})"
        )
    if isinstance(x, np.ma.MaskedArray):
        raise InputError(
            f"{name} is a masked array; bpx would train on what the mask hides: "
            f"fill it ({name}.filled(...)) or drop the masked rows"
        )
    if (hasattr(x, "nnz") and hasattr(x, "toarray")) or getattr(x, "is_sparse", False) is True:
        raise InputError(
            f"{name} is sparse; expected a dense array: {name}.toarray() or .to_dense()"
        )


def as_labels(y: HostArray, classes: int, name: str) -> HostArray:
    """Class labels, shape (n,), checked against 0 ... classes - 1, as int32.

    Raises
    ------
    InputError
        If a label is not whole, negative, or too large, with the row of the first one.
    """
    wrong = ~((y >= 0) & (y < classes) & (y == np.floor(y)))  # NaN is wrong too
    if wrong.any():
        row = int(np.argmax(wrong))
        raise InputError(
            f"{name}[{row}] is {y[row]}; expected whole labels in 0 ... {classes - 1} "
            f"for {classes} outputs ({int(wrong.sum())} of {len(y)} are not)"
            + _from_0(y, classes, name)
        )
    return y.astype(np.int32, copy=False)


def _from_0(y: HostArray, classes: int, name: str) -> str:
    """How to number classes from 0, where they are whole numbers and few enough."""
    if not (y == np.floor(y)).all() or len(np.unique(y)) > classes:
        return ""
    return "; " + advice(
        f"number them from 0: np.unique({name.rpartition(' ')[2]}, return_inverse=True)[1]",
        "number the classes from 0 in the file",
    )


def one_hot_labels(y: HostArray) -> HostArray | None:
    """The labels of one-hot rows, shape (n, k) to (n,) int32; None if a row is not one-hot."""
    if y.shape[1] > 1 and np.all((y == 0) | (y == 1)) and np.all(y.sum(axis=1) == 1):
        return np.argmax(y, axis=1).astype(np.int32)
    return None


def check_finite(x: HostArray, dtype: str, name: str) -> None:
    """Refuse numbers, shape (n, ...), that are not finite once they are stored as `dtype`.

    Raises
    ------
    InputError
        Naming the first such row.
    """
    if x.dtype.kind != "f" or np.abs(x).max(initial=0.0) <= np.finfo(dtype).max:
        return
    with quietly():
        row = first_nonfinite_row(x.astype(dtype))
    raise InputError(why_not_finite(name, dtype, row))


def first_nonfinite_row(x: HostArray) -> int | None:
    """The first row of x, shape (n, ...), that holds NaN or infinity; None if none does."""
    bad = ~np.isfinite(x.reshape(len(x), -1)).all(axis=1)
    return int(np.argmax(bad)) if bad.any() else None
