"""`Stream`: samples for training that need not fit in memory."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import repeat
from typing import Any, TypeVar

import numpy as np

from bpx._validate import whole
from bpx.data.streams import arrow
from bpx.data.streams.encode import Encoder
from bpx.data.streams.given import source_of
from bpx.data.streams.passes import Pass
from bpx.data.streams.prints import Print, of_rows
from bpx.data.streams.shared import Sharing
from bpx.data.streams.sizes import WINDOW_BYTES, row_bytes, rows_of_block
from bpx.data.streams.source import Part, Source
from bpx.data.streams.sources import Sliced
from bpx.data.streams.windows import Empty, Filled, ahead, parts_of
from bpx.data.tables.schema import Schema
from bpx.data.tables.table import Key, Table
from bpx.errors import InputError

__all__ = ["Stream", "stream"]

T = TypeVar("T")

_LOOKED_AT = 1024
_FIRST = "x of the first samples", "y of the first samples", "the weights of the first samples"


@dataclass(frozen=True)
class Stream:
    """Samples that training reads window by window: see `stream`, which makes one.

    Attributes
    ----------
    source : Source
        Where the samples come from.
    encoder : Encoder
        How tables become arrays.
    block, window : int or None
        The number of samples in a block and in a window, if they were given.
    """

    source: Source
    encoder: Encoder
    block: int | None = None
    window: int | None = None

    def __repr__(self) -> str:
        n = "samples" if self.samples is None else f"{self.samples:,} samples"
        return f"<bpx.data.Stream of {n} from {self.source.label}>"

    @cached_property
    def samples(self) -> int | None:
        """The number of samples, if it is known before they are read."""
        return self.source.rows

    def sample(self, rows: int, seed: int = 0) -> Table:
        """Return some rows of Parquet or Arrow files, to fit a `bpx.data.Schema` to.

        Parameters
        ----------
        rows : int
            The largest number of rows, from row groups drawn at random.
        seed : int, optional

        Raises
        ------
        InputError
            If the samples do not come from such files.
        """
        if not isinstance(self.source, arrow.Files):
            raise InputError(
                f"{self.source.label} has no tables to draw rows from; expected Parquet or "
                "Arrow files"
            )
        rows = whole("rows", rows, 1, None, "a whole number of at least 1")
        return self.source.sample(rows, np.random.default_rng(seed))

    def with_schema(self, schema: Schema | None) -> "Stream":
        """Return the stream with a network's schema, unless it has its own."""
        own = self.encoder
        if schema is None or own.schema is not None:
            return self
        return replace(self, encoder=replace(own, schema=schema))

    @property
    def only_x(self) -> "Stream":
        """The stream of the inputs alone, for which targets need not be there."""
        source = self.source
        if isinstance(source, Sliced):
            source = replace(source, y=None, s=None)
        return replace(self, source=source, encoder=replace(self.encoder, only_x=True))

    def rows_of_window(self, batch_size: int) -> int:
        """The number of samples of a window: a multiple of the mini-batch, about 64 MiB."""
        rows = self.window or max(1, WINDOW_BYTES // self._bytes)
        if self.samples is not None:
            rows = min(rows, self.samples)
        return max(1, -(-rows // batch_size)) * batch_size

    def windows(
        self,
        order: Callable[[int], Sequence[int]],
        rows: int,
        dtype: str,
        arrive: Callable[[Part], T],
        empty: Empty = np.empty,
        start: int = 0,
    ) -> ahead[T]:
        """Return an iterator over the windows of one epoch, which reads ahead in a thread.

        Parameters
        ----------
        order : callable
            ``order(n)`` returns the indices of the n blocks in the order of the epoch.
        rows : int
            The number of samples in each window but the last.
        dtype : str
            The dtype for inputs that are neither bytes nor booleans.
        arrive : callable
            ``arrive(part) -> value``, called in the thread. The part, and a value that shares
            its memory, are valid until the second next window is asked for.
        empty : callable, optional
            It makes the host arrays.
        start : int, optional
            The number of the first window; those before it are skipped.
        """
        made = self._pass(order, dtype)
        return made.windows(repeat(rows), rows, arrive, empty, start * rows)

    def span(
        self,
        begin: int,
        end: int,
        rows: int,
        dtype: str,
        arrive: Callable[[Part], T],
        empty: Empty = np.empty,
    ) -> ahead[T]:
        """Return an iterator over windows of the samples `begin` to `end`, in their own order.

        Blocks that have none of them are not read.
        """
        sizes = (min(rows, end - first) for first in range(begin, end, rows))
        return self._pass(range, dtype).windows(sizes, rows, arrive, empty, begin)

    def shared(self, rows: int, rank: int, size: int) -> Sharing | None:
        """Return how one of several ranks reads windows of so many samples.

        None if it must read all of them: if only reading tells how many there are.
        """
        counts = [block.count() for block in self.source.blocks(self._rows_of_block)]
        known = tuple(each for each in counts if each is not None)
        if len(known) < len(counts):
            return None
        return Sharing(self._pass, known, rows, rank, size)

    def _pass(self, order: Callable[[int], Sequence[int]], dtype: str) -> Pass:
        blocks = self.source.blocks(self._rows_of_block)
        made = self.source, self.encoder, blocks, order(len(blocks)), self._like
        return Pass(*made, dtype)

    def prints(self, batch_size: int | None = None) -> dict[str, Print]:
        """Return fingerprints by their names, from which another stream can be told.

        Besides those of the source, these are of the first samples, as training sees them, if
        it does not see the source's own arrays.

        Parameters
        ----------
        batch_size : int, optional
            For training, whose order of the samples depends on the blocks and windows.
        """
        found = dict(self.source.prints())
        schema = self.encoder.schema
        if not isinstance(self.source, Sliced) or not (schema is None or schema.is_plain):
            first = zip(_FIRST, self.first, strict=True)
            found |= {name: of_rows(each) for name, each in first if each is not None}
        if batch_size is not None:
            found["the stream"] = {
                "number of samples in a block": self._rows_of_block,
                "number of samples in a window": self.rows_of_window(batch_size),
            }
        return found

    @property
    def _rows_of_block(self) -> int:
        return self.block or rows_of_block(self.source, self._bytes)

    @cached_property
    def _like(self) -> Part:
        """An empty part with the shapes and dtypes of the very first one."""
        kinds = (
            None if a is None else np.empty((0, *a.shape[1:]), a.dtype) for a in self.first
        )
        return Part(*kinds)

    @property
    def first(self) -> Part:
        """The first part, of at most 1024 samples."""
        blocks, label = self.source.blocks(_LOOKED_AT), self.source.label
        parts = parts_of(blocks, range(len(blocks)), self.encoder, label=label)
        first = Filled(parts, label).next(_LOOKED_AT)
        if first is None:
            raise InputError(f"{label} has no samples; expected at least one")
        return first

    @property
    def _bytes(self) -> int:
        """The bytes of one sample."""
        return sum(row_bytes(each) for each in self._like if each is not None) or 1


def stream(
    x: Any,
    y: Any = None,
    *,
    sample_weight: Any = None,
    target: Key | None = None,
    schema: Schema | None = None,
    block: int | None = None,
    window: int | None = None,
) -> Stream:
    """Return samples that networks read window by window, in bounded memory.

    `fit`, `train`, `evaluate`, `predict` and `classify` take them. In each epoch of training,
    the blocks are shuffled and then read in that order, one window of samples after another.
    Mini-batches are drawn from the window in memory, while a thread reads the next one. The
    order depends only on the seed and the epoch. The other methods keep the samples' own order.

    Parameters
    ----------
    x : path, array, or iterable
        The path of an ``.npy`` file; an array that can be sliced by rows, such as
        `numpy.memmap`, or one of HDF5, Zarr or dask; the path of a ``.parquet``, ``.arrow``
        or ``.feather`` file, of a folder of them, or a list of such paths; a pyarrow dataset;
        or an iterable of chunks, or a function that returns one: pairs (x, y), triples
        (x, y, sample_weight), or tables. An iterable must begin anew in every epoch. Chunks
        keep their order, and are shuffled within windows only. To predict, chunks may be
        arrays x alone.
    y : path or array, optional
        The targets, if x is an ``.npy`` file or an array: labels (n,), or numbers (n,) or
        (n, k). Only `predict` and `classify` do without.
    sample_weight : path, array, or str, optional
        The weights of the samples; in tables, the name of their column.
    target : str or int, optional
        The column of the targets in tables, unless a schema names it.
    schema : bpx.data.Schema, optional
        How tables become samples. By default that of the network; without one, all columns
        must be numbers.
    block : int, optional
        The samples in a block, by default up to 4 MiB, in whole chunks of arrays that have
        some. Parquet files have their own blocks, their row groups; each Arrow or Feather file
        is one block.
    window : int, optional
        The samples in a window, by default 64 MiB. Two windows are in memory at a time. A
        larger window shuffles better.

    Returns
    -------
    Stream

    Raises
    ------
    InputError
        If a file does not exist, or an argument does not apply.
    FileFormatError
        If a file is truncated or of another format.

    Examples
    --------
    >>> chunks = [([[0.0, 1.0], [1.0, 0.0]], [0, 1])] * 3
    >>> samples = bpx.data.stream(chunks)
    >>> net = bpx.Network([2, 3, 2], seed=0)
    >>> history = net.fit(samples, epochs=2, batch_size=2, optimizer=bpx.SGD(1.0))
    >>> len(history)
    2
    """
    sizes = (
        None if size is None else whole(name, size, 1, None, "a whole number of at least 1")
        for name, size in (("block", block), ("window", window))
    )
    if schema is not None and not isinstance(schema, Schema):
        raise InputError(
            f"schema is {type(schema).__name__}; expected a bpx.data.Schema, which "
            "bpx.data.Schema.fit(table, target=...) makes"
        )
    source, weight = source_of(x, y, sample_weight)
    if target is not None and isinstance(source, Sliced):
        raise InputError(
            f"target={target!r} was given, but {source.label} has no columns by name; "
            "expected y, the array or the path of the targets"
        )
    return Stream(source, Encoder(schema, target, weight, source.label), *sizes)
