"""A dry run on a few samples, which names each part that returns a wrong shape or dtype."""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from bpx._typing import Array
from bpx.activations import Elementwise
from bpx.errors import InputError
from bpx.layers.dense import Dense
from bpx.layers.layer import Context
from bpx.model.expected import as_targets
from bpx.model.parameters import Parameters
from bpx.model.passes import bp2, gradients, sent
from bpx.model.run import Run, costs, layer_by_layer, outside
from bpx.model.spec import Spec
from bpx.model.view import rule_gradients

__all__ = ["Part", "dry_run", "parts"]


class Part(NamedTuple):
    """The result of a part of a network, with the required shape and dtype.

    Attributes
    ----------
    what : str
        The function, its owner, and its layer, for messages.
    given : array
        The result, which may also be another object.
    shape : tuple of int, or None
        The required shape; None if the layer itself decides.
    like : array
        An array of the required dtype.
    """

    what: str
    given: Any
    shape: tuple[int, ...] | None
    like: Array

    def check(self) -> None:
        """Refuse a result of another shape or dtype."""
        given, dtype = self.given, self.like.dtype
        shape = None if self.shape is None else tuple(self.shape)
        if not hasattr(given, "shape") or not hasattr(given, "dtype"):
            of = "" if shape is None else f" of shape {shape}"
            raise InputError(f"{self.what} gave {given!r}; expected an array{of}")
        if given.dtype != dtype or (shape is not None and tuple(given.shape) != shape):
            of = "" if shape is None else f"shape {shape}, "
            raise InputError(
                f"{self.what} gave shape {tuple(given.shape)}, {given.dtype}; expected "
                f"{of}{dtype}: use operators, bpx.namespace and Python numbers, which keep "
                "both (but where(c, 1.0, 0.0) of two numbers is float64 on NumPy)"
            )


def dry_run(
    spec: Spec,
    parameters: Parameters,
    x: Array,
    y: Array,
    feedback: tuple[Array, ...] = (),
) -> None:
    """Refuse parts that return a wrong shape or dtype.

    Parameters
    ----------
    spec, parameters
        The network.
    x, y : arrays, of a few samples
        At its home.
    feedback : tuple of arrays, optional
        The arrays that the spec's feedback has drawn.

    Raises
    ------
    InputError
        Naming the layer, the function, its result and the expected one.
    """
    for part in parts(spec, parameters, x, y, feedback):
        part.check()


def parts(
    spec: Spec,
    parameters: Parameters,
    x: Array,
    y: Array,
    feedback: tuple[Array, ...] = (),
    contexts: Callable[[int], Context] = outside,
) -> Iterator[Part]:
    """Yield the result of each part, in the order in which the passes compute them.

    Check each result before you ask for the next one: a part may fail on a wrong result of the
    part before it, with an error that names neither.
    """
    saved: list[Any] = []
    rows = *parameters.w[0].shape[:-2], x.shape[-2]
    for number, kept in enumerate(layer_by_layer(spec, parameters, x, contexts), 1):
        yield from _of_output(spec.layers[number - 1], number, kept, rows, x)
        saved.append(kept)
    layers, targets, cost = tuple(saved), as_targets(spec, y, x), spec.cost
    run = Run(spec, parameters, layers, targets, feedback, contexts)
    output = layers[-1]
    yield Part(f"value of the cost {cost.name!r}", costs(spec, output, targets), rows, x)
    if cost.pair(spec.output) is None:
        grad_a = cost.grad_a(output.a, targets)
        yield Part(f"grad_a of the cost {cost.name!r}", grad_a, output.a.shape, x)
    deltas: tuple[Array, ...] = (cost.delta(spec.output, output.z, output.a, targets),)
    yield _of_delta(spec, len(layers) - 1, deltas[0], output.a)
    for i in reversed(range(len(layers) - 1)):
        yield from _of_feedback(run, i, deltas)
        deltas = (bp2(run, i, deltas), *deltas)
        yield _of_delta(spec, i, deltas[0], layers[i].a)
    yield from _of_gradients(run, deltas)


