"""A training step that was taken, as a list of equations: what each was given, what it gave.

So each of them can be computed once more somewhere else, from the same numbers.
"""

import re
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from bpx import equations
from bpx._typing import Array
from bpx.arrays.registry import namespace
from bpx.model.passes import gradients
from bpx.model.spec import Gradients, Spec
from bpx.training.step import Passed, State, TrainingStep

__all__ = ["Equation", "Taken", "eager_step", "equations_of", "layer_of"]


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


class Taken(NamedTuple):
    """A step that was taken: the state before it and after, and everything between."""

    before: State
    passed: Passed
    gradients: Gradients
    after: State


def eager_step(step: TrainingStep, before: State, x: Array, labels: Array) -> Taken:
    """Train on one mini-batch, as the step does."""
    passed = step.passed(before, x, labels)
    gradient = gradients(1.0 / x.shape[0], passed.delta, passed.a)
    return Taken(before, passed, gradient, step.moved(before, gradient))


def equations_of(step: TrainingStep, taken: Taken) -> Iterator[Equation]:
    """The equations of a step in the order in which they are computed."""
    spec, layers = step.spec, range(1, len(step.spec.layers) + 1)
    for layer in layers:
        yield _forward(taken, layer)
        yield _sigma(spec, taken, layer)
    yield _cost(spec, taken)
    yield _bp1(spec, taken)
    yield from (_bp2(spec, taken, layer) for layer in reversed(layers[:-1]))
    for layer in reversed(layers):
        yield _bp3(taken, layer)
        yield _bp4(taken, layer)
    yield _update(step, taken)


def layer_of(leaf: str, depth: int) -> int:
    """The layer that an array of a state belongs to, by its place: ``[0].w[1]`` is of 2."""
    found = re.search(r"(?:^|\.)[wb]\[(\d+)\]$", leaf)
    return int(found[1]) + 1 if found else depth


def _forward(taken: Taken, layer: int) -> Equation:
    (w, b), passed = (each[layer - 1] for each in taken.before.parameters), taken.passed
    a, z = passed.a[layer - 1], passed.z[layer - 1]
    scale = _most(_absolute(a) @ _absolute(w).mT + _absolute(b))
    return Equation("z", layer, equations.forward, (w, b, a), z, scale, a.shape[1] + 1)


def _sigma(spec: Spec, taken: Taken, layer: int) -> Equation:
    sigma, z = spec.layers[layer - 1].activation.sigma, taken.passed.z[layer - 1]
    a, terms = taken.passed.a[layer], z.shape[1]  # softmax sums a row up
    return Equation("a", layer, sigma, (z,), a, _and_1(a), terms)


def _cost(spec: Spec, taken: Taken) -> Equation:
    def costs(z: Array, a: Array, y: Array) -> Array:
        return spec.cost.evaluate(spec.output, z, a, y)

    return _of_outputs("C", costs, taken, costs(*_outputs(taken)))


def _bp1(spec: Spec, taken: Taken) -> Equation:
    def delta(z: Array, a: Array, y: Array) -> Array:
        return spec.cost.delta(spec.output, z, a, y)

    return _of_outputs("BP1", delta, taken, taken.passed.delta[-1])


def _outputs(taken: Taken) -> tuple[Array, Array, Array]:
    """z^L, a^L and y."""
    return taken.passed.z[-1], taken.passed.a[-1], taken.passed.y


def _of_outputs(
    name: str, compute: Callable[..., Array], taken: Taken, given: Array
) -> Equation:
    inputs, depth = _outputs(taken), len(taken.passed.z)
    return Equation(name, depth, compute, inputs, given, _and_1(given), inputs[-1].shape[1])


def _bp2(spec: Spec, taken: Taken, layer: int) -> Equation:
    sigma, passed, i = spec.layers[layer - 1].activation, taken.passed, layer - 1

    def delta(z: Array, a: Array, w: tuple[Array, ...], above: Any, B: Any) -> Array:
        return spec.feedback.bp2(sigma, z, a, w, above, B[0] if B else None)

    w, above = taken.before.parameters.w[layer:], passed.delta[layer:]
    B, given = taken.before.feedback[i : i + 1], passed.delta[i]
    scale = _most(_absolute(above[0]) @ _absolute(w[0])) + _most(_absolute(given))
    inputs = passed.z[i], passed.a[layer], w, above, B
    return Equation("BP2", layer, delta, inputs, given, scale, w[0].shape[0])


def _bp3(taken: Taken, layer: int) -> Equation:
    delta, given = taken.passed.delta[layer - 1], taken.gradients.b[layer - 1]
    compute, n = _weighted(equations.bp3, delta), delta.shape[0]
    return Equation("BP3", layer, compute, (delta,), given, _most(_absolute(delta)), n)


def _bp4(taken: Taken, layer: int) -> Equation:
    delta, a = taken.passed.delta[layer - 1], taken.passed.a[layer - 1]
    compute, n = _weighted(equations.bp4, delta), delta.shape[0]
    given, scale = taken.gradients.w[layer - 1], _most(_absolute(delta)) * _most(_absolute(a))
    return Equation("BP4", layer, compute, (delta, a), given, scale, n)


def _weighted(equation: Callable[..., Array], delta: Array) -> Callable[..., Array]:
    """The equation with the row weights 1/n."""
    return lambda *arrays: equation(1.0 / delta.shape[0], *arrays)


def _update(step: TrainingStep, taken: Taken) -> Equation:
    """The optimizer's rule; its state belongs to the layers whose shapes it has."""

    def moved(before: State, gradient: Gradients) -> State:
        return step.moved(before, gradient)

    inputs = taken.before, taken.gradients
    return Equation("update", None, moved, inputs, taken.after, None, 1)


def _most(x: Array) -> Array:
    return namespace(x).max(x)


def _absolute(x: Array) -> Array:
    return namespace(x).abs(x)


def _and_1(x: Array) -> Array:
    """The largest, and 1: functions of numbers of about 1 round so, small as they may be."""
    return 1.0 + _most(_absolute(x))
