"""A plan bound to arrays, as a table of instructions for the driver."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate, pairwise
from typing import Any, NamedTuple

import numpy as np

from bpx.program.fusion import Kernel
from bpx.program.operation import Operation
from bpx_backends.engines.numpy.blas import NO, YES, Blas
from bpx_backends.engines.numpy.calls import Call, address_of
from bpx_backends.engines.numpy.kinds import (
    ASK,
    COPY,
    KERNEL,
    PICK_32,
    PICK_64,
    PRODUCT_32,
    PRODUCT_64,
    ROWS,
)

__all__ = ["Layout", "Table", "Unable", "are_apart", "table"]

FEW = 64
"""The most matrices of a stack that are multiplied one by one."""
WIDTH = 16
"""The numbers in an instruction."""

_ONE, _ZERO = (int(np.float64(number).view(np.int64)) for number in (1.0, 0.0))
"""The bits of float64 numbers."""
_ADDRESSES = {
    PRODUCT_32: [8, 10, 13],
    PRODUCT_64: [8, 10, 13],
    PICK_32: [1, 2],
    PICK_64: [1, 2],
    COPY: [1, 2],
    ROWS: [1],
}
"""Where the addresses of arrays are in each kind of instruction."""
_PICKS = {"int32": PICK_32, "int64": PICK_64}
Instruction = tuple[int, ...]


class Unable(Exception):  # noqa: N818 - nothing is wrong
    """The driver cannot run a plan."""


class _Other(Exception):  # noqa: N818
    """The driver has no instruction for an operation, which Python is then asked for."""


class Table(NamedTuple):
    """The instructions of one step, and what Python is asked for between them.

    Attributes
    ----------
    words : int64, shape (size · 16 + …,)
        The instructions, and then the blocks of the kernels' arguments.
    size : int
        The number of instructions.
    blocks : mapping of int to int
        For each kernel, by the index of its instruction, where its block begins in `words`.
    asked : mapping of int to sequence of Call
        By the index of the instruction.
    """

    words: np.ndarray
    size: int
    blocks: Mapping[int, int]
    asked: Mapping[int, Sequence[Call]]

    @property
    def rows(self) -> np.ndarray:
        """The instructions, int64, shape (n, 16)."""
        return self.words[: self.size * WIDTH].reshape(self.size, WIDTH)

    def complete(self) -> "Table":
        """Write where the blocks are, which are in the same memory."""
        begin, rows = address_of(self.words), self.rows
        for i, at in self.blocks.items():
            rows[i, 2] = begin + at * self.words.itemsize
        return self


class Layout:
    """A table whose arrays may lie elsewhere each time.

    Parameters
    ----------
    made : Table
        Nothing is asked of Python in it.
    places : sequence of ndarray
        The arrays that may lie elsewhere; none overlaps another.
    """

    def __init__(self, made: Table, places: Sequence[np.ndarray]) -> None:
        self._made, self._begins = made, _begins(places)
        rows = np.arange(made.size * WIDTH).reshape(-1, WIDTH)
        there = [rows[made.rows[:, 0] == kind][:, each] for kind, each in _ADDRESSES.items()]
        slots = np.concatenate([*(each.ravel() for each in there), *_arguments(made)])
        order = np.argsort(self._begins)
        ends = (self._begins + [each.nbytes for each in places])[order]
        at = np.searchsorted(self._begins[order], made.words[slots], "right") - 1
        is_there = (at >= 0) & (made.words[slots] < ends[at])
        self._slots, self._owners = slots[is_there], order[at[is_there]]
        self._others = made.words[slots[~is_there]]

    def is_whole(self, lasting: Sequence[np.ndarray]) -> bool:
        """Whether all other addresses are those of arrays that stay where they are."""
        begins = _begins(lasting)
        ends = begins + np.array([each.nbytes for each in lasting], np.int64)
        return all(((begins <= each) & (each <= ends)).any() for each in self._others)

    def at(self, places: Sequence[np.ndarray]) -> Table:
        """Return the table for arrays of the same shapes and dtypes in other places."""
        words = self._made.words.copy()
        words[self._slots] += (_begins(places) - self._begins)[self._owners]
        return self._made._replace(words=words).complete()


def _begins(places: Sequence[np.ndarray]) -> np.ndarray:
    return np.array([address_of(each) for each in places], np.int64)


def _arguments(made: Table) -> Iterator[np.ndarray]:
    """Yield where the addresses in each block are."""
    begins = sorted(made.blocks.values())
    for begin, end in pairwise([*begins, made.words.size]):
        yield np.arange(begin + 2, end)


def are_apart(places: Sequence[np.ndarray]) -> bool:
    """Whether each array is one range of memory, and none overlaps another."""
    if not all(each.flags.c_contiguous and each.nbytes for each in places):
        return False
    ranges = sorted((address_of(each), each.nbytes) for each in places)
    return all(one + size <= other for (one, size), (other, _) in pairwise(ranges))


def table(bound: Any, rows: np.ndarray, blas: Blas) -> Table:
    """Return the instructions of one step.

    Parameters
    ----------
    bound : Bound
        Its arrays must live as long as the table.
    rows : int32 or int64, shape (steps, batch)
    blas : Blas

    Raises
    ------
    Unable
    """
    if rows.ndim != 2 or not rows.flags.c_contiguous or rows.dtype.name not in _PICKS:
        raise Unable(f"row indices of {rows.dtype}, or that are not adjacent")
    plan = bound.compiled.plan
    found, asked = list[Instruction](), dict[int, Sequence[Call]]()
    blocks: list[list[int]] = []

    def ask(calls: Sequence[Call]) -> None:
        asked[len(found)] = calls
        found.append((ASK,))

    if not bound.compiled.only_gathers:
        picked = bound.inputs[plan.program.rows]
        found.append((ROWS, address_of(picked), 0, picked.nbytes))
    for each in plan.instructions:
        if isinstance(each, Kernel):
            found += _kernel(bound, each, blocks)
            continue
        try:
            found += _operation(bound, each, rows, blas)
        except _Other:
            ask(bound.one(each))
    for i, v in plan.copies:
        to, source = bound.fresh[i], bound.find(v)
        if _are_alike(to, source):
            found.append(_copied(to, source))
        else:
            ask([Call(np.copyto, (to, source))])
    size = len(found)
    begins = accumulate((len(each) for each in blocks), initial=size * WIDTH)
    kernels = (i for i, each in enumerate(found) if each[0] == KERNEL)
    words = np.zeros(size * WIDTH + sum(map(len, blocks)), np.int64)
    made = Table(words, size, dict(zip(kernels, begins, strict=False)), asked)
    for row, numbers in zip(made.rows, found, strict=True):
        row[: len(numbers)] = numbers
    if blocks:
        words[size * WIDTH :] = np.concatenate(blocks)
    return made.complete()


def _kernel(bound: Any, kernel: Kernel, blocks: list[list[int]]) -> Iterator[Instruction]:
    fused = bound.compiled.kernels[kernel]
    if min(fused.parts, bound.workers.threads) > 1:
        raise Unable("a kernel in parts, which several threads run")
    for place, old in bound.moves(kernel):
        if not _are_alike(place, old):
            raise Unable("a state of elements that are not adjacent")
        yield _copied(place, old)
    blocks.append([0, 1, *bound.addresses(kernel)])
    yield KERNEL, fused.function.address


def _operation(bound: Any, op: Operation, rows: np.ndarray, blas: Blas) -> list[Instruction]:
    if op.name == "matmul":
        return _products(bound, op, blas)
    if op.name == "take" and bound.compiled.plan.picks(op):
        x, indices = (bound.find(v) for v in op.values)
        picked = bound.inputs[bound.compiled.plan.program.rows]
        if indices.ndim != 1 or not (indices.flags.c_contiguous and x.flags.c_contiguous):
            raise Unable("rows that are not adjacent, or picked by indices that are not")
        begin = (address_of(indices) - address_of(picked)) // picked.itemsize
        begin, size = begin * rows.dtype.itemsize, x.nbytes // len(x)
        kind = _PICKS[rows.dtype.name]
        return [(kind, bound.address(op.result), address_of(x), size, len(indices), begin)]
    raise _Other


def _are_alike(to: np.ndarray, source: np.ndarray) -> bool:
    """Whether the bytes of one can be copied to the other."""
    same = to.shape == source.shape and to.dtype == source.dtype
    return same and to.flags.c_contiguous and source.flags.c_contiguous


def _copied(to: np.ndarray, source: np.ndarray) -> Instruction:
    return COPY, address_of(to), address_of(source), to.nbytes


def _products(bound: Any, op: Operation, blas: Blas) -> list[Instruction]:
    a, b, out = (bound.find(v) for v in (*op.values, op.result))
    dtype = op.result.dtype
    kind = {"float32": PRODUCT_32, "float64": PRODUCT_64}.get(dtype.name)
    if kind is None or any(v.dtype is not dtype for v in op.values) or not (a.size and b.size):
        raise _Other
    run = kind, blas.address(dtype.name)
    places = bound.address(op.values[0]), bound.address(op.values[1]), bound.address(op.result)
    if a.ndim == b.ndim == out.ndim == 2:
        return [(*run, *_product(a, b, out, *places))]
    if a.ndim == b.ndim == out.ndim == 3 and len(a) == len(b) == len(out) <= FEW:
        each = zip(a, b, out, strict=True)
        return [(*run, *_product(*three, *map(address_of, three))) for three in each]
    raise _Other


def _product(
    a: np.ndarray, b: np.ndarray, out: np.ndarray, at_a: int, at_b: int, at_out: int
) -> Instruction:
    if not out.flags.c_contiguous:
        raise _Other
    (first, lda), (second, ldb) = _form(a), _form(b)
    (m, n), k = out.shape, a.shape[1]
    return first, second, m, n, k, _ONE, at_a, lda, at_b, ldb, _ZERO, at_out, n


def _form(x: np.ndarray) -> tuple[int, int]:
    """Whether a matrix is a transposed one in memory, and the length of its rows there."""
    if x.flags.c_contiguous:
        return NO, x.shape[1]
    if x.T.flags.c_contiguous:
        return YES, x.shape[0]
    raise _Other
