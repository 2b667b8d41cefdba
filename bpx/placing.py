"""Arrays from anywhere brought to a network's home, as copies, and checked against its spec."""

from collections.abc import Sequence
from typing import Any

from bpx._typing import Array
from bpx.host import as_host
from bpx.selection import Home
from bpx.spec import Parameters, Spec, check_feedback, check_shapes
from bpx.transfer import bring

__all__ = ["placed"]


def placed(
    spec: Spec, parameters: Parameters, feedback: Sequence[Any], home: Home
) -> tuple[Parameters, tuple[Array, ...]]:
    """The parameters and the feedback's arrays of a network, at its home.

    Raises
    ------
    InputError
        If their number or shapes do not fit the spec.
    """
    with home.active():
        w = tuple(bring(each, home, "weights", copy=True) for each in parameters.w)
        b = tuple(bring(each, home, "biases", copy=True) for each in parameters.b)
        drawn = tuple(_drawn(each, home, spec.feedback.redrawn) for each in feedback)
    arrived = Parameters(w, b)
    check_shapes(spec, arrived)
    check_feedback(spec, drawn)
    return arrived, drawn


def _drawn(x: Any, home: Home, is_key: bool) -> Array:
    if is_key:
        key: Array = home.asarray(as_host(x, "feedback"), "int32")
        return key
    brought: Array = bring(x, home, "feedback", copy=True)
    return brought
