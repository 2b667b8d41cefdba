"""The network of an estimator: its spec, its first weights, and its fitted attributes.

scikit-learn's ``coefs_[i]``, of shape (k_i, k_{i+1}), is the transpose of bpx's w^{i+1}.
"""

from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise
from numbers import Integral
from typing import Any

import numpy as np

from bpx import activations, costs
from bpx._validate import number
from bpx.activations import Activation
from bpx.arrays.home import Home
from bpx.arrays.transfer import bring, give_back
from bpx.costs import Cost
from bpx.errors import InputError, nearest
from bpx.model.parameters import Parameters, dense
from bpx.model.spec import Spec, make_spec
from bpx.network.network import Network

__all__ = [
    "dropout_rates",
    "first_weights",
    "fitted",
    "hidden_sizes",
    "hidden_spec",
    "network_of",
    "parameters_of",
    "spec_of",
]

_ALIASES = {"logistic": "sigmoid", "exp": "exponential"}
"""scikit-learn's names of activations that bpx names otherwise."""

_OUTPUTS = {
    "softmax": costs.categorical_cross_entropy,
    "logistic": costs.binary_cross_entropy,
    "exp": costs.poisson,
    "identity": costs.quadratic,
}
"""The cost that belongs to each output, if the estimator has no other."""


def hidden_sizes(given: Any) -> list[int]:
    """Return the widths of the hidden layers as a list.

    Raises
    ------
    InputError
        If one is not a whole number of at least 1.
    """
    each = given.tolist() if isinstance(given, np.ndarray) else given
    sizes = list(each) if hasattr(each, "__iter__") else [each]
    if not all(isinstance(k, Integral) and not isinstance(k, bool) for k in sizes):
        raise InputError(
            f"hidden_layer_sizes={given!r} was given; expected a whole number of at least 1, "
            "or a list of them, one for each hidden layer"
        )
    if min(sizes, default=1) <= 0:
        raise InputError(f"hidden_layer_sizes must be > 0, got {sizes}.")
    return [int(k) for k in sizes]


def dropout_rates(given: Any) -> float | tuple[float, ...]:
    """Return the rate of dropout, or one for each hidden layer.

    Raises
    ------
    InputError
        If one is not in [0, 1).
    """
    given = given.tolist() if isinstance(given, np.ndarray) else given
    return tuple(map(_rate, given)) if isinstance(given, list | tuple) else _rate(given)


def _rate(given: Any) -> float:
    expected = "a rate in [0, 1), or a list of them, one for each hidden layer"
    return number("dropout", given, expected, lambda p: 0.0 <= p < 1.0)


def spec_of(estimator: Any, sizes: Sequence[int], output: str, cost: Cost | None) -> Spec:
    """Return the layers and the cost of an estimator.

    Parameters
    ----------
    estimator
        Its parameters `activation` and `dropout` describe the hidden layers.
    sizes : sequence of int
        The widths of all layers.
    output : str
        The activation of the last layer, by scikit-learn's name.
    cost : Cost or None
        By default the cost that belongs to the output.
    """
    names = [*_names(estimator.activation, len(sizes) - 2), output]
    dropout = dropout_rates(estimator.dropout) if len(sizes) > 2 else 0.0
    return _made(
        tuple(sizes), tuple(map(_activation, names)), dropout, cost or _OUTPUTS[output]
    )


def hidden_spec(estimator: Any, sizes: Sequence[int], depth: int) -> Spec:
    """Return the layers up to a hidden one, from 1, whose activations are the outputs."""
    names = _names(estimator.activation, len(sizes) - 2)[:depth]
    each = tuple(map(_activation, names))
    return _made(tuple(sizes[: depth + 1]), each, 0.0, costs.quadratic)


@lru_cache(maxsize=64)
def _made(
    sizes: tuple[int, ...], each: tuple[Activation, ...], dropout: Any, cost: Cost
) -> Spec:
    """Make a spec once: `predict` asks for the same one in each call."""
    return make_spec(sizes, each=each, dropout=dropout, cost=cost)


def network_of(spec: Spec, home: Home, coefs: Sequence[Any], intercepts: Sequence[Any]) -> Any:
    """Return a network at `home` with the weights and biases of an estimator."""
    return Network.from_arrays(spec, _entries(spec, [w.T for w in coefs], intercepts), home)


def parameters_of(
    spec: Spec, home: Home, coefs: Sequence[Any], intercepts: Sequence[Any]
) -> Parameters:
    """Return the weights and biases of an estimator at `home`, without a copy if possible."""
    w = [bring(each, home, "coefs_").T for each in coefs]
    return _entries(spec, w, [bring(each, home, "intercepts_") for each in intercepts])


def fitted(parameters: Parameters, like: Any) -> tuple[list[Any], list[Any]]:
    """Return ``coefs_`` and ``intercepts_`` in the library of `like`."""
    coefs = [give_back(w.mT, like) for w in parameters.w]
    return coefs, [give_back(b, like) for b in parameters.b]


def first_weights(
    estimator: Any, sizes: Sequence[int], dtype: str, random: np.random.RandomState
) -> tuple[list[Any], list[Any]]:
    """Draw ``coefs_`` and ``intercepts_`` (Glorot and Bengio 2010), in scikit-learn's order.

    Both are uniform in ± sqrt(c / (fan_in + fan_out)), where c is 2 for a sigmoid and 6 for
    other activations. The last layer follows the layer before it.
    """
    names = _names(estimator.activation, max(len(sizes) - 2, 1))
    names.append(names[-1])
    coefs, intercepts = [], []
    for (fan_in, fan_out), name in zip(pairwise(sizes), names, strict=False):
        factor = 2.0 if name in ("logistic", "sigmoid") else 6.0
        bound = np.sqrt(factor / (fan_in + fan_out))
        coefs.append(random.uniform(-bound, bound, (fan_in, fan_out)).astype(dtype))
        intercepts.append(random.uniform(-bound, bound, fan_out).astype(dtype))
    return coefs, intercepts


def _names(activation: Any, layers: int) -> list[Any]:
    """Return one activation for each hidden layer."""
    activation = activation.tolist() if isinstance(activation, np.ndarray) else activation
    if not isinstance(activation, list | tuple):
        return [activation] * layers
    if len(activation) != layers:
        raise InputError(
            f"activation has {len(activation)} entries for {layers} hidden layers; expected "
            "one for each, or a single one for all"
        )
    return list(activation)


def _activation(given: Any) -> Activation:
    found: Any = _ALIASES.get(given, given) if isinstance(given, str) else given
    try:
        return activations.get(found)
    except InputError as error:
        known = ["logistic", *activations.ACTIVATIONS]
        hint = nearest(given, known) if isinstance(given, str) else ""
        raise InputError(
            f"activation={given!r} was given{hint}; expected one of {', '.join(known)}, a "
            "bpx.Elementwise of your own, or a list of these"
        ) from error


def _entries(spec: Spec, w: Sequence[Any], b: Sequence[Any]) -> Parameters:
    """Return one entry for each layer; a layer that learns nothing has an empty one."""
    filled = iter(dense(Parameters.dense(w, b).layers))
    return Parameters(next(filled) if each in spec.dense else () for each in spec.layers)
