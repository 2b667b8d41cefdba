"""`Limits`: the thresholds beyond which `bpx.inspect.diagnose` reports a problem."""

from typing import Any, NamedTuple

from bpx.errors import InputError

__all__ = ["Limits", "checked"]


class Limits(NamedTuple):
    """The thresholds beyond which `diagnose` reports a problem.

    Attributes
    ----------
    share : float
        A unit is saturated where ``|sigma'|`` is below this fraction of its largest value.
    saturated : float
        Report a sigmoid-like layer if at least this fraction of (unit, sample) pairs is
        saturated.
    vanishing, exploding : float
        Report a layer if ‖delta^l‖ / ‖delta^L‖ is below the first or above the second.
    quiet : float
        Report units with an activation below this fraction of the largest in their layer.
    recall, passed : float
        Report an output as lost if it is right for less than the first fraction of its own
        samples, and sends back less than the second fraction of its error.
    updates : float
        Report a layer if one step changes its weights by at least this fraction of their norm.
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
    """Return the given limits, or the defaults for None.

    Raises
    ------
    InputError
        If they are not `Limits`.
    """
    if limits is not None and not isinstance(limits, Limits):
        raise InputError(f"limits={limits!r} was given; expected bpx.inspect.Limits(...)")
    return limits or Limits()
