"""What counts as unwell: the thresholds of `bpx.inspect.diagnose`, in one place."""

from typing import Any, NamedTuple

from bpx.errors import InputError

__all__ = ["Limits", "checked"]


class Limits(NamedTuple):
    """From where on a network is unwell.

    Attributes
    ----------
    share : float
        A unit is saturated where ``|sigma'|`` is below this share of its greatest value.
    saturated : float
        A layer of sigmoid, tanh and their kin is, from this part of units × samples on.
    vanishing, exploding : float
        ‖delta^l‖ over ‖delta^L‖, below the one and above the other.
    quiet : float
        A unit is, where its activation is below this share of the largest in its layer.
    recall, passed : float
        An output is lost, if it answers to less of its own samples, and passes less of its
        error back.
    updates : float
        One step moves the weights by too much, from this share of their norm on.
    """

    share: float = 0.05
    saturated: float = 0.5
    vanishing: float = 0.02
    exploding: float = 50.0
    quiet: float = 0.003
    recall: float = 0.1
    passed: float = 0.01
    updates: float = 0.1


def checked(limits: Any) -> Limits:
    """The limits given; those that are usual, for None.

    Raises
    ------
    InputError
        If they are no `Limits`.
    """
    if limits is not None and not isinstance(limits, Limits):
        raise InputError(f"limits={limits!r} was given; expected bpx.inspect.Limits(...)")
    return limits or Limits()
