"""Which arrays the ranks update in parts, and the engine that does it.

An update can be divided if it changes each number of a large array by that number's own
gradient and state alone, as SGD and Adam do. Its operations show whether it does: it is
recorded once.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from math import prod
from typing import Any

from bpx._typing import Array
from bpx.arrays.parts import Parts
from bpx.arrays.ranks import Communicator
from bpx.errors import RecordingError
from bpx.model.parameters import Gradients
from bpx.program.contract import Scan, Step, after, leaves
from bpx.program.fusion import ELEMENTWISE
from bpx.program.operation import Operation, Value
from bpx.program.program import Program
from bpx.program.record import record
from bpx.training.step import State, TrainingStep

__all__ = ["LEAST", "InParts", "parts_of"]

LEAST = 2**16
"""The numbers from which on an array is divided: for a small one, the messages cost more."""


def parts_of(ranks: Communicator, step: TrainingStep, state: State) -> Parts | None:
    """Return the arrays that are updated in parts; None if every rank makes the whole update.

    Parameters
    ----------
    ranks : Communicator
    step : TrainingStep
        The step of a single rank.
    state : State
        With the parameters and the optimizer's state.
    """
    if not hasattr(ranks, "reduce_scatter") or step.spec.feedback.learns:
        return None
    shapes = frozenset(x.shape for x in leaves(state.parameters) if _is_large(x, ranks.size))
    if not shapes or not _by_numbers(step, state, shapes):
        return None
    return Parts(ranks, shapes)  # type: ignore[arg-type]  # it has the two methods


def _is_large(x: Array, size: int) -> bool:
    return x.ndim == 2 and x.shape[0] >= size and prod(x.shape) >= LEAST


def _by_numbers(step: TrainingStep, state: State, shapes: Iterable[tuple[int, ...]]) -> bool:
    """Whether the update changes each number of such arrays by itself."""

    def update(state: State, gradient: Gradients, _: Any) -> State:
        return step.moved(state, gradient)

    gradient = Gradients(state.parameters.layers)
    try:
        program = record(update, state, gradient, state.parameters.like)
    except RecordingError:
        return False
    learned = set(program.state[: len(list(leaves(state.parameters)))])
    given = [v for v in (*program.state, *program.data) if v.shape in shapes]
    return _stays_apart(program, set(given), {v for v in given if v not in learned})


def _stays_apart(program: Program, apart: set[Value], part: set[Value]) -> bool:
    """Whether nothing mixes the numbers of the arrays `part`, of which a rank has its rows.

    Those of `apart` have a number for each of theirs.
    """
    for op in program.operations:
        alike = _is_apart(op, apart)
        if alike:
            apart.add(op.result)
        if not part.isdisjoint(op.values):
            if not alike:
                return False
            part.add(op.result)
    return all(v in apart for v in program.outputs if v.shape in {x.shape for x in part})


def _is_apart(op: Operation, apart: set[Value]) -> bool:
    """Whether each number of a result is made of one of each array, and of single numbers."""
    large = [v for v in op.values if v.size > 1]
    return (
        op.name in ELEMENTWISE
        and bool(large)
        and all(v in apart and v.shape == op.result.shape for v in large)
    )


@dataclass(frozen=True)
class InParts:
    """A `Scan` whose steps have the optimizer's state in parts; before and after it is whole.

    Attributes
    ----------
    scan : Scan
        The engine.
    parts : Parts
    """

    scan: Scan
    parts: Parts

    def __call__(
        self,
        step: Step,
        state: State,
        data: Any,
        rows: Any,
        start: int,
        stop: int,
        donate: bool = False,
        /,
    ) -> State:
        """Return the state after the last row."""
        whole = state.optimizer
        own = state._replace(optimizer=self.parts.own(whole))
        moved: State = self.scan(step, own, data, rows, start, stop, donate)
        return moved._replace(optimizer=self.parts.whole(moved.optimizer, whole))

    def after(self, steps: int) -> "InParts":
        """Return the engine for the rows that follow so many steps: see `contract.after`."""
        return replace(self, scan=after(steps, self.scan))
