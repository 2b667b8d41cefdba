"""What a quantity asks of a network: refused before any work, naming the layer and why."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from bpx import feedback
from bpx._typing import Array
from bpx.arrays.registry import backend_of, dtype_name
from bpx.errors import InputError, MixedArraysError
from bpx.jacobians import asked
from bpx.model.passes import Trace, check_home
from bpx.model.spec import Parameters, Spec

__all__ = [
    "Direction",
    "check_by_transpose",
    "check_derivatives",
    "check_direction",
    "check_dtype",
    "check_spec",
    "check_trace",
]

Direction = tuple[Sequence[Array], Sequence[Array]]
"""A pair (w, b) of the parameters' shapes: `Parameters`, `Gradients`, or plain tuples."""


def check_spec(spec: Spec) -> None:
    """Refuse what is no spec, such as the network that has it."""
    if not isinstance(spec, Spec):
        raise InputError(
            f"a {type(spec).__name__} was given as the spec; expected net.spec, and after it "
            "net.parameters"
        )


def check_by_transpose(spec: Spec, what: str) -> None:
    """Refuse a network whose errors do not go back through the transpose.

    Parameters
    ----------
    spec : Spec
    what : str
        The quantity, as in "the neural tangent kernel".

    Raises
    ------
    InputError
        Naming the first such layer, its rule, and what to do.
    """
    check_spec(spec)
    if len(spec.layers) > 1 and spec.feedback != feedback.transpose:
        raise InputError(
            f"layer 1 gets its error by {spec.feedback.name!r}, and {what} must go through "
            "the transpose: pass spec.by_transpose(), the same network with BP2 as it is, and "
            "traces of that"
        )


def check_derivatives(
    spec: Spec, what: str, *, hidden: tuple[str, ...], output: tuple[str, ...]
) -> None:
    """Refuse a network whose parts were made without the derivatives that `what` takes.

    Parameters
    ----------
    spec : Spec
    what : str
        Such as "the Hessian".
    hidden, output : tuples of str
        What is asked of the hidden activations, and of the output's where it has no pair
        with the cost: ``"pushforward"``, ``"pullback_derivative"``.

    Raises
    ------
    InputError
        With the number of the layer, and what its part was made without.
    """
    for number, layer in enumerate(spec.layers[:-1], 1):
        with _naming(what, number):
            for method in hidden:
                asked(layer.activation, method)
    with _naming(what, len(spec.layers)):
        spec.cost.second(spec.output)
        for method in () if spec.cost.pair(spec.output) else output:
            asked(spec.output, method)


def check_direction(sizes: Sequence[int], like: Array, v: Direction) -> Parameters:
    """A direction in the space of the parameters, if it is one.

    Parameters
    ----------
    sizes : sequence of int
        The widths k_0, ..., k_L.
    like : array
        Of the network's home and dtype.
    v : pair (w, b) of tuples of arrays

    Raises
    ------
    InputError
        If it is no pair (w, b), or a shape is not that of the parameters.
    MixedArraysError
        If an array is of another library, device or dtype.
    """
    depth, groups = len(sizes) - 1, isinstance(v, tuple | list) and len(v) == 2
    pair = groups and all(isinstance(part, tuple | list) for part in v)
    if not pair or [len(part) for part in v] != [depth, depth]:
        raise InputError(
            f"v is {_told(v)}; expected a direction in the space of the parameters, a pair "
            f"(w, b) of tuples of {depth} arrays, such as trace.gradients"
        )
    for number, (w, b, n_out, n_in) in enumerate(zip(*v, sizes[1:], sizes, strict=False), 1):
        _check_part(like, w, (n_out, n_in), number, 0)
        _check_part(like, b, (n_out,), number, 1)
    return Parameters(tuple(v[0]), tuple(v[1]))


def check_dtype(stored: str, asked_for: str, name: str, layer: int = 1) -> None:
    """Refuse curvature in float64 of a network in float32.

    Raises
    ------
    MixedArraysError
        Naming the layer, and why.
    """
    if (stored, asked_for) == ("float32", "float64"):
        raise MixedArraysError(
            f"{name} is float64 and layer {layer} of the network is float32: curvature is no "
            "more exact than the weights, z and delta that it is made of; make the network "
            "float64, net.to(dtype='float64'), and its samples, or ask for float32"
        )


def check_trace(spec: Spec, trace: Trace) -> None:
    """Refuse a trace of a network of other widths."""
    check_spec(spec)
    if not isinstance(trace, Trace):
        raise InputError(
            f"a {type(trace).__name__} was given as a trace; expected one of "
            "net.forward(x) or net.backprop(x, y)"
        )
    widths = tuple(a.shape[1] for a in trace.a)
    if widths != spec.sizes:
        raise InputError(
            f"a trace of a network of widths {list(widths)} was given with a spec of widths "
            f"{list(spec.sizes)}; expected a trace of this network"
        )


def _check_part(like: Array, x: Array, shape: tuple[int, ...], layer: int, kind: int) -> None:
    name = f"v's {'wb'[kind]} of layer {layer}"
    if backend_of(x) is backend_of(like):
        check_dtype(dtype_name(like), dtype_name(x), name, layer)
    check_home(like, f"v[{kind}][{layer - 1}]", x, integers=False)
    if tuple(x.shape) != shape:
        raise InputError(f"{name} has shape {tuple(x.shape)}; expected {shape}")


def _told(v: object) -> str:
    if not isinstance(v, tuple | list):
        return type(v).__name__
    parts = [len(part) if hasattr(part, "__len__") else type(part).__name__ for part in v]
    return f"{type(v).__name__} {parts}"


@contextmanager
def _naming(what: str, number: int) -> Iterator[None]:
    try:
        yield
    except InputError as error:
        raise InputError(f"{what} cannot be computed: in layer {number} {error}") from None
