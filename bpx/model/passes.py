"""The forward and the backward pass: pure functions that keep every z, a and delta."""

from typing import Any

from bpx._typing import Array
from bpx.layers.dense import Dense
from bpx.layers.layer import learns
from bpx.model.expected import (
    as_targets,
    check_home,
    check_inputs,
    check_targets,
    row_weights,
)
from bpx.model.parameters import Gradients, Parameters
from bpx.model.run import Run, costs, saved
from bpx.model.skips import returned
from bpx.model.spec import Spec, check_feedback
from bpx.model.trace import Forward, Trace
from bpx.model.view import rule_gradients
from bpx.program.marks import equation

__all__ = [
    "backprop",
    "backward",
    "bp2",
    "errors_and_costs",
    "forward",
    "gradients",
    "learned",
    "reached",
    "sent",
    "sent_back",
    "to_inputs",
]


def forward(spec: Spec, parameters: Parameters, x: Array) -> Forward:
    """Run the network forward: z^l = w^l a^{l-1} + b^l, a^l = sigma(z^l).

    Parameters
    ----------
    spec : Spec
        The layers.
    parameters : Parameters
        Their weights and biases.
    x : array, shape (n, k_0)
        One sample per row; of the parameters' library, device and dtype.

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
        The weight of each sample in BP3 and BP4, an array of the parameters' dtype. By
        default 1/n.
    feedback : tuple of arrays, optional
        The arrays that the spec's feedback has drawn, one for each hidden layer:
        ``net.feedback``.

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
    The network runs as it does outside training: dropout is off.
    """
    run, deltas, cost = errors_and_costs(spec, parameters, x, y, feedback)
    return Trace(run.layers, deltas, cost, learned(run, row_weights(x, r), deltas))


def errors_and_costs(
    spec: Spec,
    parameters: Parameters,
    x: Array,
    y: Array,
    feedback: tuple[Array, ...] = (),
) -> tuple[Run, tuple[Array, ...], Array]:
    """Run `backprop` up to BP2, with the same errors; return the run, the deltas, the costs."""
    check_inputs(spec, parameters, x)
    check_targets(spec, parameters, x, y)
    check_feedback(spec, feedback)
    for array in feedback:
        check_home(parameters.w[0], "feedback", array, integers=True)
    run = Run(spec, parameters, saved(spec, parameters, x), as_targets(spec, y, x), feedback)
    return run, backward(run), costs(spec, run.layers[-1], run.y)


def backward(run: Run) -> tuple[Array, ...]:
    """Compute every delta: the output's error by BP1, sent back by BP2."""
    spec, output = run.spec, run.layers[-1]
    return sent_back(run, spec.cost.delta(spec.output, output.z, output.a, run.y))


def sent_back(run: Run, delta: Array, last: int | None = None) -> tuple[Array, ...]:
    """Compute every delta from that of ``layers[last]``, by BP2 with the spec's feedback.

    By default that is the output's delta, shape (n, k_L).
    """
    deltas: tuple[Array, ...] = (delta,)
    for i in reversed(range(len(run.layers) - 1 if last is None else last)):
        deltas = (bp2(run, i, deltas), *deltas)
    return deltas


@equation("delta^l", "BP2", of="kept.z")
def bp2(run: Run, i: int, deltas: tuple[Array, ...]) -> Array:
    """The delta of layer i, from those of the layers above it."""
    kept = run.layers[i]
    delta: Array = run.spec.layers[i].error(kept, reached(run, i, deltas))
    return delta


@equation(label="BP2")
def reached(run: Run, i: int, deltas: tuple[Array, ...]) -> Array:
    """The signal that reaches the output of layer i, from layer i + 1 and through skips.

    The output of layer -1 are the inputs.
    """
    return returned(run.spec.skips, i + 1, sent(run, i, deltas), deltas)


def sent(run: Run, i: int, deltas: tuple[Array, ...]) -> Array:
    """The signal that layer i + 1 sends back to layer i.

    A Dense layer sends it by the spec's feedback, which sees only the Dense layers.
    """
    spec, above, number = run.spec, i + 1, run.spec.dense_below(i + 1)
    if number == 0 or not isinstance(spec.layers[above], Dense):
        entry = run.parameters.layers[above]
        return spec.layers[above].send_back(entry, run.layers[above], deltas[0])
    errors = deltas  # a matrix applies to the first or the last, which belong to Dense layers
    if spec.feedback.matrix is None:
        pairs = zip(spec.layers[above:], deltas, strict=True)
        errors = tuple(delta for layer, delta in pairs if isinstance(layer, Dense))
    w, B = run.parameters.w[number:], run.array(number)
    return spec.feedback.sent(run.layers[i].a, w, errors, B, lambda: run.view(number))


def to_inputs(run: Run, deltas: tuple[Array, ...]) -> Array:
    """The signal that reaches the inputs: (w^1)^T delta^1 and that of skips, (n, k_0)."""
    return reached(run, -1, deltas)


def learned(run: Run, r: Array | float, deltas: tuple[Array, ...]) -> Gradients:
    """The layers' gradients with row weights r, by BP4 and BP3 or by the feedback's rule."""
    rule, places = run.spec.feedback, run.spec.places
    if rule.gradients is None:
        return gradients(r, run.layers, deltas)
    found: list[Any] = []
    for i, (kept, delta) in enumerate(zip(run.layers, deltas, strict=True)):
        given = None
        if i in places:
            given = rule_gradients(rule, run.view(places.index(i) + 1), delta, r)
        found += gradients(r, (kept,), (delta,)).layers if given is None else (given,)
    return Gradients(found)


def gradients(
    r: Array | float, layers: tuple[Any, ...], deltas: tuple[Array, ...]
) -> Gradients:
    """Apply BP4 and BP3 to every layer that learns, with row weights r."""
    each = zip(layers, deltas, strict=True)
    return Gradients(kept.gradients(r, delta) if learns(kept) else () for kept, delta in each)
