"""How well a network can learn, from a trace: the sizes of its errors, and who learns nothing.

By BP2 the errors shrink or grow from layer to layer (M. Nielsen, "Neural Networks and Deep
Learning", 2015, chapter 5). By BP1 and BP2 a unit hardly learns where sigma' is near 0, and by
BP4 a weight hardly learns where its input is near 0 (chapters 2 and 3).
"""

from math import inf, nan
from typing import NamedTuple

from bpx._typing import A, Array
from bpx.activations import Activation
from bpx.arrays.registry import namespace
from bpx.equations import bp3
from bpx.errors import InputError
from bpx.inspect.samples.gradients import check_one, dense_errors
from bpx.model.expected import as_targets
from bpx.model.parameters import Parameters
from bpx.model.spec import Spec
from bpx.model.trace import Trace

__all__ = [
    "Response",
    "dead_units",
    "error_norms",
    "input_sizes",
    "learning_speeds",
    "output_response",
    "saturation",
    "two_sided",
    "update_ratios",
]


def error_norms(trace: Trace) -> Array:
    """The mean over the samples of ‖delta^l_x‖, by layer.

    Parameters
    ----------
    trace : Trace
        Of `bpx.backprop`.

    Returns
    -------
    array, shape (L,)

    Raises
    ------
    InputError
        If the trace has no deltas.
    """
    delta = dense_errors(trace)
    xp = namespace(delta[0])
    return xp.stack([xp.mean(xp.sqrt(xp.sum(d * d, axis=-1))) for d in delta])


def learning_speeds(trace: Trace) -> Array:
    """‖dC/db^l‖ = ‖(1/n) sum_x delta^l_x‖, by layer.

    Parameters
    ----------
    trace : Trace
        Of `bpx.backprop`; its row weights have no part in this.

    Returns
    -------
    array, shape (L,)

    Raises
    ------
    InputError
        If the trace has no deltas.

    Notes
    -----
    What the book's chapter 5 calls the speed of learning of a layer.

    Examples
    --------
    >>> import numpy as np
    >>> net = bpx.Network([3, 30, 30, 30, 2], seed=0, dtype="float64")
    >>> trace = net.backprop(np.ones((5, 3)), np.array([0, 1, 0, 1, 1]))
    >>> speeds = bpx.inspect.learning_speeds(trace)
    >>> bool(speeds[0] < speeds[1] < speeds[2])
    True
    """
    delta = dense_errors(trace)
    return namespace(delta[0]).stack([_norm(bp3(1.0 / d.shape[0], d)) for d in delta])


def saturation(spec: Spec, trace: Trace, *, share: float = 0.05) -> tuple[Array | None, ...]:
    """The part of the samples in which a unit has ``|sigma'(z)| < share · max |sigma'|``.

    Parameters
    ----------
    spec : Spec
        The network's.
    trace : Trace
        Of `bpx.forward` or `bpx.backprop`.
    share : float, optional
        Of the greatest ``|sigma'|`` for z in [-8, 8].

    Returns
    -------
    tuple of L arrays or None
        For each unit, shape (k_l,), in [0, 1]. None for an activation that couples the units
        of a row, as softmax does, and so has no sigma'.

    Notes
    -----
    Of relu and its kin this is the part in which the unit is off, which is no illness.
    """
    check_one(trace)
    found: list[Array | None] = []
    for layer, (_, z, a) in zip(spec.dense, trace.dense, strict=True):
        xp, prime = namespace(z), _prime(layer.activation, z, a)
        if prime is None:
            found.append(None)
        else:
            low = xp.abs(prime) < share * xp.max(_primes(layer.activation, z))
            found.append(xp.mean(xp.astype(low, z.dtype), axis=0))
    return tuple(found)


def two_sided(spec: Spec, like: Array, *, share: float = 0.05) -> Array:
    """Whether a layer's units can saturate at both ends, as sigmoid and tanh do and relu not.

    Parameters
    ----------
    spec : Spec
        The network's.
    like : array
        Of the library, device and dtype to look with.
    share : float, optional
        As for `saturation`.

    Returns
    -------
    array of bool, shape (L,)
        ``|sigma'|`` at z = -8 and at z = 8 is below the share. False where there is no sigma'.
    """
    xp = namespace(like)
    return xp.stack([_flattens(layer.activation, like, share) for layer in spec.dense])


def dead_units(spec: Spec, trace: Trace) -> tuple[Array, ...]:
    """Which units learn from none of the samples, as sigma'(z) is exactly 0 for all of them.

    Parameters
    ----------
    spec : Spec
        The network's.
    trace : Trace
        Of `bpx.forward` or `bpx.backprop`.

    Returns
    -------
    tuple of L arrays of bool
        Of shape (k_l,). Where there is no sigma', as in softmax, a = 0 for all samples.
    """
    check_one(trace)
    dead = []
    for layer, (_, z, a) in zip(spec.dense, trace.dense, strict=True):
        prime = _prime(layer.activation, z, a)
        xp = namespace(z)
        dead.append(xp.all(xp.abs(a if prime is None else prime) <= 0.0, axis=0))
    return tuple(dead)


