"""Adagrad, and its link `scale_by_rss`, which divides by the root of the sum of squares."""

from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

from bpx._typing import Array
from bpx._validate import number as checked
from bpx.arrays.registry import namespace
from bpx.optim.chain import Beginning, Optimizer, Transformation
from bpx.optim.scaling import scale_by_learning_rate
from bpx.optim.schedules import Schedule
from bpx.optim.trees import above_0, mapped

__all__ = ["Adagrad", "scale_by_rss"]


class RssState(NamedTuple):
    """epsilon, shape (1,), and the sums of squares."""

    epsilon: Array
    squares: Any


def scale_by_rss(initial: float = 0.0, epsilon: float = 1e-10) -> Transformation:
    """u ← u / (sqrt(s) + epsilon), where s ← s + u² (Duchi, Hazan and Singer 2011, figure 1).

    Parameters
    ----------
    initial : float, optional
        The value of s before the first step, at least 0.
    epsilon : float, optional
        The paper's delta, positive.

    Raises
    ------
    InputError
        If a number is out of its range.
    """
    numbers = (
        checked("initial", initial, "a number of at least 0", lambda v: v >= 0.0),
        checked("epsilon", epsilon, "a positive number", lambda v: v > 0.0),
    )
    return Transformation(Beginning(_rss_state, numbers), rss)


def _rss_state(initial: float, epsilon: float, parameters: Any) -> RssState:
    squares = mapped(lambda w: namespace(w).full_like(w, initial), parameters)
    return RssState(above_0("epsilon", epsilon, parameters), squares)


def rss(updates: Any, state: RssState, parameters: Any) -> tuple[Any, RssState]:
    """Return u / (sqrt(s) + epsilon), with the sums of squares after the step."""
    xp = namespace(state.epsilon)
    squares = mapped(lambda s, g: s + g * g, state.squares, updates)
    moved = mapped(lambda g, s: g / (xp.sqrt(s) + state.epsilon), updates, squares)
    return moved, state._replace(squares=squares)


@dataclass(frozen=True)
class Adagrad(Optimizer):
    """Adagrad (Duchi, Hazan and Singer 2011, figure 1, with a diagonal matrix).

    s ← s + g², w ← w − eta g / (sqrt(s) + epsilon), as `torch.optim.Adagrad`.

    Parameters
    ----------
    eta : float or Schedule, optional
        The learning rate, positive, or a schedule.
    initial : float, optional
        The value of s before the first step, at least 0.
    epsilon : float, optional
        The paper's delta, positive.

    Raises
    ------
    InputError
        If a number is out of its range.
    """

    eta: float | Schedule = 1e-2
    initial: float = 0.0
    epsilon: float = 1e-10

    default_eta: ClassVar[float] = 1e-2

    def __post_init__(self) -> None:
        _ = self.transformations  # each checks its numbers

    @property
    def transformations(self) -> tuple[Transformation, ...]:
        """Adagrad's rule and then the learning rate."""
        return scale_by_rss(self.initial, self.epsilon), scale_by_learning_rate(self.eta)
