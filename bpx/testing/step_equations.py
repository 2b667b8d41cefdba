"""A training step as a list of equations, each with its inputs and its result.

Each equation can then be computed again elsewhere, from the same numbers.
"""

import re
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, NamedTuple

from bpx import equations
from bpx._typing import Array
from bpx.arrays.registry import namespace
from bpx.layers.dense import Dense, DenseParameters
from bpx.layers.layer import learns
from bpx.layers.residual import AddSaved
from bpx.model.parameters import Gradients
from bpx.model.passes import bp2, learned
from bpx.model.run import Run, in_training
from bpx.model.spec import Spec
from bpx.training.step import Passes, State, TrainingStep, counted

__all__ = ["Equation", "Taken", "eager_step", "equations_of", "layer_of"]


class Equation(NamedTuple):
    """An equation of one layer, in one step.

    Attributes
    ----------
    name : str
    layer : int or None
        The layer, from 1; None if each array of `given` has its own.
    compute : callable
        A function of `inputs`, for any library.
    inputs : tuple of trees of arrays
    given : tree of arrays
        The result.
    scale : array of shape (), or None
        The largest sum of the magnitudes of the terms, to which rounding is relative. None
        stands for the largest number in `given`.
    terms : int
        The number of terms.
    """

    name: str
    layer: int | None
    compute: Callable[..., Any]
    inputs: tuple[Any, ...]
    given: Any
    scale: Any
    terms: int


class Taken(NamedTuple):
    """A step: its samples, the state before and after, and everything in between."""

    x: Array
    before: State
    passes: Passes
    gradients: Gradients
    after: State

    def fed(self, i: int) -> Any:
        """Return the input of ``layers[i]``: an array, or a pair for an `Add`."""
        kept, fed = self.passes.layers[i], self.passes.layers[i - 1].a if i else self.x
        return (fed, kept.skip) if isinstance(kept, AddSaved) else fed


def eager_step(step: TrainingStep, before: State, x: Array, labels: Array) -> Taken:
    """Train on one mini-batch, as the step does."""
    made = step.passes(before, x, labels)
    gradient = learned(made.run, 1.0 / x.shape[-2], made.deltas)
    after = counted(step.moved(before, gradient, made.layers))
    return Taken(x, before, made, gradient, after)


def equations_of(step: TrainingStep, taken: Taken) -> Iterator[Equation]:
    """Yield the equations of a step, in the order in which they are computed."""
    spec, depth = step.spec, len(step.spec.layers)
    for i, layer in enumerate(spec.layers):
        if isinstance(layer, Dense):
            yield _forward(taken, i)
            yield _sigma(layer, taken, i)
        else:
            yield _output(spec, taken, i)
    yield _cost(spec, taken)
    yield _bp1(spec, taken)
    yield from (_bp2(spec, taken, i) for i in reversed(range(depth - 1)))
    for i in reversed(range(depth)):
        if spec.feedback.gradients is not None and i in spec.places:
            yield _learned(spec, taken, i)
        elif isinstance(spec.layers[i], Dense):
            if taken.gradients.layers[i].b is not None:
                yield _bp3(taken, i)
            yield _bp4(taken, i)
        elif learns(taken.passes.layers[i]):
            yield _gradients(taken, i)
    yield _update(step, taken)


def layer_of(leaf: str, depth: int) -> int:
    """Return the layer of an array in a state, from its path: ``[0].w[1]`` is in layer 2."""
    found = re.search(r"(?:^|\.)[wb]\[(\d+)\]$", leaf)
    return int(found[1]) + 1 if found else depth


def _forward(taken: Taken, i: int) -> Equation:
    (w, b), kept = taken.before.parameters.layers[i], taken.passes.layers[i]
    a, z = kept.a_prev, kept.z
    products = _absolute(a) @ _absolute(w).mT
    scale = _most(products if b is None else products + _absolute(b))
    return Equation("z", i + 1, equations.forward, (w, b, a), z, scale, a.shape[-1] + 1)


def _sigma(layer: Dense, taken: Taken, i: int) -> Equation:
    kept, terms = taken.passes.layers[i], layer.n_out  # softmax sums over a row
    sigma = layer.activation.sigma
    return Equation("a", i + 1, sigma, (kept.z,), kept.a, _and_1(kept.a), terms)


def _output(spec: Spec, taken: Taken, i: int) -> Equation:
    """The whole forward pass of a layer other than Dense."""
    layer, before = spec.layers[i], taken.before
    entry, fed, given = before.parameters.layers[i], taken.fed(i), taken.passes.layers[i].a

    def a(entry: Any, fed: Any, randomness: Any) -> Any:
        return layer.forward(entry, fed, in_training(randomness, i)).a

    inputs = entry, fed, before.randomness
    return Equation("a", i + 1, a, inputs, given, _and_1(given), layer.n_in + 1)


def _cost(spec: Spec, taken: Taken) -> Equation:
    def value(z: Array, a: Array, y: Array) -> Array:
        return spec.cost.evaluate(spec.output, z, a, y)

    return _of_outputs("C", value, taken, value(*_outputs(taken)))


