"""The forward and the backward pass: pure functions that keep every z, a and delta."""

from numbers import Real
from typing import NamedTuple

from bpx import equations
from bpx._typing import Array
from bpx.arrays.host import refuse_masked_or_sparse
from bpx.arrays.registry import backend_of, describe, dtype_name, namespace
from bpx.equations import bp3, bp4
from bpx.errors import InputError, MixedArraysError
from bpx.model.spec import Gradients, Parameters, Spec, check_feedback

__all__ = [
    "Trace",
    "as_targets",
    "backprop",
    "backward",
    "check_home",
    "check_inputs",
    "check_targets",
    "errors_and_costs",
    "forward",
    "gradients",
    "row_weights",
    "sent_back",
    "zs_and_activations",
]


class Trace(NamedTuple):
    """What the passes computed, for n samples and layers 0 to L.

    Attributes
    ----------
    z : tuple of L arrays
        ``z[i]``: the weighted inputs of layer i + 1, shape (n, k_{i+1}).
    a : tuple of L + 1 arrays
        ``a[i]``: the activations of layer i, shape (n, k_i); ``a[0]`` is x.
    delta : tuple of L arrays, or None
        ``delta[i]``: the errors dC_x/dz of layer i + 1, shape (n, k_{i+1}), for each sample,
        not divided by n. None after a forward pass alone.
    cost : array, shape (n,), or None
        C_x, the cost of each sample, without any penalty.
    gradients : Gradients, or None
        ``gradients.w[i] = (r * delta[i]).mT @ a[i]`` and ``gradients.b[i]``, the sum of
        ``r * delta[i]`` over the samples, where r is 1/n or the row weights.
    """

    z: tuple[Array, ...]
    a: tuple[Array, ...]
    delta: tuple[Array, ...] | None = None
    cost: Array | None = None
    gradients: Gradients | None = None


def forward(spec: Spec, parameters: Parameters, x: Array) -> Trace:
    """Run the network forward: z^l = w^l a^{l-1} + b^l, a^l = sigma(z^l).

    Parameters
    ----------
    spec : Spec
        The layers.
    parameters : Parameters
        Their weights and biases.
    x : array, shape (n, k_0)
        One sample a row; of the parameters' library, device and dtype.

    Returns
    -------
    Trace
        z and a; `delta`, `cost` and `gradients` are None.

    Raises
    ------
    InputError
        If x has another rank or width, or no rows.
    MixedArraysError
        If x is of another library, device or dtype. Nothing is moved silently.
    """
    check_inputs(spec, parameters, x)
    return Trace(*zs_and_activations(spec, parameters, x))


def backprop(
    spec: Spec,
    parameters: Parameters,
    x: Array,
    y: Array,
    *,
    r: Array | float | None = None,
    feedback: tuple[Array, ...] = (),
) -> Trace:
    """Run the network forward and the errors back: BP1, BP2, BP3 and BP4.

    Parameters
    ----------
    spec, parameters, x
        As for `forward`.
    y : array, shape (n,) or (n, k_L)
        The targets, on the parameters' device: integer labels in 0 ... k_L - 1 (not checked
        here: values are not read), or numbers of the parameters' dtype (for the
        categorical cross-entropy, rows that sum to 1).
    r : array of shape (n, 1), or float, optional
        The weight of each sample in BP3 and BP4, an array of the parameters' dtype; 1/n if
        left out.
    feedback : tuple of arrays, optional
        What the spec's feedback has drawn, one for each hidden layer: ``net.feedback``.

    Returns
    -------
    Trace
        With `delta`, `cost` and `gradients`.

    Raises
    ------
    InputError
        If a shape does not fit.
    MixedArraysError
        If an array is of another library, device or dtype than the parameters.
    """
    trace = errors_and_costs(spec, parameters, x, y, feedback)
    assert trace.delta is not None
    weights = row_weights(x, r)
    return trace._replace(gradients=gradients(weights, trace.delta, trace.a))


def errors_and_costs(
    spec: Spec,
    parameters: Parameters,
    x: Array,
    y: Array,
    feedback: tuple[Array, ...] = (),
) -> Trace:
    """`backprop` up to BP2: a trace without gradients, and the same errors."""
    check_inputs(spec, parameters, x)
    check_targets(spec, parameters, x, y)
    check_feedback(spec, feedback)
    for array in feedback:
        check_home(parameters.w[0], "feedback", array, integers=True)
    z, a = zs_and_activations(spec, parameters, x)
    targets = as_targets(spec, y, x)
    delta = backward(spec, parameters, z, a, targets, feedback)
    return Trace(z, a, delta, spec.cost.evaluate(spec.output, z[-1], a[-1], targets))


def zs_and_activations(
    spec: Spec, parameters: Parameters, x: Array
) -> tuple[tuple[Array, ...], tuple[Array, ...]]:
    """Every z and every a, layer by layer."""
    zs: list[Array] = []
    activations = [x]
    for layer, w, b in zip(spec.layers, *parameters, strict=True):
        zs.append(equations.forward(w, b, activations[-1]))
        activations.append(layer.activation.sigma(zs[-1]))
    return tuple(zs), tuple(activations)


