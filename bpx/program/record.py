"""Recording a step: one run on arrays without values makes a `Program`."""

import sys
from collections.abc import Sequence
from functools import cache
from types import FrameType
from typing import Any

from bpx.errors import RecordingError
from bpx.program.array import Recorded, as_recorded, recorder_in_use
from bpx.program.contract import Step, named_leaves, rebuilt
from bpx.program.marks import Call, Mark, mark_of
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
        Arrays of any library. Only their shapes and dtypes are read.
    rows : array, shape (batch,)
        Likewise.

    Returns
    -------
    Program

    Raises
    ------
    RecordingError
        If the step uses an operation that a recording cannot hold; the message names it.
    """
    recorder = _Recorder()
    entered = [recorder.input(*each) for each in named_leaves(state)]
    read = [recorder.input(*each) for each in named_leaves(data, "data")]
    picked = recorder.input("rows", rows)
    token = recorder_in_use.set(recorder)
    try:
        after = step(rebuilt(state, entered), rebuilt(data, read), picked)
        recorder.read_calls()
    finally:
        recorder_in_use.reset(token)
        recorder.calls.clear()
    outputs = tuple(as_recorded(leaf).value for _, leaf in named_leaves(after))
    return Program(
        state=tuple(each.value for each in entered),
        data=tuple(each.value for each in read),
        rows=picked.value,
        operations=needed(recorder.operations, outputs),
        outputs=outputs,
    )


class _Recorder:
    """The operations so far. An operation that is already recorded is not recorded again."""

    namespace = namespace

    def __init__(self) -> None:
        self.operations: list[Operation] = []
        self.known: dict[Any, Recorded] = {}
        self.negatives: dict[Any, Operand] = {}
        self.calls: dict[FrameType, Any] = {}  # kept alive, so that no frame is reused

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
        arguments = tuple([self.operand(each) for each in operands])
        name, arguments = self.simplest(name, arguments)
        attributes = tuple([(key, value) for key, value in given.items() if value is not None])
        signs = tuple([each if isinstance(each, Value) else repr(each) for each in arguments])
        key = name, signs, _hashable(attributes)
        found, origin = self.known.get(key), self.origin(sys._getframe(2))
        if found is None:
            value = Value(tuple(shape), dtype)
            self.operations.append(Operation(name, arguments, value, attributes, origin))
            found = self.known[key] = Recorded(value, self)
            if name == "negative":
                self.negatives[value] = arguments[0]
        if origin and type(origin[0]) is Call:
            origin[0].last = found.value
        return found

    def origin(self, frame: FrameType | None) -> tuple[str | Call, ...]:
        """The calls between the step and this file, innermost first: names and marked calls."""
        # The step's functions know nothing of a recording: only the stack shows the callers.
        found: list[str] = []
        while frame is not None and (code := frame.f_code) is not _RECORD:
            if mark := mark_of(code):
                return (*found, *self.called(frame, mark))
            if frame.f_globals.get("__name__") not in _OWN:
                found.append(_name(code.co_qualname))
            frame = frame.f_back
        return tuple(found)

    def called(self, frame: FrameType, mark: Mark) -> tuple[str | Call, ...]:
        """The call of a marked function, by its frame, and those around it."""
        if frame not in self.calls:
            call = Call(mark)  # made before the outer calls, so that it comes first
            self.calls[frame] = (call,)
            self.calls[frame] = (call, *self.origin(frame.f_back))
        return self.calls[frame]

    def read_calls(self) -> None:
        """Read the variables of the marked functions, which have returned by now."""
        for frame, (call, *_) in self.calls.items():
            if call.mark.symbols or call.mark.label:
                call.read(frame.f_locals)

    def simplest(self, name: str, operands: tuple[Operand, ...]) -> tuple[str, Any]:
        """Replace a + (-b) by a - b, which has the same bits."""
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


@cache
def _name(qualname: str) -> str:
    # A lambda or a comprehension gets the name of the function that contains it.
    name = qualname.partition(".<locals>.<")[0]
    return name.rpartition("<locals>.")[2].lstrip("_")


_RECORD = record.__code__
