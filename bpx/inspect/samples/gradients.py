"""Per-sample gradients from a trace: their norms and inner products, without forming them.

The gradient of C_x is delta^l_x (a^{l-1}_x)^T with respect to w^l, and delta^l_x with respect
to b^l. Norms and inner products of outer products are products of those of delta and a. So the
gradients themselves, which are as large as n networks, need not be formed:

    ‖grad_x‖² = sum_l ‖delta^l_x‖² (‖a^{l-1}_x‖² + 1).

The + 1 comes from the bias, whose input is 1; a layer without biases has none. These are
gradients of C_x, not of C_x / n, and do not use a trace's row weights, which weight the samples
in a sum.
"""

from collections.abc import Iterable, Iterator
from math import prod
from typing import Any

from bpx._typing import Array
from bpx._validate import whole
from bpx.arrays.registry import namespace
from bpx.errors import InputError
from bpx.inspect.given import takes_network
from bpx.inspect.samples.layers import (
    check_apart,
    check_rows,
    individual,
    inner_product,
    of_rows,
    squared_norms,
)
from bpx.inspect.single import check_single_trace
from bpx.layers.layer import learns
from bpx.model.expected import check_home
from bpx.model.parameters import Gradients
from bpx.model.trace import WithDeltas, WithLayers
from bpx.program.contract import leaves

__all__ = [
    "dense_errors",
    "errors",
    "gradient_norms",
    "individual_gradients",
    "inner_products",
    "layer_norms",
    "squared_layer_norms",
    "total",
]

CHUNK_BYTES = 2**26


@takes_network()
def layer_norms(trace: WithDeltas) -> Array:
    """Compute ‖grad_x‖ over the parameters of each layer: column l - 1 is for w^l and b^l.

    Parameters
    ----------
    trace : Trace
        A trace of `bpx.backprop`, for n samples.

    Returns
    -------
    array, shape (n, L)

    Raises
    ------
    InputError
        If the trace has no deltas, or is of several networks.

    Notes
    -----
    I. Goodfellow, "Efficient per-example gradient computations" (2015).
    """
    squares = squared_layer_norms(trace)
    return namespace(squares[0]).sqrt(namespace(squares[0]).stack(squares, axis=-1))


@takes_network()
def gradient_norms(trace: WithDeltas) -> Array:
    """Compute ‖grad_x‖ = sqrt(sum_l ‖delta^l_x‖² (‖a^{l-1}_x‖² + 1)), over all parameters.

    Parameters
    ----------
    trace : Trace
        A trace of `bpx.backprop`, for n samples.

    Returns
    -------
    array, shape (n,)

    Raises
    ------
    InputError
        If the trace has no deltas, or is of several networks.

    Examples
    --------
    >>> import numpy as np
    >>> net = bpx.Network([3, 4, 2], seed=0, dtype="float64")
    >>> trace = net.backprop(np.ones((5, 3)), np.array([0, 1, 0, 1, 1]))
    >>> bpx.inspect.gradient_norms(trace).shape
    (5,)
    """
    squares = squared_layer_norms(trace)
    return namespace(squares[0]).sqrt(total(squares))


@takes_network()
def inner_products(trace: WithDeltas, other: WithDeltas | None = None) -> Array:
    """Compute grad_x · grad_x' for all pairs.

    This is sum_l (delta^l delta'^l^T) ∘ (a^{l-1} a'^{l-1}^T + 1).

    Parameters
    ----------
    trace, other : Trace
        Traces of `bpx.backprop`, for n and m samples; `other` is by default the trace itself.

    Returns
    -------
    array, shape (n, m)

    Raises
    ------
    InputError
        If a trace has no deltas or is of several networks, or the two are of networks of
        different widths.
    MixedArraysError
        If they differ in library, device or dtype.
    """
    other = trace if other is None else other
    both = own_errors(trace), own_errors(other)
    _check_alike(trace, other)
    each = zip(trace.layers, both[0], other.layers, both[1], strict=True)
    return total(inner_product(*pair) for pair in each if learns(pair[0]))


