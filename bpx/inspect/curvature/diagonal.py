"""The diagonal of the Gauss-Newton matrix: a curvature for each weight, without the matrix.

With H = sum_c s_c s_c^T the matrix is the mean of outer products of the gradients that BP2
to BP4 make of s_c in place of delta^L. Each is the outer product of its delta^l and a^{l-1},
and so is its square of theirs: the diagonal takes no gradient of a sample.
"""

from operator import mul
from typing import Any

from bpx._typing import Array
from bpx.errors import InputError
from bpx.inspect.curvature.output import output_errors, summed
from bpx.inspect.given import takes_network
from bpx.layers.layer import learns
from bpx.model.parameters import Gradients, Parameters
from bpx.model.passes import gradients
from bpx.model.spec import Spec
from bpx.model.trace import WithLayers

__all__ = ["ggn_diagonal"]


@takes_network(forward_only=True)
def ggn_diagonal(
    spec: Spec,
    parameters: Parameters,
    trace: WithLayers,
    y: Array,
    *,
    samples: int | None = None,
    seed: int | Array = 0,
) -> Gradients:
    """The diagonal of (1/n) sum_x J_x^T H_x J_x, in the shapes of the parameters.

    Parameters
    ----------
    spec, parameters
        The network's.
    trace : Trace
        Of `bpx.forward` or `bpx.backprop`, n samples.
    y : array, shape (n,) or (n, k_L)
        The targets; H of a pair of output and cost does not depend on them.
    samples : int, optional
        Labels to draw for each sample from the network's own distribution: an unbiased
        estimate, one pass of BP2 for each. Left out, the exact diagonal, one pass for each
        output (two where no root of H is known: costs of one's own).
    seed : int or array, shape (2,), int32, optional
        Of the labels: they are the same on every backend. Or a key: `bpx.random.fold_in`.

    Returns
    -------
    Gradients
        The mean over the samples, not the sum.

    Raises
    ------
    InputError
        If an argument cannot be used, a part was made without the second derivative that
        this takes, errors are not sent back by the transpose, labels are to be drawn for a
        cost that is no log-likelihood, or something is of several networks.
    MixedArraysError
        If y is of another library or device than the parameters.

    Notes
    -----
    F. Dangel, F. Kunstner, P. Hennig, "BackPACK" (2020), DiagGGN and DiagGGN-MC. The
    diagonal of the empirical Fisher matrix is ``moments(trace).second``.

    Examples
    --------
    >>> import numpy as np
    >>> net = bpx.Network([3, 4, 2], seed=0, dtype="float64")
    >>> x, y = np.ones((5, 3)), np.array([0, 1, 0, 1, 1])
    >>> trace = net.forward(x)
    >>> diagonal = bpx.inspect.ggn_diagonal(net.spec, net.parameters, trace, y)
    >>> [w.shape for w in diagonal.w]
    [(4, 3), (2, 4)]
    """
    pairs = output_errors(spec, parameters, trace, y, "the GGN's diagonal", samples, seed)
    squares = summed(pairs, mul)
    squared = tuple(_squared(kept) if learns(kept) else kept for kept in trace.layers)
    return gradients(1.0 / y.shape[0], squared, squares)


def _squared(kept: Any) -> Any:
    if not hasattr(kept, "squared"):
        raise InputError(
            f"the GGN's diagonal cannot be computed: a layer that saves {type(kept).__name__} "
            "was made without squared(), as bpx.layers.Dense has it"
        )
    return kept.squared()
