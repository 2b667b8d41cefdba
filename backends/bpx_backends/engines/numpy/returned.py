"""The state that a call returns: what its steps change is made anew, and the rest handed on."""

from collections.abc import Iterator, Sequence

import numpy as np

from bpx.program.program import Program
from bpx_backends.engines.numpy.parts import Part
from bpx_backends.engines.numpy.together import Together

__all__ = ["Returned", "divided"]


class Returned:
    """Makes the arrays of a program's next state: ``returned(arrays, begins)``.

    Attributes
    ----------
    changed : list of int
        The indices of the arrays that a step changes.
    """

    def __init__(self, program: Program) -> None:
        pairs = enumerate(zip(program.state, program.outputs, strict=True))
        self.changed = [i for i, (was, now) in pairs if was is not now]
        state = program.state
        self._fresh = Together([(state[i].shape, state[i].dtype.name) for i in self.changed])

    def __call__(
        self, arrays: Sequence[np.ndarray], begins: np.ndarray
    ) -> tuple[list[np.ndarray], np.ndarray]:
        """Return the arrays after a step, uninitialized where it changes them.

        Parameters
        ----------
        arrays : sequence of ndarray
            Those before it.
        begins : int64, shape (n,)
            Their addresses.

        Returns
        -------
        list of ndarray
        int64, shape (n,)
            Their addresses.
        """
        made, there = self._fresh()
        after, places = list(arrays), begins.copy()
        for i, each in zip(self.changed, made, strict=True):
            after[i] = each
        places[self.changed] = there
        return after, places


def divided(
    entered: Sequence[Part], arrays: Sequence[np.ndarray], begins: np.ndarray
) -> Iterator[Part]:
    """Divide the arrays of a state into parts, as those that it entered with."""
    at = 0
    for part in entered:
        end = at + len(part.arrays)
        yield part.form.part(arrays[at:end], begins[at:end])
        at = end
