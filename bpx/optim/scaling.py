"""Links that multiply the updates by a number: a constant, or the learning rate.

The updates u of the first link are the gradients g; those of the last link are added to the
weights: w ← w + u.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from bpx._typing import Array
from bpx._validate import number as checked
from bpx.arrays.registry import namespace
from bpx.errors import InputError
from bpx.optim.chain import Beginning, Chain, Optimizer, Transformation, chain
from bpx.optim.schedules.lengths import Length, is_open, settled
from bpx.optim.schedules.plateau import after_epoch, watches
from bpx.optim.schedules.schedule import Schedule
from bpx.optim.trees import first, mapped, number
from bpx.program.contract import leaves, rebuilt

__all__ = [
    "heeded",
    "lasting",
    "learning_rate",
    "scale",
    "scale_by_learning_rate",
    "watching",
    "with_rate",
]


class ScaleState(NamedTuple):
    """The number by which `scale` multiplies, shape (1,)."""

    factor: Array


class RateState(NamedTuple):
    """The learning rate, shape (1,)."""

    eta: Array


class ScheduleState(NamedTuple):
    """The step counter, int32, and the schedule's numbers, shape (1,)."""

    steps: Array
    schedule: Any


def scale(factor: float) -> Transformation:
    """u ← factor · u.

    Parameters
    ----------
    factor : float
        Negative for a descent, since the last link's updates are added to the weights.

    Raises
    ------
    InputError
        If it is not a finite number.
    """
    given = checked("factor", factor, "a finite number", lambda v: True)
    return Transformation(Beginning(_scale_state, (given,)), _SCALE)


def scale_by_learning_rate(eta: float | Schedule) -> Transformation:
    """u ← −eta u: the step of gradient descent.

    Parameters
    ----------
    eta : float or Schedule
        The learning rate, positive, or a schedule: see `warmup_cosine`.

    Raises
    ------
    InputError
        If it is not positive.
    """
    if isinstance(eta, Schedule):
        rule = Scaling(_Scheduled(eta.rate), descends=True)
        return Transformation(Beginning(_schedule_state, (eta.numbers,)), rule)
    given = checked("eta", eta, "a positive number", lambda v: v > 0.0)
    return Transformation(Beginning(_rate_state, (given,)), _DESCEND)


def learning_rate(optimizer: Optimizer, state: Any) -> Array | None:
    """The learning rate of an optimizer's next step, shape (1,); None if it has none.

    For K networks the shape is (K, 1, 1).
    """
    for link, part in zip(optimizer.transformations, state.parts, strict=True):
        if "eta" in getattr(part, "_fields", ()):
            found: Array = part.eta
            return found
        if isinstance(link.update, Scaling) and isinstance(part, ScheduleState):
            return link.update.factor(part)[0]
    return None


def lasting(optimizer: Optimizer, length: Length | None) -> Optimizer:
    """Return an optimizer with the lengths of its schedules in steps; the rule stays equal.

    Parameters
    ----------
    optimizer : Optimizer
    length : Length or None
        None if the optimizer's numbers do not matter.

    Raises
    ------
    InputError
        If a schedule does not fit the length of the training.
    """
    links = optimizer.transformations
    if not any(is_open(numbers) for numbers in _schedules(optimizer)):
        return optimizer
    return Chain(tuple(_lasting(link, length) for link in links))


def with_rate(optimizer: Optimizer, eta: float | Schedule) -> Optimizer:
    """Return an optimizer with another learning rate.

    Raises
    ------
    InputError
        If it has none, as a single link of `scale`.
    """
    other = scale_by_learning_rate(eta)
    links = chain(optimizer).transformations
    rated = [
        isinstance(link.init, Beginning) and link.init.make in (_rate_state, _schedule_state)
        for link in links
    ]
    if not any(rated):
        raise InputError(
            f"optimizer={optimizer!r} has no learning rate; expected one with "
            "scale_by_learning_rate, such as bpx.Adam()"
        )
    return Chain(tuple(other if r else link for r, link in zip(rated, links, strict=True)))


