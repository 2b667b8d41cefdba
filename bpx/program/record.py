"""Recording a step: run once, on arrays without numbers, it leaves a `Program`."""

import sys
from collections.abc import Sequence
from types import FrameType
from typing import Any

from bpx.errors import RecordingError
from bpx.program.array import Recorded, as_recorded, recorder_in_use
from bpx.program.contract import Step, named_leaves, rebuilt
from bpx.program.namespace import namespace
from bpx.program.operation import DType, Operand, Operation, Value, dtype_of, needed
from bpx.program.program import Program

__all__ = ["record"]


def record(step: Step, state: Any, data: Any, rows: Any) -> Program:
    """Run a pure step once, on recording arrays.

    Parameters
    ----------
    step : Step
        ``step(state, data, rows) -> state``.
    state, data : trees of arrays
        Of any library. Only their shapes and dtypes are read.
    rows : array, shape (batch,)
        Likewise.

    Returns
    -------
    Program

    Raises
    ------
    RecordingError
        If the step asks for more than a recording holds: it names the operation.
    """
    recorder = _Recorder()
    entered = [recorder.input(*each) for each in named_leaves(state)]
    read = [recorder.input(*each) for each in named_leaves(data, "data")]
    picked = recorder.input("rows", rows)
    token = recorder_in_use.set(recorder)
    try:
        after = step(rebuilt(state, entered), rebuilt(data, read), picked)
    finally:
        recorder_in_use.reset(token)
    outputs = tuple(as_recorded(leaf).value for _, leaf in named_leaves(after))
    return Program(
        state=tuple(each.value for each in entered),
        data=tuple(each.value for each in read),
        rows=picked.value,
        operations=needed(recorder.operations, outputs),
        outputs=outputs,
    )


class _Recorder:
    """The operations so far. An operation that was recorded before is not recorded again."""

    namespace = namespace

    def __init__(self) -> None:
        self.operations: list[Operation] = []
        self.known: dict[Any, Recorded] = {}
        self.negatives: dict[Any, Operand] = {}

    def input(self, name: str, like: Any) -> "Recorded":
        dtype = getattr(like.dtype, "name", None) or str(like.dtype).rpartition(".")[2]
        try:
            return Recorded(Value(tuple(like.shape), dtype_of(dtype), name), self)
        except KeyError:
            raise RecordingError(f"{name} is {dtype}, which a recording cannot hold") from None

    def apply(
        self,
        name: str,
        operands: Sequence[Any],
        shape: Sequence[int],
        dtype: DType,
        /,
        **given: Any,
    ) -> "Recorded":
        arguments = tuple(self.operand(each) for each in operands)
        name, arguments = self.simplest(name, arguments)
        attributes = tuple((key, value) for key, value in given.items() if value is not None)
        signs = tuple(each if isinstance(each, Value) else repr(each) for each in arguments)
        key = name, signs, _hashable(attributes)
        if key not in self.known:
            value = Value(tuple(shape), dtype)
            self.operations.append(Operation(name, arguments, value, attributes, _origin()))
            self.known[key] = Recorded(value, self)
            if name == "negative":
                self.negatives[value] = arguments[0]
        return self.known[key]

    def simplest(self, name: str, operands: tuple[Operand, ...]) -> tuple[str, Any]:
        """A + (-b) is a - b, to the last bit."""
        added = self.negatives.get(operands[-1]) if name == "add" else None
        return (name, operands) if added is None else ("subtract", (operands[0], added))

    def operand(self, x: Any) -> Operand:
        if isinstance(x, Recorded):
            if x.recorder is not self:
                raise RecordingError("an array of an earlier recording was used in this one")
            return x.value
        if type(x) not in (bool, int, float):
            as_recorded(x)
        return x


_OWN = (__name__, Recorded.__module__, type(namespace).__module__)


def _hashable(given: Any) -> Any:
    if isinstance(given, slice):
        return "slice", given.start, given.stop, given.step
    return tuple(map(_hashable, given)) if isinstance(given, tuple) else given


def _origin() -> tuple[str, ...]:
    """The names of the functions between the step and this file, the innermost first."""
    # The step's functions know nothing of a recording: only the stack says who called.
    frame: FrameType | None = sys._getframe(1)
    names = []
    while frame is not None and frame.f_code is not record.__code__:
        if frame.f_globals.get("__name__") not in _OWN:
            # A lambda or a comprehension goes by the function that it is in.
            name = frame.f_code.co_qualname.partition(".<locals>.<")[0]
            names.append(name.rpartition("<locals>.")[2].lstrip("_"))
        frame = frame.f_back
    return tuple(names)
