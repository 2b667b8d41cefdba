"""The diagonal of the Gauss-Newton matrix: the curvature along each weight.

With H = sum_c s_c s_c^T, the matrix is the mean of outer products of the gradients that BP2 to
BP4 compute from s_c in place of delta^L. Each gradient is the outer product of delta^l and
a^{l-1}, so its square is the outer product of their squares, and no per-sample gradient is
formed.
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
    """Compute the diagonal of (1/n) sum_x J_x^T H_x J_x, in the shapes of the parameters.

    Parameters
    ----------
    spec, parameters
        The network's spec and parameters.
    trace : Trace
        A trace of `bpx.forward` or `bpx.backprop`, for n samples.
    y : array, shape (n,) or (n, k_L)
        The targets; for a pair of output and cost, H does not depend on them.
    samples : int, optional
        The number of labels to draw for each sample from the network's own distribution. The
        estimate is unbiased and takes one pass of BP2 for each. By default, the diagonal is
        exact and takes one pass for each output, or two for a custom cost, for which no root of
        H is known.
    seed : int or array, shape (2,), int32, optional
        The seed of the labels, equal on every backend; or a key: see `bpx.random.fold_in`.

    Returns
    -------
    Gradients
        The mean over the samples.

    Raises
    ------
    InputError
        If an argument cannot be used, a part was made without a second derivative that is
        needed, the feedback is not the transpose, labels are to be drawn for a cost that is not
        a log-likelihood, or an argument has several networks.
    MixedArraysError
        If y differs from the parameters in library or device.

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
            "was made without squared(), which bpx.layers.Dense has"
        )
    return kept.squared()
