"""The small digits data set of scikit-learn."""

import numpy as np
from numpy.typing import NDArray

from bpx.data.split import Dataset, Split
from bpx.errors import InputError

__all__ = ["load_digits"]

_DIGITS_STREAM = 0x64696769  # makes this shuffle independent of others with the same seed
_LARGEST_PIXEL = 16


def load_digits(seed: int = 0) -> Dataset:
    """Load scikit-learn's 1,797 handwritten digits of 8 by 8 pixels, split by class.

    Parameters
    ----------
    seed : int
        Not negative. The same seed gives the same split (with the same NumPy version).

    Returns
    -------
    Dataset
        x float32 of shape (n, 64) in [0, 1], y int32 of shape (n,). A seventh of each
        class is for validation and a seventh for testing, as in MNIST's 50 : 10 : 10;
        samples keep their order.

    Raises
    ------
    InputError
        If scikit-learn is not installed, or the seed is not an integer of at least 0.

    Notes
    -----
    Alpaydin and Kaynak, "Optical Recognition of Handwritten Digits", UCI, 1998.
    """
    x, y = _bundled()
    parts = _stratified(y, _generator(seed))
    return Dataset("digits", *(Split(x[rows], y[rows]) for rows in parts))


def _bundled() -> tuple[NDArray[np.float32], NDArray[np.int32]]:
    try:
        from sklearn.datasets import load_digits as load
    except ImportError as error:
        raise InputError(
            "the data set 'digits' comes with scikit-learn, which is not installed; "
            "install it: pip install scikit-learn"
        ) from error
    x, y = load(return_X_y=True)
    return (x / _LARGEST_PIXEL).astype(np.float32), y.astype(np.int32)


def _generator(seed: int) -> np.random.Generator:
    if not isinstance(seed, int | np.integer) or seed < 0:
        raise InputError(f"seed is {seed!r}; expected an integer of at least 0")
    return np.random.Generator(np.random.Philox([int(seed), _DIGITS_STREAM]))


def _stratified(
    labels: NDArray[np.int32], generator: np.random.Generator
) -> list[NDArray[np.int64]]:
    train, validation, test = [], [], []
    for label in np.unique(labels):
        rows = generator.permutation(np.flatnonzero(labels == label))
        part = len(rows) // 7
        validation.append(rows[:part])
        test.append(rows[part : 2 * part])
        train.append(rows[2 * part :])
    return [np.sort(np.concatenate(rows)) for rows in (train, validation, test)]
