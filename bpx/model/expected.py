"""The arrays that the passes expect: at the network's home, of its shapes, never moved."""

from numbers import Real

from bpx._dense import refuse_masked_or_sparse
from bpx._typing import Array
from bpx.arrays.registry import backend_of, describe, dtype_name, namespace
from bpx.errors import InputError, MixedArraysError
from bpx.model.parameters import Parameters
from bpx.model.shapes import shape_advice
from bpx.model.spec import Spec, check_shapes
from bpx.model.stacks import are_several

__all__ = [
    "as_inputs",
    "as_targets",
    "check_home",
    "check_inputs",
    "check_targets",
    "row_weights",
    "why_no_labels",
]


def as_inputs(x: Array, like: Array) -> Array:
    """Cast inputs to the dtype of `like`, a parameter, since samples may be stored as bytes."""
    return x if x.dtype == like.dtype else namespace(x).astype(x, like.dtype)


def as_targets(spec: Spec, y: Array, like: Array) -> Array:
    """Return targets as (n, k_L) numbers of the dtype of `like`; labels become one-hot rows.

    `like` is x, or another array of the same rank. If each of K networks has its own samples,
    x has three axes, and labels have two.
    """
    xp = namespace(y)
    k, one_each = spec.layers[-1].n_out, y.ndim == like.ndim - 1
    if one_each and k > 1:
        classes = xp.arange(k, dtype=xp.int32, device=getattr(y, "device", None))
        y = xp.astype(y, xp.int32, copy=False)[..., None] == classes
    elif one_each:
        y = y[..., None]
    return xp.astype(y, like.dtype, copy=False)


def row_weights(x: Array, r: Array | float | None) -> Array | float:
    """Return the row weights as a Python number or a column: a checked `r`, or 1/n for None."""
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


def check_inputs(spec: Spec, parameters: Parameters, x: Array, *, least: int = 1) -> None:
    """Refuse an x that is not (n, k_0), n >= `least`, at one network's parameters' home."""
    if are_several(parameters):
        raise InputError(
            f"the parameters of {parameters.w[0].shape[0]} networks were given, with a leading "
            "axis; expected those of one network: run the networks one by one"
        )
    check_shapes(spec, parameters)
    check_home(parameters.w[0], "x", x, integers=False)
    shape, width = tuple(x.shape), spec.sizes[0]
    if x.ndim != 2 or x.shape[1] != width or x.shape[0] < least:
        raise InputError(
            f"x has shape {shape}; expected (n, {width}) with n >= {least}: one sample per "
            f"row, {width} inputs{shape_advice(x, shape, width, 'x')}"
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
        raise InputError(why_no_labels(y, k))


def why_no_labels(y: Array, k: int) -> str:
    """Return the message for numbers of shape (n,) in place of labels for k outputs."""
    return (
        f"y has shape {tuple(y.shape)} and dtype {y.dtype}; labels for {k} outputs are "
        f"integers, while numbers have shape ({y.shape[0]}, {k})"
    )


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
        f"{name} is {describe(x)}, but the network is {describe(w)}; nothing is moved "
        f"silently here: pass bpx.move_to({name}, like=net.weights[0]{cast})"
    )


def _same_device(x: Array, w: Array) -> bool:
    devices = [backend.device_of(each) for each in (x, w) if (backend := backend_of(each))]
    return None in devices or all(device == devices[0] for device in devices)