def _bp1(spec: Spec, taken: Taken) -> Equation:
    def delta(z: Array, a: Array, y: Array) -> Array:
        return spec.cost.delta(spec.output, z, a, y)

    return _of_outputs("BP1", delta, taken, taken.passes.deltas[-1])


def _outputs(taken: Taken) -> tuple[Array, Array, Array]:
    """z^L, a^L and y."""
    output = taken.passes.layers[-1]
    return output.z, output.a, taken.passes.run.y


def _of_outputs(
    name: str, compute: Callable[..., Array], taken: Taken, given: Array
) -> Equation:
    inputs, depth = _outputs(taken), len(taken.passes.layers)
    return Equation(name, depth, compute, inputs, given, _and_1(given), inputs[-1].shape[-1])


def _bp2(spec: Spec, taken: Taken, i: int) -> Equation:
    made, before = taken.passes, taken.before

    def delta(above: Any, *run: Any) -> Array:
        return bp2(_run(spec, *run), i, above)

    above, given = made.deltas[i + 1 :], made.deltas[i]
    entry = before.parameters.layers[i + 1]
    scale = _most(_absolute(given)) + _sent_scale(entry, above[0])
    for j in spec.skips.get(i + 1, ()):
        scale = scale + _most(_absolute(made.deltas[j]))
    inputs = above, *_of_run(taken)
    return Equation("BP2", i + 1, delta, inputs, given, scale, above[0].shape[-1])


def _of_run(taken: Taken) -> tuple[Any, ...]:
    """The arrays of a forward pass, from which `_run` rebuilds it on another backend."""
    before, run = taken.before, taken.passes.run
    return before.parameters, run.layers, run.y, before.feedback, before.randomness


def _run(
    spec: Spec, parameters: Any, layers: Any, y: Any, feedback: Any, randomness: Any
) -> Run:
    return Run(spec, parameters, layers, y, feedback, partial(in_training, randomness))


def _sent_scale(entry: Any, delta: Array) -> Array:
    """The largest sum of magnitudes in a Dense layer's product; for other layers, in delta."""
    if isinstance(entry, DenseParameters):
        return _most(_absolute(delta) @ _absolute(entry.w))
    return _most(_absolute(delta))


def _bp3(taken: Taken, i: int) -> Equation:
    delta, given = taken.passes.deltas[i], taken.gradients.layers[i].b
    compute, n = _weighted(equations.bp3, delta), delta.shape[-2]
    return Equation("BP3", i + 1, compute, (delta,), given, _most(_absolute(delta)), n)


def _bp4(taken: Taken, i: int) -> Equation:
    delta, a = taken.passes.deltas[i], taken.passes.layers[i].a_prev
    compute, n = _weighted(equations.bp4, delta), delta.shape[-2]
    scale = _most(_absolute(delta)) * _most(_absolute(a))
    return Equation("BP4", i + 1, compute, (delta, a), taken.gradients.layers[i].w, scale, n)


def _learned(spec: Spec, taken: Taken, i: int) -> Equation:
    """The gradients by a custom rule that replaces BP3 and BP4."""
    deltas, given = taken.passes.deltas, taken.gradients.layers[i]
    n = deltas[i].shape[-2]

    def found(deltas: Any, *run: Any) -> Any:
        return learned(_run(spec, *run), 1.0 / n, deltas).layers[i]

    return Equation("gradients", i + 1, found, (deltas, *_of_run(taken)), given, None, n)


def _gradients(taken: Taken, i: int) -> Equation:
    """All gradients of a layer other than Dense."""
    kept, delta, given = (
        taken.passes.layers[i],
        taken.passes.deltas[i],
        taken.gradients.layers[i],
    )
    n = delta.shape[-2]
    return Equation("BP4", i + 1, _gradients_of, (kept, delta), given, None, n)


def _gradients_of(kept: Any, delta: Array) -> Any:
    return kept.gradients(1.0 / delta.shape[-2], delta)


def _weighted(equation: Callable[..., Array], delta: Array) -> Callable[..., Array]:
    """Return the equation with the row weights 1/n."""
    return lambda *arrays: equation(1.0 / delta.shape[-2], *arrays)


def _update(step: TrainingStep, taken: Taken) -> Equation:
    """The optimizer's rule; each array of its state belongs to the layer of the same shape."""

    def moved(before: State, gradient: Gradients, layers: tuple[Any, ...]) -> State:
        return counted(step.moved(before, gradient, layers))

    inputs = taken.before, taken.gradients, taken.passes.layers
    return Equation("update", None, moved, inputs, taken.after, None, 1)


def _most(x: Array) -> Array:
    return namespace(x).max(x)


def _absolute(x: Array) -> Array:
    return namespace(x).abs(x)


def _and_1(x: Array) -> Array:
    """The largest magnitude plus 1: even small results of functions are rounded like 1."""
    return 1.0 + _most(_absolute(x))
