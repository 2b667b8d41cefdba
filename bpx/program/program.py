"""A step as a straight-line program of array operations.

`bpx.program.record` runs a pure step once, on recording arrays, and returns a `Program`: the
operations of the Array API standard that the step used, in order, each with the shape and the
dtype of its result. A program can be printed, counted, and replayed on any library of the
standard; `bpx.program.plan` turns it into instructions for an engine.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from bpx.program.notation import lines
from bpx.program.operation import ACCUMULATE, ALL_REDUCE, MESSAGES, Operation, Value

__all__ = ["Program", "apply"]


@dataclass(frozen=True, eq=False)
class Program:
    """The computation of one step: ``outputs = program(state, data, rows)``.

    Attributes
    ----------
    state, data : tuple of Value
        The arrays of the old state, and of the data, in the order of their trees.
    rows : Value
        The indices of the mini-batch.
    operations : tuple of Operation
        In an order in which they can run. None is superfluous.
    outputs : tuple of Value
        The new state: ``outputs[i]`` replaces ``state[i]``.
    """

    state: tuple[Value, ...]
    data: tuple[Value, ...]
    rows: Value
    operations: tuple[Operation, ...]
    outputs: tuple[Value, ...]

    @property
    def inputs(self) -> tuple[Value, ...]:
        """All inputs: the state, the data and the rows."""
        return (*self.state, *self.data, self.rows)

    @cached_property
    def counts(self) -> Mapping[str, int]:
        """The number of operations of each name."""
        return Counter(each.name for each in self.operations)

    @property
    def flops(self) -> int:
        """The floating-point operations of one step."""
        return sum(each.flops for each in self.operations)

    @property
    def bytes(self) -> int:
        """The bytes that must move: each input that is read, and each output, once.

        For an array from which rows are gathered (the data), only the gathered rows count.
        """
        gathered = {op.values[0] for op in self.operations if op.name == "take"}
        read = {v for op in self.operations for v in op.values} & set(self.inputs)
        taken = sum(op.result.nbytes for op in self.operations if op.name == "take")
        written = {v for v in self.outputs if v not in self.state}
        return taken + sum(v.nbytes for v in (read - gathered) | written)

    def replay(self, xp: Any, state: Any, data: Any, rows: Any) -> list[Any]:
        """Run the operations one by one on any library of the standard.

        Parameters
        ----------
        xp : namespace
            The library's namespace with the standard's functions.
        state, data : sequence of arrays
            The leaves of the trees, with the recorded shapes and dtypes.
        rows : array

        Returns
        -------
        list of arrays
            The leaves of the next state.
        """
        held: dict[Any, Any] = dict(zip(self.inputs, (*state, *data, rows), strict=True))
        device = getattr(held[self.inputs[0]], "device", None)
        for operation in self.operations:
            operands = [held.get(each, each) for each in operation.operands]
            held[operation.result] = apply(xp, operation, operands, device)
        return [held[each] for each in self.outputs]

    def __str__(self) -> str:
        return "\n".join(lines(self.inputs, self.operations, self.state, self.outputs))


def apply(xp: Any, operation: Operation, operands: Sequence[Any], device: Any = None) -> Any:
    """Apply one operation to arrays of the library `xp`."""
    attributes = dict(operation.attributes)
    if operation.name == ACCUMULATE:
        c, a, b, *beta = operands
        product = a @ b if attributes["sign"] > 0 else -(a @ b)
        return (beta[0] * c if beta else c) + product
    if operation.name == ALL_REDUCE:
        total = xp.asarray(operands[0], copy=True)
        attributes["group"].all_reduce(total)
        return total
    if operation.name in MESSAGES:
        dtype = operands[0].dtype
        result = xp.empty(operation.result.shape, dtype=dtype, device=device)
        getattr(attributes["group"], operation.name)(operands[0], result)
        return result
    if operation.name == "getitem":
        return operands[0][_viewing(attributes["key"])]
    if operation.name == "copy":
        return xp.asarray(operands[0], copy=True)
    if "dtype" in attributes:
        attributes["dtype"] = getattr(xp, attributes["dtype"].name)
    if not operation.values:
        attributes["device"] = device
    if operation.name == "full":
        operands = [attributes.pop("shape"), *operands]
    elif operation.name == "concat":
        operands = [list(operands)]
    elif operation.name in ("astype", "reshape", "broadcast_to"):
        # These take the dtype or the shape by position.
        extra = [attributes.pop(name) for name in ("shape", "dtype") if name in attributes]
        operands = [*operands, *extra]
    return getattr(xp, operation.name)(*operands, **attributes)


def _viewing(key: Any) -> Any:
    """Extend a key so that NumPy always returns a view, never a scalar."""
    parts = key if isinstance(key, tuple) else (key,)
    return parts if Ellipsis in parts else (*parts, Ellipsis)
