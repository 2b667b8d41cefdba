"""`Scribe`: write names, addresses, and the lines that read and compute, for all loops.

`flat`, `columns` and `rows` write the three kinds of loops.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from bpx.program.fusion import REDUCTIONS
from bpx.program.operation import DType, Operand, Operation, Value
from bpx_backends.engines.cuda.expressions import TYPES, converted, expression, literal
from bpx_backends.engines.cuda.loops import Function, Loop, Steps, steps

__all__ = ["Scribe", "at", "each"]

_INT_LIMIT = 2**30


def at(*terms: tuple[str, int]) -> str:
    """Return an index: the sum of variables times steps."""
    moving = [name if step == 1 else f"{name} * {step}" for name, step in terms if step]
    return " + ".join(moving) or "0"


def each(width: int, line: str) -> Iterator[str]:
    """Yield a line for each of the elements that a thread takes at once."""
    yield "#pragma unroll"
    yield f"for (int u = 0; u < {width}; ++u) {line}"


class Scribe:
    """The names in a function's text, and the addresses in its arguments.

    Attributes
    ----------
    loop : Loop
    names : dict of Value to str
        The name of the variable that holds each value's element at this point of the text.
    index : str
        The type of indices: 64 bits only if needed.
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
        """Return a new name."""
        self._count += 1
        return f"{letter}{self._count}"

    def argument(self, number: int) -> str:
        """Return the name of an argument."""
        self._arguments.append(number)
        return f"a{len(self._arguments) - 1}"

    def pointer(self, v: Value) -> str:
        """Return the name of an array's address."""
        place = self.loop.places[v]
        kind = self.type(v)
        if (place.offset, kind) not in self._pointers:
            name = self._pointers[place.offset, kind] = self.fresh("p")
            address = f"arena + {self.argument(place.offset)}"
            self._declared.append(f"{kind}* const {name} = ({kind}*)({address});")
        return self._pointers[place.offset, kind]

    def type(self, v: Value) -> str:
        """Return the C type of an array's elements."""
        return TYPES[v.dtype.name]

    def steps(self, v: Value) -> Steps:
        """Return an array's steps in the loop's domain."""
        return steps(self.loop.places[v], self.loop.domain)

    def read(self, operand: Operand, dtype: DType | None) -> str:
        """Return an operand as a value of the dtype: see `expression`."""
        if not isinstance(operand, Value):
            assert dtype is not None
            return literal(operand, dtype)
        name = self.names[operand]
        return name if dtype is None or dtype == operand.dtype else converted(name, dtype)

    def compute(self, op: Operation) -> str:
        """Return the line that computes an operation, and name its result."""
        text = expression(op, self.read)
        name = self.names[op.result] = self.fresh("t")
        return f"const {self.type(op.result)} {name} = {text};"

    def scalars(self) -> Iterator[str]:
        """Yield the lines that read all single numbers."""
        for v in self.loop.read:
            if self.steps(v) == (0, 0):
                name = self.names[v] = self.fresh("s")
                yield f"const {self.type(v)} {name} = {self.pointer(v)}[0];"

    def guarded(self, v: Value, live: str, index: str) -> str:
        """Return the line that reads an element if there is one."""
        name, kind = self.fresh("x"), self.type(v)
        self.names[v] = name
        return f"const {kind} {name} = {live} ? {self.pointer(v)}[{index}] : ({kind})0;"

    def vector(self, v: Value, width: int, first: str | None, single: str) -> Iterator[str]:
        """Yield lines that read `width` elements, from `first` on if they form one vector."""
        name, place = self.fresh("x"), self.loop.places[v]
        self.names[v] = f"{name}[u]"
        yield f"{self.type(v)} {name}[{width}];"
        if first is not None and place.offset % (width * place.dtype.itemsize) == 0:
            yield f"load<{width}>({self.pointer(v)} + {first}, {name});"
        else:
            yield from each(width, f"{name}[u] = {self.pointer(v)}[{single}];")

    def along(self, v: Value, width: int) -> Iterator[str]:
        """Yield the lines that read `width` neighbours in row i, from column j on."""
        row, column = self.steps(v)
        first = at(("i", row), ("j", 1)) if column == 1 and row % width == 0 else None
        yield from self.vector(v, width, first, at(("i", row), ("(j + u)", column)))

    def kept(self, v: Value) -> str:
        """Return the name of the array that holds a result's elements until they are stored."""
        return f"y_{self.names[v]}"

    def computed(
        self, operations: Sequence[Operation], width: int, sums: Mapping[Value, str] = {}
    ) -> Iterator[str]:
        """Yield lines that compute `width` elements; ``sums`` has the lines of reductions."""
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
        """Make the function of these lines."""
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
