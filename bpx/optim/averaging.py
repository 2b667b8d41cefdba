"""The average of the parameters over the steps, which the network gets.

Training continues from the parameters themselves: see `bpx.optim.chained.Averaging`.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple

from bpx._typing import Array
from bpx._validate import number as checked
from bpx.arrays.registry import namespace
from bpx.optim.chain import Beginning, Transformation
from bpx.optim.trees import mapped, number

__all__ = ["average_parameters"]


class AverageState(NamedTuple):
    """The decay rate and the sum of the weights, shape (1,), and the average."""

    average_decay: Array
    average_weight: Array
    average: Any


def average_parameters(decay: float = 0.999) -> Transformation:
    """x ← x + (w − x) / s, where s ← decay s + 1: the average of w after each step.

    The network gets the average x, and training continues from w. For a decay below 1, x is the
    exponential moving average of the parameters, without the bias of its start: the last step
    has the weight 1, those before it decay, decay², and so on. For a decay of 1 it is the mean
    of all steps (Polyak and Juditsky 1992).

    It must be the last link of a chain, and leaves the updates as they are.

    Parameters
    ----------
    decay : float, optional
        In [0, 1].

    Raises
    ------
    InputError
        If it is out of its range.

    Examples
    --------
    >>> optimizer = bpx.optim.chain(bpx.Adam(1e-3), bpx.optim.average_parameters(0.99))
    """
    given = checked("decay", decay, "a number in [0, 1]", lambda v: 0.0 <= v <= 1.0)
    return Transformation(Beginning(_average_state, (given,)), _AVERAGE)


def _average_state(decay: float, parameters: Any) -> AverageState:
    return AverageState(number(decay, parameters), number(0.0, parameters), parameters)


def averaging(updates: Any, state: AverageState, parameters: Any) -> tuple[Any, AverageState]:
    """Return the updates as they are, and the average of one more step."""
    weight = state.average_decay * state.average_weight + 1.0
    trees = state.average, parameters, updates
    after = mapped(lambda x, w, u: x + (w + u - x) / weight, *trees)
    return updates, state._replace(average_weight=weight, average=after)


@dataclass(frozen=True)
class _Average:
    """The rule that averages the parameters after each step."""

    def __call__(
        self, updates: Any, state: AverageState, parameters: Any
    ) -> tuple[Any, AverageState]:
        """Return the updates as they are, and the average of one more step."""
        return averaging(updates, state, parameters)

    def averaged(self, state: AverageState, parameters: Any) -> Any:
        """The parameters that the network gets."""
        return state.average

    def adopted(self, state: AverageState, parameters: Any) -> AverageState:
        """The state in which averaging begins at these parameters."""
        none = namespace(state.average_weight).zeros_like(state.average_weight)
        return state._replace(average_weight=none, average=parameters)


_AVERAGE = _Average()
