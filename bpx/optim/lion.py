"""Lion, and its link `scale_by_lion`: the sign of an average of the gradients."""

from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

from bpx._typing import Array
from bpx._validate import number as checked
from bpx.arrays.registry import namespace
from bpx.optim.chain import Beginning, Optimizer, Transformation
from bpx.optim.limits import add_decayed_weights
from bpx.optim.scaling import scale_by_learning_rate
from bpx.optim.schedules import Schedule
from bpx.optim.trees import below_1, mapped, zeros

__all__ = ["Lion", "scale_by_lion"]


class LionState(NamedTuple):
    """The rule's numbers, shape (1,), and the average."""

    beta1: Array
    beta2: Array
    m: Any


def scale_by_lion(beta1: float = 0.9, beta2: float = 0.99) -> Transformation:
    """u ← sign(beta1 m + (1 − beta1) u), then m ← beta2 m + (1 − beta2) u.

    On the right, u is the link's input and m the average before the step (Chen et al. 2023,
    algorithm 2).

    Parameters
    ----------
    beta1, beta2 : float, optional
        The weight of the average in the step, and its decay rate, in [0, 1).

    Raises
    ------
    InputError
        If a number is out of its range.
    """
    numbers = tuple(
        checked(name, value, "a number in [0, 1)", lambda v: 0.0 <= v < 1.0)
        for name, value in (("beta1", beta1), ("beta2", beta2))
    )
    return Transformation(Beginning(_lion_state, numbers), lion)


def _lion_state(beta1: float, beta2: float, parameters: Any) -> LionState:
    rates = below_1("beta1", beta1, parameters), below_1("beta2", beta2, parameters)
    return LionState(*rates, zeros(parameters))


def lion(updates: Any, state: LionState, parameters: Any) -> tuple[Any, LionState]:
    """Return sign(beta1 m + (1 − beta1) u), with the average after the step."""
    xp, m = namespace(state.beta1), state.m
    moved = mapped(lambda g, m: xp.sign(m + (1.0 - state.beta1) * (g - m)), updates, m)
    after = mapped(lambda m, g: m + (1.0 - state.beta2) * (g - m), m, updates)
    return moved, state._replace(m=after)


@dataclass(frozen=True)
class Lion(Optimizer):
    """Lion (X. Chen et al. 2023, "Symbolic discovery of optimization algorithms", algorithm 2).

    w ← w − eta (sign(beta1 m + (1 − beta1) g) + decay · w), then m ← beta2 m + (1 − beta2) g,
    without the decay for biases. Each number moves by eta, so that a good eta is 3 to 10 times
    smaller than Adam's, and a good decay as many times larger (section 5 of the paper).

    Parameters
    ----------
    eta : float or Schedule, optional
        The learning rate, positive, or a schedule.
    beta1, beta2 : float, optional
        The weight of the average in the step, and its decay rate, in [0, 1).
    decay : float, optional
        The coefficient of the decoupled decay, at least 0.

    Raises
    ------
    InputError
        If a number is out of its range.
    """

    eta: float | Schedule = 1e-4
    beta1: float = 0.9
    beta2: float = 0.99
    decay: float = 1e-3

    default_eta: ClassVar[float] = 1e-4

    def __post_init__(self) -> None:
        _ = self.transformations  # each checks its numbers

    @property
    def transformations(self) -> tuple[Transformation, ...]:
        """Lion's rule, the decay, and the learning rate."""
        return (
            scale_by_lion(self.beta1, self.beta2),
            add_decayed_weights(self.decay),
            scale_by_learning_rate(self.eta),
        )
