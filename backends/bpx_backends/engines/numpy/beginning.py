"""A training's first steps on NumPy's functions, so that a short training does without numba.

numba's import and the kernels take some tenths of a second, or seconds if they are not in the
cache yet. How a step runs depends on its number and its sizes, not on a clock, nor on what the
process has compiled: so a training that is resumed, or continued, keeps its bits.
"""

from collections.abc import Callable
from functools import cached_property, partial
from typing import Any

from bpx.program.contract import Scan, Step, leaves

__all__ = ["Beginning", "seconds"]

SHORT = 0.05
"""The seconds of a training, as `seconds` estimates its steps, that do without compilation."""
CALL, ELEMENT, UNIT = 4e-6, 0.6e-9, 5e-9
"""The seconds that a step takes for each array of its state, for each element of one, and for
each sample and row of a matrix, of the optimizer's too, which makes up for the products. On one
core of an AMD EPYC, steps took 0.7 to 5 times that, most of them 0.7 to 2.3 times.
"""


class Beginning:
    """A scan for one training: see `bpx.program.contract`.

    Parameters
    ----------
    plain, compiled : callable
        ``plain()`` returns the scan for a training that begins, ``compiled()`` that for the
        others. Each is called at most once, and not before it is needed.
    waits : callable
        ``waits()`` says whether a training may begin with the plain one.
    """

    def __init__(
        self,
        plain: Callable[[], Scan],
        compiled: Callable[[], Scan],
        waits: Callable[[], bool],
    ) -> None:
        self._make_plain, self._make_compiled, self._waits = plain, compiled, waits
        self._estimated: tuple[Step | None, int, float] = None, 0, 0.0

    def __call__(self, step: Step, state: Any, *others: Any) -> Any:
        """Return the state after steps of unknown numbers, which are taken for late ones."""
        return self._compiled(step, state, *others)

    def after(self, steps: int) -> Scan:
        """Return the scan for rows that follow so many steps."""
        some = self._may_wait and (steps + 1) * CALL <= SHORT
        return partial(self._after, steps) if some else self._compiled

    def _after(
        self,
        steps: int,
        step: Step,
        state: Any,
        data: Any,
        rows: Any,
        start: int,
        stop: int,
        donate: bool = False,
    ) -> Any:
        plain = int(SHORT / self._estimate(step, state, rows.shape[-1])) - steps
        middle = min(max(plain, start), stop)
        if start < middle:
            state = self._plain(step, state, data, rows, start, middle, donate)
            start, donate = middle, True
        if start < stop:
            state = self._compiled(step, state, data, rows, start, stop, donate)
        return state

    def _estimate(self, step: Step, state: Any, batch: int) -> float:
        known, size, estimate = self._estimated
        if known is not step or size != batch:
            estimate = seconds(state, batch)
            self._estimated = step, batch, estimate
        return estimate

    def __deepcopy__(self, memo: Any) -> "Beginning":
        """Return one that keeps nothing yet, as for a copy of a `bpx.Trainer`."""
        return Beginning(self._make_plain, self._make_compiled, self._waits)

    @cached_property
    def _compiled(self) -> Scan:
        return self._make_compiled()

    @cached_property
    def _plain(self) -> Scan:
        return self._make_plain()

    @cached_property
    def _may_wait(self) -> bool:
        return self._waits()


def seconds(state: Any, batch: int) -> float:
    """Estimate the time that a step takes on NumPy's functions.

    Parameters
    ----------
    state : tree of arrays
    batch : int
        The samples of a mini-batch.
    """
    arrays = [*leaves(state)]
    rows = sum(each.shape[-2] for each in arrays if each.ndim > 1)
    elements = sum(each.size for each in arrays)
    return CALL * len(arrays) + ELEMENT * elements + UNIT * rows * batch
