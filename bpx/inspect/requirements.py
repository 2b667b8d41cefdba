"""Check that a network meets a quantity's requirements, before any work is done."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from bpx import feedback
from bpx._typing import Array
from bpx.arrays.registry import backend_of, describe, dtype_name
from bpx.errors import InputError, MixedArraysError
from bpx.inspect.single import check_single_parameters, check_single_trace
from bpx.jacobians import asked
from bpx.layers.dense import Dense
from bpx.model.expected import check_home
from bpx.model.parameters import Parameters, dense
from bpx.model.spec import Spec, check_apart, check_shapes
from bpx.model.trace import WithLayers

__all__ = [
    "Direction",
    "check_by_bp3_and_bp4",
    "check_by_transpose",
    "check_derivatives",
    "check_direction",
    "check_dtype",
    "check_given",
    "check_network",
    "check_spec",
]

Direction = Parameters | tuple[Sequence[Array], Sequence[Array]]
"""Arrays of the parameters' shapes: `Parameters`, `Gradients` or, for Dense layers, (w, b)."""

_DIFFERENTIATED = (
    "bends",
    "r_forward",
    "r_output",
    "r_error",
    "r_send_back",
    "r_gradients",
)


def check_spec(spec: Spec) -> None:
    """Raise InputError if `spec` is not a spec, but for example a network."""
    if not isinstance(spec, Spec):
        raise InputError(
            f"a {type(spec).__name__} was given as the spec; expected net.spec, followed by "
            "net.parameters"
        )


def check_by_bp3_and_bp4(spec: Spec, what: str) -> None:
    """Refuse a network if its feedback has gradients of its own.

    Raises
    ------
    InputError
        The message names the rule and says why.
    """
    if spec.feedback.gradients is not None:
        raise InputError(
            f"{what} cannot be computed: the feedback {spec.feedback.name!r} replaces BP3 and "
            "BP4, so a sample has no gradient of its own to look at; expected a network whose "
            "feedback has no gradients function"
        )


def check_by_transpose(spec: Spec, what: str) -> None:
    """Raise InputError if the network does not propagate errors through the transpose.

    Parameters
    ----------
    spec : Spec
    what : str
        The quantity, for example "the neural tangent kernel".

    Raises
    ------
    InputError
        If so; the message names the first such layer, its rule, and a remedy.
    """
    check_spec(spec)
    check_apart(spec, what)
    if spec.feedback.gradients is not None:
        raise InputError(
            f"layer 1 learns by {spec.feedback.name!r}, and {what} needs BP3 and BP4: pass "
            "spec.by_transpose(), the same network as backpropagation trains it, and traces of "
            "that"
        )
    if len(spec.dense) > 1 and spec.feedback != feedback.transpose:
        raise InputError(
            f"layer 1 gets its error by {spec.feedback.name!r}, but {what} needs the "
            "transpose: pass spec.by_transpose(), the same network with the original BP2, and "
            "traces made with it"
        )


def check_derivatives(
    spec: Spec, what: str, *, hidden: tuple[str, ...], output: tuple[str, ...]
) -> None:
    """Raise InputError if a part of the network lacks a derivative that `what` needs.

    Parameters
    ----------
    spec : Spec
    what : str
        For example "the Hessian".
    hidden, output : tuples of str
        The methods that the hidden activations need, and that the output's needs if it has no
        pair with the cost: ``"pushforward"``, ``"pullback_derivative"``.

    Raises
    ------
    InputError
        If so; the message gives the layer's number and says what its part lacks.
    """
    layer: Any
    for number, layer in enumerate(spec.layers[:-1], 1):
        with _naming(what, number):
            for method in hidden if isinstance(layer, Dense) else ():
                asked(layer.activation, method)
            _check_layer(layer, hidden)
    with _naming(what, len(spec.layers)):
        spec.cost.second(spec.output)
        for method in () if spec.cost.pair(spec.output) else output:
            asked(spec.output, method)


def _check_layer(layer: Any, asked_of_activations: tuple[str, ...]) -> None:
    """Raise InputError if a user's layer lacks the equations differentiated once."""
    missing = [name for name in _DIFFERENTIATED if not hasattr(layer, name)]
    if asked_of_activations and missing:
        raise InputError(
            f"{layer.kind!r} was made without {', '.join(missing)}, its equations "
            "differentiated once: see bpx.layers.Layer"
        )


