"""Which arrays the ranks update in parts, and the engine that does it.

An update can be divided if it changes each number of a large array by that number's own
gradient and state alone, as SGD and Adam do. Its operations show whether it does: it is
recorded once.
"""

from dataclasses import dataclass, replace
from math import prod
from typing import Any

from bpx._typing import Array
from bpx.arrays.parts import Parts
from bpx.arrays.ranks import Communicator
from bpx.model.parameters import Gradients, Parameters
from bpx.program.contract import Scan, Step, after, leaves, rebuilt
from bpx.program.fusion import ELEMENTWISE
from bpx.program.operation import Operation, Value
from bpx.program.program import Program
from bpx.program.record import record
from bpx.training.step import State, TrainingStep

__all__ = ["LEAST", "InParts", "parts_of"]

LEAST = 2**16
"""The numbers from which on an array is divided: for a small one, the messages cost more."""
_NEEDED = ("reduce_scatter", "swap_rows", "all_gather")

Shapes = frozenset[tuple[int, ...]]


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
    if not all(hasattr(ranks, each) for each in _NEEDED) or step.spec.feedback.learns:
        return None
    shapes = frozenset(x.shape for x in leaves(state.parameters) if _is_large(x, ranks.size))
    if not shapes or not _by_numbers(step, state, shapes, ranks.size):
        return None
    return Parts(ranks, shapes)  # type: ignore[arg-type]  # it has the methods


def _is_large(x: Array, size: int) -> bool:
    return x.ndim == 2 and x.shape[0] >= size and prod(x.shape) >= LEAST


def _by_numbers(step: TrainingStep, state: State, shapes: Shapes, size: int) -> bool:
    """Whether the update changes each number of such arrays by itself.

    It must also do the same with fewer rows: it may have read their number.
    """

    def update(state: State, gradient: Gradients, _: Any) -> State:
        return step.moved(state, gradient)

    def recorded(parameters: Parameters, optimizer: Any) -> Program:
        given = state._replace(parameters=parameters, optimizer=optimizer)
        return record(update, given, Gradients(parameters.layers), parameters.like)

    trees = state.parameters, state.optimizer
    try:
        program = recorded(*trees)
        fewer = recorded(*(_fewer_rows(tree, shapes, size) for tree in trees))
    except Exception:  # a user's part may do anything with arrays that have no values
        return False
    return _stays_apart(program, shapes) and _told(program) == _told(fewer)


def _fewer_rows(tree: Any, shapes: Shapes, size: int) -> Any:
    each = (x[: x.shape[0] // size, ...] if x.shape in shapes else x for x in leaves(tree))
    return rebuilt(tree, each)


def _told(program: Program) -> list[tuple[str, list[Any]]]:
    """The operations and their numbers, without shapes."""
    return [
        (op.name, [each for each in op.operands if not isinstance(each, Value)])
        for op in program.operations
    ]


def _stays_apart(program: Program, shapes: Shapes) -> bool:
    """Whether nothing mixes the numbers of arrays of these shapes, or of what they become."""
    apart = {v for v in (*program.state, *program.data) if v.shape in shapes}
    for op in program.operations:
        if not apart.isdisjoint(op.values):
            if not _is_apart(op, apart):
                return False
            apart.add(op.result)
    return all(v in apart for v in program.outputs if v.shape in shapes)


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