def input_sizes(trace: Trace) -> tuple[Array, ...]:
    """The root mean square of each unit's activation, over the samples where it is not 0.

    By BP4, dC/dw^l_{jk} = a^{l-1}_k delta^l_j: the weights from a unit of small a learn
    slowly. Zeros are left out: one that is seldom on is not small.

    Parameters
    ----------
    trace : Trace
        Of `bpx.forward` or `bpx.backprop`.

    Returns
    -------
    tuple of L arrays
        ``[i]``, of shape (k_i,), belongs to the inputs of layer i + 1; 0 where all are 0.
    """
    check_one(trace)
    sizes = []
    for a in trace.a[:-1]:
        xp = namespace(a)
        on = xp.sum(xp.astype(xp.abs(a) > 0.0, a.dtype), axis=0)
        sizes.append(xp.sqrt(xp.sum(a * a, axis=0) / xp.maximum(on, 1.0)))
    return tuple(sizes)


class Response(NamedTuple):
    """How the outputs answer to the samples of their own class.

    Attributes
    ----------
    recall : array, shape (k_L,)
        The part of the samples of class j whose largest output is j.
    passed : array, shape (k_L,)
        ``sum |delta^L_j| / sum |a^L_j − 1|`` over the samples of class j: how much of its error
        output j sends back. Near 0, with a recall of 0, it never learns.
    """

    recall: Array
    passed: Array


def output_response(spec: Spec, trace: Trace, y: Array) -> Response:
    """What each output answers to the samples of its own class, and what it learns of them.

    Parameters
    ----------
    spec : Spec
        The network's.
    trace : Trace
        Of `bpx.backprop`.
    y : array, shape (n,) or (n, k_L)
        The labels, or one-hot rows.

    Returns
    -------
    Response
        NaN for a class that has no samples.

    Raises
    ------
    InputError
        If the trace has no deltas, or the network has a single output.
    """
    delta, a = dense_errors(trace)[-1], trace.a[-1]
    xp, k = namespace(a), a.shape[1]
    if k == 1:
        raise InputError("the network has a single output; expected one for each class")
    own = as_targets(spec, y, a)
    outputs = xp.arange(k, dtype=xp.int32, device=getattr(a, "device", None))
    right = xp.astype(xp.argmax(a, axis=1)[:, None] == outputs, a.dtype)
    error = xp.sum(own * xp.abs(a - own), axis=0)
    return Response(
        recall=_ratio(xp.sum(own * right, axis=0), xp.sum(own, axis=0), nan),
        passed=_ratio(xp.sum(own * xp.abs(delta), axis=0), error, nan),
    )


def update_ratios(before: Parameters, after: Parameters) -> Array:
    """‖Δw^l‖ / ‖w^l‖ of a step, by layer; about 0.001 is usual.

    Parameters
    ----------
    before, after : Parameters
        Of the network before and after one step, or several.

    Returns
    -------
    array, shape (L,)
        Infinite where weights that were all 0 have moved.
    """
    xp = namespace(before.w[0])
    size = xp.stack([_norm(w) for w in before.w])
    moved = xp.stack([_norm(new - w) for w, new in zip(before.w, after.w, strict=True)])
    return xp.where(moved > 0.0, _ratio(moved, size, inf), xp.zeros_like(moved))


def _prime(activation: Activation, z: A, a: A) -> A | None:
    """sigma'(z), shape (n, k); None for an activation that has none."""
    prime = getattr(activation, "sigma_prime", None)
    return None if prime is None else prime(z, a)


def _primes(activation: Activation, like: Array) -> Array:
    """|sigma'| for z from -8 to 8, shape (1, 321)."""
    xp = namespace(like)
    device = getattr(like, "device", None)
    z = xp.linspace(-8.0, 8.0, 321, dtype=like.dtype, device=device)[None, :]
    return xp.abs(_prime(activation, z, activation.sigma(z)))


def _flattens(activation: Activation, like: Array, share: float) -> Array:
    xp = namespace(like)
    if not hasattr(activation, "sigma_prime"):
        return xp.zeros((), dtype=xp.bool, device=getattr(like, "device", None))
    primes = _primes(activation, like)[0, :]
    ends = xp.maximum(primes[0], primes[-1])
    return ends < share * xp.max(primes)


def _norm(x: Array) -> Array:
    xp = namespace(x)
    return xp.sqrt(xp.sum(x * x))


def _ratio(part: A, whole: A, otherwise: float) -> A:
    """part / whole, or `otherwise` where the whole is 0."""
    xp = namespace(whole)
    some = whole > 0.0
    ratio = part / xp.where(some, whole, xp.ones_like(whole))
    return xp.where(some, ratio, xp.full_like(whole, otherwise))
