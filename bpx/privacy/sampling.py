"""Poisson sampling in fixed shapes, on the host.

Each sample enters each logical batch independently with the same probability, so the batches
vary in size. They are padded to physical batches of one size, which a compiled step can run.
"""

from collections.abc import Sequence
from math import log1p

import numpy as np

from bpx.arrays.host import HostArray
from bpx.privacy.sources import Source, uniforms

__all__ = ["PADDING", "earlier_parts", "last_parts", "poisson_batches", "positions"]

PADDING = -1
"""The index that marks padding in an index matrix."""


def poisson_batches(n: int, rate: float, steps: int, source: Source) -> list[HostArray]:
    """Draw the samples of each logical batch: each of the n enters with probability `rate`.

    Parameters
    ----------
    n : int
    rate : float
        In (0, 1].
    steps : int
        The number of batches.
    source : Source

    Returns
    -------
    list of int32 arrays
        The indices of each batch; some may be empty.
    """
    found = positions(n * steps, rate, source)
    ends = np.searchsorted(found, n * np.arange(1, steps))
    return np.split((found % n).astype(np.int32), ends)


def positions(cells: int, rate: float, source: Source) -> HostArray:
    """Draw cells from 0 ... cells - 1, each with probability `rate`, in ascending order.

    The gaps between chosen cells are geometric, so one number is drawn for each chosen cell.
    """
    if rate == 1.0:
        return np.arange(cells)
    found, last = [np.empty(0, np.int64)], -1
    while last < cells - 1:
        expected = (cells - last) * rate
        u = uniforms(int(expected + 4.0 * expected**0.5) + 16, source)
        gaps = np.floor(np.log(1.0 - u) / log1p(-rate))
        found.append(last + np.cumsum(gaps.astype(np.int64) + 1))
        last = int(found[-1][-1])
    drawn = np.concatenate(found)
    return drawn[: np.searchsorted(drawn, cells)]


def last_parts(batches: Sequence[HostArray], physical: int, steps: int) -> HostArray:
    """Return the last physical batch of each logical batch, as an index matrix.

    Parameters
    ----------
    batches : sequence of int32 arrays
        The logical batches, at most `steps` of them.
    physical : int
        The number of samples in a physical batch.
    steps : int
        The number of rows of the matrix; unused rows hold padding.

    Returns
    -------
    int32 array, shape (steps, physical + 1)
        The last entry of each row is its number, the index of its noise.
    """
    rows = np.full((steps, physical + 1), PADDING, np.int32)
    rows[:, physical] = np.arange(steps)
    for row, batch in zip(rows, batches, strict=False):
        rest = batch[_earlier(batch, physical) :]
        row[: rest.size] = rest
    return rows


def earlier_parts(batch: HostArray, physical: int) -> HostArray:
    """Return all but the last physical batch of a logical batch.

    Returns
    -------
    int32 array, shape (parts, physical + 1)
        Full physical batches; most logical batches have none.
    """
    parts = batch[: _earlier(batch, physical)].reshape(-1, physical)
    return np.pad(parts, ((0, 0), (0, 1)))


def _earlier(batch: HostArray, physical: int) -> int:
    return max(0, (batch.size - 1) // physical) * physical
