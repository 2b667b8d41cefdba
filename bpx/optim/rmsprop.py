"""RMSprop, and its links, which divide by a running root mean square or standard deviation."""

from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

from bpx._typing import Array
from bpx._validate import flag
from bpx._validate import number as checked
from bpx.arrays.registry import namespace
from bpx.errors import InputError
from bpx.optim.chain import Beginning, Optimizer, Transformation
from bpx.optim.moments import momentum
from bpx.optim.scaling import scale_by_learning_rate
from bpx.optim.schedules import Schedule
from bpx.optim.trees import above_0, below_1, mapped, number, zeros

__all__ = ["RMSprop", "scale_by_rms", "scale_by_stddev"]


class RmsState(NamedTuple):
    """The rule's numbers, shape (1,), and the mean square."""

    beta: Array
    epsilon: Array
    v: Any


class CorrectedState(NamedTuple):
    """The rule's numbers and the step counter, shape (1,), and the mean square."""

    beta: Array
    epsilon: Array
    t: Array
    v: Any


class StddevState(NamedTuple):
    """The rule's numbers, shape (1,), and the mean and the variance."""

    beta: Array
    epsilon: Array
    m: Any
    s: Any


def scale_by_rms(
    beta: float = 0.9, epsilon: float = 1e-8, *, bias_correction: bool = False
) -> Transformation:
    """u ← u / (sqrt(v) + epsilon), where v ← beta v + (1 − beta) u² (Tieleman, Hinton 2012).

    Parameters
    ----------
    beta : float, optional
        The decay rate of the mean square, in [0, 1).
    epsilon : float, optional
        Positive.
    bias_correction : bool, optional
        Whether to divide v by 1 − beta^t at step t, as `scale_by_adam` does.

    Raises
    ------
    InputError
        If a number is out of its range.
    """
    if flag("bias_correction", bias_correction):
        return Transformation(Beginning(_corrected_state, _numbers(beta, epsilon)), corrected)
    return Transformation(Beginning(_rms_state, _numbers(beta, epsilon)), rms)


def scale_by_stddev(beta: float = 0.9, epsilon: float = 1e-8) -> Transformation:
    """u ← u / (sqrt(v − m²) + epsilon), with the running means m of u and v of u².

    m ← beta m + (1 − beta) u and v ← beta v + (1 − beta) u² (Graves 2013, equations 38 to 41).
    The state holds the difference s = v − m², by s ← beta (s + (1 − beta) (u − m)²) with the m
    before the step, which is the same but does not cancel.

    Parameters
    ----------
    beta : float, optional
        The decay rate of the means, in (0, 1): with 0 the difference is always 0.
    epsilon : float, optional
        Positive.

    Raises
    ------
    InputError
        If a number is out of its range.
    """
    given = _numbers(beta, epsilon)
    if not beta:
        raise InputError(
            f"beta={beta!r} was given; expected a number in (0, 1): with 0, the mean is the "
            "gradient itself, and its standard deviation always 0"
        )
    return Transformation(Beginning(_stddev_state, given), stddev)


def _numbers(beta: float, epsilon: float) -> tuple[float, float]:
    return (
        checked("beta", beta, "a number in [0, 1)", lambda v: 0.0 <= v < 1.0),
        checked("epsilon", epsilon, "a positive number", lambda v: v > 0.0),
    )


def _rms_state(beta: float, epsilon: float, parameters: Any) -> RmsState:
    return RmsState(*_arrays(beta, epsilon, parameters), zeros(parameters))


def _corrected_state(beta: float, epsilon: float, parameters: Any) -> CorrectedState:
    numbers = _arrays(beta, epsilon, parameters)
    return CorrectedState(*numbers, number(0.0, parameters), zeros(parameters))


def _stddev_state(beta: float, epsilon: float, parameters: Any) -> StddevState:
    numbers = _arrays(beta, epsilon, parameters)
    return StddevState(*numbers, zeros(parameters), zeros(parameters))


