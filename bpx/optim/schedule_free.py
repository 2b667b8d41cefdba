"""Schedule-free training: a link that averages in place of a falling learning rate, and AdamW.

A. Defazio et al., "The road less scheduled" (2024).
"""

from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

from bpx._typing import Array
from bpx._validate import number as checked
from bpx._validate import whole
from bpx.arrays.registry import namespace
from bpx.errors import InputError
from bpx.optim.chain import Beginning, Optimizer, Transformation
from bpx.optim.limits import add_decayed_weights
from bpx.optim.rmsprop import scale_by_rms
from bpx.optim.schedules import Schedule
from bpx.optim.trees import above_0, mapped, number

__all__ = ["ScheduleFreeAdamW", "schedule_free"]


class ScheduleFreeState(NamedTuple):
    """The rule's numbers, the step counter and the sum of weights, shape (1,); then z and x."""

    eta: Array
    beta: Array
    warmup: Array
    step: Array
    total: Array
    z: Any
    x: Any


def schedule_free(eta: float, beta: float = 0.9, *, warmup: int = 0) -> Transformation:
    """z ← z − eta_t u, x ← x + c (z − x), y ← z + beta (x − z): the paper's algorithm 1.

    c = eta_t² / (eta_1² + ... + eta_t²) and eta_t = eta min(1, t / warmup) at step t. Gradients
    are taken at y, from which training continues; the network gets the average x.

    It takes the place of the learning rate, as the last link of a chain. Alone it is
    schedule-free SGD.

    Parameters
    ----------
    eta : float
        The learning rate, positive: the paper's gamma.
    beta : float, optional
        The share of x in y, in [0, 1]: the paper's beta_1.
    warmup : int, optional
        The number of steps in which eta_t rises to eta, at least 0.

    Raises
    ------
    InputError
        If a number is out of its range, or `eta` is a schedule.

    Examples
    --------
    >>> optimizer = bpx.optim.chain(bpx.optim.schedule_free(1.0))
    """
    if isinstance(eta, Schedule):
        raise InputError(
            f"eta={eta!r} was given; expected a number: schedule-free training takes no "
            "schedule, and its warm-up is warmup=..., a number of steps"
        )
    numbers = (
        checked("eta", eta, "a positive number", lambda v: v > 0.0),
        checked("beta", beta, "a number in [0, 1]", lambda v: 0.0 <= v <= 1.0),
        float(whole("warmup", warmup, 0, None, "a whole number of at least 0")),
    )
    return Transformation(Beginning(_state, (numbers,)), _RULE)


def _state(numbers: tuple[float, ...], parameters: Any) -> ScheduleFreeState:
    eta, *others = numbers
    beta, warmup, zero = (number(each, parameters) for each in (*others, 0.0))
    rate = above_0("eta", eta, parameters)
    return ScheduleFreeState(rate, beta, warmup, zero, zero, parameters, parameters)


def schedule_free_step(
    updates: Any, state: ScheduleFreeState, parameters: Any
) -> tuple[Any, ScheduleFreeState]:
    """Return the change of y, and z and x after the step."""
    xp, t = namespace(state.step), state.step + 1.0
    eta = state.eta * xp.minimum(t / xp.maximum(state.warmup, 1.0), 1.0)
    total = state.total + eta * eta
    c = eta * eta / total
    z = mapped(lambda z, u: z - eta * u, state.z, updates)
    x = mapped(lambda x, z: x + c * (z - x), state.x, z)
    moved = mapped(lambda y, x, z: z + state.beta * (x - z) - y, parameters, x, z)
    return moved, state._replace(step=t, total=total, z=z, x=x)


@dataclass(frozen=True)
class _ScheduleFree:
    """The rule, which moves z, x and y together."""

    def __call__(
        self, updates: Any, state: ScheduleFreeState, parameters: Any
    ) -> tuple[Any, ScheduleFreeState]:
        """Return the change of y, and z and x after the step."""
        return schedule_free_step(updates, state, parameters)

    def averaged(self, state: ScheduleFreeState, parameters: Any) -> Any:
        """The parameters that the network gets: x."""
        return state.x

    def adopted(self, state: ScheduleFreeState, parameters: Any) -> ScheduleFreeState:
        """The state in which z and x begin at these parameters; the warm-up continues."""
        none = namespace(state.total).zeros_like(state.total)
        return state._replace(total=none, z=parameters, x=parameters)


_RULE = _ScheduleFree()


@dataclass(frozen=True)
class ScheduleFreeAdamW(Optimizer):
    """Schedule-free AdamW (A. Defazio et al. 2024, "The road less scheduled", algorithm 1).

    v ← beta2 v + (1 − beta2) g², z ← z − eta_t (g / (sqrt(v̂) + epsilon) + decay · y),
    x ← (1 − c) x + c z and y ← (1 − beta1) z + beta1 x, where v̂ = v / (1 − beta2^t),
    c = eta_t² / (eta_1² + ... + eta_t²), and eta_t = eta min(1, t / warmup). There is no decay
    for biases. Gradients are taken at y, from which training continues; the network gets x.

    The paper multiplies eta_t by sqrt(1 − beta2^t) instead of correcting v. This is the
    correction of `optax.contrib.schedule_free_adamw` and of later versions of the authors'
    code.

    Parameters
    ----------
    eta : float, optional
        The learning rate after the warm-up, positive: the paper's gamma.
    beta1 : float, optional
        The share of x in y, in [0, 1].
    beta2 : float, optional
        The decay rate of v, in [0, 1).
    epsilon : float, optional
        Positive.
    decay : float, optional
        The coefficient of the decoupled decay, at least 0.
    warmup : int, optional
        The number of steps of the warm-up, at least 0.

    Raises
    ------
    InputError
        If a number is out of its range, or `eta` is a schedule.
    """

    eta: float = 2.5e-3
    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8
    decay: float = 0.0
    warmup: int = 0

    default_eta: ClassVar[float] = 2.5e-3

    def __post_init__(self) -> None:
        checked("beta1", self.beta1, "a number in [0, 1]", lambda v: 0.0 <= v <= 1.0)
        checked("beta2", self.beta2, "a number in [0, 1)", lambda v: 0.0 <= v < 1.0)
        _ = self.transformations  # each checks its numbers

    @property
    def transformations(self) -> tuple[Transformation, ...]:
        """The division by the root mean square, the decay, and the averaging step."""
        return (
            scale_by_rms(self.beta2, self.epsilon, bias_correction=True),
            add_decayed_weights(self.decay),
            schedule_free(self.eta, self.beta1, warmup=self.warmup),
        )
