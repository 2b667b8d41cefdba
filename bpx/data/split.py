"""What every reader gives: host arrays, one row for each sample."""

from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from bpx.errors import FileFormatError

__all__ = ["Dataset", "HostArray", "Split", "as_split"]

HostArray: TypeAlias = NDArray[Any]


class Split(NamedTuple):
    """Samples and their targets, as arrays of the host.

    Attributes
    ----------
    x : ndarray of float32, shape (n, d)
        One row for each sample.
    y : ndarray or None
        Labels, int32 of shape (n,); or targets, float32 of shape (n,) or (n, k);
        or None where there are none.
    """

    x: NDArray[np.float32]
    y: NDArray[np.int32] | NDArray[np.float32] | None


class Dataset(NamedTuple):
    """A data set in its three parts.

    Attributes
    ----------
    name : str
        The name under which it was loaded.
    train : Split
        What a network is trained on.
    validation : Split or None
        What settings are chosen on.
    test : Split or None
        What is reported.
    """

    name: str
    train: Split
    validation: Split | None
    test: Split | None


def as_split(x: HostArray, y: HostArray | None, label: str) -> Split:
    """Samples and targets that were read from a file, checked and brought to one form.

    Parameters
    ----------
    x : ndarray of numbers, shape (n, ...)
        What follows the first axis is flattened into a row.
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
        Something that is not a real number, not finite as float32 or not an int32
        label; or numbers of rows that differ.
    """
    inputs = _rows(_float32(x, f"{label}: x"), label)
    if y is None:
        return Split(inputs, None)
    if y.ndim not in (1, 2) or len(y) != len(inputs):
        raise FileFormatError(
            f"{label}: y has shape {y.shape} and x has {len(inputs)} rows; "
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
