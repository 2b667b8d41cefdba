"""A training step that was taken, as a list of equations: what each was given, what it gave.

So each of them can be computed once more somewhere else, from the same numbers.
"""

import re
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from bpx import equations
from bpx._typing import Array
from bpx.backend import namespace
from bpx.optimizers import Update
from bpx.passes import gradients, sent_back, zs_and_activations
from bpx.spec import Gradients, Parameters, Spec
from bpx.step import joined, parted

__all__ = ["Equation", "Taken", "Trained", "eager_step", "equations_of", "layer_of"]


class Equation(NamedTuple):
    """An equation of one layer, in one step.

    Attributes
    ----------
    name : str
    layer : int or None
        Counted from 1; None where the arrays of `given` have each their own.
    compute : callable
        Of `inputs`, on any library.
    inputs : tuple of trees of arrays
    given : tree of arrays
        What it gave.
    scale : array of shape (), or None
        The largest sum of the magnitudes of what is added up: what rounding is relative to.
        None for the largest number that was given.
    terms : int
        How many are added up.
    """

    name: str
    layer: int | None
    compute: Callable[..., Any]
    inputs: tuple[Any, ...]
    given: Any
    scale: Any
    terms: int


class Trained(NamedTuple):
    """What a step moves.

    Attributes
    ----------
    parameters : Parameters
    optimizer : tree of arrays
    feedback : tuple of arrays
    """

    parameters: Parameters
    optimizer: Any
    feedback: tuple[Array, ...]


class Taken(NamedTuple):
    """A step that was taken: what was before it and after, and everything between."""

    before: Trained
    y: Array
    z: tuple[Array, ...]
    a: tuple[Array, ...]
    delta: tuple[Array, ...]
    gradients: Gradients
    after: Trained


def eager_step(spec: Spec, update: Update, before: Trained, x: Array, y: Array) -> Taken:
    """Train on one mini-batch; y has shape (n, k_L)."""
    z, a = zs_and_activations(spec, before.parameters, x)
    output_error = spec.cost.delta(spec.output, z[-1], a[-1], y)
    delta = sent_back(spec, before.parameters, z, a, output_error, before.feedback)
    gradient = gradients(1.0 / x.shape[0], delta, a)
    after = _move(spec, update)(gradient, before)
    return Taken(before, y, z, a, delta, gradient, after)


def equations_of(spec: Spec, update: Update, taken: Taken) -> Iterator[Equation]:
    """The equations of a step in the order in which they are computed."""
    layers = range(1, len(spec.layers) + 1)
    for layer in layers:
        yield _forward(taken, layer)
        yield _sigma(spec, taken, layer)
    yield _cost(spec, taken)
    yield _bp1(spec, taken)
    yield from (_bp2(spec, taken, layer) for layer in reversed(layers[:-1]))
    for layer in reversed(layers):
        yield _bp3(taken, layer)
        yield _bp4(taken, layer)
    yield _update(spec, update, taken)


def layer_of(leaf: str, depth: int) -> int:
    """The layer that an array of a state belongs to, by its place: ``[0].w[1]`` is of 2."""
    found = re.search(r"(?:^|\.)[wb]\[(\d+)\]$", leaf)
    return int(found[1]) + 1 if found else depth


def _forward(taken: Taken, layer: int) -> Equation:
    i = layer - 1
    w, b, a = taken.before.parameters.w[i], taken.before.parameters.b[i], taken.a[i]
    scale = _most(_absolute(a) @ _absolute(w).mT + _absolute(b))
    inputs, terms = (w, b, a), a.shape[1] + 1
    return Equation("z", layer, equations.forward, inputs, taken.z[i], scale, terms)


def _sigma(spec: Spec, taken: Taken, layer: int) -> Equation:
    activation, z, a = spec.layers[layer - 1].activation, taken.z[layer - 1], taken.a[layer]
    terms = z.shape[1]  # softmax sums a row up
    return Equation("a", layer, activation.sigma, (z,), a, _and_1(a), terms)


def _cost(spec: Spec, taken: Taken) -> Equation:
    def costs(z: Array, a: Array, y: Array) -> Array:
        return spec.cost.evaluate(spec.output, z, a, y)

    inputs, terms = (taken.z[-1], taken.a[-1], taken.y), taken.y.shape[1]
    given = costs(*inputs)
    return Equation("C", len(spec.layers), costs, inputs, given, _and_1(given), terms)


def _bp1(spec: Spec, taken: Taken) -> Equation:
    def delta(z: Array, a: Array, y: Array) -> Array:
        return spec.cost.delta(spec.output, z, a, y)

    given, terms = taken.delta[-1], taken.y.shape[1]
    inputs = taken.z[-1], taken.a[-1], taken.y
    return Equation("BP1", len(spec.layers), delta, inputs, given, _and_1(given), terms)


def _bp2(spec: Spec, taken: Taken, layer: int) -> Equation:
    sigma, i = spec.layers[layer - 1].activation, layer - 1

    def delta(z: Array, a: Array, w: tuple[Array, ...], above: Any, B: Any) -> Array:
        return spec.feedback.bp2(sigma, z, a, w, above, B[0] if B else None)

    w, above = taken.before.parameters.w[layer:], taken.delta[layer:]
    B = taken.before.feedback[i : i + 1]
    inputs, terms = (taken.z[i], taken.a[layer], w, above, B), w[0].shape[0]
    scale = _most(_absolute(above[0]) @ _absolute(w[0])) + _most(_absolute(taken.delta[i]))
    return Equation("BP2", layer, delta, inputs, taken.delta[i], scale, terms)


def _bp3(taken: Taken, layer: int) -> Equation:
    delta, n = taken.delta[layer - 1], taken.y.shape[0]
    given, scale = taken.gradients.b[layer - 1], _most(_absolute(delta))
    return Equation("BP3", layer, _mean_of(equations.bp3, n), (delta,), given, scale, n)


def _bp4(taken: Taken, layer: int) -> Equation:
    delta, a, n = taken.delta[layer - 1], taken.a[layer - 1], taken.y.shape[0]
    given, scale = taken.gradients.w[layer - 1], _most(_absolute(delta)) * _most(_absolute(a))
    return Equation("BP4", layer, _mean_of(equations.bp4, n), (delta, a), given, scale, n)


def _mean_of(equation: Callable[..., Array], n: int) -> Callable[..., Array]:
    return lambda *arrays: equation(1.0 / n, *arrays)


def _update(spec: Spec, update: Update, taken: Taken) -> Equation:
    """The optimizer's rule; its state belongs to the layers whose shapes it has."""
    inputs = taken.gradients, taken.before
    return Equation("update", None, _move(spec, update), inputs, taken.after, None, 1)


def _move(spec: Spec, update: Update) -> Callable[[Gradients, Trained], Trained]:
    def move(gradient: Gradients, before: Trained) -> Trained:
        entered = joined(spec, before.parameters, before.feedback)
        moved, optimizer = update(
            joined(spec, gradient, gradient.w[1:]), before.optimizer, entered
        )
        parameters, feedback = parted(spec, moved, before.feedback)
        return Trained(parameters, optimizer, feedback)

    return move


def _most(x: Array) -> Array:
    return namespace(x).max(x)


def _absolute(x: Array) -> Array:
    return namespace(x).abs(x)


def _and_1(x: Array) -> Array:
    """The largest, and 1: functions of numbers of about 1 round so, small as they may be."""
    return 1.0 + _most(_absolute(x))