def _of_output(
    layer: Any, number: int, kept: Any, rows: tuple[int, ...], x: Array
) -> Iterator[Part]:
    shape = (*rows, layer.n_out)
    if not isinstance(layer, Dense):
        if not hasattr(kept, "a"):
            raise InputError(
                f"forward of layer {number}, {layer.kind!r}, gave a {type(kept).__name__}; "
                "expected a named tuple with a field a, the output"
            )
        yield Part(f"the output of layer {number}, {layer.kind!r},", kept.a, shape, x)
        return
    sigma = layer.activation
    yield Part(f"sigma of {sigma.name!r}, layer {number},", kept.a, shape, x)
    if isinstance(sigma, Elementwise):
        prime = sigma.sigma_prime(kept.z, kept.a)
        yield Part(f"sigma_prime of {sigma.name!r}, layer {number},", prime, shape, x)


def _of_delta(spec: Spec, i: int, delta: Array, a: Array) -> Part:
    layer = spec.layers[i]
    if isinstance(layer, Dense):
        what = f"the pullback of {layer.activation.name!r}, layer {i + 1},"
        return Part(what, delta, a.shape, a)
    return Part(f"error of layer {i + 1}, {layer.kind!r},", delta, None, a)


def _of_feedback(run: Run, i: int, deltas: tuple[Array, ...]) -> Iterator[Part]:
    """Yield the signal that the layer above sends back, by the feedback's rule or by itself."""
    spec, a = run.spec, run.layers[i].a
    rule, above = spec.feedback, spec.layers[i + 1]
    if not isinstance(above, Dense):
        g = sent(run, i, deltas)
        yield Part(f"send_back of layer {i + 2}, {above.kind!r},", g, a.shape, a)
        return
    below = spec.dense_below(i + 1)
    if below == 0:
        return
    w, B = run.parameters.w[below:], run.array(below)
    if rule.matrix is not None:
        last = w[-1 if rule.direct else 0].shape[-2], a.shape[-1]
        what = f"matrix of the feedback {rule.name!r}, layer {i + 1},"
        yield Part(what, rule.matrix(w, B), (*w[0].shape[:-2], *last), a)
        return
    pairs = zip(spec.layers[i + 1 :], deltas, strict=True)
    errors = tuple(delta for layer, delta in pairs if isinstance(layer, Dense))
    what = f"of the feedback {rule.name!r}, layer {i + 1},"
    if rule.send is not None:
        yield Part(f"send {what}", rule.send(w, errors, B), a.shape, a)
    elif rule.local is not None:
        yield Part(f"local {what}", rule.local(run.view(below), errors), a.shape, a)


def _of_gradients(run: Run, deltas: tuple[Array, ...]) -> Iterator[Part]:
    """Yield the gradients of the layers, field by field, and those of the feedback's rule."""
    spec, parameters = run.spec, run.parameters
    made = gradients(0.5, run.layers, deltas)
    pairs = zip(spec.layers, parameters.layers, made.layers, strict=True)
    for number, (layer, entry, gradient) in enumerate(pairs, 1):
        fields = getattr(entry, "_fields", ())
        if getattr(gradient, "_fields", ()) != fields:
            raise InputError(
                f"gradients of layer {number}, {layer.kind!r}, gave {gradient!r}; expected the "
                f"fields {', '.join(fields)}, in this order"
            )
        for field in getattr(layer, "learned", layer.shapes):
            was, given = getattr(entry, field), getattr(gradient, field)
            what = f"{field} of the gradients of layer {number}, {layer.kind!r},"
            yield Part(what, given, was.shape, was)
    for number, i in enumerate(spec.places, 1):
        # The row weights are a number or, with weights of samples, a column.
        for r in (0.5, 0.0 * deltas[i][..., :1] + 0.5):
            own = rule_gradients(spec.feedback, run.view(number), deltas[i], r)
            for field in () if own is None else spec.layers[i].shapes:
                was, given = getattr(parameters.layers[i], field), getattr(own, field)
                what = f"{field} of the gradients of the feedback {spec.feedback.name!r}, "
                yield Part(f"{what}layer {i + 1},", given, was.shape, was)
