"""Sources of arrays: those that can be sliced by rows, and chunks that come in an order."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from bpx._validate import is_frame
from bpx.data.streams.lazy import check_lazy, computed
from bpx.data.streams.prints import Print, of_rows
from bpx.data.streams.source import Block, Part
from bpx.errors import InputError

__all__ = ["Chunks", "Sliced"]


@dataclass(frozen=True)
class Sliced:
    """A source of arrays that have a `shape` and can be sliced by rows, such as memory maps.

    Attributes
    ----------
    x : array
    y, s : arrays with the same number of rows, or None
    label : str
    """

    x: Any
    y: Any
    s: Any
    label: str

    def __post_init__(self) -> None:
        for name, each in (("x", self.x), ("y", self.y), ("sample_weight", self.s)):
            if each is None and name != "x":
                continue
            check_lazy(each, name)
            if not getattr(each, "shape", ()) or not hasattr(each, "dtype"):
                raise InputError(
                    f"{name} is {type(each).__name__}; expected the path of an .npy file, or "
                    "an array that can be sliced by rows, such as numpy.memmap"
                )
            if each.shape[0] != self.x.shape[0]:
                raise InputError(
                    f"x has {self.x.shape[0]} rows, but {name} has shape {tuple(each.shape)}; "
                    "expected one for each sample"
                )

    @property
    def rows(self) -> int:
        """The number of samples."""
        return int(self.x.shape[0])

    def prints(self) -> dict[str, Print]:
        """Return the fingerprints of the arrays."""
        names = "x", "y", "the weights of the samples"
        each = zip(names, (self.x, self.y, self.s), strict=True)
        return {name: of_rows(rows) for name, rows in each if rows is not None}

    def blocks(self, size: int | None) -> Sequence[Block]:
        """Return the blocks, of `size` rows each."""
        size = size or self.rows
        return [
            self._block(start, min(start + size, self.rows))
            for start in range(0, self.rows, size)
        ]

    def _block(self, start: int, stop: int) -> Block:
        rows = slice(start, stop)
        read, soon = partial(self._read, rows), partial(self._soon, rows)
        return Block(read, lambda: stop - start, soon=soon)

    def _read(self, rows: slice) -> Iterator[Part]:
        each = (None if array is None else array[rows] for array in (self.x, self.y, self.s))
        yield Part(*computed(list(each)))

    def late(self) -> None:
        """Tell the files."""
        for each in self._files():
            each.late()

    def _soon(self, rows: slice) -> None:
        for each in self._files():
            each[rows].soon()

    def _files(self) -> list[Any]:
        return [each for each in (self.x, self.y, self.s) if hasattr(each, "soon")]


@dataclass(frozen=True)
class Chunks:
    """A source of chunks that can only be read in their own order, from the beginning.

    Attributes
    ----------
    begin : callable
        It returns a new iterator of chunks: (x, y), (x, y, sample_weight), an array x, or a
        table.
    label : str
    """

    begin: Callable[[], Iterable[Any]]
    label: str
    rows: None = None
    last: list[Any] = field(default_factory=list, repr=False)  # the iterator that it returned

    def late(self) -> None:
        """Do nothing: chunks come when they come."""

    def prints(self) -> dict[str, Print]:
        """Return nothing: what comes is known only when it comes."""
        return {}

    def blocks(self, size: int | None) -> Sequence[Block]:
        """Return one block with all rows."""
        return [Block(self._read, parts="chunk")]

    def _begun(self) -> Iterator[Any]:
        """Begin anew; an iterator that was returned before has begun already."""
        chunks = self.begin()
        if not (hasattr(chunks, "__iter__") or hasattr(chunks, "__getitem__")):
            raise InputError(
                f"{self.label} returned {type(chunks).__name__}; expected a new iterator of "
                "chunks (x, y)"
            )
        made = iter(chunks)
        if self.last and self.last[0] is made:
            raise InputError(
                f"{self.label} returned the same {type(made).__name__} twice, which runs only "
                "once; expected a function that makes a new iterator each time"
            )
        self.last[:] = [made]
        return made

    def _read(self) -> Iterator[Any]:
        for number, chunk in enumerate(self._begun(), 1):
            if is_frame(chunk) or isinstance(chunk, Part):
                yield chunk
            elif isinstance(chunk, tuple | list) and len(chunk) in (2, 3):
                yield Part(*chunk)
            elif len(getattr(chunk, "shape", ())) > 0:
                yield Part(chunk)
            else:
                raise InputError(
                    f"chunk {number} of {self.label} is {type(chunk).__name__}; expected a "
                    "pair (x, y), a triple (x, y, sample_weight), or a table; to predict, also "
                    "an array x"
                )
