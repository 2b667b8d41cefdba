"""Windows of a stream: blocks in shuffled order, read ahead into one of two buffers.

A window is a number of consecutive samples of an epoch that are in memory at the same time.
While one is used, a thread reads the next one into the other buffer.
"""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass, field
from itertools import cycle
from math import prod
from typing import Any, Generic, TypeVar

import numpy as np

from bpx._validate import is_frame
from bpx.data.split import HostArray
from bpx.data.streams.direct import PAGE
from bpx.data.streams.source import Block, Part
from bpx.data.tables.frames import as_table
from bpx.errors import InputError

__all__ = ["Buffer", "Filled", "ahead", "parts_of"]

T = TypeVar("T")
Empty = Callable[[tuple[int, ...], Any], HostArray]
"""``empty(shape, dtype)`` returns a host array, such as one in pinned memory."""

_FIELDS = ("x", "y", "sample_weight")


@dataclass
class Buffer:
    """Host arrays for the samples of one window.

    Attributes
    ----------
    rows : int
        The largest number of samples.
    dtype : str
        The dtype for inputs that are neither bytes nor booleans.
    empty : callable
        It makes the arrays, for the first part.
    like : Part or None
        A part with the shapes and dtypes of the stream's very first one, which decide; by
        default those of the first part here, which in a shuffled epoch may be any other.
    arrays : list of (HostArray or None)
        Of x, y and the weights; empty before the first part.
    memory : HostArray or None
        That of x, with room to begin where a file's rows begin in a page.
    """

    rows: int
    dtype: str
    empty: Empty = np.empty
    like: Part | None = None
    arrays: list[HostArray | None] = field(default_factory=list)
    memory: HostArray | None = None

    def fill(self, parts: "Filled", most: int | None = None) -> Part | None:
        """Read the next samples, at most so many; return views of them, or None at the end."""
        n, most = 0, self.rows if most is None else most
        while n < most:
            part = parts.next(most - n)
            if part is None:
                break
            m = part.x.shape[0]
            self._check(part, parts.label)
            if not n:
                self._lay(part.x)
            for into, given in zip(self.arrays, part, strict=True):
                if into is not None:
                    _copy(given, into[n : n + m])
            n += m
        return (
            Part(*(each if each is None else each[:n] for each in self.arrays)) if n else None
        )

    def _lay(self, first: Any) -> None:
        """Let x begin where its first rows begin in a page of their file.

        Then whole pages of the file fall on pages of the memory, if the dtype is the same. In
        any case, each number lies at a multiple of its size, or NumPy would copy the window
        before it takes rows of it.
        """
        x, memory = self.arrays[0], self.memory
        assert x is not None, "the first part has made it"
        assert memory is not None, "and its memory"
        place = getattr(first, "place", 0)
        if first.dtype != x.dtype or place % x.dtype.itemsize:
            place = 0
        begin = (place - memory.ctypes.data) % PAGE
        self.arrays[0] = memory[begin : begin + x.nbytes].view(x.dtype).reshape(x.shape)

    def _check(self, part: Part, label: str) -> None:
        """Make the arrays for the first part; refuse a later one of another kind."""
        if not self.arrays:
            like = self.like or part
            (x, dtype), *others = zip(like, self._dtypes(like), strict=True)
            shape = self.rows, *x.shape[1:]
            size = prod(shape) * np.dtype(dtype).itemsize
            self.memory = self.empty((size + PAGE,), "uint8")
            self.arrays = [self.memory[:size].view(dtype).reshape(shape)] + [
                None if each is None else self.empty((self.rows, *each.shape[1:]), kept)
                for each, kept in others
            ]
        for name, into, given in zip(_FIELDS, self.arrays, part, strict=True):
            if (into is None) != (given is None):
                has = "has no" if given is None else "has"
                raise InputError(
                    f"a part of {label} {has} {name}, but the first one did not; expected all "
                    "parts to be of one kind"
                )
            if into is None or given is None:
                continue
            if given.shape[0] != part.x.shape[0] or given.shape[1:] != into.shape[1:]:
                raise InputError(
                    f"a part of {label} has {name} of shape {tuple(given.shape)}; expected "
                    f"{(part.x.shape[0], *into.shape[1:])}"
                )
            if name == "y" and (given.dtype.kind == "f") != (into.dtype.kind == "f"):
                raise InputError(
                    f"a part of {label} has y of dtype {given.dtype}, but the first one had "
                    f"{into.dtype}; expected labels in all parts, or numbers in all"
                )
            if into.dtype.kind != "f" and not np.can_cast(given.dtype, into.dtype):
                raise InputError(
                    f"a part of {label} has {name} of dtype {given.dtype}, but the first one "
                    f"had {into.dtype}, which cannot hold it; expected the same dtype in all"
                )

    def _dtypes(self, part: Part) -> list[Any]:
        bytes_ = part.x.dtype.name in ("bool", "int8", "uint8")
        whole = part.y is not None and part.y.dtype.kind in "iub"
        y = part.y.dtype if whole else self.dtype
        return [part.x.dtype if bytes_ else self.dtype, y, self.dtype]


