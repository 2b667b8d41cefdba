"""`LayerView`: the layer as a custom feedback rule sees it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from bpx._typing import Array
from bpx.errors import InputError
from bpx.feedback import Feedback
from bpx.layers.dense import DenseParameters
from bpx.program.marks import equation

__all__ = ["LayerView", "rule_gradients"]


@dataclass(frozen=True, eq=False)
class LayerView:
    """A Dense layer in the middle of a pass: see `bpx.feedback.Feedback`.

    All arrays are at the network's home and of its dtype, except B of a `redrawn` rule.

    Attributes
    ----------
    number : int
        l, counted from 1.
    w : array, shape (k_l, k_{l-1})
        Its weights.
    b : array, shape (k_l,), or None
        Its biases; None for a layer without biases.
    a_prev : array, shape (n, k_{l-1})
        Its inputs.
    z : array, shape (n, k_l)
        Its weighted inputs.
    a : array, shape (n, k_l)
        The inputs of the next Dense layer, or the output: sigma(z), after any layers in
        between, such as `Dropout`, or the sum at the end of a `bpx.Residual`.
    y : array, shape (n, k_L)
        The targets as numbers: labels are one-hot.
    above : tuple of arrays
        The weights w^{l+1}, ..., w^L of the Dense layers above it.
    B : array or None
        Its own array, if the rule draws one.
    cost : callable
        ``cost(z)`` is C_x of each sample, shape (n,), if z were its weighted inputs and all
        layers above ran as in this pass.
    """

    number: int
    w: Array
    b: Any
    a_prev: Array
    z: Array
    a: Array
    y: Array
    above: tuple[Array, ...]
    B: Array | None
    cost: Callable[[Array], Array]

    @property
    def is_output(self) -> bool:
        """Whether it is layer L."""
        return not self.above


@equation("dw^l", "{rule.name}", of="layer.z")
@equation("db^l", "{rule.name}", of="layer.z")
def rule_gradients(
    rule: Feedback, layer: LayerView, delta: Array, r: Array | float
) -> DenseParameters | None:
    """Return the rule's gradients in place of BP4 and BP3, or None if it keeps these two.

    Raises
    ------
    InputError
        If the rule does not return a pair of arrays with the shapes of w and b; the second is
        None for a layer without biases.
    """
    found = None if rule.gradients is None else rule.gradients(layer, delta, r)
    if found is None:
        return None
    pair = found if isinstance(found, tuple | list) else (found,)
    expected = [_shape(layer.w), _shape(layer.b)]
    if [_shape(each) for each in pair] != expected or (layer.b is None) != (pair[1] is None):
        of_b = (
            "None, since there are no biases"
            if layer.b is None
            else f"of b, shape {expected[1]}"
        )
        raise InputError(
            f"gradients of the feedback {rule.name!r}, layer {layer.number}, gave "
            f"{' and '.join(map(_told, pair)) or 'no arrays'}; expected a pair, the gradient "
            f"of w, shape {expected[0]}, and {of_b}; or None, to keep BP4 and BP3"
        )
    dw, db = pair
    return DenseParameters(dw, db)


def _shape(value: Any) -> tuple[int, ...] | None:
    return tuple(value.shape) if hasattr(value, "shape") else None


def _told(value: Any) -> str:
    return repr(value) if _shape(value) is None else f"shape {_shape(value)}"
