"""One sample run through before training: a part that changes shapes or dtypes is named."""

import warnings
from typing import Any

from bpx import equations
from bpx._typing import Array
from bpx.errors import InputError
from bpx.passes import as_targets, backward
from bpx.spec import Parameters, Spec

__all__ = ["rehearse"]


def rehearse(spec: Spec, parameters: Parameters, x: Array, y: Array) -> None:
    """Refuse activations and costs whose results have another shape or dtype than they must.

    Parameters
    ----------
    spec, parameters
        The network.
    x, y : arrays, of one sample
        At its home.

    Raises
    ------
    InputError
        Naming the layer, the function, what it gave and what was expected.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # training itself finds what overflows, and where
        z, a = _forward(spec, parameters, x)
        targets = as_targets(spec, y, x)
        costs = spec.cost.evaluate(spec.output, z[-1], a[-1], targets)
        _expect(f"value of the cost {spec.cost.name!r}", costs, x.shape[:1], x)
        _backward(spec, parameters, z, a, targets)


def _forward(
    spec: Spec, parameters: Parameters, x: Array
) -> tuple[tuple[Array, ...], tuple[Array, ...]]:
    zs: list[Array] = []
    activations = [x]
    for number, (layer, w, b) in enumerate(zip(spec.layers, *parameters, strict=True), 1):
        zs.append(equations.forward(w, b, activations[-1]))
        activations.append(layer.activation.sigma(zs[-1]))
        what = f"sigma of {layer.activation.name!r}, layer {number},"
        _expect(what, activations[-1], zs[-1].shape, x)
    return tuple(zs), tuple(activations)


def _backward(
    spec: Spec,
    parameters: Parameters,
    z: tuple[Array, ...],
    a: tuple[Array, ...],
    targets: Array,
) -> None:
    for number, delta in enumerate(backward(spec, parameters, z, a, targets), 1):
        name = spec.layers[number - 1].activation.name
        _expect(f"the pullback of {name!r}, layer {number},", delta, z[number - 1].shape, a[0])


def _expect(what: str, given: Any, shape: tuple[int, ...], like: Array) -> None:
    if tuple(given.shape) != tuple(shape) or given.dtype != like.dtype:
        raise InputError(
            f"{what} gave shape {tuple(given.shape)}, {given.dtype}; expected shape "
            f"{tuple(shape)}, {like.dtype}: use operators, bpx.namespace and Python numbers, "
            "which keep both"
        )