def watching(optimizer: Optimizer) -> bool:
    """Whether the learning rate depends on the cost of the epochs."""
    return any(map(watches, _schedules(optimizer)))


def heeded(state: Any, cost: float) -> Any:
    """Return the optimizer's state after an epoch of this cost; mostly the state itself."""
    parts = getattr(state, "parts", ())
    heard = [
        part._replace(schedule=after_epoch(part.schedule, cost))
        if isinstance(part, ScheduleState) and watches(part.schedule)
        else part
        for part in parts
    ]
    same = all(one is other for one, other in zip(heard, parts, strict=True))
    return state if same else state._replace(parts=tuple(heard))


@dataclass(frozen=True)
class Scaling:
    """A rule that multiplies by one number, which the rule before it may absorb.

    Attributes
    ----------
    factor : callable
        ``factor(state)`` returns the number and the next state.
    descends : bool
        Whether the sign is flipped.
    """

    factor: Callable[[Any], tuple[Array, Any]]
    descends: bool

    @property
    def known(self) -> str | None:
        """The rule's name for engines: see `bpx.program.contract.Rule`."""
        return "descent" if self == _DESCEND else None

    def signed(self, u: Array) -> Array:
        """Apply the sign: all that remains to do if the rule before has absorbed the number."""
        return -u if self.descends else u

    def __call__(self, updates: Any, state: Any, parameters: Any) -> tuple[Any, Any]:
        """Multiply every array."""
        factor, after = self.factor(state)
        return mapped(lambda u: self.signed(factor * u), updates), after


@dataclass(frozen=True)
class _Scheduled:
    """Returns the learning rate of a schedule, and the state with one more step counted."""

    rate: Callable[[Any, Any], Any]

    def __call__(self, state: ScheduleState) -> tuple[Array, ScheduleState]:
        xp, like = namespace(state.steps), first(state.schedule)
        t = xp.astype(state.steps, like.dtype)
        return self.rate(t, state.schedule), state._replace(steps=state.steps + 1)


def _factor(state: ScaleState) -> tuple[Array, ScaleState]:
    return state.factor, state


def _eta(state: RateState) -> tuple[Array, RateState]:
    return state.eta, state


_SCALE, _DESCEND = Scaling(_factor, descends=False), Scaling(_eta, descends=True)


def _scale_state(factor: float, parameters: Any) -> ScaleState:
    return ScaleState(number(factor, parameters))


def _rate_state(eta: float, parameters: Any) -> RateState:
    return RateState(number(eta, parameters))


def _schedule_state(numbers: Any, parameters: Any) -> ScheduleState:
    if is_open(numbers):
        raise InputError(
            f"the schedule of {numbers} lasts as long as the training, or some of its epochs, "
            "which only bpx.train and fit know; give its length as a number of steps"
        )
    given = rebuilt(numbers, [number(each, parameters) for each in leaves(numbers)])
    # float32 counts only to 2**24.
    steps = number(0.0, parameters)
    xp = namespace(steps)
    return ScheduleState(xp.astype(steps, xp.int32), given)


def _schedules(optimizer: Optimizer) -> list[Any]:
    """The numbers of each schedule in an optimizer."""
    return [numbers for link in optimizer.transformations for numbers in _numbers(link)]


def _numbers(link: Transformation) -> tuple[Any, ...]:
    begins = link.init
    scheduled = isinstance(begins, Beginning) and begins.make is _schedule_state
    return begins.numbers if isinstance(begins, Beginning) and scheduled else ()


def _lasting(link: Transformation, length: Length | None) -> Transformation:
    numbers = tuple(settled(each, length) for each in _numbers(link))
    return replace(link, init=Beginning(_schedule_state, numbers)) if numbers else link
