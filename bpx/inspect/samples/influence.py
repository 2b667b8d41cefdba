"""Scores of samples over several networks, such as checkpoints: which examples matter.

Like `Network.evaluate`, these functions take samples from anywhere and copy them to each
network's home in chunks; they return scores in the library of the inputs.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import reduce
from operator import add
from typing import Any

from bpx._typing import Array
from bpx._validate import number, pair
from bpx.arrays.registry import namespace
from bpx.arrays.transfer import give_back
from bpx.errors import InputError
from bpx.inspect.requirements import check_by_bp3_and_bp4
from bpx.inspect.samples.gradients import gradient_norms, inner_products
from bpx.model.expected import as_inputs, as_targets
from bpx.model.inputs import Placed, Samples, chunks, samples
from bpx.model.passes import backprop
from bpx.model.spec import Spec
from bpx.model.trace import Trace, WithDeltas

__all__ = ["el2n", "grand", "tracin"]

_Score = Callable[[Placed, Trace, Array], Array]
"""A score of each sample, shape (n,)."""


def tracin(
    networks: Placed | Sequence[Placed],
    train: tuple[Any, Any],
    test: tuple[Any, Any],
    *,
    eta: float | Sequence[float] = 1.0,
) -> Any:
    """Score how much training on each sample lowered the cost of each test sample.

    The score is sum_i eta_i grad C_x(w_i) · grad C_x'(w_i) over checkpoints w_i of a training:
    to first order, the decrease of C_x' by steps on x. Proponents have positive scores, and
    opponents negative ones. If a network's feedback is not the transpose, the step on x is the
    rule's, and grad C_x' is the cost's own.

    Parameters
    ----------
    networks : Network or sequence of Network
        The checkpoints.
    train, test : pairs (x, y) of arrays from anywhere
        n training and m test samples, as for `Network.evaluate`.
    eta : float or sequence of float, optional
        The learning rate at each checkpoint, or one for all.

    Returns
    -------
    array, shape (n, m)
        In the library and on the device of the training inputs.

    Raises
    ------
    InputError
        If an argument cannot be used.

    Notes
    -----
    G. Pruthi et al., "Estimating training data influence by tracing gradient descent"
    (2020), TracInCP.
    """
    several = _several(networks)
    pairs = pair("train", train), pair("test", test)
    etas = _etas(eta, len(several))
    return _sum(_products(each, *pairs, eta) for each, eta in zip(several, etas, strict=True))


def el2n(networks: Placed | Sequence[Placed], x: Any, y: Any) -> Any:
    """Score each sample by ‖a^L − y‖, the error of its output, averaged over the networks.

    Parameters
    ----------
    networks : Network or sequence of Network
        Networks trained for a few epochs, with several seeds.
    x, y : arrays from anywhere
        n samples, as for `Network.evaluate`.

    Returns
    -------
    array, shape (n,)
        In the library and on the device of x. The samples with the lowest scores can be
        dropped from a data set first.

    Raises
    ------
    InputError
        If an argument cannot be used.

    Notes
    -----
    M. Paul, S. Ganguli, G. Dziugaite, "Deep learning on a data diet" (2021), definition 2.
    """
    return _mean(networks, x, y, _error_norms)


def grand(networks: Placed | Sequence[Placed], x: Any, y: Any) -> Any:
    """Score each sample by ‖grad C_x‖, averaged over the networks.

    This is the cost's own gradient, with the transpose, whatever a network's feedback is.

    Parameters
    ----------
    networks : Network or sequence of Network
        Initial networks, or networks trained for a few epochs, with several seeds.
    x, y : arrays from anywhere
        n samples, as for `Network.evaluate`.

    Returns
    -------
    array, shape (n,)
        In the library and on the device of x.

    Raises
    ------
    InputError
        If an argument cannot be used.

    Notes
    -----
    M. Paul, S. Ganguli, G. Dziugaite, "Deep learning on a data diet" (2021), definition 1.
    """
    return _mean(networks, x, y, _gradient_norms)


def _error_norms(network: Placed, trace: WithDeltas, y: Array) -> Array:
    xp, a = namespace(trace.a[-1]), trace.a[-1]
    error = a - as_targets(network.spec, y, a)
    return xp.sqrt(xp.sum(error * error, axis=1))


def _gradient_norms(network: Placed, trace: WithDeltas, y: Array) -> Array:
    return gradient_norms(trace)


def _mean(networks: Placed | Sequence[Placed], x: Any, y: Any, score: _Score) -> Any:
    several = _several(networks)
    return _sum(_scores(network, x, y, score) for network in several) / len(several)


def _scores(network: Placed, x: Any, y: Any, score: _Score) -> Any:
    with network.home.active():
        arrived = samples(network.home, network.spec, x, y)
        scores = [score(network, *each) for each in _true_traces(network, arrived)]
        return give_back(namespace(scores[0]).concat(scores), x)


def _products(
    network: Placed, train: tuple[Any, Any], test: tuple[Any, Any], eta: float
) -> Any:
    check_by_bp3_and_bp4(network.spec, "the influence of training samples")
    with network.home.active():
        xp = namespace(network.parameters.like)
        left, right = (samples(network.home, network.spec, *each) for each in (train, test))
        columns = [
            xp.concat([inner_products(each, against) for each, _ in _traces(network, left)])
            for against, _ in _true_traces(network, right)
        ]
        return give_back(eta * xp.concat(columns, axis=1), train[0])


def _traces(network: Placed, arrived: Samples) -> Iterator[tuple[Trace, Array]]:
    """Yield traces of a few samples at a time, and their targets."""
    return _traces_by(network.spec, network.feedback, network, arrived)


def _true_traces(network: Placed, arrived: Samples) -> Iterator[tuple[Trace, Array]]:
    """Yield the same, with errors propagated through the transpose."""
    return _traces_by(network.spec.by_transpose(), (), network, arrived)


def _traces_by(
    spec: Spec, feedback: tuple[Array, ...], network: Placed, arrived: Samples
) -> Iterator[tuple[Trace, Array]]:
    for x, y in zip(chunks(spec, arrived.x), chunks(spec, arrived.y), strict=True):
        x = as_inputs(x, network.parameters.like)
        yield backprop(spec, network.parameters, x, y, feedback=feedback), y


def _several(networks: Any) -> list[Placed]:
    several = list(networks) if isinstance(networks, Iterable) else [networks]
    other = [each for each in several if not hasattr(each, "spec")]
    if not several or other:
        told = f"a {type(other[0]).__name__}" if other else "[]"
        raise InputError(
            f"networks={told} was given; expected one or more bpx.Network, such as those "
            "that bpx.load reads from checkpoints"
        )
    return several


def _etas(eta: float | Sequence[float], count: int) -> list[float]:
    etas = list(eta) if isinstance(eta, Sequence) else [eta] * count
    if len(etas) != count:
        raise InputError(
            f"{len(etas)} learning rates were given for {count} networks; expected one for "
            "each, or one for all"
        )
    return [number("eta", each, "a positive number", lambda v: v > 0.0) for each in etas]


def _sum(parts: Iterable[Any]) -> Any:
    return reduce(add, parts)
