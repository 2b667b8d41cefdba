"""Small plans on the CPU stay bound to tensors of their own.

To bind a plan takes longer than a step of a small network. Here that is done once: each call
copies the state, the data and the rows in, and the new state out.
"""

from functools import lru_cache
from typing import Any

import torch

from bpx.program.contract import leaves, rebuilt
from bpx.program.plan import Plan
from bpx_backends.engines.torch.calls import dtypes
from bpx_backends.engines.torch.kept import Kept
from bpx_backends.engines.torch.replay import NOTHING, After, bind, replay, used

__all__ = ["LARGEST", "release", "run"]

LARGEST = 1 << 20
"""The most bytes that are copied: with more, the steps take much longer than binding."""
KEPT = 8
"""The most plans that are kept."""


def run(
    planned: Plan,
    state: Any,
    data: Any,
    rows: torch.Tensor,
    start: int,
    stop: int,
    donate: bool = False,
    *,
    after: After = NOTHING,
) -> Any:
    """Run the steps from `start` to `stop`: an engine's scan, for plans of any size."""
    if _held(planned) + rows.nbytes > LARGEST:
        return replay(planned, state, data, rows, start, stop, donate, after=after)
    key = planned, after, after.numbers(state), rows.shape, rows.dtype
    found = _kept.taken(key) or Copying(planned, state, rows, after)
    following = found.run(state, data, rows, start, stop, donate)
    _kept.put(key, found)
    return following


def release() -> None:
    """Release what is kept."""
    _kept.clear()


@lru_cache
def _held(planned: Plan) -> int:
    """The bytes of a plan's arrays."""
    program = planned.program
    return sum(each.nbytes for each in (*program.state, *program.data)) + planned.scratch


class Copying:
    """A plan on tensors of its own.

    Parameters
    ----------
    planned : Plan
    state : tree of tensors
    rows : Tensor
        Whose shape those of each call have.
    after : After
    """

    def __init__(self, planned: Plan, state: Any, rows: torch.Tensor, after: After) -> None:
        program = planned.program
        self._state, self._data = (
            [torch.empty(v.shape, dtype=dtypes[v.dtype.name]) for v in those]
            for those in (program.state, program.data)
        )
        self._rows = torch.empty_like(rows, memory_format=torch.contiguous_format)
        tree, numbers = rebuilt(state, self._state), after.numbers(state)
        with torch.no_grad():
            self._bound = bind(planned, tree, self._data, self._rows, after, numbers)
        self._entering = [i for i, looked_at in enumerate(used(program)) if looked_at]
        own = (self._state[i] for i in self._entering)
        self._inputs = [*own, *self._data, self._rows]

    def run(
        self, state: Any, data: Any, rows: torch.Tensor, start: int, stop: int, donate: bool
    ) -> Any:
        """Return the state after the steps, in new memory or in that of a donated one."""
        entered = list(leaves(state))
        left = [torch.empty_like(own) for own in self._state]
        for i in self._entering if donate else ():
            left[i] = entered[i]
        given = [*(entered[i] for i in self._entering), *leaves(data), rows]
        with torch.no_grad():
            torch._foreach_copy_(self._inputs, given)
            self._bound.steps(start, stop)
            torch._foreach_copy_(left, self._state)
        return rebuilt(state, left)


_kept: Kept[Copying] = Kept(KEPT)
