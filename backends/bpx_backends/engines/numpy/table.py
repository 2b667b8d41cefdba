"""A plan bound to arrays, as a table of instructions for the driver."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate, pairwise
from typing import Any, NamedTuple

import numpy as np

from bpx.program.fusion import Kernel
from bpx.program.instructions import Exchange
from bpx.program.operation import ACCUMULATE, Operation
from bpx_backends.engines.numpy.blas import Blas
from bpx_backends.engines.numpy.calls import Call, address_of
from bpx_backends.engines.numpy.instructions import (
    Instruction,
    NoInstructionError,
    accumulated,
    are_alike,
    copied,
    products,
)
from bpx_backends.engines.numpy.kinds import (
    ASK,
    COPY,
    KERNEL,
    PICK_32,
    PICK_64,
    PRODUCT_32,
    PRODUCT_64,
    ROWS,
    SCALED_32,
    SCALED_64,
)

__all__ = ["Layout", "Table", "Unable", "are_apart", "table"]

WIDTH = 16
"""The numbers in an instruction."""

_ADDRESSES = {
    PRODUCT_32: [8, 10, 13],
    PRODUCT_64: [8, 10, 13],
    SCALED_32: [8, 10, 12, 13],
    SCALED_64: [8, 10, 12, 13],
    PICK_32: [1, 2],
    PICK_64: [1, 2],
    COPY: [1, 2],
    ROWS: [1],
}
"""Where the addresses of arrays are in each kind of instruction."""
_PICKS = {"int32": PICK_32, "int64": PICK_64}


class Unable(Exception):  # noqa: N818 - nothing is wrong
    """The driver cannot run a plan."""


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
        begins = np.array([*self.blocks.values()], np.int64) * self.words.itemsize
        self.rows[[*self.blocks], 2] = address_of(self.words) + begins
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
        self._within = made.words[self._slots] - self._begins[self._owners]

    def is_whole(self, lasting: Sequence[np.ndarray]) -> bool:
        """Whether all other addresses are those of arrays that stay where they are."""
        begins, ends = _ranges(lasting)
        # One may be part of another that begins before it.
        last = np.maximum.accumulate([-1, *ends])
        return bool(
            (self._others <= last[np.searchsorted(begins, self._others, "right")]).all()
        )

    def at(self, places: Sequence[np.ndarray]) -> Table:
        """Return the table for arrays of the same shapes and dtypes in other places."""
        table = self.copied()
        self.move(table, _begins(places))
        return table

    def copied(self) -> Table:
        """Return a table of its own, to be moved."""
        return self._made._replace(words=self._made.words.copy()).complete()

    def move(self, table: Table, begins: np.ndarray) -> None:
        """Write other addresses of the places, int64, into such a table."""
        table.words[self._slots] = begins[self._owners] + self._within


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
    begins, ends = _ranges(places)
    return bool((ends[:-1] <= begins[1:]).all())


def _ranges(arrays: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Where arrays begin and end, in the order of their beginnings."""
    begins, sizes = _begins(arrays), np.array([each.nbytes for each in arrays], np.int64)
    order = np.argsort(begins)
    return begins[order], (begins + sizes)[order]


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
        if isinstance(each, Exchange):
            ask(list(bound.exchange(each)))
            continue
        try:
            found += _operation(bound, each, rows, blas)
        except NoInstructionError:
            ask(bound.one(each))
    for i, v in plan.copies:
        to, source = bound.fresh[i], bound.find(v)
        if are_alike(to, source):
            found.append(copied(to, source))
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
        if not are_alike(place, old):
            raise Unable("a state of elements that are not adjacent")
        yield copied(place, old)
    for function, addresses in bound.addresses(kernel):
        blocks.append([0, 1, *addresses])
        yield KERNEL, function


def _operation(bound: Any, op: Operation, rows: np.ndarray, blas: Blas) -> list[Instruction]:
    if op.name == "matmul":
        return products(bound, op, blas)
    if op.name == ACCUMULATE:
        return accumulated(bound, op, blas)
    if op.name == "take" and bound.compiled.plan.picks(op):
        x, indices = (bound.find(v) for v in op.values)
        picked = bound.inputs[bound.compiled.plan.program.rows]
        if indices.ndim != 1 or not (indices.flags.c_contiguous and x.flags.c_contiguous):
            raise Unable("rows that are not adjacent, or picked by indices that are not")
        begin = (address_of(indices) - address_of(picked)) // picked.itemsize
        begin, size = begin * rows.dtype.itemsize, x.nbytes // len(x)
        kind = _PICKS[rows.dtype.name]
        return [(kind, bound.address(op.result), address_of(x), size, len(indices), begin)]
    raise NoInstructionError
