"""A scan for one training, which keeps what its calls have in common.

A training gives the engine the very arrays that it was returned, the same zeros for its sums,
and mini-batches of the same shapes. So between two calls only addresses change: the table of a
plan stays, and is written over with those of the new arrays. Arrays that are recognised need no
checks, and their addresses are known.
"""

from collections.abc import Sequence
from threading import Lock
from typing import Any

import numpy as np

from bpx.program.contract import Step
from bpx_backends.engines.numpy.bound import Compiled, Given, Workers
from bpx_backends.engines.numpy.calls import address_of
from bpx_backends.engines.numpy.copying import Copying, is_small
from bpx_backends.engines.numpy.native import layout, run
from bpx_backends.engines.numpy.parts import Part, Parts, arrays_of, whole
from bpx_backends.engines.numpy.returned import Returned, divided
from bpx_backends.engines.numpy.subnormals import flushed
from bpx_backends.engines.numpy.table import Layout, Table, are_apart
from bpx_backends.engines.shared.planned import Planned
from bpx_backends.engines.shared.recycling import empty

__all__ = ["Session"]

KEPT = 4
"""The most tables of one training: for mini-batches of several sizes, or kinds of targets."""
_ALONE = Workers(None, 1)


class Session:
    """An engine's scan for one training: see `bpx.program.contract`.

    Parameters
    ----------
    planned : Planned
        The engine, which runs what cannot be kept.

    Notes
    -----
    Only one thread at a time uses what is kept; another one uses the engine itself. A returned
    state is never written again, unless it is donated.
    """

    def __init__(self, planned: Planned[Compiled]) -> None:
        self._planned, self._lock = planned, Lock()
        self._state, self._data = Parts(), Parts()
        self._kept: list[_Kept] = []

    def __call__(
        self,
        step: Step,
        state: Any,
        data: Any,
        rows: Any,
        start: int,
        stop: int,
        donate: bool = False,
    ) -> Any:
        """Return the state after the steps from `start` to `stop`."""
        if start == stop or not self._lock.acquire(blocking=False):
            return self._planned(step, state, data, rows, start, stop, donate)
        try:
            entered, read = self._state.of(state), self._data.of(data)
            kept = self._found(step, entered, read, rows)
            if kept is None:
                kept = self._made(step, entered, read, (state, data, rows))
            if kept.plan is None or not rows.flags.c_contiguous:
                return self._planned(step, state, data, rows, start, stop, donate)
            returned = kept.plan(entered, read, rows, start, stop, donate)
            self._state.remember(returned)
            return whole(state, returned)
        finally:
            self._lock.release()

    def _found(
        self, step: Step, entered: Sequence[Part], read: Sequence[Part], rows: np.ndarray
    ) -> "_Kept | None":
        forms = [each.form for each in (*entered, *read)]
        kind = rows.shape[1:], rows.dtype
        for kept in self._kept:
            same = kept.step is step or kept.step == step
            if same and kept.forms == forms and kept.rows == kind:
                return kept
        return None

    def _made(
        self, step: Step, entered: Sequence[Part], read: Sequence[Part], trees: Any
    ) -> "_Kept":
        compiled = self._planned.prepared(step, *trees)
        forms, rows = [each.form for each in (*entered, *read)], trees[2]
        plan = None if compiled is None else _repeated(compiled, entered, read, rows)
        kept = _Kept(step, forms, (rows.shape[1:], rows.dtype), plan)
        self._kept = [kept, *self._kept[: KEPT - 1]]
        return kept


class _Kept:
    """What distinguishes the calls of one plan, and the plan; None if it is bound each time."""

    def __init__(self, step: Step, forms: list[Any], rows: Any, plan: Any) -> None:
        self.step, self.forms, self.rows, self.plan = step, forms, rows, plan


def _repeated(
    compiled: Compiled, entered: Sequence[Part], read: Sequence[Part], rows: np.ndarray
) -> "Copying | _Repeated | None":
    """Return a plan for repeated calls; None if it is bound anew each time."""
    if not all(part.form.adjacent for part in (*entered, *read)):
        return None
    if compiled.drive is None:
        return Copying(compiled, rows.dtype) if is_small(compiled) else None
    in_parts = any(each.parts > 1 for each in compiled.kernels.values())
    if in_parts or not rows.flags.c_contiguous or rows.ndim != 2:
        return None
    made = _Repeated(compiled, rows.dtype)
    return made if made.bind(entered, read, rows) else None


class _Repeated:
    """A plan whose tables are kept, and written over with the addresses of each call."""

    def __init__(self, compiled: Compiled, dtype: Any) -> None:
        self._compiled, program = compiled, compiled.plan.program
        self._returned = Returned(program)
        self._scratch = empty((max(1, compiled.plan.scratch),), "uint8")
        self._picked = compiled.picked(dtype)
        fixed = address_of(self._scratch), address_of(self._picked)
        self._fixed = np.array(fixed, np.int64)
        self._tables: list[tuple[Layout, Table]] = []

    def bind(self, entered: Sequence[Part], read: Sequence[Part], rows: np.ndarray) -> bool:
        """Make the tables, or return False if it is impossible."""
        old = arrays_of(entered)
        data = arrays_of(read)
        if not are_apart([*old, *data]):  # a table cannot tell them apart: others stand in
            old, data = ([np.empty(x.shape, x.dtype) for x in each] for each in (old, data))
        new, _ = self._returned(old, np.zeros(len(old), np.int64))
        found = [self._layout(before, new, data, rows) for before in (old, new)]
        self._tables = [(each, each.copied()) for each in found if each is not None]
        return None not in found

    def __call__(
        self,
        entered: Sequence[Part],
        read: Sequence[Part],
        rows: np.ndarray,
        start: int,
        stop: int,
        donate: bool,
    ) -> list[Part]:
        """Run the steps; return the parts of the state after them."""
        old = np.concatenate([part.begins for part in entered])
        data = [part.begins for part in read]
        arrays, new = arrays_of(entered), old
        with flushed():
            if not donate:
                arrays, new = self._returned(arrays, old)
                self._run(0, old, new, data, rows, start, start + 1)
                start += 1
            if start < stop:
                self._run(1, new, new, data, rows, start, stop)
        return list(divided(entered, arrays, new))

    def _layout(self, old: Any, new: Any, data: Any, rows: np.ndarray) -> Layout | None:
        program = self._compiled.plan.program
        inputs = {program.rows: self._picked, **dict(zip(program.data, data, strict=True))}
        given = Given(self._compiled, inputs, old, new, self._scratch, _ALONE)
        return layout(given, rows, [self._scratch, self._picked, *old, *new, *data])

    def _run(
        self, which: int, old: Any, new: Any, data: Any, rows: np.ndarray, first: int, last: int
    ) -> None:
        places, table = self._tables[which]
        places.move(table, np.concatenate((self._fixed, old, new, *data)))
        run(table, rows, first, last)
