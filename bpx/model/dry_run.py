"""Two samples run through before training: a part that changes shapes or dtypes is named."""

from typing import Any

from bpx._typing import Array
from bpx.activations import Elementwise
from bpx.errors import InputError
from bpx.layers.dense import Dense
from bpx.model.expected import as_targets
from bpx.model.parameters import Parameters
from bpx.model.passes import bp2, costs, gradients, layer_by_layer, sent
from bpx.model.spec import Spec

__all__ = ["dry_run"]


def dry_run(
    spec: Spec,
    parameters: Parameters,
    x: Array,
    y: Array,
    feedback: tuple[Array, ...] = (),
) -> None:
    """Refuse parts whose results have another shape or dtype than they must.

    Parameters
    ----------
    spec, parameters
        The network.
    x, y : arrays, of two samples
        At its home.
    feedback : tuple of arrays, optional
        What the spec's feedback has drawn.

    Raises
    ------
    InputError
        Naming the layer, the function, what it gave and what was expected.
    """
    layers, cost = _forward(spec, parameters, x), spec.cost
    targets, output = as_targets(spec, y, x), layers[-1]
    value = costs(spec, output, targets)
    _expect(f"value of the cost {cost.name!r}", value, x.shape[:-1], x)
    if cost.pair(spec.output) is None:
        grad_a = cost.grad_a(output.a, targets)
        _expect(f"grad_a of the cost {cost.name!r}", grad_a, output.a.shape, x)
    deltas = _backward(spec, parameters, layers, targets, feedback)
    _gradients(spec, parameters, layers, deltas)


def _forward(spec: Spec, parameters: Parameters, x: Array) -> tuple[Any, ...]:
    # Each layer is looked at before the next one runs: that may refuse what this one gave,
    # in words that name nothing.
    layers: list[Any] = []
    for number, kept in enumerate(layer_by_layer(spec, parameters, x), 1):
        layer = spec.layers[number - 1]
        _expect_output(layer, number, kept, (*x.shape[:-1], layer.n_out), x)
        layers.append(kept)
    return tuple(layers)


def _expect_output(
    layer: Any, number: int, kept: Any, shape: tuple[int, ...], x: Array
) -> None:
    if not isinstance(layer, Dense):
        return _expect(f"the output of layer {number}, {layer.kind!r},", kept.a, shape, x)
    sigma = layer.activation
    _expect(f"sigma of {sigma.name!r}, layer {number},", kept.a, shape, x)
    if isinstance(sigma, Elementwise):
        prime = sigma.sigma_prime(kept.z, kept.a)
        _expect(f"sigma_prime of {sigma.name!r}, layer {number},", prime, shape, x)
    return None


def _backward(
    spec: Spec,
    parameters: Parameters,
    layers: tuple[Any, ...],
    targets: Array,
    feedback: tuple[Array, ...],
) -> tuple[Array, ...]:
    # One by one from the last layer on, and the feedback's rule by itself: see `_forward`.
    output = layers[-1]
    deltas: tuple[Array, ...] = (spec.cost.delta(spec.output, output.z, output.a, targets),)
    _expect_delta(spec, len(layers) - 1, deltas[0], output.a)
    for i in reversed(range(len(layers) - 1)):
        _expect_feedback(spec, parameters, layers, i, deltas, feedback)
        _expect_sent(spec, parameters, layers, i, deltas, feedback)
        deltas = (bp2(spec, parameters, layers, i, deltas, feedback), *deltas)
        _expect_delta(spec, i, deltas[0], layers[i].a)
    return deltas


def _expect_delta(spec: Spec, i: int, delta: Array, a: Array) -> None:
    layer = spec.layers[i]
    if isinstance(layer, Dense):
        what = f"the pullback of {layer.activation.name!r}, layer {i + 1},"
        _expect(what, delta, a.shape, a)
    elif not hasattr(delta, "dtype") or delta.dtype != a.dtype:
        raise InputError(
            f"error of layer {i + 1}, {layer.kind!r}, gave {delta!r}; expected an array of "
            f"{a.dtype}"
        )


def _expect_feedback(
    spec: Spec,
    parameters: Parameters,
    layers: tuple[Any, ...],
    i: int,
    deltas: tuple[Array, ...],
    feedback: tuple[Array, ...],
) -> None:
    rule, below, a = spec.feedback, spec.dense_below(i + 1), layers[i].a
    if below == 0 or not isinstance(spec.layers[i + 1], Dense):
        return
    w, B = parameters.w[below:], feedback[below - 1] if feedback else None
    if rule.matrix is not None:
        shape = w[-1 if rule.direct else 0].shape[-2], a.shape[-1]
        what = f"matrix of the feedback {rule.name!r}, layer {i + 1},"
        _expect(what, rule.matrix(w, B), (*w[0].shape[:-2], *shape), a)
    elif rule.send is not None:
        pairs = zip(spec.layers[i + 1 :], deltas, strict=True)
        errors = tuple(delta for layer, delta in pairs if isinstance(layer, Dense))
        what = f"send of the feedback {rule.name!r}, layer {i + 1},"
        _expect(what, rule.send(w, errors, B), a.shape, a)


def _expect_sent(
    spec: Spec,
    parameters: Parameters,
    layers: tuple[Any, ...],
    i: int,
    deltas: tuple[Array, ...],
    feedback: tuple[Array, ...],
) -> None:
    above, a = spec.layers[i + 1], layers[i].a
    if not isinstance(above, Dense):
        g = sent(spec, parameters, layers, i, deltas, feedback)
        _expect(f"send_back of layer {i + 2}, {above.kind!r},", g, a.shape, a)


def _gradients(
    spec: Spec, parameters: Parameters, layers: tuple[Any, ...], deltas: tuple[Array, ...]
) -> None:
    """Of the layers of the user's own: of their parameters' fields and shapes."""
    made = gradients(0.5, layers, deltas)
    pairs = zip(spec.layers, parameters.layers, made.layers, strict=True)
    for number, (layer, entry, gradient) in enumerate(pairs, 1):
        fields = getattr(entry, "_fields", ())
        if getattr(gradient, "_fields", ()) != fields:
            raise InputError(
                f"gradients of layer {number}, {layer.kind!r}, gave {gradient!r}; expected the "
                f"fields {', '.join(fields)}, in this order"
            )
        for field in fields:
            was, what = getattr(entry, field), f"gradients of layer {number}, {layer.kind!r},"
            given = getattr(gradient, field, None)
            _expect(f"{field} of the {what}", given, was.shape, was)


def _expect(what: str, given: Any, shape: tuple[int, ...], like: Array) -> None:
    if not hasattr(given, "shape") or not hasattr(given, "dtype"):
        raise InputError(f"{what} gave {given!r}; expected an array of shape {tuple(shape)}")
    if tuple(given.shape) != tuple(shape) or given.dtype != like.dtype:
        raise InputError(
            f"{what} gave shape {tuple(given.shape)}, {given.dtype}; expected shape "
            f"{tuple(shape)}, {like.dtype}: use operators, bpx.namespace and Python numbers, "
            "which keep both (but where(c, 1.0, 0.0) of two numbers is float64 on NumPy)"
        )
