"""`Split` and `Dataset`, the results of every reader: host arrays with samples in rows."""

from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from bpx.errors import FileFormatError

__all__ = ["Dataset", "HostArray", "Split", "as_split"]

HostArray: TypeAlias = NDArray[Any]


class Split(NamedTuple):
    """Samples and their targets, as host arrays.

    Attributes
    ----------
    x : ndarray of float32, shape (n, d)
        One row for each sample.
    y : ndarray or None
        Labels, int32 of shape (n,); or targets, float32 of shape (n,) or (n, k);
        or None if there are none.
    """

    x: NDArray[np.float32]
    y: NDArray[np.int32] | NDArray[np.float32] | None


class Dataset(NamedTuple):
    """A data set, split into three parts.

    Attributes
    ----------
    name : str
        The name under which it was loaded.
    train : Split
        The samples to train on.
    validation : Split or None
        The samples to choose settings on.
    test : Split or None
        The samples to report results on.
    """

    name: str
    train: Split
    validation: Split | None
    test: Split | None


def as_split(x: HostArray, y: HostArray | None, label: str) -> Split:
    """Check samples and targets read from a file, and convert them to a `Split`.

    Parameters
    ----------
    x : ndarray of numbers, shape (n, ...)
        The axes after the first are flattened into a row.
    y : ndarray of numbers, shape (n,) or (n, k), or None
        Integers of shape (n,) or (n, 1) are labels; anything else is float targets.
    label : str
        The file's name, for messages.

    Returns
    -------
    Split
        x float32, y int32 or float32.

    Raises
    ------
    FileFormatError
        If a value is not a real number, is not finite as float32, or is a label that
        does not fit int32; or x and y have different numbers of rows.
    """
    inputs = _rows(_float32(x, f"{label}: x"), label)
    if y is None:
        return Split(inputs, None)
    if y.ndim not in (1, 2) or len(y) != len(inputs):
        raise FileFormatError(
            f"{label}: y has shape {y.shape}, but x has {len(inputs)} rows; "
            f"expected y of shape ({len(inputs)},) or ({len(inputs)}, k)"
        )
    labels = y.dtype.kind in "biu" and y.shape in ((len(y),), (len(y), 1))
    y = y.reshape(-1) if labels else y
    return Split(inputs, _labels(y, label) if labels else _float32(y, f"{label}: y"))


def _rows(x: NDArray[np.float32], label: str) -> NDArray[np.float32]:
    if x.ndim == 0:
        raise FileFormatError(
            f"{label}: x is a single number; expected an array with one row for each sample"
        )
    width = int(np.prod(x.shape[1:], dtype=np.int64))
    return x.reshape(len(x), width)


def _float32(values: HostArray, label: str) -> NDArray[np.float32]:
    if values.dtype.kind not in "biuf":
        raise FileFormatError(f"{label} has dtype {values.dtype}; expected real numbers")
    with np.errstate(over="ignore"):
        result = values.astype(np.float32, order="C", copy=False)
    finite = np.isfinite(result)
    if not finite.all():
        first = np.unravel_index(int(np.argmin(finite)), values.shape)
        index = ", ".join(str(i) for i in first)
        raise FileFormatError(
            f"{label}[{index}] is {values[first]}, which is not finite as float32 "
            f"({values.size - np.count_nonzero(finite)} such values); "
            "expected finite numbers: remove or replace them first"
        )
    return result


def _labels(values: HostArray, label: str) -> NDArray[np.int32]:
    limits = np.iinfo(np.int32)
    if values.size and not limits.min <= int(values.min()) <= int(values.max()) <= limits.max:
        raise FileFormatError(
            f"{label}: y holds labels from {values.min()} to {values.max()}; "
            "expected labels that fit int32: number the classes from 0"
        )
    return values.astype(np.int32, copy=False)
