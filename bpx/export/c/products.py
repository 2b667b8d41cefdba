"""Products of matrices as C: three loops, in the order in which memory is read in sequence."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import cast

from bpx.export.c.places import Place
from bpx.export.c.scope import Scope
from bpx.export.c.text import literal, loop, of_type
from bpx.program.operation import Operation, Value

__all__ = ["accumulation", "product"]


def product(op: Operation, scope: Scope) -> Iterator[str]:
    """Yield the statements of a @ b, for matrices or stacks of them."""
    a, b = (cast(Place, scope.arrays[v]) for v in op.values)
    to, zero = cast(Place, scope.arrays[op.result]), literal(0, op.result.dtype)
    return _Product(op.result, a, b, to, lambda at: zero).lines()


def accumulation(op: Operation, scope: Scope) -> Iterator[str]:
    """Yield the statements of c + a @ b, c - a @ b, or beta * c + a @ b."""
    a, b = (cast(Place, scope.arrays[cast(Value, v)]) for v in op.operands[1:3])
    to, dtype = cast(Place, scope.arrays[op.result]), op.result.dtype

    def begin(at: Sequence[str]) -> str:
        c, *beta = (scope.read(v, dtype, at) for v in (op.operands[0], *op.operands[3:]))
        return f"{beta[0]} * {c}" if beta else c

    sign = "+" if op.attribute("sign") > 0 else "-"
    return _Product(op.result, a, b, to, begin, sign).lines()


@dataclass(frozen=True)
class _Product:
    """A product that is added to, or subtracted from, what each element begins with."""

    result: Value
    a: Place
    b: Place
    to: Place
    begin: Callable[[Sequence[str]], str]
    sign: str = "+"

    def lines(self) -> Iterator[str]:
        """Yield the statements."""
        *several, n, k = self.result.shape
        stack = [f"m{axis}" for axis in range(len(several))]
        lines = list(self._matrix(stack, n, self.a.shape[-1], k))
        for index, size in reversed(list(zip(stack, several, strict=True))):
            lines = list(loop(index, size, lines))
        yield from lines

    def _matrix(self, stack: Sequence[str], n: int, inner: int, k: int) -> Iterator[str]:
        kind, at = of_type(self.result.dtype), (*stack, "i", "j")
        left, right = self.a.at((*stack, "i", "p")), self.b.at((*stack, "p", "j"))
        to, begin = self.to.at(at), self.begin(at)
        if self._along_rows(inner, k):  # both are read along their rows: one sum, then the next
            adds = loop("p", inner, [f"sum {self.sign}= {left} * {right};"])
            one = [f"{kind} sum = {begin};", *adds, f"{to} = sum;"]
            yield from loop("i", n, list(loop("j", k, one)))
            return
        if begin != to:
            yield from loop("i", n, list(loop("j", k, [f"{to} = {begin};"])))
        adds = loop("j", k, [f"{to} {self.sign}= factor * {right};"])
        row = [f"const {kind} factor = {left};", *adds]
        if self.a.strides[-2] == 1 and n > 1:  # a is a transpose: one sample, then the next
            yield from loop("p", inner, list(loop("i", n, row)))
        else:
            yield from loop("i", n, list(loop("p", inner, row)))

    def _along_rows(self, inner: int, k: int) -> bool:
        """Whether the elements that one sum takes from b lie side by side."""
        strides = self.b.strides
        return k == 1 or (inner > 1 and strides[-2] == 1 and strides[-1] != 1)
