"""The rules that decide whether an answer is right."""

from typing import Literal

from bpx._typing import Array
from bpx.arrays.registry import namespace
from bpx.model.spec import Spec

__all__ = ["Accuracy", "answers", "hits", "single_rule"]

Accuracy = Literal["argmax", "threshold", "sign"] | None
"""The rule for a right answer: the largest output, an output above 1/2, one above 0, or None
for no rule."""


def single_rule(spec: Spec) -> Accuracy:
    """Return the rule for a single output whose targets are 0 or 1."""
    if spec.cost.targets == "binary":
        return "sign"
    return "threshold" if spec.output.name == "sigmoid" else None


def answers(accuracy: Accuracy, x: Array, y: Array) -> Array:
    """Return the targets that `hits` takes, shape (n,): y, or a column (n, 1) reshaped."""
    single = accuracy in ("threshold", "sign")
    return namespace(y).reshape(y, x.shape[:-1]) if single else y


def hits(accuracy: Accuracy, a: Array, y: Array) -> Array | None:
    """Return 1 for each sample with a right answer, else 0: shape (n,), of the dtype of a.

    y holds the labels, or the numbers that `answers` makes of a column.
    """
    xp = namespace(a)
    if accuracy == "argmax":
        right = xp.argmax(a, axis=-1) == y
    elif accuracy == "threshold":
        right = (a[..., 0] > 0.5) == (y > 0.5)
    elif accuracy == "sign":
        right = (a[..., 0] > 0.0) == (y > 0.5)
    else:
        return None
    return xp.astype(right, a.dtype)
