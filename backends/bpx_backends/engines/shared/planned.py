"""A scan that records and plans a step once for each set of shapes, and then runs the plan."""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Lock
from typing import Any, Generic, TypeVar

from bpx.errors import MixedArraysError, RecordingError
from bpx.program.contract import Step, eager, index, keeping, named_leaves
from bpx.program.fusion import Divide, whole
from bpx.program.operation import HALVES, Operation
from bpx.program.plan import Plan, plan
from bpx.program.preparation import preparing
from bpx.program.program import Program
from bpx.program.record import record
from bpx_backends.engines.shared.collecting import uncollected
from bpx_backends.engines.shared.fallback import tell

__all__ = ["Planned"]

P = TypeVar("P")

KEPT = 64
"""The most plans that are kept; the least recently used one is dropped."""


class Planned(Generic[P]):
    """An engine's scan: see `bpx.program.contract`.

    Parameters
    ----------
    prepare : callable
        ``prepare(plan) -> prepared``: one-time work, such as compiling kernels.
    run : callable
        ``run(prepared, state, data, rows, start, stop, donate) -> state``.
    fuses : callable, optional
        Whether an operation can be part of a kernel: see `bpx.program.plan.plan`.
    divide : callable, optional
        What becomes of a kernel's nests: likewise.
    rewritten : callable, optional
        ``rewritten(program) -> program``: the same program in operations that suit the engine.
    halves : bool, optional
        Whether the engine can compute in float16 and bfloat16.
    refused : set, optional
        The steps that cannot be recorded, which another scan may share.

    Attributes
    ----------
    run : callable
        As given: it runs what `prepared` returns.

    Notes
    -----
    If a step cannot be recorded, because a user's part reads a value or uses a function beyond
    the standard, it runs eagerly; the reason is logged once. A mistake in such a part then
    shows up on the library's own arrays. If `prepare` rejects a plan with a `RecordingError`,
    the step runs eagerly for those shapes, which is logged for each.
    """

    def __init__(
        self,
        prepare: Callable[[Plan], P],
        run: Callable[[P, Any, Any, Any, int, int, bool], Any],
        fuses: Callable[[Operation], bool] = lambda _: False,
        divide: Divide = whole,
        *,
        rewritten: Callable[[Program], Program] | None = None,
        halves: bool = False,
        refused: set[Step] | None = None,
    ) -> None:
        self._halves, self._rewritten = halves, rewritten
        self._prepare, self.run = prepare, run
        self._fuses, self._divide = fuses, divide
        self._known: OrderedDict[Any, _Known[P]] = OrderedDict()
        self._eager = set[Step]() if refused is None else refused
        self._lock = Lock()

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
        if start == stop:
            return state
        prepared = self.prepared(step, state, data, rows)
        if prepared is None:
            return eager(step, state, data, rows, start, stop)
        return self.run(prepared, state, data, rows, start, stop, donate)

    def prepared(self, step: Step, state: Any, data: Any, rows: Any) -> P | None:
        """Return the plan for a step and these shapes; None if it cannot be recorded."""
        key = (step, *(_kinds(tree) for tree in (state, data, rows)))
        with self._lock:
            known = self._known.setdefault(key, _Known())
            self._known.move_to_end(key)
            while len(self._known) > KEPT:
                self._known.popitem(last=False)
        with known.lock:  # if two threads have equal steps, one compiles and the other waits
            if not known.made:
                with preparing():
                    known.prepared = self._made(step, state, data, index(rows, 0))
                known.made = True
            return known.prepared

    def _made(self, step: Step, state: Any, data: Any, rows: Any) -> P | None:
        if step in self._eager:
            return None
        try:
            with uncollected():
                program = record(keeping(step), state, data, rows)
        except MixedArraysError:
            raise
        except Exception as why:  # a user's part may do anything to placeholders
            self._eager.add(step)
            tell(why)
            return None
        try:
            if not self._halves:
                _check_no_halves(program)
            with uncollected():
                if self._rewritten is not None:
                    program = self._rewritten(program)
                planned = plan(program, self._fuses, self._divide)
            return self._prepare(planned)
        except RecordingError as why:  # this engine cannot run these shapes
            tell(why)
            return None


@dataclass
class _Known(Generic[P]):
    """The prepared plan of a step, once it is made; None if it cannot be recorded."""

    lock: Lock = field(default_factory=Lock)
    made: bool = False
    prepared: P | None = None


def _check_no_halves(program: Program) -> None:
    """Refuse what only a part of a user's can ask for: bpx has 16 bits on other engines."""
    for op in program.operations:
        if op.result.dtype.name in HALVES:
            raise RecordingError(f"{op.result.dtype} is no dtype of this engine")


def _kinds(tree: Any) -> tuple[Any, ...]:
    return tuple((name, tuple(x.shape), x.dtype) for name, x in named_leaves(tree))
