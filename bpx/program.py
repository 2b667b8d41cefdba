"""A step as a straight-line program of array operations.

`bpx.recording` runs a pure step once, on recording arrays, and leaves a `Program`: the
operations of the Array API standard that it used, in order, each with the shape and the
dtype of its result. A program can be printed, counted, and replayed on any library of the
standard; `bpx.plan` turns it into what an engine runs.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import prod
from typing import Any, NamedTuple

__all__ = ["DTYPES", "DType", "Operand", "Operation", "Program", "Value", "dtype_of"]


@dataclass(frozen=True)
class DType:
    """A dtype of the standard, of no library.

    Attributes
    ----------
    name : str
        Such as ``"float32"``.
    kind : {"bool", "signed integer", "unsigned integer", "real floating"}
        As `isdtype` names it.
    itemsize : int
        Bytes.
    """

    name: str
    kind: str
    itemsize: int

    def __str__(self) -> str:
        return self.name


DTYPES = {
    dtype.name: dtype
    for dtype in (
        DType("bool", "bool", 1),
        *(DType(f"int{8 * size}", "signed integer", size) for size in (1, 2, 4, 8)),
        *(DType(f"uint{8 * size}", "unsigned integer", size) for size in (1, 2, 4, 8)),
        DType("float32", "real floating", 4),
        DType("float64", "real floating", 8),
    )
}


def dtype_of(name: str) -> DType:
    """The dtype of that name; a KeyError if a program cannot hold it."""
    return DTYPES[name]


@dataclass(frozen=True, eq=False)
class Value:
    """One array of a program: an input, or the result of an operation.

    Attributes
    ----------
    shape : tuple of int
    dtype : DType
    name : str
        Of an input, its place: ``parameters.w[0]``, ``data.x``, ``rows``.
    """

    shape: tuple[int, ...]
    dtype: DType
    name: str = ""

    @property
    def size(self) -> int:
        """The number of elements."""
        return prod(self.shape)

    @property
    def nbytes(self) -> int:
        """The bytes of a contiguous array of these."""
        return self.size * self.dtype.itemsize


Operand = Value | bool | int | float
"""What an operation reads: an array, or a Python number, which takes the array's dtype."""


class Operation(NamedTuple):
    """One function of the standard, applied.

    Attributes
    ----------
    name : str
        The standard's name of the function; or ``getitem``.
    operands : tuple of Operand
    result : Value
    attributes : tuple of (str, value)
        Keyword arguments (axis, keepdims, shape, dtype); hashable.
    origin : tuple of str
        The functions that called it, the innermost first.
    """

    name: str
    operands: tuple[Operand, ...]
    result: Value
    attributes: tuple[tuple[str, Any], ...] = ()
    origin: tuple[str, ...] = ()

    @property
    def values(self) -> tuple[Value, ...]:
        """The operands that are arrays."""
        return tuple(each for each in self.operands if isinstance(each, Value))

    def attribute(self, name: str, default: Any = None) -> Any:
        """The value of a keyword argument."""
        return dict(self.attributes).get(name, default)

    @property
    def flops(self) -> int:
        """Floating-point operations: 2 m n k for a product, 1 for each element otherwise."""
        if self.name == "matmul":
            return 2 * self.result.size * self.values[0].shape[-1]
        if self.name in VIEWS or self.name in _MOVES:
            return 0
        return max(each.size for each in (*self.values, self.result))


VIEWS = frozenset(("matrix_transpose", "reshape", "getitem", "expand_dims", "squeeze"))
"""Operations that compute nothing: they look at the same memory in another way."""
_MOVES = frozenset(("take", "concat", "arange", "full", "astype", "broadcast_to"))


@dataclass(frozen=True, eq=False)
class Program:
    """What one step does: ``outputs = program(state, data, rows)``.

    Attributes
    ----------
    state, data : tuple of Value
        The arrays of the state that enters, and of the data, in the order of their trees.
    rows : Value
        The indices of the mini-batch.
    operations : tuple of Operation
        In an order in which they can be run. None is superfluous.
    outputs : tuple of Value
        The state that leaves: ``outputs[i]`` takes the place of ``state[i]``.
    """

    state: tuple[Value, ...]
    data: tuple[Value, ...]
    rows: Value
    operations: tuple[Operation, ...]
    outputs: tuple[Value, ...]

    @property
    def inputs(self) -> tuple[Value, ...]:
        """All that enters."""
        return (*self.state, *self.data, self.rows)

    @cached_property
    def counts(self) -> Mapping[str, int]:
        """How often each operation occurs, by name."""
        return Counter(each.name for each in self.operations)

    @property
    def flops(self) -> int:
        """The floating-point operations of one step."""
        return sum(each.flops for each in self.operations)

    @property
    def bytes(self) -> int:
        """The bytes that must move: what is read of the inputs, and the outputs, once each.

        Of an array that is only gathered from (the data), that is the rows gathered.
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
            Of the standard's functions.
        state, data : sequence of arrays
            The leaves of the trees, of the shapes and dtypes that were recorded.
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
        return "\n".join(_lines(self))


def apply(xp: Any, operation: Operation, operands: Sequence[Any], device: Any = None) -> Any:
    """One operation on arrays of the library `xp`."""
    attributes = dict(operation.attributes)
    if operation.name == "getitem":
        return operands[0][attributes["key"]]
    if "dtype" in attributes:
        attributes["dtype"] = getattr(xp, attributes["dtype"].name)
    if not operation.values:
        attributes["device"] = device
    if operation.name == "full":
        operands = [attributes.pop("shape"), *operands]
    elif operation.name in ("astype", "reshape", "broadcast_to"):
        # These take the dtype or the shape by position.
        extra = [attributes.pop(name) for name in ("shape", "dtype") if name in attributes]
        operands = [*operands, *extra]
    return getattr(xp, operation.name)(*operands, **attributes)


_INFIX = {
    "add": ("+", 1), "subtract": ("-", 1), "multiply": ("*", 2), "divide": ("/", 2),
    "matmul": ("@", 2), "pow": ("**", 4), "greater": (">", 0), "greater_equal": (">=", 0),
    "less": ("<", 0), "less_equal": ("<=", 0), "equal": ("==", 0), "not_equal": ("!=", 0),
}  # fmt: skip
_ATOM = 5
_SYMBOLS = {
    "forward": "z",
    "zs_and_activations": "a",
    "bp1": "delta",
    "bp2": "delta",
    "Cost.delta": "delta",
    "bp3": "db",
    "bp4": "dw",
}
"""What an equation's result is called, by the function that computes it."""


