"""The forward and the backward pass: pure functions that keep every z, a and delta."""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from bpx._typing import Array
from bpx.errors import InputError
from bpx.layers.dense import Dense, DenseSaved
from bpx.layers.layer import Context, learns
from bpx.model.expected import (
    as_targets,
    check_home,
    check_inputs,
    check_targets,
    row_weights,
)
from bpx.model.parameters import Gradients, Parameters
from bpx.model.spec import Spec, check_feedback
from bpx.model.trace import Forward, Trace
from bpx.program.marks import equation, symbols

__all__ = [
    "Randomness",
    "backprop",
    "backward",
    "bp2",
    "costs",
    "errors_and_costs",
    "forward",
    "gradients",
    "in_training",
    "layer_by_layer",
    "saved",
    "sent",
    "sent_back",
]


class Randomness(NamedTuple):
    """What the random numbers of a training step are drawn by.

    Attributes
    ----------
    keys : tuple of arrays, shape (2,), int32, or None
        One for each layer, for `bpx.random`; None for one that draws nothing.
    step : array, shape (1,), int32
        The training steps so far.
    """

    keys: tuple[Any, ...]
    step: Any

    def counted(self) -> "Randomness":
        """Those of the next step."""
        return self._replace(step=self.step + 1)


def forward(spec: Spec, parameters: Parameters, x: Array) -> Forward:
    """Run the network forward: z^l = w^l a^{l-1} + b^l, a^l = sigma(z^l).

    Parameters
    ----------
    spec : Spec
        The layers.
    parameters : Parameters
        Their weights and biases.
    x : array, shape (n, k_0)
        One sample a row; of the parameters' library, device and dtype.

    Returns
    -------
    Forward
        Every z and a.

    Raises
    ------
    InputError
        If x has another rank or width, or no rows.
    MixedArraysError
        If x is of another library, device or dtype. Nothing is moved silently.
    """
    check_inputs(spec, parameters, x)
    return Forward(saved(spec, parameters, x))


def backprop(
    spec: Spec,
    parameters: Parameters,
    x: Array,
    y: Array,
    *,
    r: Array | float | None = None,
    feedback: tuple[Array, ...] = (),
) -> Trace:
    """Run the network forward and the errors back: BP1, BP2, BP3 and BP4.

    Parameters
    ----------
    spec, parameters, x
        As for `forward`.
    y : array, shape (n,) or (n, k_L)
        The targets, on the parameters' device: integer labels in 0 ... k_L - 1 (not checked
        here: values are not read), or numbers of the parameters' dtype (for the
        categorical cross-entropy, rows that sum to 1).
    r : array of shape (n, 1), or float, optional
        The weight of each sample in BP3 and BP4, an array of the parameters' dtype; 1/n if
        left out.
    feedback : tuple of arrays, optional
        What the spec's feedback has drawn, one for each hidden layer: ``net.feedback``.

    Returns
    -------
    Trace
        With `delta`, `cost` and `gradients`.

    Raises
    ------
    InputError
        If a shape does not fit.
    MixedArraysError
        If an array is of another library, device or dtype than the parameters.

    Notes
    -----
    The network is run as it is outside training: nothing is dropped.
    """
    layers, deltas, cost = errors_and_costs(spec, parameters, x, y, feedback)
    return Trace(layers, deltas, cost, gradients(row_weights(x, r), layers, deltas))


def errors_and_costs(
    spec: Spec,
    parameters: Parameters,
    x: Array,
    y: Array,
    feedback: tuple[Array, ...] = (),
) -> tuple[tuple[Any, ...], tuple[Array, ...], Array]:
    """`backprop` up to BP2: the layers, the deltas and the costs; and the same errors."""
    check_inputs(spec, parameters, x)
    check_targets(spec, parameters, x, y)
    check_feedback(spec, feedback)
    for array in feedback:
        check_home(parameters.w[0], "feedback", array, integers=True)
    layers, targets = saved(spec, parameters, x), as_targets(spec, y, x)
    deltas = backward(spec, parameters, layers, targets, feedback)
    return layers, deltas, costs(spec, layers[-1], targets)


