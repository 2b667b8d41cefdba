"""Two samples run through before training: a part that changes shapes or dtypes is named."""

from typing import Any

from bpx import equations
from bpx._typing import Array
from bpx.activations import Elementwise
from bpx.errors import InputError
from bpx.model.passes import as_targets
from bpx.model.spec import Parameters, Spec

__all__ = ["rehearse"]


def rehearse(
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
    z, a = _forward(spec, parameters, x)
    targets, cost = as_targets(spec, y, x), spec.cost
    costs = cost.evaluate(spec.output, z[-1], a[-1], targets)
    _expect(f"value of the cost {cost.name!r}", costs, x.shape[:1], x)
    if cost.pair(spec.output) is None:
        grad_a = cost.grad_a(a[-1], targets)
        _expect(f"grad_a of the cost {cost.name!r}", grad_a, a[-1].shape, x)
    _backward(spec, parameters, z, a, targets, feedback)


def _forward(
    spec: Spec, parameters: Parameters, x: Array
) -> tuple[tuple[Array, ...], tuple[Array, ...]]:
    # Layer by layer, unlike `passes.zs_and_activations`: the next one may refuse what
    # this one gave, in words that name nothing.
    zs: list[Array] = []
    activations = [x]
    for number, (layer, w, b) in enumerate(zip(spec.layers, *parameters, strict=True), 1):
        zs.append(equations.forward(w, b, activations[-1]))
        activations.append(layer.activation.sigma(zs[-1]))
        name, z, a = layer.activation.name, zs[-1], activations[-1]
        _expect(f"sigma of {name!r}, layer {number},", a, z.shape, x)
        if isinstance(layer.activation, Elementwise):
            prime = layer.activation.sigma_prime(z, a)
            _expect(f"sigma_prime of {name!r}, layer {number},", prime, z.shape, x)
    return tuple(zs), tuple(activations)


def _backward(
    spec: Spec,
    parameters: Parameters,
    z: tuple[Array, ...],
    a: tuple[Array, ...],
    targets: Array,
    feedback: tuple[Array, ...],
) -> None:
    # From the last layer on, unlike `passes.backward`, and the rule by itself: see `_forward`.
    deltas: tuple[Array, ...] = (spec.cost.delta(spec.output, z[-1], a[-1], targets),)
    _expect_delta(spec, len(z), deltas[0], z[-1])
    for i in reversed(range(len(z) - 1)):
        w, B = parameters.w[i + 1 :], feedback[i] if feedback else None
        _expect_feedback(spec, i + 1, w, deltas, B, z[i])
        sigma = spec.layers[i].activation
        deltas = (spec.feedback.bp2(sigma, z[i], a[i + 1], w, deltas, B), *deltas)
        _expect_delta(spec, i + 1, deltas[0], z[i])


def _expect_delta(spec: Spec, number: int, delta: Array, z: Array) -> None:
    name = spec.layers[number - 1].activation.name
    _expect(f"the pullback of {name!r}, layer {number},", delta, z.shape, z)


def _expect_feedback(
    spec: Spec,
    number: int,
    w: tuple[Array, ...],
    delta: tuple[Array, ...],
    B: Array | None,
    z: Array,
) -> None:
    rule = spec.feedback
    if rule.matrix is not None:
        shape = w[-1 if rule.direct else 0].shape[0], z.shape[1]
        what = f"matrix of the feedback {rule.name!r}, layer {number},"
        _expect(what, rule.matrix(w, B), shape, z)
    elif rule.send is not None:
        what = f"send of the feedback {rule.name!r}, layer {number},"
        _expect(what, rule.send(w, delta, B), z.shape, z)


def _expect(what: str, given: Any, shape: tuple[int, ...], like: Array) -> None:
    if not hasattr(given, "shape") or not hasattr(given, "dtype"):
        raise InputError(f"{what} gave {given!r}; expected an array of shape {tuple(shape)}")
    if tuple(given.shape) != tuple(shape) or given.dtype != like.dtype:
        raise InputError(
            f"{what} gave shape {tuple(given.shape)}, {given.dtype}; expected shape "
            f"{tuple(shape)}, {like.dtype}: use operators, bpx.namespace and Python numbers, "
            "which keep both (but where(c, 1.0, 0.0) of two numbers is float64 on NumPy)"
        )