@takes_network()
def individual_gradients(
    trace: WithDeltas, *, chunk: int | None = None
) -> Iterator[tuple[slice, Gradients]]:
    """Compute each sample's own gradient, for a few samples at a time.

    The gradient of a sample is as large as the network.

    Parameters
    ----------
    trace : Trace
        A trace of `bpx.backprop`, for n samples.
    chunk : int, optional
        The number of samples at a time, at least 1; by default, as many as make 64 MiB.

    Yields
    ------
    slice
        The samples, rows of the trace.
    Gradients
        ``w[i]`` of shape (samples, k_{i+1}, k_i), ``b[i]`` of shape (samples, k_{i+1}).

    Raises
    ------
    InputError
        If the trace has no deltas or is of several networks, `chunk` is less than 1, or the
        samples of a saved array or delta are not on axis -2. The call raises it at once.

    Examples
    --------
    >>> import numpy as np
    >>> net = bpx.Network([3, 4, 2], seed=0, dtype="float64")
    >>> trace = net.backprop(np.ones((5, 3)), np.array([0, 1, 0, 1, 1]))
    >>> for samples, gradients in bpx.inspect.individual_gradients(trace, chunk=3):
    ...     print(samples.start, gradients.w[0].shape)
    0 (3, 4, 3)
    3 (2, 4, 3)
    """
    deltas, n = own_errors(trace), trace.a[0].shape[-2]
    each = enumerate(zip(trace.layers, deltas, strict=True), 1)
    own = [(number, *pair) for number, pair in each if learns(pair[0])]
    for layer in own:
        check_rows(*layer, n)
    if chunk is None:
        chunk = max(1, CHUNK_BYTES // (8 * sum(_numbers(*pair) for _, *pair in own)))
    size = whole("chunk", chunk, 1, None, "a whole number of at least 1")
    parts = [slice(begin, min(begin + size, n)) for begin in range(0, n, size)]
    return _in_parts(trace.layers, deltas, parts)


def _numbers(kept: Any, delta: Array) -> int:
    """Return the number of a layer's parameters: the size of one sample's gradient."""
    one = individual(*of_rows(slice(0, 1), kept, delta))
    return sum(prod(x.shape) for x in leaves(one))


def _in_parts(
    layers: tuple[Any, ...], deltas: tuple[Array, ...], parts: list[slice]
) -> Iterator[tuple[slice, Gradients]]:
    for part in parts:
        each = (
            individual(*of_rows(part, kept, delta)) if learns(kept) else ()
            for kept, delta in zip(layers, deltas, strict=True)
        )
        yield part, Gradients(each)


def errors(trace: WithLayers) -> tuple[Array, ...]:
    """Return the trace's deltas.

    Raises
    ------
    InputError
        If it has none, is of several networks, or is not a trace.
    """
    check_single_trace(trace, "net.backprop(x, y)")
    if not isinstance(trace, WithDeltas):
        raise InputError(
            "the trace is of a forward pass and has no deltas; expected one of "
            "net.backprop(x, y)"
        )
    return trace.deltas


def own_errors(trace: WithDeltas) -> tuple[Array, ...]:
    """Return the trace's deltas, if each sample has its own gradient.

    Raises
    ------
    InputError
        As for `errors`; or if a layer couples samples.
    """
    deltas = errors(trace)
    for kept in trace.layers:
        check_apart(kept)
    return deltas


def dense_errors(trace: WithDeltas) -> tuple[Array, ...]:
    """Return delta^1, ..., delta^L of the Dense layers.

    Raises
    ------
    InputError
        As for `errors`.
    """
    errors(trace)
    return trace.delta


def squared_layer_norms(trace: WithDeltas) -> list[Array]:
    """Return ‖grad_x‖² over the parameters of each learning layer: arrays of shape (n,)."""
    deltas = own_errors(trace)
    pairs = zip(trace.layers, deltas, strict=True)
    return [squared_norms(*pair) for pair in pairs if learns(pair[0])]


def total(parts: Iterable[Array]) -> Array:
    """Return the sum of at least one array."""
    first, *rest = parts
    for part in rest:
        first = first + part
    return first


def _check_alike(trace: WithDeltas, other: WithDeltas) -> None:
    check_home(trace.a[0], "other.a[0]", other.a[0], integers=False)
    widths = [[a.shape[-1] for a in each.a] for each in (trace, other)]
    if widths[0] != widths[1]:
        raise InputError(
            f"traces of networks of widths {widths[0]} and {widths[1]} were given; expected "
            "traces of one network, or of networks of the same widths"
        )
    kinds = [[type(kept) for kept in each.layers] for each in (trace, other)]
    if kinds[0] != kinds[1]:
        raise InputError(
            "traces of networks of different layers were given; expected traces of one "
            "network, or of networks of the same layers"
        )
