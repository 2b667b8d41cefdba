"""Products of matrices as C: three loops, in the order in which memory is read in sequence."""

from collections.abc import Iterator

from bpx.export.c.places import Place
from bpx.export.c.text import literal, loop, of_type
from bpx.program.operation import Operation

__all__ = ["product"]


def product(op: Operation, a: Place, b: Place, c: Place) -> Iterator[str]:
    """Yield the statements of c = a @ b, for matrices or stacks of them."""
    *several, n, k = op.result.shape
    stack = [f"m{axis}" for axis in range(len(several))]
    lines = list(_matrix(op, a, b, c, stack, (n, a.shape[-1], k)))
    for index, size in reversed(list(zip(stack, several, strict=True))):
        lines = list(loop(index, size, lines))
    yield from lines


def _matrix(
    op: Operation, a: Place, b: Place, c: Place, stack: list[str], sizes: tuple[int, int, int]
) -> Iterator[str]:
    n, inner, k = sizes
    zero, kind = literal(0, op.result.dtype), of_type(op.result.dtype)
    left, right = a.at([*stack, "i", "p"]), b.at([*stack, "p", "j"])
    to = c.at([*stack, "i", "j"])
    if _along_rows(b, k, inner):  # both are read along their rows: one sum after another
        adds = loop("p", inner, [f"sum += {left} * {right};"])
        yield from loop(
            "i", n, list(loop("j", k, [f"{kind} sum = {zero};", *adds, f"{to} = sum;"]))
        )
        return
    yield from loop("i", n, list(loop("j", k, [f"{to} = {zero};"])))
    row = [f"const {kind} factor = {left};", *loop("j", k, [f"{to} += factor * {right};"])]
    if a.strides[-2] == 1 and n > 1:  # a is a transpose: one sample after another
        yield from loop("p", inner, list(loop("i", n, row)))
    else:
        yield from loop("i", n, list(loop("p", inner, row)))


def _along_rows(b: Place, k: int, inner: int) -> bool:
    """Whether the elements that one sum takes from b lie side by side."""
    return k == 1 or (inner > 1 and b.strides[-2] == 1 and b.strides[-1] != 1)
