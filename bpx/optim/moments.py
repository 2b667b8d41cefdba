"""Links that average the updates over the steps: momentum, and Adam's two moments."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

from bpx._typing import Array
from bpx._validate import flag
from bpx._validate import number as checked
from bpx.arrays.registry import namespace
from bpx.optim.chain import Beginning, Transformation
from bpx.optim.scheduled import Follows, Scheduled, begun
from bpx.optim.schedules.schedule import Schedule
from bpx.optim.trees import above_0, below_1, mapped, number, zeros

__all__ = ["adam_numbers", "momentum", "scale_by_adam"]

_RATE = "a number in [0, 1)", lambda v: 0.0 <= v < 1.0


class MomentumState(NamedTuple):
    """mu, shape (1,), and the velocity."""

    mu: Array
    velocity: Any


class ScheduledMomentumState(NamedTuple):
    """The step counter, int32, the schedule's numbers, shape (1,), and the velocity."""

    steps: Array
    schedule: Any
    velocity: Any


class AdamState(NamedTuple):
    """The rule's numbers and the step counter, shape (1,), and the two moments."""

    beta1: Array
    beta2: Array
    epsilon: Array
    t: Array
    m: Any
    v: Any


def momentum(mu: float | Schedule, *, nesterov: bool = False) -> Transformation:
    """v ← mu v + u, and u ← v.

    With u = −eta g this is Polyak's rule (1964), the book's (107) and (108). With Nesterov's
    correction u ← mu v + u, with the new v (Sutskever et al. 2013, in the form that looks
    ahead from the stored weights).

    Parameters
    ----------
    mu : float or Schedule
        In [0, 1); or a schedule, as `cosine_onecycle_momentum`, whose values are not checked:
        with 1 or more, the steps grow without bound.
    nesterov : bool, optional
        Whether to look ahead.

    Raises
    ------
    InputError
        If mu is a number out of its range.
    """
    nesterov = flag("nesterov", nesterov)
    if isinstance(mu, Schedule):
        begins = Scheduled(_scheduled_momentum_state, (mu.numbers,))
        return Transformation(begins, _ScheduledMomentum(Follows(mu.rate), nesterov))
    given = checked("momentum", mu, *_RATE)
    return Transformation(
        Beginning(_momentum_state, (given,)), _nesterov if nesterov else _momentum
    )


def scale_by_adam(
    beta1: float = 0.9, beta2: float = 0.999, epsilon: float = 1e-8
) -> Transformation:
    """u ← m̂ / (sqrt(v̂) + epsilon) (Kingma and Ba 2015, algorithm 1).

    m ← beta1 m + (1 − beta1) u and v ← beta2 v + (1 − beta2) u²; at step t,
    m̂ = m / (1 − beta1^t) and v̂ = v / (1 − beta2^t).

    Parameters
    ----------
    beta1, beta2 : float, optional
        The decay rates of the moments, in [0, 1).
    epsilon : float, optional
        Positive.

    Raises
    ------
    InputError
        If a number is out of its range.
    """
    numbers = (
        checked("beta1", beta1, *_RATE),
        checked("beta2", beta2, *_RATE),
        checked("epsilon", epsilon, "a positive number", lambda v: v > 0.0),
    )
    return Transformation(Beginning(_adam_state, (numbers,)), _ADAM)


def _momentum_state(mu: float, parameters: Any) -> MomentumState:
    return MomentumState(below_1("momentum", mu, parameters), zeros(parameters))


def _scheduled_momentum_state(numbers: Any, parameters: Any) -> ScheduledMomentumState:
    return ScheduledMomentumState(*begun(numbers, parameters), zeros(parameters))


def _adam_state(numbers: tuple[float, ...], parameters: Any) -> AdamState:
    begun_at = *adam_numbers(numbers, parameters), number(0.0, parameters)
    return AdamState(*begun_at, zeros(parameters), zeros(parameters))


def adam_numbers(numbers: Sequence[float], parameters: Any) -> tuple[Array, Array, Array]:
    """Return beta1, beta2 and epsilon as arrays: no beta has become 1, nor epsilon 0."""
    beta1, beta2, epsilon = numbers
    return (
        below_1("beta1", beta1, parameters),
        below_1("beta2", beta2, parameters),
        above_0("epsilon", epsilon, parameters),
    )


def _momentum(updates: Any, state: MomentumState, parameters: Any) -> tuple[Any, MomentumState]:
    velocity = _faster(state.mu, state.velocity, updates)
    return velocity, state._replace(velocity=velocity)


def _nesterov(updates: Any, state: MomentumState, parameters: Any) -> tuple[Any, MomentumState]:
    velocity = _faster(state.mu, state.velocity, updates)
    return _faster(state.mu, velocity, updates), state._replace(velocity=velocity)


@dataclass(frozen=True)
class _ScheduledMomentum:
    """The rule of a momentum that follows a schedule."""

    mu: Follows
    nesterov: bool

    def __call__(
        self, updates: Any, state: ScheduledMomentumState, parameters: Any
    ) -> tuple[Any, ScheduledMomentumState]:
        """Return the velocity, or the step ahead, and the state after the step."""
        mu, after = self.mu(state)
        velocity = _faster(mu, state.velocity, updates)
        moved = _faster(mu, velocity, updates) if self.nesterov else velocity
        return moved, after._replace(velocity=velocity)


def _faster(mu: Array, velocity: Any, updates: Any) -> Any:
    """mu v + u."""
    return mapped(lambda v, u: mu * v + u, velocity, updates)


@dataclass(frozen=True)
class _Adam:
    """Adam's rule, which can absorb the factor of a scaling after it: see `scaled`."""

    known: ClassVar[str] = "adam"  # for engines: see `bpx.program.contract.Rule`

    def __call__(
        self, updates: Any, state: AdamState, parameters: Any
    ) -> tuple[Any, AdamState]:
        """Return m̂ / (sqrt(v̂) + epsilon), and the state after the step."""
        return self.scaled(updates, state, parameters, None)

    def scaled(
        self, updates: Any, state: AdamState, parameters: Any, factor: Array | None
    ) -> tuple[Any, AdamState]:
        """Return the same, with the updates multiplied by a number."""
        return adam(updates, state, factor)


_ADAM = _Adam()


def adam(updates: Any, state: AdamState, factor: Array | None) -> tuple[Any, AdamState]:
    """factor · m̂ / (sqrt(v̂) + epsilon), and the moments after one more step."""
    xp = namespace(state.t)
    t = state.t + 1.0
    m = mapped(lambda m, g: m + (1.0 - state.beta1) * (g - m), state.m, updates)
    v = mapped(lambda v, g: v + (1.0 - state.beta2) * (g * g - v), state.v, updates)
    # 1 − beta^t without cancellation in float32. As in section 2 of the paper, both
    # corrections go into numbers: alpha_t m / (sqrt(v) + epsilon_t).
    correction1 = -xp.expm1(t * xp.log(state.beta1))
    correction2 = xp.sqrt(-xp.expm1(t * xp.log(state.beta2)))
    alpha = correction2 if factor is None else factor * correction2
    alpha_t, epsilon_t = alpha / correction1, state.epsilon * correction2
    moved = mapped(lambda m, v: alpha_t * m / (xp.sqrt(v) + epsilon_t), m, v)
    return moved, state._replace(t=t, m=m, v=v)
