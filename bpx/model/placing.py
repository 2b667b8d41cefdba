"""Moving a network's arrays to its home: all of them or, on an error, none."""

from collections.abc import Sequence
from typing import Any

from bpx._typing import Array
from bpx.arrays.home import Home
from bpx.arrays.host import as_host
from bpx.arrays.transfer import bring
from bpx.model.parameters import Parameters
from bpx.model.spec import Spec, check_feedback, check_shapes

__all__ = ["placed"]


def placed(
    spec: Spec, parameters: Parameters, feedback: Sequence[Any], home: Home
) -> tuple[Parameters, tuple[Array, ...]]:
    """Copy the parameters and the feedback arrays of a network to its home.

    Raises
    ------
    InputError
        If their number or shapes do not fit the spec.
    """
    with home.active():
        brought = [
            None if each is None else bring(each, home, _called(place), copy=True)
            for place, each in parameters.branches()
        ]
        drawn = tuple(_drawn(each, home, spec.feedback.redrawn) for each in feedback)
    arrived = parameters.grown(brought)
    check_shapes(spec, arrived)
    check_feedback(spec, drawn)
    return arrived, drawn


def _called(place: str) -> str:
    """The name of a parameter in messages, by its place: ``w[0]`` is one of the weights."""
    field = place.partition("[")[0]
    return {"w": "weights", "b": "biases"}.get(field, field)


def _drawn(x: Any, home: Home, is_key: bool) -> Array:
    if is_key:
        key: Array = home.asarray(as_host(x, "feedback"), "int32")
        return key
    brought: Array = bring(x, home, "feedback", copy=True)
    return brought