def backward(
    spec: Spec,
    parameters: Parameters,
    z: tuple[Array, ...],
    a: tuple[Array, ...],
    y: Array,
    feedback: tuple[Array, ...] = (),
) -> tuple[Array, ...]:
    """Every delta: the output's error by BP1, sent back by BP2. y has shape (n, k_L)."""
    delta = spec.cost.delta(spec.output, z[-1], a[-1], y)
    return sent_back(spec, parameters, z, a, delta, feedback)


def sent_back(
    spec: Spec,
    parameters: Parameters,
    z: tuple[Array, ...],
    a: tuple[Array, ...],
    delta: Array,
    feedback: tuple[Array, ...] = (),
) -> tuple[Array, ...]:
    """Every delta from the last layer's, shape (n, k_L), by BP2 with the spec's feedback."""
    deltas: tuple[Array, ...] = (delta,)
    for i in reversed(range(len(z) - 1)):
        sigma, w = spec.layers[i].activation, parameters.w[i + 1 :]
        B = feedback[i] if feedback else None
        deltas = (spec.feedback.bp2(sigma, z[i], a[i + 1], w, deltas, B), *deltas)
    return deltas


def gradients(r: Array | float, delta: tuple[Array, ...], a: tuple[Array, ...]) -> Gradients:
    """BP4 and BP3 for every layer, the samples weighted by r."""
    return Gradients(
        w=tuple(bp4(r, d, a_prev) for d, a_prev in zip(delta, a, strict=False)),
        b=tuple(bp3(r, d) for d in delta),
    )


def as_targets(spec: Spec, y: Array, like: Array) -> Array:
    """The targets as (n, k_L) numbers of the dtype of `like`; labels become one-hot rows."""
    xp = namespace(y)
    k = spec.layers[-1].n_out
    if y.ndim == 1 and k > 1:
        classes = xp.arange(k, dtype=xp.int32, device=getattr(y, "device", None))
        y = xp.astype(y, xp.int32, copy=False)[:, None] == classes
    elif y.ndim == 1:
        y = y[:, None]
    return xp.astype(y, like.dtype, copy=False)


def row_weights(x: Array, r: Array | float | None) -> Array | float:
    """The row weights as a Python number or a column: 1/n, or what the caller gave, checked."""
    if r is None:
        return 1.0 / x.shape[0]
    if isinstance(r, float | Real):
        return float(r)  # a NumPy scalar would widen the gradients
    check_home(x, "r", r, integers=False)
    if tuple(r.shape) != (x.shape[0], 1):
        raise InputError(
            f"r has shape {tuple(r.shape)} for {x.shape[0]} samples; expected a number, or a "
            f"column ({x.shape[0]}, 1): r[:, None]"
        )
    return r


def check_inputs(spec: Spec, parameters: Parameters, x: Array) -> None:
    """Refuse an x that is not (n, k_0) at the parameters' home."""
    check_home(parameters.w[0], "x", x, integers=False)
    if x.ndim != 2 or x.shape[1] != spec.sizes[0] or x.shape[0] == 0:
        raise InputError(
            f"x has shape {tuple(x.shape)}; expected (n, {spec.sizes[0]}) with n >= 1: "
            f"one sample a row, {spec.sizes[0]} inputs{_rank_advice(x)}"
        )


def check_targets(spec: Spec, parameters: Parameters, x: Array, y: Array) -> None:
    """Refuse a y that is not (n,) or (n, k_L) at the parameters' home."""
    check_home(parameters.w[0], "y", y, integers=True)
    n, k = x.shape[0], spec.sizes[-1]
    if tuple(y.shape) not in ((n,), (n, k)):
        raise InputError(
            f"y has shape {tuple(y.shape)} for {n} samples; expected labels ({n},) or "
            f"numbers ({n}, {k})"
        )
    if y.ndim == 1 and k > 1 and not namespace(y).isdtype(y.dtype, ("integral", "bool")):
        raise InputError(
            f"y has shape {tuple(y.shape)} and dtype {y.dtype}; labels for {k} outputs are "
            f"integers, and numbers have shape ({n}, {k})"
        )


def _rank_advice(x: Array) -> str:
    return "; a single sample is x[None, :]" if x.ndim == 1 else ""


def check_home(w: Array, name: str, x: Array, *, integers: bool) -> None:
    """Refuse an x that is not of the library, device and dtype of a network's array w."""
    if backend_of(x) is None and not hasattr(x, "__array_namespace__"):
        raise MixedArraysError(
            f"{name} is {describe(x)}; expected an array at the network's home, {describe(w)}: "
            f"pass bpx.move_to({name}, like=net.weights[0])"
        )
    xp = namespace(x)
    refuse_masked_or_sparse(x, name)
    alike = xp is namespace(w) and _same_device(x, w)
    if alike and (
        x.dtype == w.dtype or (integers and xp.isdtype(x.dtype, ("integral", "bool")))
    ):
        return
    cast = "" if integers else f", dtype={dtype_name(w)!r}"
    raise MixedArraysError(
        f"{name} is {describe(x)}, the network is {describe(w)}; nothing is moved "
        f"silently here: pass bpx.move_to({name}, like=net.weights[0]{cast})"
    )


def _same_device(x: Array, w: Array) -> bool:
    devices = [backend.device_of(each) for each in (x, w) if (backend := backend_of(each))]
    return None in devices or all(device == devices[0] for device in devices)
