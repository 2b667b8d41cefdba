"""The bytes of a case, computed: what training holds, and what a step must move.

All numbers are float32; labels are int32.
"""

from typing import NamedTuple

from benchmarks.cases import Case

__all__ = ["Footprint", "footprint"]

ITEM = 4
STATES = {"sgd": 0, "momentum": 1, "adam": 2}
"""The numbers that the optimizer keeps for each parameter."""
SLACK = 1.15


class Footprint(NamedTuple):
    """The bytes of a case, by what they hold.

    Attributes
    ----------
    data, rows : int
        The bytes of all samples and labels, and of one mini-batch of them.
    parameters, state, gradients : int
        The state is the optimizer's.
    activations, deltas : int
        For one mini-batch: a^0, ..., a^L and delta^1, ..., delta^L.
    """

    data: int
    rows: int
    parameters: int
    state: int
    gradients: int
    activations: int
    deltas: int

    @property
    def bound(self) -> float:
        """The most that training may hold, above what is resident after the imports."""
        once = self.data + self.gradients + self.activations + self.deltas
        return SLACK * (once + 2 * (self.parameters + self.state))

    @property
    def moved(self) -> int:
        """The least that a step moves: it reads its rows, and writes and reads all else."""
        return self.rows + 2 * sum(self[2:])


def footprint(case: Case) -> Footprint:
    """A case's bytes."""
    inputs, *widths = case.sizes
    layers = zip(case.sizes, widths, strict=False)
    parameters = ITEM * sum((n_in + 1) * n_out for n_in, n_out in layers)
    return Footprint(
        data=ITEM * case.samples * (inputs + 1),
        rows=ITEM * case.batch * (inputs + 1),
        parameters=parameters,
        state=STATES[case.optimizer] * parameters,
        gradients=parameters,
        activations=ITEM * case.batch * sum(case.sizes),
        deltas=ITEM * case.batch * sum(widths),
    )
