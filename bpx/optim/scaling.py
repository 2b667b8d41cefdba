"""Links that multiply the updates by a number: a constant, or the learning rate.

The updates u of the first link are the gradients g; those of the last link are added to the
weights: w ← w + u.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

from bpx._typing import Array
from bpx._validate import number as checked
from bpx.errors import InputError
from bpx.optim.chain import Beginning, Chain, Optimizer, Transformation, chain
from bpx.optim.scheduled import Follows, Scheduled, ScheduleState, begun
from bpx.optim.schedules.schedule import Schedule
from bpx.optim.trees import above_0, mapped, number

__all__ = ["learning_rate", "scale", "scale_by_learning_rate", "with_rate"]


class ScaleState(NamedTuple):
    """The number by which `scale` multiplies, shape (1,)."""

    factor: Array


class RateState(NamedTuple):
    """The learning rate, shape (1,)."""

    eta: Array


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
        rule = Scaling(Follows(eta.rate), descends=True)
        return Transformation(Scheduled(begun, (eta.numbers,)), rule)
    given = checked("eta", eta, "a positive number", lambda v: v > 0.0)
    return Transformation(Beginning(_rate_state, (given,)), _DESCEND)


def learning_rate(optimizer: Optimizer, state: Any) -> Array | None:
    """The learning rate of an optimizer's next step, shape (1,); None if it has none.

    For K networks the shape is (K, 1, 1).
    """
    for i, part in enumerate(state.parts):
        if "eta" in getattr(part, "_fields", ()):
            found: Array = part.eta
            return found
        if isinstance(part, ScheduleState):
            update = optimizer.transformations[i].update
            if isinstance(update, Scaling):
                return update.factor(part)[0]
    return None


def with_rate(optimizer: Optimizer, eta: float | Schedule) -> Optimizer:
    """Return an optimizer with another learning rate.

    Raises
    ------
    InputError
        If it has none, as a single link of `scale`.
    """
    other = scale_by_learning_rate(eta)
    links = chain(optimizer).transformations
    rated = [isinstance(link.update, Scaling) and link.update.descends for link in links]
    if not any(rated):
        raise InputError(
            f"optimizer={optimizer!r} has no learning rate that can be replaced; expected one "
            "with scale_by_learning_rate, such as bpx.Adam()"
        )
    return Chain(tuple(other if r else link for r, link in zip(rated, links, strict=True)))


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


def _factor(state: ScaleState) -> tuple[Array, ScaleState]:
    return state.factor, state


def _eta(state: RateState) -> tuple[Array, RateState]:
    return state.eta, state


_SCALE, _DESCEND = Scaling(_factor, descends=False), Scaling(_eta, descends=True)


def _scale_state(factor: float, parameters: Any) -> ScaleState:
    return ScaleState(number(factor, parameters))


def _rate_state(eta: float, parameters: Any) -> RateState:
    return RateState(above_0("eta", eta, parameters))