def _copy(given: Any, into: HostArray) -> None:
    if hasattr(given, "copy_to"):
        given.copy_to(into)
    else:
        with np.errstate(over="ignore"):  # a check of the window reports it
            into[...] = given


@dataclass
class Filled:
    """The rest of a sequence of parts, from which any number of rows can be taken."""

    parts: Iterator[Part]
    label: str
    left: Part | None = None

    def next(self, most: int) -> Part | None:
        """Return the next part, cut to at most that many rows; None at the end."""
        part = self.left or next(self.parts, None)
        self.left = None
        while part is not None and not part.x.shape[0]:
            part = next(self.parts, None)
        if part is not None and part.x.shape[0] > most:
            self.left = _cut(part, slice(most, None))
            part = _cut(part, slice(most))
        return part


def parts_of(
    blocks: Sequence[Block],
    order: Sequence[int],
    encode: Callable[[Any], Part],
    skip: int = 0,
    label: str = "the stream",
) -> Iterator[Part]:
    """Yield the parts of blocks, in the given order of the blocks.

    Parameters
    ----------
    blocks, order, encode
    skip : int, optional
        The number of samples to leave out at the beginning; blocks that tell their number of
        rows are then not read at all.
    label : str, optional
        The name in messages.

    Raises
    ------
    InputError
        If there are fewer samples than that, or a part cannot be encoded, which is named.
    """
    left = skip
    for i, after in zip(order, (*order[1:], None), strict=False):
        known = blocks[i].count() if left else None
        if known is not None and known <= left:
            left -= known
            continue
        if after is not None:  # the disk seeks it while this one is copied
            blocks[after].soon()
        for number, raw in enumerate(blocks[i](), 1):
            if left and (rows := _rows(raw)) <= left:
                left -= rows
                continue
            try:
                part = encode(raw)
            except InputError as error:
                of = "" if len(blocks) == 1 else f" of block {i + 1}"
                where = f"{blocks[i].parts} {number}{of} of {label}"
                raise InputError(f"{error}; this is {where}") from error
            if left:
                part, left = _cut(part, slice(left, None)), 0
            yield part
    if left:
        raise InputError(
            f"{label} has only {skip - left} samples, but training is continued after "
            f"{skip}; expected the same samples"
        )


def _cut(part: Part, rows: slice) -> Part:
    return Part(*(None if each is None else each[rows] for each in part))


def _rows(raw: Any) -> int:
    """The number of samples in a part that is not encoded yet."""
    x = raw.x if isinstance(raw, Part) else raw
    return len(as_table(x)) if is_frame(x) else len(x)


class ahead(Generic[T]):  # noqa: N801 - used like a function
    """Run a function with each of two buffers in turn, one call ahead, in a thread.

    Parameters
    ----------
    make : callable
        ``make(buffer) -> value``, or None at the end.
    buffers : sequence of Buffer
        The value made with a buffer may use its memory until the second next one is asked for.
    late : callable, optional
        It is called when a value had to be waited for, but for the first.

    Raises
    ------
    Exception
        From `make`, at the value that it concerns.
    """

    def __init__(
        self,
        make: Callable[[Buffer], T | None],
        buffers: Sequence[Buffer],
        late: Callable[[], None] = lambda: None,
    ) -> None:
        self._make, self._buffers, self._late = make, cycle(buffers), late
        self._begun = False
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="bpx-reads-ahead")
        self._next: Future[T | None] | None = self._submit()

    def _submit(self) -> Future[T | None]:
        # The thread words its errors, and treats overflow, as the caller does.
        return self._pool.submit(copy_context().run, self._make, next(self._buffers))

    @property
    def is_ready(self) -> bool:
        """Whether the next value need not be waited for."""
        return self._next is None or self._next.done()

    def __iter__(self) -> Iterator[T]:
        return self

    def __next__(self) -> T:
        if self._begun and not self.is_ready:
            self._late()
        self._begun = True
        try:
            value = None if self._next is None else self._next.result()
        except BaseException:
            self.close()
            raise
        if value is None:
            self.close()
            raise StopIteration
        self._next = self._submit()
        return value

    def close(self) -> None:
        """Wait for the call that is running, and stop."""
        self._next = None
        self._pool.shutdown(wait=True, cancel_futures=True)
