"""What counts as a right answer."""

from typing import Literal

from bpx._typing import Array
from bpx.arrays.registry import namespace

__all__ = ["Accuracy", "answers", "hits"]

Accuracy = Literal["argmax", "threshold"] | None
"""How a right answer is told: the largest output, an output above 1/2, or not at all."""


def answers(accuracy: Accuracy, x: Array, y: Array) -> Array:
    """The targets that `hits` takes, shape (n,): y itself, or a column (n, 1) as a row."""
    return namespace(y).reshape(y, x.shape[:-1]) if accuracy == "threshold" else y


def hits(accuracy: Accuracy, a: Array, y: Array) -> Array | None:
    """1 for each sample that is answered rightly, else 0, shape (n,), of the dtype of a.

    y are the labels, or the numbers that `answers` makes of a column.
    """
    xp = namespace(a)
    if accuracy == "argmax":
        right = xp.argmax(a, axis=-1) == y
    elif accuracy == "threshold":
        right = (a[..., 0] > 0.5) == (y > 0.5)
    else:
        return None
    return xp.astype(right, a.dtype)
