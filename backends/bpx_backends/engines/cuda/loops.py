"""Loops of a plan: nests that have their places, and what is written of any kind of them.

A loop becomes a device function of the arena, of its block's number and of addresses, so
that the loops of equal layers share one text. `cuda_flat`, `cuda_columns` and `cuda_rows`
write the three kinds.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from bpx.program.fusion import REDUCTIONS, is_column_reduction
from bpx.program.operation import DType, Operand, Operation, Value
from bpx_backends.engines.cuda.expressions import TYPES, converted, expression, literal
from bpx_backends.engines.cuda.layout import Place

__all__ = ["VECTOR", "WARP", "Function", "Loop", "Scribe", "Steps", "at", "each", "row_step"]

WARP = 32
"""Threads that run together, and can shuffle."""
VECTOR = 4
"""Elements that a thread takes at once: 16 bytes of float32."""
_MANY_BLOCKS = 4096
_INT_LIMIT = 2**30


class Function(NamedTuple):
    """A device function's text, and one call of it.

    Attributes
    ----------
    text : str
        Its body, which takes ``a0, a1, …`` beside the arena, the slots and the block.
    arguments : tuple of int
        What a0, a1, … are in this call: addresses in the arena and sizes.
    threads : int
        Of a block, as it likes best; any power of two from 256 on will do.
    items : int
        Threads that have work; more blocks than these need are not started.
    blocks : int
        0, or how many blocks there are whatever the threads.
    reads, writes : tuple of (int, int)
        The bytes of the arena that it touches.
    """

    text: str
    arguments: tuple[int, ...]
    threads: int
    items: int
    blocks: int
    reads: tuple[tuple[int, int], ...]
    writes: tuple[tuple[int, int], ...]

    def blocks_of(self, threads: int) -> int:
        """How many blocks of so many threads it is started with."""
        return self.blocks or min(_MANY_BLOCKS, -(-self.items // threads))


@dataclass(frozen=True, eq=False)
class Loop:
    """A nest that has its places: see `bpx.program.fusion.Nest`.

    Attributes
    ----------
    domain : (int, int)
        n rows and k columns.
    phases : sequence of sequences of Operation
    places : mapping of Value to Place
        Of all that is read or stored.
    stores : set of Value
        The results that go to memory.
    tail : sequence of Operation
        Of shape (n,) or (n, 1), done for each row after the last phase.
    """

    domain: tuple[int, int]
    phases: Sequence[Sequence[Operation]]
    places: Mapping[Value, Place]
    stores: frozenset[Value]
    tail: Sequence[Operation] = ()

    @property
    def operations(self) -> list[Operation]:
        """All, in order."""
        return [op for phase in (*self.phases, self.tail) for op in phase]

    @property
    def made(self) -> set[Value]:
        """What it computes."""
        return {op.result for op in self.operations}

    @property
    def read(self) -> list[Value]:
        """What it reads of others, in order."""
        made = self.made
        reads = (v for op in self.operations for v in op.values if v not in made)
        return list(dict.fromkeys(reads))

    @property
    def stored(self) -> list[Value]:
        """What it stores, in order."""
        return [op.result for op in self.operations if op.result in self.stores]

    @property
    def columns(self) -> list[Operation]:
        """The reductions over the rows."""
        return [op for op in self.operations if is_column_reduction(op)]

    @property
    def row_results(self) -> set[Value]:
        """The results of which there is one for each row."""
        rows = (op for op in self.operations if self.is_reduction(op) or self.is_row(op))
        return {op.result for op in (*rows, *self.tail)}

    def is_row(self, op: Operation) -> bool:
        """Whether an operation is done once for each row."""
        n, k = self.domain
        return op.name not in REDUCTIONS and k > 1 and op.result.shape == (n, 1)

    def is_reduction(self, op: Operation) -> bool:
        """Whether an operation reduces a row."""
        return op.name in REDUCTIONS and not is_column_reduction(op)

    @property
    def by_rows(self) -> bool:
        """Whether anything is computed once for each row."""
        return bool(self.row_results)

    @property
    def reads(self) -> list[tuple[int, int]]:
        """The bytes of the arena that it reads of others."""
        return [self.places[v].span for v in self.read]

    @property
    def writes(self) -> list[tuple[int, int]]:
        """The bytes that it writes."""
        return [self.places[v].span for v in self.stored]


class Steps(NamedTuple):
    """How far an element is from the next one, down a column and along a row."""

    row: int
    column: int


def steps(place: Place, domain: tuple[int, int]) -> Steps:
    """An array's steps in a domain over which it is broadcast; from the right, as ever."""
    axes = zip(place.shape, place.strides, strict=True)
    row, column = [0, 0, *(stride if size > 1 else 0 for size, stride in axes)][-2:]
    # In a domain of one row whatever moves moves along it, a column (k, 1) too.
    return Steps(0, row or column) if domain[0] == 1 else Steps(row, column)


def row_step(place: Place) -> int:
    """The step of an array of shape (n,) or (n, 1) from row to row."""
    axes = zip(place.shape, place.strides, strict=True)
    return next((stride for size, stride in axes if size > 1), 0)


def at(*terms: tuple[str, int]) -> str:
    """An index: the sum of variables times steps."""
    moving = [name if step == 1 else f"{name} * {step}" for name, step in terms if step]
    return " + ".join(moving) or "0"