def _lines(program: Program) -> Iterable[str]:
    """One line for each equation: what is used once, within it, is written inside."""
    inner = _inner(program)
    shown = [op for op in program.operations if op.result not in inner]
    texts: dict[Any, tuple[str, int]] = {v: (v.name, _ATOM) for v in program.inputs}
    names = _names(shown)
    rows = []
    for op in program.operations:
        text = _expression(op, texts)
        texts[op.result] = text if op.result in inner else (names[op.result], _ATOM)
        if op.result not in inner:
            kind = f"{op.result.dtype} {op.result.shape}"
            rows.append((f"{names[op.result]} = {text[0]}", kind, _label(op)))
    for before, after in zip(program.state, program.outputs, strict=True):
        if before is not after:
            rows.append((f"{before.name} <- {texts[after][0]}", "", ""))
    width = min(64, max((len(left) for left, *_ in rows), default=0))
    for left, kind, origin in rows:
        yield f"{left:{width}}  {kind:20} {'# ' + origin if origin else ''}".rstrip()


def _inner(program: Program) -> dict[Value, Operation]:
    """The results that are written inside another's line, and the operation there."""
    users: dict[Value, list[Operation]] = {v: [] for v in program.outputs}
    for op in program.operations:
        for v in op.values:
            users.setdefault(v, []).append(op)
    return {
        op.result: user
        for op in program.operations
        if op.result not in program.outputs and len(users[op.result]) == 1
        for user in users[op.result]
        if op.name in VIEWS or _within(op.origin, user.origin)
    }


def _within(one: tuple[str, ...], other: tuple[str, ...]) -> bool:
    """Whether one function called the other (or is it), below the step itself."""
    shorter = min(one, other, key=len)
    return len(shorter) > 1 and one[-len(shorter) :] == other[-len(shorter) :]


def _label(op: Operation) -> str:
    """The innermost function that computed it; the step itself, where there is none."""
    return next((name for name in op.origin if "." not in name), "step")


def _names(shown: Sequence[Operation]) -> dict[Value, str]:
    """z, a, delta, dw and db with the number of their layer, t for the rest."""
    passed_on = {v for op in shown for v in op.values if _is_output_error(op)}
    symbols = {op.result: _symbol(op, op.result in passed_on) for op in shown}
    totals, numbers = Counter(symbols.values()), Counter[str]()
    names = {}
    for value, symbol in symbols.items():
        numbers[symbol] += 1
        backward = symbol == "delta" and totals["delta"] == totals["z"]
        number = totals["z"] + 1 - numbers[symbol] if backward else numbers[symbol]
        names[value] = f"{symbol}{number}"
    return names


def _is_output_error(op: Operation) -> bool:
    return "Cost.delta" in op.origin


def _symbol(op: Operation, passed_on: bool) -> str:
    symbol = next((_SYMBOLS[o] for o in op.origin if o in _SYMBOLS), "t")
    gradient = symbol in ("dw", "db") and op.name not in ("matmul", "sum")
    return "t" if gradient or (_is_output_error(op) and passed_on) else symbol


def _expression(op: Operation, texts: Mapping[Any, tuple[str, int]]) -> tuple[str, int]:
    """An operation as text, and how tightly it binds."""
    parts = [texts.get(v, (repr(v), _ATOM)) for v in op.operands]
    if op.name in _INFIX:
        sign, level = _INFIX[op.name]
        left, right = _bracketed(parts[0], level), _bracketed(parts[1], level + 1)
        return f"{left} {sign} {right}", level
    if op.name == "negative":
        return f"-{_bracketed(parts[0], 3)}", 3
    if op.name == "matrix_transpose":
        return f"{_bracketed(parts[0], _ATOM)}.mT", _ATOM
    if op.name == "getitem":
        return f"{_bracketed(parts[0], _ATOM)}[{_key(op.attribute('key'))}]", _ATOM
    given = [text for text, _ in parts] + [f"{name}={v}" for name, v in op.attributes]
    return f"{op.name}({', '.join(given)})", _ATOM


def _bracketed(part: tuple[str, int], level: int) -> str:
    text, own = part
    return f"({text})" if own < level else text


def _key(key: Any) -> str:
    parts = key if isinstance(key, tuple) else (key,)
    return ", ".join(_slice(part) for part in parts)


def _slice(part: Any) -> str:
    if not isinstance(part, slice):
        return "..." if part is Ellipsis else repr(part)
    ends = ["" if end is None else str(end) for end in (part.start, part.stop)]
    return ":".join(ends if part.step is None else [*ends, str(part.step)])