def layer_by_layer(
    spec: Spec,
    parameters: Parameters,
    x: Array,
    contexts: Callable[[int], Context] = lambda i: Context(),
) -> Iterator[Any]:
    """What each layer saves of its forward pass, in turn.

    Parameters
    ----------
    spec, parameters, x
        As for `forward`.
    contexts : callable, optional
        What ``layers[i]`` is told: left out, that this is no training. See `in_training`.
    """
    a = x
    for i, (layer, entry) in enumerate(zip(spec.layers, parameters.layers, strict=True)):
        kept = _forward(layer, entry, a, contexts(i))
        yield kept
        a = kept.a


@symbols(label="{layer.kind}")
def _forward(layer: Any, entry: Any, a: Array, context: Context) -> Any:
    return layer.forward(entry, a, context)


def saved(spec: Spec, parameters: Parameters, x: Array) -> tuple[Any, ...]:
    """What each layer saves of its forward pass outside training."""
    return tuple(layer_by_layer(spec, parameters, x))


def in_training(randomness: Randomness | None, i: int) -> Context:
    """What ``layers[i]`` is told in a training step; None is of layers that draw nothing."""
    if randomness is None:
        return Context(True)
    return Context(True, randomness.keys[i], randomness.step)


def costs(spec: Spec, output: DenseSaved, y: Array) -> Array:
    """C_x of each sample, shape (n,), from what the last layer saved. y has shape (n, k_L)."""
    value, shape = spec.cost.evaluate(spec.output, output.z, output.a, y), output.a.shape[:-1]
    if getattr(value, "shape", None) not in (shape, y.shape[:-1]):
        given = f"shape {tuple(value.shape)}" if hasattr(value, "shape") else repr(value)
        raise InputError(
            f"value of the cost {spec.cost.name!r} gave {given}; expected shape "
            f"{tuple(shape)}, one number for each sample, such as a sum over axis=-1"
        )
    return value


def backward(
    spec: Spec,
    parameters: Parameters,
    layers: tuple[Any, ...],
    y: Array,
    feedback: tuple[Array, ...] = (),
) -> tuple[Array, ...]:
    """Every delta: the output's error by BP1, sent back by BP2. y has shape (n, k_L)."""
    output = layers[-1]
    delta = spec.cost.delta(spec.output, output.z, output.a, y)
    return sent_back(spec, parameters, layers, delta, feedback)


def sent_back(
    spec: Spec,
    parameters: Parameters,
    layers: tuple[Any, ...],
    delta: Array,
    feedback: tuple[Array, ...] = (),
) -> tuple[Array, ...]:
    """Every delta from the last layer's, shape (n, k_L), by BP2 with the spec's feedback."""
    deltas: tuple[Array, ...] = (delta,)
    for i in reversed(range(len(layers) - 1)):
        deltas = (bp2(spec, parameters, layers, i, deltas, feedback), *deltas)
    return deltas


@equation("delta^l", "BP2", of="kept.z")
def bp2(
    spec: Spec,
    parameters: Parameters,
    layers: tuple[Any, ...],
    i: int,
    deltas: tuple[Array, ...],
    feedback: tuple[Array, ...],
) -> Array:
    """The delta of layer i, from those of the layers above it."""
    kept = layers[i]
    delta: Array = spec.layers[i].error(
        kept, sent(spec, parameters, layers, i, deltas, feedback)
    )
    return delta


def sent(
    spec: Spec,
    parameters: Parameters,
    layers: tuple[Any, ...],
    i: int,
    deltas: tuple[Array, ...],
    feedback: tuple[Array, ...],
) -> Array:
    """What the layer above i sends back to it: of a Dense one, as the spec's feedback says.

    The feedback sees the weights and the errors of the Dense layers alone.
    """
    above, depth = i + 1, spec.dense_below(i + 1)
    if depth == 0 or not isinstance(spec.layers[above], Dense):
        return spec.layers[above].send_back(parameters.layers[above], layers[above], deltas[0])
    errors = deltas  # a matrix is applied to the first or the last, which are Dense layers'
    if spec.feedback.send is not None:
        pairs = zip(spec.layers[above:], deltas, strict=True)
        errors = tuple(delta for layer, delta in pairs if isinstance(layer, Dense))
    B = feedback[depth - 1] if feedback else None
    return spec.feedback.sent(layers[i].a, parameters.w[depth:], errors, B)


def gradients(
    r: Array | float, layers: tuple[Any, ...], deltas: tuple[Array, ...]
) -> Gradients:
    """BP4 and BP3 for every layer that learns, the samples weighted by r."""
    each = zip(layers, deltas, strict=True)
    return Gradients(kept.gradients(r, delta) if learns(kept) else () for kept, delta in each)
