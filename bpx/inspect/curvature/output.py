"""H, the curvature of C_x at z^L, as a sum of outer products: exact, or in expectation.

Quantities that are quadratic in the errors, such as the diagonal of the Gauss-Newton matrix
and its Kronecker factors, are sums over pairs s, t of vectors with sum s t^T = H, each sent
back by one pass of BP2. The exact ones are the columns of a root of H, one for each output.
The drawn ones are the errors delta^L of labels drawn from the network; their mean is H.
"""

from collections.abc import Callable, Iterable, Iterator
from functools import reduce
from operator import add
from typing import Any, cast

from bpx._typing import A, Array
from bpx._validate import whole
from bpx.arrays.registry import namespace
from bpx.costs import Cost, binary_cross_entropy, categorical_cross_entropy, quadratic
from bpx.errors import InputError
from bpx.inspect.requirements import check_by_transpose, check_derivatives, check_given
from bpx.jacobians import Activation
from bpx.model.expected import as_targets, check_targets
from bpx.model.parameters import Parameters
from bpx.model.passes import sent_back
from bpx.model.run import Run
from bpx.model.spec import Spec
from bpx.model.trace import WithLayers
from bpx.random import key_words, normal, uniform

__all__ = ["check_likelihood", "output_errors", "summed", "unit_vectors"]

Errors = tuple[Array, ...]
"""delta^1, ..., delta^L, or the vectors that are sent back in their place."""

_STEP = 0x6C616265  # the first step of drawn labels, far from the steps of any training


def output_errors(
    spec: Spec,
    parameters: Parameters,
    trace: WithLayers,
    y: Array,
    what: str,
    samples: int | None,
    seed: int | Array,
) -> Iterator[tuple[Errors, Errors]]:
    """Return pairs of errors of all layers whose outer products sum to J^T H J, row by row.

    Parameters
    ----------
    spec, parameters, trace, y
        The network's spec and parameters, a trace of it, and the targets.
    what : str
        The quantity, for messages, such as "the GGN's diagonal".
    samples : int or None
        The number of labels to draw for each sample, with one pass of BP2 each. With None, the
        columns of H's root are used, with one pass for each output, or two if no root is known.
    seed : int or array, shape (2,), int32
        The seed of the labels.

    Raises
    ------
    InputError, MixedArraysError
        If it cannot be computed; raised by the call, before iteration.
    """
    check_by_transpose(spec, what)
    check_given(spec, parameters, trace)
    check_targets(spec, parameters, trace.a[0], y)
    if samples is not None:
        whole("samples", samples, 1, None, "a whole number of at least 1")
        check_likelihood(spec, what)
        return _drawn(spec, parameters, trace, samples, _key(seed, trace.a[0]))
    if _root(spec) is None:
        check_derivatives(spec, what, hidden=(), output=("pushforward",))
    return _exact(spec, parameters, trace, as_targets(spec, y, trace.a[0]))


def summed(
    pairs: Iterable[tuple[Errors, Errors]], product: Callable[[Array, Array], Array]
) -> Errors:
    """Sum ``product(s, t)`` over the pairs, layer by layer."""
    each = (tuple(map(product, *pair)) for pair in pairs)
    return reduce(lambda total, more: tuple(map(add, total, more)), each)


def _exact(
    spec: Spec, parameters: Parameters, trace: WithLayers, y: Array
) -> Iterator[tuple[Errors, Errors]]:
    z, a, root = trace.z[-1], trace.a[-1], _root(spec)
    for unit in unit_vectors(z):
        if root is not None:
            column = _sent_back(spec, parameters, trace, root(spec.output, z, a, unit))
            yield column, column
        else:
            curved = spec.cost.gauss_newton(spec.output, z, a, y, unit)
            left, right = (_sent_back(spec, parameters, trace, e) for e in (unit, curved))
            yield left, right


def _drawn(
    spec: Spec, parameters: Parameters, trace: WithLayers, samples: int, key: Array
) -> Iterator[tuple[Errors, Errors]]:
    z, a = trace.z[-1], trace.a[-1]
    for draw in range(samples):
        y = _DRAWS[spec.cost](key, _STEP + draw, a)
        error = samples**-0.5 * spec.cost.delta(spec.output, z, a, y)
        errors = _sent_back(spec, parameters, trace, error)
        yield errors, errors