def _arrays(beta: float, epsilon: float, parameters: Any) -> tuple[Array, Array]:
    return below_1("beta", beta, parameters), above_0("epsilon", epsilon, parameters)


def rms(updates: Any, state: RmsState, parameters: Any) -> tuple[Any, RmsState]:
    """Return u / (sqrt(v) + epsilon), with the mean square after the step."""
    xp, v = namespace(state.beta), _mean_square(state, updates)
    moved = mapped(lambda g, v: g / (xp.sqrt(v) + state.epsilon), updates, v)
    return moved, state._replace(v=v)


def corrected(
    updates: Any, state: CorrectedState, parameters: Any
) -> tuple[Any, CorrectedState]:
    """Return u / (sqrt(v / (1 − beta^t)) + epsilon): Adam's rule without its first moment."""
    xp, v, t = namespace(state.beta), _mean_square(state, updates), state.t + 1.0
    # As in `bpx.optim.moments.adam`, the correction goes into numbers.
    correction = xp.sqrt(-xp.expm1(t * xp.log(state.beta)))
    epsilon = state.epsilon * correction
    moved = mapped(lambda g, v: correction * g / (xp.sqrt(v) + epsilon), updates, v)
    return moved, state._replace(t=t, v=v)


def stddev(updates: Any, state: StddevState, parameters: Any) -> tuple[Any, StddevState]:
    """Return u / (sqrt(s) + epsilon), with the mean and the variance s after the step."""
    xp, beta = namespace(state.beta), state.beta
    off = mapped(lambda g, m: g - m, updates, state.m)
    s = mapped(lambda s, d: beta * (s + (1.0 - beta) * (d * d)), state.s, off)
    m = mapped(lambda m, d: m + (1.0 - beta) * d, state.m, off)
    moved = mapped(lambda g, s: g / (xp.sqrt(s) + state.epsilon), updates, s)
    return moved, state._replace(m=m, s=s)


def _mean_square(state: Any, updates: Any) -> Any:
    return mapped(lambda v, g: v + (1.0 - state.beta) * (g * g - v), state.v, updates)


@dataclass(frozen=True)
class RMSprop(Optimizer):
    """RMSprop (T. Tieleman, G. Hinton, Coursera 2012, lecture 6e).

    v ← beta v + (1 − beta) g² and w ← w − eta g / (sqrt(v) + epsilon). If centred, v − m² takes
    the place of v, with m ← beta m + (1 − beta) g (Graves 2013). The momentum is that of `SGD`:
    it adds up steps that have their learning rate already. For a constant eta, this is
    `torch.optim.RMSprop`.

    Parameters
    ----------
    eta : float or Schedule, optional
        The learning rate, positive, or a schedule.
    beta : float, optional
        The decay rate of the mean square, in [0, 1), or in (0, 1) if centred; PyTorch's alpha.
    epsilon : float, optional
        Positive.
    momentum : float or Schedule, optional
        mu, in [0, 1), or a schedule: as for `SGD`.
    centred : bool, optional
        Whether to divide by the standard deviation of the gradient.

    Raises
    ------
    InputError
        If a number is out of its range.
    """

    eta: float | Schedule = 1e-3
    beta: float = 0.9
    epsilon: float = 1e-8
    momentum: float | Schedule = 0.0
    centred: bool = False

    default_eta: ClassVar[float] = 1e-3

    def __post_init__(self) -> None:
        object.__setattr__(self, "centred", flag("centred", self.centred))
        _ = self.transformations  # each checks its numbers
        momentum(self.momentum)

    @property
    def transformations(self) -> tuple[Transformation, ...]:
        """The rule, the learning rate and then, as in `SGD`, the momentum."""
        rule = scale_by_stddev if self.centred else scale_by_rms
        scaled = rule(self.beta, self.epsilon), scale_by_learning_rate(self.eta)
        return (*scaled, momentum(self.momentum)) if self.momentum else scaled