def each(width: int, line: str) -> Iterator[str]:
    """A line for each of the elements that a thread takes at once."""
    yield "#pragma unroll"
    yield f"for (int u = 0; u < {width}; ++u) {line}"


class Scribe:
    """The names in a function's text, and the addresses that it is given.

    Attributes
    ----------
    loop : Loop
    names : dict of Value to str
        What holds an element of each value, where the text has come to.
    index : str
        The type of indices: of 64 bits only where they need them.
    """

    def __init__(self, loop: Loop) -> None:
        self.loop = loop
        self.names: dict[Value, str] = {}
        self._arguments: list[int] = []
        self._pointers: dict[tuple[int, str], str] = {}
        self._declared: list[str] = []
        self._count = 0
        n, k = loop.domain
        most = max((end - begin for begin, end in (*loop.reads, *loop.writes)), default=0)
        self.index = "int" if max(most, n * k) < _INT_LIMIT else "long long"

    def fresh(self, letter: str) -> str:
        """A new name."""
        self._count += 1
        return f"{letter}{self._count}"

    def argument(self, number: int) -> str:
        """The name of an argument."""
        self._arguments.append(number)
        return f"a{len(self._arguments) - 1}"

    def pointer(self, v: Value) -> str:
        """The name of an array's address."""
        place = self.loop.places[v]
        kind = self.type(v)
        if (place.offset, kind) not in self._pointers:
            name = self._pointers[place.offset, kind] = self.fresh("p")
            address = f"arena + {self.argument(place.offset)}"
            self._declared.append(f"{kind}* const {name} = ({kind}*)({address});")
        return self._pointers[place.offset, kind]

    def type(self, v: Value) -> str:
        """What an element of an array is in C."""
        return TYPES[v.dtype.name]

    def steps(self, v: Value) -> Steps:
        """An array's steps in the loop's domain."""
        return steps(self.loop.places[v], self.loop.domain)

    def read(self, operand: Operand, dtype: DType | None) -> str:
        """An operand, as a value of the dtype: see `cuda_expressions`."""
        if not isinstance(operand, Value):
            assert dtype is not None
            return literal(operand, dtype)
        name = self.names[operand]
        return name if dtype is None or dtype == operand.dtype else converted(name, dtype)

    def compute(self, op: Operation) -> str:
        """The line that computes an operation, which gets a name."""
        text = expression(op, self.read)
        name = self.names[op.result] = self.fresh("t")
        return f"const {self.type(op.result)} {name} = {text};"

    def scalars(self) -> Iterator[str]:
        """The lines that read all single numbers."""
        for v in self.loop.read:
            if self.steps(v) == (0, 0):
                name = self.names[v] = self.fresh("s")
                yield f"const {self.type(v)} {name} = {self.pointer(v)}[0];"

    def guarded(self, v: Value, live: str, index: str) -> str:
        """The line that reads an element where there is one."""
        name, kind = self.fresh("x"), self.type(v)
        self.names[v] = name
        return f"const {kind} {name} = {live} ? {self.pointer(v)}[{index}] : ({kind})0;"

    def vector(self, v: Value, width: int, first: str | None, single: str) -> Iterator[str]:
        """The lines that read `width` elements: from `first` on, where they are one vector."""
        name, place = self.fresh("x"), self.loop.places[v]
        self.names[v] = f"{name}[u]"
        yield f"{self.type(v)} {name}[{width}];"
        if first is not None and place.offset % (width * place.dtype.itemsize) == 0:
            yield f"load<{width}>({self.pointer(v)} + {first}, {name});"
        else:
            yield from each(width, f"{name}[u] = {self.pointer(v)}[{single}];")

    def along(self, v: Value, width: int) -> Iterator[str]:
        """The lines that read `width` neighbours in row i, from column j on."""
        row, column = self.steps(v)
        first = at(("i", row), ("j", 1)) if column == 1 and row % width == 0 else None
        yield from self.vector(v, width, first, at(("i", row), ("(j + u)", column)))

    def kept(self, v: Value) -> str:
        """The array that holds a result's elements until they are stored."""
        return f"y_{self.names[v]}"

    def computed(
        self, operations: Sequence[Operation], width: int, sums: Mapping[Value, str] = {}
    ) -> Iterator[str]:
        """The lines that compute `width` elements; ``sums`` has the lines of reductions."""
        lines = list[str]()
        for op in operations:
            if op.name in REDUCTIONS:
                lines.append(sums[op.result].format(self.read(op.operands[0], None)))
                continue
            lines.append(self.compute(op))
            if op.result in self.loop.stores:
                yield f"{self.type(op.result)} {self.kept(op.result)}[{width}];"
                lines.append(f"{self.kept(op.result)}[u] = {self.names[op.result]};")
        yield "#pragma unroll"
        yield f"for (int u = 0; u < {width}; ++u) {{"
        yield from lines
        yield "}"

    def function(
        self, lines: Iterable[str], *, threads: int = 256, items: int = 0, blocks: int = 0
    ) -> Function:
        """The function of these lines."""
        body = list(lines)
        return Function(
            "\n".join([*self._declared, *body]),
            tuple(self._arguments),
            threads,
            items,
            blocks,
            tuple(self.loop.reads),
            tuple(self.loop.writes),
        )
