"""Clip each sample's gradient, exactly, in the one backward pass.

Since delta is kept per sample, clipping a sample's gradient to the norm c means scaling its
rows of delta by min(1, c / ‖grad_x‖) where BP3 and BP4 sum over the samples. The norms are sums
of squares of rows (`bpx.inspect.gradient_norms`), so no per-sample gradient is formed.

M. Abadi et al., "Deep learning with differential privacy" (2016), algorithm 1.
"""

from collections.abc import Sequence
from typing import Any

from bpx._typing import Array
from bpx.arrays.registry import namespace
from bpx.errors import InputError
from bpx.inspect.requirements import check_by_bp3_and_bp4
from bpx.inspect.samples.gradients import errors, squared_layer_norms, total
from bpx.inspect.single import check_single_parameters
from bpx.layers.layer import learns
from bpx.model.expected import as_inputs, row_weights
from bpx.model.parameters import Gradients, Parameters
from bpx.model.passes import errors_and_costs
from bpx.model.spec import Spec, check_apart
from bpx.model.trace import Backward, Trace, WithDeltas
from bpx.privacy.limits import Clip, check_clip

__all__ = [
    "check_rule_apart",
    "clip_factors",
    "clipped_backprop",
    "clipped_sum",
    "columns",
    "weighted",
]


def clip_factors(trace: WithDeltas, clip: Clip) -> Array:
    """Compute the factor that scales each sample's gradient: min(1, clip / ‖grad_x‖).

    Parameters
    ----------
    trace : Trace
        A trace of `bpx.backprop`, for n samples.
    clip : float, or tuple of L floats
        The largest norm, positive: of the gradient over all parameters or, with a tuple, over
        the w and b of each layer.

    Returns
    -------
    array, shape (n, 1), or (n, L) for a tuple

    Raises
    ------
    InputError
        If the trace has no deltas or is of several networks, or the clip cannot be used.

    Examples
    --------
    >>> import numpy as np
    >>> net = bpx.Network([3, 4, 2], seed=0, dtype="float64")
    >>> trace = net.backprop(np.ones((5, 3)), np.array([0, 1, 0, 1, 1]))
    >>> factors = bpx.privacy.clip_factors(trace, 0.1)
    >>> np.allclose(factors[:, 0] * bpx.inspect.gradient_norms(trace), 0.1)
    True
    """
    factors = _factors(trace, clip)
    return factors[0] if len(factors) == 1 else namespace(factors[0]).concat(factors, axis=-1)


def clipped_sum(trace: WithDeltas, clip: Clip) -> Gradients:
    """Sum the clipped gradients of the samples, with BP3 and BP4 once.

    Parameters
    ----------
    trace, clip
        As for `clip_factors`.

    Returns
    -------
    Gradients
        The clipped sum. Adding or removing one sample changes it by at most the clip, in
        norm; with a clip for each layer, by the root of the sum of their squares.

    Raises
    ------
    InputError
        If the trace has no deltas or is of several networks, or the clip cannot be used.
    """
    return weighted(_factors(trace, clip), trace.layers, errors(trace))


def clipped_backprop(
    spec: Spec,
    parameters: Parameters,
    x: Array,
    y: Array,
    clip: Clip,
    *,
    r: Array | float | None = None,
    feedback: tuple[Array, ...] = (),
) -> Trace:
    """Run `bpx.backprop` with each sample's gradient clipped, in the same single pass.

    Parameters
    ----------
    spec, parameters, x, y, r, feedback
        As for `bpx.backprop`; the row weights multiply the clipped gradients.
    clip
        As for `clip_factors`.

    Returns
    -------
    Trace
        Its `gradients` are sum_x r_x min(1, clip / ‖grad_x‖) grad_x; the rest is as
        `bpx.backprop` returns it, with the deltas unscaled.

    Raises
    ------
    InputError
        If a shape does not fit, an argument has several networks, or the clip cannot be used.
    MixedArraysError
        If an array differs from the parameters in library, device or dtype.
    """
    check_apart(spec, "clipping each sample's gradient")
    check_by_bp3_and_bp4(spec, "clipping each sample's gradient")
    check_single_parameters(parameters)
    run, deltas, cost = errors_and_costs(spec, parameters, x, y, feedback)
    layers = run.layers
    factors, weights = _factors(Backward(layers, deltas), clip), row_weights(x, r)
    scaled = [weights * factor for factor in factors]
    return Trace(layers, deltas, cost, weighted(scaled, layers, deltas))


def check_rule_apart(
    spec: Spec, parameters: Parameters, x: Array, y: Array, feedback: tuple[Array, ...]
) -> None:
    """Refuse a feedback rule that makes a sample's error depend on other samples.

    Its errors for two samples are compared with its errors for the same two among four.

    Raises
    ------
    InputError
        If it does; the message names the rule.
    """
    if spec.feedback.matrix is not None:
        return
    few = as_inputs(x[:4, :], parameters.like), y[:4] if y.ndim == 1 else y[:4, :]
    half = few[0][:2, :], few[1][:2] if y.ndim == 1 else few[1][:2, :]
    _, among, _ = errors_and_costs(spec, parameters, *few, feedback)
    _, alone, _ = errors_and_costs(spec, parameters, *half, feedback)
    for one, other in zip(among, alone, strict=True):
        xp = namespace(one)
        off = xp.max(xp.abs(one[:2, :] - other))
        if bool(off > 1e-3 * xp.max(xp.abs(other))):
            raise InputError(
                f"the feedback {spec.feedback.name!r} makes a sample's error depend on the "
                "other samples of its batch, so clipping would protect nothing; expected a "
                "rule that treats each sample alone"
            )


def columns(squares: Sequence[Array], clips: Sequence[Any]) -> list[Array]:
    """Compute the factors from the layers' squared norms: a column (n, 1) for each clip.

    Parameters
    ----------
    squares : sequence of L arrays, shape (n,)
    clips : sequence of one or L numbers, or arrays of shape (1,)
    """
    if len(clips) == 1:
        squares = [total(squares)]
    xp = namespace(squares[0])
    # clip / max(norm, clip) is min(1, clip / norm) without a division by zero
    return [
        clip / xp.maximum(xp.sqrt(square)[..., None], clip)
        for square, clip in zip(squares, clips, strict=True)
    ]


def weighted(
    r: Sequence[Array], layers: tuple[Any, ...], deltas: tuple[Array, ...]
) -> Gradients:
    """Compute BP4 and BP3 with one column of row weights for all layers, or one for each."""
    given = iter([*r] * len(layers) if len(r) == 1 else r)
    each = zip(layers, deltas, strict=True)
    return Gradients(
        kept.gradients(next(given), delta) if learns(kept) else () for kept, delta in each
    )


def _factors(trace: WithDeltas, clip: Clip) -> list[Array]:
    squares = squared_layer_norms(trace)
    return columns(squares, check_clip(clip, len(squares)))