def check_direction(like: Parameters, v: Direction) -> Parameters:
    """Check a direction in the space of the parameters, and return it as `Parameters`.

    Parameters
    ----------
    like : Parameters or Gradients
        The network's parameters.
    v : Parameters or Gradients, or pair of tuples of arrays, w and b
        The pair only if all layers are Dense.

    Raises
    ------
    InputError
        If it has another type or several networks, or a shape differs from the parameters'.
    MixedArraysError
        If an array has another library, device or dtype.
    """
    given = _as_direction(like, v)
    check_single_parameters(given, "v")
    parts = dict(given.branches())
    for place, array in like.branches():
        _check_part(array, parts.get(place), place)
    return given


def _as_direction(like: Parameters, v: Any) -> Parameters:
    depth = len(like.layers)
    if isinstance(v, Parameters):
        if _fields(v) == _fields(like):
            return v
    elif len(dense(like.layers)) == depth and isinstance(v, tuple | list) and len(v) == 2:
        pair = all(isinstance(part, tuple | list) for part in v)
        if pair and [len(part) for part in v] == [depth, depth]:
            return Parameters.dense(*v)
    raise InputError(
        f"v is {_told(v)}; expected a direction in the space of the parameters, such as "
        f"trace.gradients{_other_forms(like)}"
    )


def _fields(parameters: Parameters) -> list[tuple[str, ...]]:
    return [getattr(entry, "_fields", ()) for entry in parameters.layers]


def _other_forms(like: Parameters) -> str:
    """Describe the other forms of a direction, and why (w, b) is not one, if so."""
    layers = enumerate(like.layers, 1)
    other = next((number for number, entry in layers if not dense([entry])), None)
    if other is None:
        return f", or a pair (w, b) of tuples of {len(like.layers)} arrays"
    return (
        " or bpx.optim.mapped(xp.ones_like, net.parameters), bpx.Parameters of the network's "
        f"own form: a pair (w, b) is only for networks of Dense layers, and "
        f"layer {other} is not one"
    )


def check_dtype(stored: str, asked_for: str, name: str, layer: int = 1) -> None:
    """Raise MixedArraysError for curvature in float64 of a network in float32.

    Raises
    ------
    MixedArraysError
        If so; the message names the layer and the reason.
    """
    if (stored, asked_for) == ("float32", "float64"):
        raise MixedArraysError(
            f"{name} is float64, but layer {layer} of the network is float32: curvature is no "
            "more exact than the weights, z and delta that it is computed from; convert the "
            "network, net.to(dtype='float64'), and its samples, or ask for float32"
        )


def check_network(spec: Spec, parameters: Parameters) -> None:
    """Raise InputError if the parameters are of several networks, or do not fit the spec."""
    check_spec(spec)
    check_single_parameters(parameters)
    check_shapes(spec, parameters)


def check_given(spec: Spec, parameters: Parameters, trace: WithLayers) -> None:
    """Raise InputError if parameters or trace do not fit the spec, or have several networks."""
    check_network(spec, parameters)
    check_single_trace(trace)
    widths = tuple(a.shape[-1] for a in trace.a)
    fed = (*(layer.n_in for layer in spec.dense), spec.sizes[-1])
    if widths != fed:
        raise InputError(
            f"a trace of a network of widths {list(widths)} was given with a spec of widths "
            f"{list(spec.sizes)}; expected a trace of this network"
        )
    if len(trace.layers) != len(spec.layers):
        raise InputError(
            f"a trace of {len(trace.layers)} layers was given with a spec of "
            f"{len(spec.layers)}; expected a trace of this network"
        )


def _check_part(like: Any, x: Any, place: str) -> None:
    field, _, index = place.rstrip("]").partition("[")
    layer = int(index) + 1
    name = f"v's {field} of layer {layer}"
    if like is None and x is None:
        return
    if like is None or x is None:
        has = "no such parameters" if like is None else f"some, of shape {tuple(like.shape)}"
        given = "None" if x is None else describe(x)
        raise InputError(f"{name} is {given}, but the network has {has} there")
    if backend_of(x) is backend_of(like):
        check_dtype(dtype_name(like), dtype_name(x), name, layer)
    check_home(like, f"v.{place}", x, integers=False)
    if tuple(x.shape) != tuple(like.shape):
        raise InputError(f"{name} has shape {tuple(x.shape)}; expected {tuple(like.shape)}")


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
