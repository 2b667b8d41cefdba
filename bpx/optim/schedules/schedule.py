"""Learning rates that change from step to step: functions of the step counter.

A schedule is a value that replaces a learning rate, as in
``bpx.SGD(bpx.optim.warmup_cosine(0.1, warmup=100, steps=5000))``. Its numbers and the counter
are arrays in the optimizer's state, so that all schedules with the same `rate` share one
compiled step.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from bpx._validate import number as checked
from bpx._validate import whole
from bpx.arrays.host import as_host, quietly
from bpx.arrays.registry import namespace
from bpx.errors import InputError
from bpx.optim.chained import called
from bpx.optim.schedules.lengths import Length, is_open, settled
from bpx.program.contract import leaves, rebuilt

__all__ = ["Schedule"]


@dataclass(frozen=True)
class Schedule:
    """A learning rate as a function of the step counter.

    Parameters
    ----------
    rate : callable
        ``rate(t, numbers) -> eta``, a module-level function of array operations. t, shape
        (1,), is the number of steps before this one, as a float.
    numbers : named tuple of float, of Epochs, of None, or of such tuples
        The numbers of the schedule, at least one; `rate` gets them as arrays of shape (1,).
        `bpx.train` replaces `Epochs` by their number of steps, and None by the number of steps
        from where the schedule begins to the end of the training.

    Raises
    ------
    InputError
        If `rate` is not a function, or `numbers` is not such a tuple.

    Notes
    -----
    If `numbers` has a method ``after_epoch(cost)``, `bpx.train` calls it after each epoch with
    the validation cost, or else the training cost; it returns the numbers for the next epoch,
    in arrays: see `reduce_on_plateau`.

    Examples
    --------
    >>> from typing import NamedTuple
    >>> class Halving(NamedTuple):
    ...     start: float
    ...     steps: float
    >>> def halve(t, numbers):
    ...     return numbers.start * 0.5 ** (t / numbers.steps)
    >>> optimizer = bpx.SGD(bpx.optim.Schedule(halve, Halving(3.0, 1000.0)))
    """

    rate: Callable[[Any, Any], Any]
    numbers: Any

    def __post_init__(self) -> None:
        if not callable(self.rate):
            raise InputError(
                f"rate={self.rate!r} was given; expected a function rate(t, numbers) -> eta"
            )
        names = getattr(self.numbers, "_fields", ())
        if not names:
            raise InputError(
                f"numbers={self.numbers!r} was given; expected a named tuple of at least one "
                "number"
            )
        for name in names:
            _check(name, getattr(self.numbers, name))

    def preview(self, steps: int, *, epochs: int = 1) -> list[float]:
        """Return the learning rate of each step of a training, to print or to plot.

        Without validation or training there are no costs: `reduce_on_plateau` stays constant.

        Parameters
        ----------
        steps : int
            The number of all steps, at least 1.
        epochs : int, optional
            The number of epochs that they make up.

        Raises
        ------
        InputError
            If a number cannot be used, or the schedule does not fit into the training.

        Examples
        --------
        >>> bpx.optim.linear_schedule(0.4).preview(4)
        [0.4, 0.30000000000000004, 0.2, 0.1]
        """
        whole("steps", steps, 1, None, "a whole number of at least 1")
        whole("epochs", epochs, 1, steps, f"a whole number in 1 ... {steps}, the steps")
        numbers = settled(self.numbers, Length(steps // epochs, steps))
        t = as_host([float(i) for i in range(steps)], "t")
        like = [namespace(t).full_like(t, each) for each in leaves(numbers)]
        with quietly():
            eta = self.rate(t, rebuilt(numbers, like))
        return [float(eta[i]) for i in range(steps)]

    def __repr__(self) -> str:
        return f"<bpx.optim.Schedule {called(self.rate)} of {self.numbers}>"


def _check(name: str, given: Any) -> None:
    """Refuse what is neither a number, nor a length, nor a tuple of such."""
    if isinstance(given, tuple):
        for each in given:
            _check(name, each)
    elif not is_open(given):
        checked(name, given, "a finite number", lambda v: True)
