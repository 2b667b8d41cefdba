"""The neural tangent kernel: inner products of the outputs' gradients, by BP2.

If BP2, BP3 and BP4 start from delta^L = e_j, the j-th unit vector, instead of BP1's error, they
give a sample's gradient of z^L_j with respect to the parameters. So the kernel takes only
one pass of BP2 for each output; the gradients themselves are not formed.

A. Jacot, F. Gabriel, C. Hongler, "Neural tangent kernel" (2018).
"""

from collections.abc import Iterator
from typing import Literal, TypeAlias, get_args

from bpx._typing import Array
from bpx.arrays.registry import namespace
from bpx.errors import InputError
from bpx.inspect.curvature.output import unit_vectors
from bpx.inspect.given import takes_network
from bpx.inspect.requirements import check_by_transpose, check_given
from bpx.inspect.samples.gradients import inner_products
from bpx.model.expected import check_home
from bpx.model.parameters import Parameters
from bpx.model.passes import sent_back
from bpx.model.run import Run
from bpx.model.spec import Spec
from bpx.model.trace import Backward, WithDeltas

__all__ = ["neural_tangent_kernel", "output_traces"]

Outputs: TypeAlias = Literal["all", "each", "mean"]
_OUTPUTS = get_args(Outputs)


@takes_network(forward_only=True)
def neural_tangent_kernel(
    spec: Spec,
    parameters: Parameters,
    trace: WithDeltas,
    other: WithDeltas | None = None,
    *,
    outputs: Outputs = "all",
) -> Array:
    """Compute grad z^L_i(x) · grad z^L_j(x') for all pairs of samples and of outputs.

    Parameters
    ----------
    spec, parameters
        The network's spec and parameters.
    trace, other : Trace
        Traces of `bpx.forward` or `bpx.backprop`, for n and m samples; `other` is by default
        the trace itself.
    outputs : {"all", "each", "mean"}, optional
        All pairs of outputs (i, j); those with i = j; or the mean of these.

    Returns
    -------
    array, shape (n, m, k_L, k_L), (n, m, k_L) or (n, m)
        The kernel of the weighted inputs z^L, before the output's activation.

    Raises
    ------
    InputError
        If `outputs` is unknown, the traces do not fit each other, the spec's feedback is not
        the transpose, or an argument has several networks.
    MixedArraysError
        If a trace differs from the parameters in library, device or dtype.
    """
    if outputs not in _OUTPUTS:
        raise InputError(
            f"outputs={outputs!r} was given; expected one of {', '.join(map(repr, _OUTPUTS))}"
        )
    left = list(output_traces(spec, parameters, trace))
    xp = namespace(trace.a[0])
    right = left if other is None else list(output_traces(spec, parameters, other))
    if outputs == "all":
        rows = [xp.stack([inner_products(i, j) for j in right], axis=-1) for i in left]
        return xp.stack(rows, axis=-2)
    each = xp.stack([inner_products(i, j) for i, j in zip(left, right, strict=True)], axis=-1)
    return each if outputs == "each" else xp.mean(each, axis=-1)


@takes_network(forward_only=True)
def output_traces(spec: Spec, parameters: Parameters, trace: WithDeltas) -> Iterator[Backward]:
    """Yield a trace for each output j whose deltas are dz^L_j/dz^l, with one pass of BP2 each.

    A function of a cost's trace gives the same quantity for z^L_j if it gets such a trace.

    Parameters
    ----------
    spec, parameters
        The network's spec and parameters.
    trace : Trace
        A trace of `bpx.forward` or `bpx.backprop`.

    Yields
    ------
    Backward
        One of k_L traces, with the given trace's z and a, and without `cost` and `gradients`.

    Raises
    ------
    InputError
        If the spec's feedback is not the transpose, or the parameters or the trace belong to
        another network or to several. The call raises it at once.
    MixedArraysError
        If the trace differs from the parameters in library, device or dtype.
    """
    check_by_transpose(spec, "the gradient of an output")
    check_given(spec, parameters, trace)
    check_home(parameters.w[0], "trace.a[0]", trace.a[0], integers=False)
    return _output_traces(spec, parameters, trace)


def _output_traces(spec: Spec, parameters: Parameters, trace: WithDeltas) -> Iterator[Backward]:
    for unit in unit_vectors(trace.z[-1]):
        yield Backward(trace.layers, sent_back(Run(spec, parameters, trace.layers), unit))
