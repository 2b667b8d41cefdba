"""A single network's arrays: those of several, with an axis in front, are refused by name.

The passes take one axis more, of K networks. What is asked here is an answer for one of them:
a norm, an angle, a matrix of all its parameters. Of several, such sums would run over all.
"""

from typing import Any

from bpx._typing import Array
from bpx.errors import InputError
from bpx.model.parameters import Parameters, dense
from bpx.model.trace import WithDeltas, WithLayers

__all__ = ["check_single_parameters", "check_single_targets", "check_single_trace"]

_TAKE = "take them one by one"


def check_single_trace(trace: Any, of: str = "net.forward(x) or net.backprop(x, y)") -> None:
    """Refuse a trace of several networks, and what is no trace.

    Parameters
    ----------
    trace : Trace
    of : str, optional
        What gives the one that is expected, for the message.

    Raises
    ------
    InputError
        With how many there are, and what to do.
    """
    if not isinstance(trace, WithLayers):
        raise InputError(f"a {type(trace).__name__} was given as a trace; expected one of {of}")
    # Outputs may be one network's where targets or a feedback's matrices are not
    for x in (*(kept.a for kept in trace.layers), *getattr(trace, "deltas", ())):
        if x.ndim > 2:
            raise InputError(
                f"a trace of {x.shape[0]} networks was given; expected one of a single "
                f"network: {_TAKE}"
            )


def check_single_parameters(parameters: Any, name: str = "") -> None:
    """Refuse parameters or gradients of several networks, and what is neither.

    Parameters
    ----------
    parameters : Parameters or Gradients
    name : str, optional
        The argument's, for the message; left out, its type tells enough.

    Raises
    ------
    InputError
        With how many there are, and what to do.
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
    """Refuse targets that are not one, or one row, for each sample of a network's trace.

    Raises
    ------
    InputError
        With the shape that was given, and those that were expected.
    """
    n, k = trace.a[-1].shape
    if tuple(y.shape) not in ((n,), (n, k)):
        raise InputError(
            f"y has shape {tuple(y.shape)} for {n} samples of a single network; expected "
            f"labels ({n},) or numbers ({n}, {k}); targets of several networks: {_TAKE}"
        )


def _several(entry: Any) -> str:
    """Whose a Dense layer's w and b are, if not one network's: such as "3 networks"."""
    w, b = entry
    axes = getattr(w, "ndim", 2), getattr(b, "ndim", 1)
    if axes[0] <= 2 and axes[1] <= 1:
        return ""
    count = (w if axes[0] > 2 else b).shape[0]
    # The biases of several, stacked, look as the samples' own gradients do.
    of = "networks or samples" if axes == (3, 2) else "networks"
    return f"{count} {of}"
