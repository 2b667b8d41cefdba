"""Find units that hardly learn: saturated or dead ones, and inputs that are near 0.

By BP1 and BP2 a unit hardly learns where sigma' is near 0, and by BP4 a weight hardly learns
where its input is near 0 (M. Nielsen, "Neural Networks and Deep Learning", 2015, chapters 2
and 3).
"""

from bpx._typing import A, Array
from bpx.activations import Activation
from bpx.arrays.registry import namespace
from bpx.inspect.given import takes_network
from bpx.inspect.single import check_single_trace
from bpx.model.spec import Spec
from bpx.model.trace import WithLayers

__all__ = ["dead_units", "input_sizes", "saturation", "two_sided"]


@takes_network(forward_only=True)
def saturation(
    spec: Spec, trace: WithLayers, *, share: float = 0.05
) -> tuple[Array | None, ...]:
    """The fraction of the samples in which a unit has ``|sigma'(z)| < share · max |sigma'|``.

    Parameters
    ----------
    spec : Spec
        The network's spec.
    trace : Trace
        A trace of `bpx.forward` or `bpx.backprop`.
    share : float, optional
        The fraction of the largest ``|sigma'|`` for z in [-8, 8].

    Returns
    -------
    tuple of L arrays or None
        For each unit, shape (k_l,), in [0, 1]. None for an activation that couples the units
        of a row, such as softmax, and so has no sigma'.

    Raises
    ------
    InputError
        If the trace is of several networks.

    Notes
    -----
    For relu and similar activations this is how often the unit is off, which is no problem.
    """
    check_single_trace(trace)
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
    """Whether a layer's units can saturate at both ends, like sigmoid and tanh but unlike relu.

    Parameters
    ----------
    spec : Spec
        The network's spec.
    like : array
        An array of any shape whose library, device and dtype are used.
    share : float, optional
        As for `saturation`.

    Returns
    -------
    array of bool, shape (L,)
        True if ``|sigma'|`` is below the fraction at z = -8 and z = 8. False without a sigma'.
    """
    xp = namespace(like)
    return xp.stack([_flattens(layer.activation, like, share) for layer in spec.dense])


@takes_network(forward_only=True)
def dead_units(spec: Spec, trace: WithLayers) -> tuple[Array, ...]:
    """Mark units that learn from none of the samples, since sigma'(z) is exactly 0 for all.

    Parameters
    ----------
    spec : Spec
        The network's spec.
    trace : Trace
        A trace of `bpx.forward` or `bpx.backprop`.

    Returns
    -------
    tuple of L arrays of bool
        Masks of shape (k_l,). Without a sigma', as in softmax, a unit is dead if a = 0 for all
        samples.

    Raises
    ------
    InputError
        If the trace is of several networks.
    """
    check_single_trace(trace)
    dead = []
    for layer, (_, z, a) in zip(spec.dense, trace.dense, strict=True):
        prime = _prime(layer.activation, z, a)
        xp = namespace(z)
        dead.append(xp.all(xp.abs(a if prime is None else prime) <= 0.0, axis=0))
    return tuple(dead)


@takes_network(forward_only=True)
def input_sizes(trace: WithLayers) -> tuple[Array, ...]:
    """The root mean square of each unit's activation, over the samples where it is not 0.

    By BP4, dC/dw^l_{jk} = a^{l-1}_k delta^l_j: the weights from a unit with small a learn
    slowly. Zeros are not counted: a unit that is seldom on is not small.

    Parameters
    ----------
    trace : Trace
        A trace of `bpx.forward` or `bpx.backprop`.

    Returns
    -------
    tuple of L arrays
        ``[i]``, of shape (k_i,), belongs to the inputs of layer i + 1; 0 where all are 0.

    Raises
    ------
    InputError
        If the trace is of several networks.
    """
    check_single_trace(trace)
    sizes = []
    for a in trace.a[:-1]:
        xp = namespace(a)
        on = xp.sum(xp.astype(xp.abs(a) > 0.0, a.dtype), axis=0)
        sizes.append(xp.sqrt(xp.sum(a * a, axis=0) / xp.maximum(on, 1.0)))
    return tuple(sizes)


def _prime(activation: Activation, z: A, a: A) -> A | None:
    """Return sigma'(z), shape (n, k); None for an activation without it."""
    prime = getattr(activation, "sigma_prime", None)
    return None if prime is None else prime(z, a)


def _primes(activation: Activation, like: Array) -> Array:
    """Return |sigma'| for z from -8 to 8, shape (1, 321)."""
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
