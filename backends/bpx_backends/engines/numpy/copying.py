"""A plan of NumPy's own functions that stays bound to arrays of its own.

To bind a plan takes as long as some steps of a small network. Here that is done once: each call
copies the state and the data in, and what has changed out.
"""

from collections.abc import Sequence

import numpy as np

from bpx_backends.engines.numpy.bound import Compiled, Given, Workers
from bpx_backends.engines.numpy.parts import Part, arrays_of
from bpx_backends.engines.numpy.replay import replay_calls
from bpx_backends.engines.numpy.returned import Returned, divided
from bpx_backends.engines.numpy.subnormals import flushed

__all__ = ["LARGEST", "Copying", "is_small"]

LARGEST = 1 << 20
"""The most bytes that are copied: with more, the steps take much longer than binding."""


def is_small(compiled: Compiled) -> bool:
    """Whether the arrays of a plan are so small that copies of them cost little."""
    program = compiled.plan.program
    held = sum(each.nbytes for each in (*program.state, *program.data))
    return held + compiled.plan.scratch <= LARGEST


class Copying:
    """A plan without kernels, bound to arrays of its own.

    Parameters
    ----------
    compiled : Compiled
    dtype : dtype
        That of the row indices.
    """

    def __init__(self, compiled: Compiled, dtype: np.dtype) -> None:
        program = compiled.plan.program
        self._state, self._data = (
            [np.empty(v.shape, v.dtype.name) for v in those]
            for those in (program.state, program.data)
        )
        self._picked = compiled.picked(dtype)
        inputs = {
            program.rows: self._picked,
            **dict(zip(program.data, self._data, strict=True)),
        }
        scratch = np.empty(compiled.plan.scratch, np.uint8)
        alone = Workers(None, 1)
        given = Given(compiled, inputs, self._state, self._state, scratch, alone)
        self._calls = given.bound().calls()
        self._returned = Returned(program)

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
        arrays = arrays_of(entered)
        data = arrays_of(read)
        for own, x in zip((*self._state, *self._data), (*arrays, *data), strict=True):
            np.copyto(own, x)
        with flushed():
            replay_calls(self._calls, self._picked, rows, start, stop)
        begins = np.concatenate([part.begins for part in entered])
        if not donate:
            arrays, begins = self._returned(arrays, begins)
        for i in self._returned.changed:
            np.copyto(arrays[i], self._state[i])
        return list(divided(entered, arrays, begins))