def check_likelihood(spec: Spec, what: str) -> None:
    """Raise InputError unless cost and output are a log-likelihood whose labels can be drawn.

    Raises
    ------
    InputError
        If they are not; the message says what is missing.
    """
    known = spec.cost in _DRAWS
    if known and (spec.cost == quadratic or spec.cost.pair(spec.output)):
        return
    why = (
        f"{spec.cost.name!r} after {spec.output.name!r} is not a pair with a known "
        "distribution of labels"
        if known
        else f"the cost {spec.cost.name!r} is not known to be −log p(y | a) of a distribution"
    )
    raise InputError(
        f"{what} cannot be computed: in layer {len(spec.layers)} {why}, so no labels can be "
        "drawn; expected the quadratic cost, or softmax or sigmoid with cross_entropy: use the "
        "Gauss-Newton matrix instead, which needs no distribution"
    )


def unit_vectors(z: A) -> Iterator[A]:
    """Yield e_1, ..., e_k, each repeated in n rows: arrays of the shape (n, k) of z."""
    xp = namespace(z)
    indices = xp.arange(z.shape[1], dtype=xp.int32, device=getattr(z, "device", None))
    for j in range(z.shape[1]):
        yield xp.zeros_like(z) + xp.astype(indices == j, z.dtype)


def _root(spec: Spec) -> Callable[[Activation, Array, Array, Array], Array] | None:
    """Return ``root(output, z, a, e_c)``, the c-th column of a root of H; None if unknown."""
    if spec.cost == quadratic:
        return _quadratic_root
    return _ROOTS.get(spec.cost) if spec.cost.pair(spec.output) else None


def _quadratic_root(output: Activation, z: A, a: A, unit: A) -> A:
    # H = J^T J, where J is the output's own Jacobian.
    return output.pullback(z, a, unit)


def _binary_root(output: Activation, z: A, a: A, unit: A) -> A:
    # H = diag(a ∘ (1 − a)).
    return namespace(a).sqrt(a * (1.0 - a)) * unit


def _categorical_root(output: Activation, z: A, a: A, unit: A) -> A:
    # H = diag(a) − a a^T = S S^T, with S = diag(√a) − a √a^T as the a_j sum to 1.
    xp = namespace(a)
    return xp.sum(xp.sqrt(a) * unit, axis=1, keepdims=True) * (unit - a)


def _normal_targets(key: A, step: int, a: A) -> A:
    return a + normal(key, step, tuple(a.shape), a.dtype)


def _binary_targets(key: A, step: int, a: A) -> A:
    drawn: A = namespace(a).astype(uniform(key, step, tuple(a.shape), a.dtype) < a, a.dtype)
    return drawn


def _categorical_targets(key: A, step: int, a: A) -> A:
    """Draw one-hot rows: the first j with u < a_1 + ... + a_j, u uniform below the last sum."""
    xp, (n, k) = namespace(a), a.shape
    sums = xp.cumulative_sum(a, axis=1)
    u = uniform(key, step, (n, 1), a.dtype) * sums[:, k - 1 :]
    label = xp.sum(xp.astype(sums <= u, xp.int32), axis=1, keepdims=True, dtype=xp.int32)
    classes = xp.arange(k, dtype=xp.int32, device=getattr(a, "device", None))
    drawn: A = xp.astype(label == classes, a.dtype)
    return drawn


_ROOTS: dict[Cost, Callable[..., Any]] = {
    binary_cross_entropy: _binary_root,
    categorical_cross_entropy: _categorical_root,
}
_DRAWS: dict[Cost, Callable[..., Any]] = {
    quadratic: _normal_targets,
    binary_cross_entropy: _binary_targets,
    categorical_cross_entropy: _categorical_targets,
}


def _sent_back(
    spec: Spec, parameters: Parameters, trace: WithLayers, error: Array
) -> tuple[Array, ...]:
    return sent_back(Run(spec, parameters, trace.layers), error)


def _key(seed: int | Array, like: Array) -> Array:
    """Return a key of `bpx.random`: the given one, or that of a seed."""
    if getattr(seed, "ndim", 0):
        return cast(Array, seed)
    xp, device = namespace(like), getattr(like, "device", None)
    key: Array = xp.asarray(key_words(cast(int, seed)), dtype=xp.int32, device=device)
    return key
