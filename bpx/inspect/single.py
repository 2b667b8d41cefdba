"""Check that arrays belong to a single network; errors name those of several networks.

The passes accept a leading axis of K networks. The quantities here are for a single network:
a norm, an angle, a matrix of all its parameters. With K, they would be sums over all of them.
"""

from typing import Any

from bpx._typing import Array
from bpx.errors import InputError
from bpx.model.parameters import Parameters, dense
from bpx.model.trace import WithDeltas, WithLayers

__all__ = ["check_single_parameters", "check_single_targets", "check_single_trace"]

_TAKE = "take them one by one"


def check_single_trace(trace: Any, of: str = "net.forward(x) or net.backprop(x, y)") -> None:
    """Raise InputError unless `trace` is a trace of a single network.

    Parameters
    ----------
    trace : Trace
    of : str, optional
        The calls that return an expected trace, for the message.

    Raises
    ------
    InputError
        If it is not; the message has the number of networks and a remedy.
    """
    if not isinstance(trace, WithLayers):
        raise InputError(f"a {type(trace).__name__} was given as a trace; expected one of {of}")
    # The outputs may belong to one network, and targets or feedback matrices to several.
    for x in (*(kept.a for kept in trace.layers), *getattr(trace, "deltas", ())):
        if x.ndim > 2:
            raise InputError(
                f"a trace of {x.shape[0]} networks was given; expected one of a single "
                f"network: {_TAKE}"
            )


def check_single_parameters(parameters: Any, name: str = "") -> None:
    """Raise InputError unless `parameters` are the parameters or gradients of one network.

    Parameters
    ----------
    parameters : Parameters or Gradients
    name : str, optional
        The argument's name, for the message; by default, its type.

    Raises
    ------
    InputError
        If they are not; the message has the number of networks and a remedy.
    """
    if not isinstance(parameters, Parameters):
        raise InputError(
            f"a {type(parameters).__name__} was given as {name or 'parameters'}; expected "
            "bpx.Parameters or Gradients, such as net.parameters or trace.gradients"
        )
    told = next(filter(None, map(_several, dense(parameters.layers))), None)
    if told:
        what = f"{name}: " * bool(name) + type(parameters).__name__.lower()
        raise InputError(
            f"{what} of {told} were given; expected those of a single network: {_TAKE}"
        )


def check_single_targets(trace: WithDeltas, y: Array) -> None:
    """Raise InputError unless the targets are a label or a row for each sample of one network.

    Raises
    ------
    InputError
        If they are not; the message has the shape and the expected shapes.
    """
    n, k = trace.a[-1].shape
    if tuple(y.shape) not in ((n,), (n, k)):
        raise InputError(
            f"y has shape {tuple(y.shape)} for {n} samples of a single network; expected "
            f"labels ({n},) or numbers ({n}, {k}); targets of several networks: {_TAKE}"
        )


def _several(entry: Any) -> str:
    """Return, for example, "3 networks" for w and b of several networks; "" for one."""
    w, b = entry
    axes = getattr(w, "ndim", 2), getattr(b, "ndim", 1)
    if axes[0] <= 2 and axes[1] <= 1:
        return ""
    count = (w if axes[0] > 2 else b).shape[0]
    # Stacked biases of several networks look like per-sample gradients.
    of = "networks or samples" if axes == (3, 2) or b is None else "networks"
    return f"{count} {of}"
