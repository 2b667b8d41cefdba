"""How a network's cost, its outputs and its layers change with the inputs.

BP2 sends errors back as far as layer 1. One more product, (w^1)^T delta^1, is the gradient with
respect to a^0 = x. If the errors start from the cost's delta^L, this is dC_x/dx; if they start
from the unit vector e_j at some layer, it is row j of that layer's Jacobian.

K. Simonyan, A. Vedaldi, A. Zisserman, "Deep inside convolutional networks: visualising image
classification models and saliency maps" (2014).
"""

from typing import Literal

from bpx._typing import Array
from bpx._validate import whole
from bpx.arrays.registry import namespace
from bpx.errors import InputError
from bpx.inspect.curvature.moved import given, moved_gradients, pushed
from bpx.inspect.curvature.output import unit_vectors
from bpx.inspect.given import takes_network
from bpx.inspect.requirements import (
    check_by_transpose,
    check_derivatives,
    check_given,
    check_spec,
)
from bpx.inspect.samples.gradients import errors
from bpx.model.expected import check_home
from bpx.model.parameters import Gradients, Parameters
from bpx.model.passes import sent_back, to_inputs
from bpx.model.run import Run
from bpx.model.spec import Spec, check_apart
from bpx.model.trace import WithDeltas, WithLayers
from bpx.optim.trees import mapped

__all__ = ["input_gradient_product", "input_gradients", "input_jacobian"]


@takes_network()
def input_gradients(spec: Spec, parameters: Parameters, trace: WithDeltas) -> Array:
    """dC_x/dx of each sample: BP2 once more, down to a^0.

    Parameters
    ----------
    spec, parameters
        The network's spec and parameters. The result is the true gradient of the cost, whatever
        the network's feedback is.
    trace : Trace
        A trace of `bpx.backprop`, for n samples.

    Returns
    -------
    array, shape (n, k_0)
        In the network's dtype, at its home.

    Raises
    ------
    InputError
        If the trace has no deltas, it or the parameters belong to another network or to
        several, or the samples interact.
    MixedArraysError
        If the trace differs from the parameters in library, device or dtype.
    """
    check_spec(spec)
    check_apart(spec, "the gradient by the inputs")
    _check(spec, parameters, trace)
    plain, deltas = spec.by_transpose(), errors(trace)
    run = Run(plain, parameters, trace.layers)
    true = deltas if spec == plain else sent_back(run, deltas[-1])
    return to_inputs(run, true)


@takes_network(forward_only=True)
def input_jacobian(
    spec: Spec,
    parameters: Parameters,
    trace: WithLayers,
    *,
    of: Literal["a", "z"] = "a",
    layer: int | None = None,
) -> Array:
    """Compute each sample's Jacobian of a layer's a or z: one pass of BP2 for each unit.

    Parameters
    ----------
    spec, parameters
        The network's spec and parameters.
    trace : Trace
        A trace of `bpx.forward` or `bpx.backprop`, for n samples.
    of : {"a", "z"}, optional
        Differentiate the activations sigma(z^l), or the weighted inputs z^l.
    layer : int, optional
        l, the number of a Dense layer, counted from 1; by default L.

    Returns
    -------
    array, shape (n, k_l, k_0)
        Element [x, j, k] is the derivative of a^l_j, or z^l_j, with respect to x_k.

    Raises
    ------
    InputError
        If `of` or `layer` cannot be used, the trace or the parameters belong to another network
        or to several, or the samples interact.
    MixedArraysError
        If the trace differs from the parameters in library, device or dtype.

    Examples
    --------
    >>> import numpy as np
    >>> net = bpx.Network([3, 4, 2], seed=0)
    >>> bpx.inspect.input_jacobian(net, np.ones((5, 3)), of="z", layer=1).shape
    (5, 4, 3)
    """
    check_spec(spec)
    check_apart(spec, "the Jacobian by the inputs")
    _check(spec, parameters, trace)
    if of not in ("a", "z"):
        raise InputError(f"of={of!r} was given; expected 'a' or 'z'")
    depth = len(spec.dense)
    expected = f"the number of a Dense layer, 1 to {depth}"
    number = depth if layer is None else whole("layer", layer, 1, depth, expected)
    place, run = spec.places[number - 1], Run(spec.by_transpose(), parameters, trace.layers)
    own, kept = spec.dense[number - 1], trace.dense[number - 1]
    rows = []
    for unit in unit_vectors(kept.z):
        delta = unit if of == "z" else own.error(kept, unit)
        rows.append(to_inputs(run, sent_back(run, delta, place)))
    return namespace(kept.z).stack(rows, axis=-2)


@takes_network()
def input_gradient_product(
    spec: Spec,
    parameters: Parameters,
    trace: WithDeltas,
    y: Array,
    u: Array,
    *,
    r: Array | float | None = None,
) -> Gradients:
    """Compute the parameters' gradient of sum_x r_x u_x · dC_x/dx: R0 to R4, x moving along u.

    Use it to train on derivatives. To bring dC_x/dx to t_x, minimise ‖dC_x/dx − t_x‖²/2, which
    has this gradient for u = dC_x/dx − t_x.

    Parameters
    ----------
    spec, parameters
        The network's spec and parameters.
    trace : Trace
        A trace of `bpx.backprop` with the same parameters, for n samples.
    y : array, shape (n,) or (n, k_L)
        The targets of the trace.
    u : array, shape (n, k_0)
        A direction for the inputs of each sample, at the network's home and of its dtype.
    r : array of shape (n, 1), or float, optional
        The weight of each sample; 1/n by default.

    Returns
    -------
    Gradients

    Raises
    ------
    InputError, MixedArraysError
        As for `hessian_vector_product`.

    Notes
    -----
    B. Pearlmutter, "Fast exact multiplication by the Hessian" (1994); H. Drucker, Y. LeCun,
    "Improving generalization performance using double backpropagation" (1992).
    """
    what, both = (
        "the derivative of the inputs' gradient",
        ("pushforward", "pullback_derivative"),
    )
    check_by_transpose(spec, what)
    check_derivatives(spec, what, hidden=both, output=both)
    targets, r = given(spec, parameters, trace, y, r)
    x = trace.a[0]
    check_home(parameters.w[0], "u", u, integers=False)
    if tuple(u.shape) != tuple(x.shape):
        raise InputError(
            f"u has shape {tuple(u.shape)}; expected {tuple(x.shape)}, a direction for the "
            "inputs of each sample"
        )
    still = mapped(namespace(x).zeros_like, parameters)
    moved = pushed(spec, parameters, trace, still, u)
    return moved_gradients(spec, parameters, trace, still, moved, targets, r)


def _check(spec: Spec, parameters: Parameters, trace: WithLayers) -> None:
    check_given(spec, parameters, trace)
    check_home(parameters.w[0], "trace.a[0]", trace.a[0], integers=False)
