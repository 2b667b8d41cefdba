"""A pure function of parameters and samples, bound to the parameters: the same bits, sooner.

The function is recorded, and its operations become calls of the library's functions that write
into the same memory each time. Only the samples are copied in, and the answers out.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Generic, TypeVar

import numpy as np

from bpx.program.contract import leaves, named_leaves
from bpx.program.operation import Value
from bpx.program.plan import Plan, plan
from bpx.program.record import record

__all__ = ["ROWS", "Answers"]

P = TypeVar("P")
Answer = Callable[[Any, Any], Any]

ROWS = np.zeros(1, np.int32)
"""Row indices, which no such function reads."""
LARGEST = 1 << 20
"""The most bytes that a binding keeps; with more, hardly any time is lost around the calls."""
KEPT = 64
"""The most plans that are known."""


class Answers(Generic[P]):
    """Binds functions to parameters: ``answers(answer, parameters, x)``.

    Parameters
    ----------
    prepare : callable
        ``prepare(plan) -> prepared``.
    bind : callable
        ``bind(prepared, arrays, x) -> run``: binds a plan whose data are these arrays, and
        others like x, which ``run`` takes; its one state is what ``run`` returns.
    """

    def __init__(
        self,
        prepare: Callable[[Plan], P],
        bind: Callable[[P, list[Any], Any], Callable[[Any], Any]],
    ) -> None:
        self._prepare, self._bind = prepare, bind
        self._known: dict[Any, P | None] = {}

    def __call__(self, answer: Answer, parameters: Any, x: Any) -> Callable[[Any], Any] | None:
        """Return a function of arrays like x that computes ``answer(parameters, x)``.

        Parameters
        ----------
        answer : callable
            Pure and hashable; it returns one array.
        parameters : tree of arrays
            Their values are read at each call.
        x : array

        Returns
        -------
        callable or None
            For one thread at a time; its results are in new memory. None if it cannot be
            recorded, or is too large to gain.
        """
        named = named_leaves((parameters, x))
        key = answer, tuple((name, tuple(each.shape), each.dtype) for name, each in named)
        if key not in self._known:
            if len(self._known) >= KEPT:
                self._known.clear()
            self._known[key] = self._planned(answer, parameters, x)
        found = self._known[key]
        return None if found is None else self._bind(found, [*leaves(parameters)], x)

    def _planned(self, answer: Answer, parameters: Any, x: Any) -> P | None:
        def step(state: Any, data: Any, rows: Any) -> Any:
            return (answer(*data),)

        try:
            recorded = record(step, (), (parameters, x), ROWS)
        except Exception:  # the function itself will say what is wrong
            return None
        (after,) = recorded.outputs
        state = (Value(after.shape, after.dtype, "answer"),)
        planned = plan(replace(recorded, state=state))
        kept = planned.scratch + after.nbytes + recorded.data[-1].nbytes
        return self._prepare(planned) if kept <= LARGEST else None
