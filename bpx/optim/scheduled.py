"""Numbers of links that follow a schedule, such as the learning rate; the step counter."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from bpx._typing import Array
from bpx.arrays.registry import namespace
from bpx.errors import InputError
from bpx.optim.chain import Beginning, Chain, Optimizer, Transformation
from bpx.optim.schedules.lengths import Length, is_open, settled
from bpx.optim.schedules.plateau import after_epoch, watches
from bpx.optim.trees import first, number
from bpx.program.contract import leaves, rebuilt

__all__ = ["Follows", "ScheduleState", "Scheduled", "begun", "heeded", "lasting", "watching"]


class ScheduleState(NamedTuple):
    """The step counter, int32, and the schedule's numbers, shape (1,)."""

    steps: Array
    schedule: Any


@dataclass(frozen=True)
class Scheduled(Beginning):
    """The `init` of a link that follows a schedule, whose numbers come first in `numbers`.

    The link's state has the fields of `ScheduleState`.
    """


@dataclass(frozen=True)
class Follows:
    """Returns the value of a schedule at this step, and the state with one more step counted.

    Attributes
    ----------
    rate : callable
        That of the `Schedule`.
    """

    rate: Callable[[Any, Any], Any]

    def __call__(self, state: Any) -> tuple[Array, Any]:
        """Return the value, shape (1,), and the state, with the fields of `ScheduleState`."""
        xp, like = namespace(state.steps), first(state.schedule)
        t = xp.astype(state.steps, like.dtype)
        return self.rate(t, state.schedule), state._replace(steps=state.steps + 1)


def begun(numbers: Any, parameters: Any) -> ScheduleState:
    """Return the state of a schedule before the first step.

    Raises
    ------
    InputError
        If some of its lengths are not numbers of steps yet: see `lasting`.
    """
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


def watching(optimizer: Optimizer) -> bool:
    """Whether a schedule of the optimizer depends on the cost of the epochs."""
    return any(map(watches, _schedules(optimizer)))


def heeded(state: Any, cost: float) -> Any:
    """Return the optimizer's state after an epoch of this cost; mostly the state itself."""
    parts = getattr(state, "parts", ())
    heard = [
        part._replace(schedule=after_epoch(part.schedule, cost))
        if "schedule" in getattr(part, "_fields", ()) and watches(part.schedule)
        else part
        for part in parts
    ]
    same = all(one is other for one, other in zip(heard, parts, strict=True))
    return state if same else state._replace(parts=tuple(heard))


def _schedules(optimizer: Optimizer) -> list[Any]:
    """The numbers of each schedule in an optimizer."""
    begins = (link.init for link in optimizer.transformations)
    return [init.numbers[0] for init in begins if isinstance(init, Scheduled)]


def _lasting(link: Transformation, length: Length | None) -> Transformation:
    init = link.init
    if not isinstance(init, Scheduled):
        return link
    numbers, *others = init.numbers
    return replace(link, init=replace(init, numbers=(settled(numbers, length), *others)))
