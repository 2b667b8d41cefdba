"""Poisson sampling in fixed shapes, on the host.

Each sample enters each logical batch by itself, with one probability, so that a batch has
any size. In physical batches of one size, padded, it is what a compiled step can run.
"""

from collections.abc import Sequence
from math import log1p

import numpy as np

from bpx.arrays.host import HostArray
from bpx.privacy.sources import Source, uniforms

__all__ = ["PADDING", "earlier_parts", "last_parts", "poisson_batches", "positions"]

PADDING = -1
"""What stands in an index matrix where there is no sample."""


def poisson_batches(n: int, rate: float, steps: int, source: Source) -> list[HostArray]:
    """The samples of each logical batch: each of the n enters with probability `rate`.

    Parameters
    ----------
    n : int
    rate : float
        In (0, 1].
    steps : int
        How many batches.
    source : Source

    Returns
    -------
    list of int32 arrays
        Of any size, empty ones among them.
    """
    found = positions(n * steps, rate, source)
    ends = np.searchsorted(found, n * np.arange(1, steps))
    return np.split((found % n).astype(np.int32), ends)


def positions(cells: int, rate: float, source: Source) -> HostArray:
    """Which of the cells 0 ... cells - 1 come up, each with probability `rate`, in order.

    The gaps between them are geometric: one number is drawn for each that comes up.
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
    """The last physical batch of each logical one, as an index matrix.

    Parameters
    ----------
    batches : sequence of int32 arrays
        Logical batches, at most `steps` of them.
    physical : int
        The samples of a physical batch.
    steps : int
        The rows of the matrix; those that are left over hold padding.

    Returns
    -------
    int32 array, shape (steps, physical + 1)
        At the end of each row, its number: the place of its noise.
    """
    rows = np.full((steps, physical + 1), PADDING, np.int32)
    rows[:, physical] = np.arange(steps)
    for row, batch in zip(rows, batches, strict=False):
        rest = batch[_earlier(batch, physical) :]
        row[: rest.size] = rest
    return rows


def earlier_parts(batch: HostArray, physical: int) -> HostArray:
    """What of a logical batch the last physical one does not hold: none of it is dropped.

    Returns
    -------
    int32 array, shape (parts, physical + 1)
        Full physical batches; of most logical batches, none.
    """
    parts = batch[: _earlier(batch, physical)].reshape(-1, physical)
    return np.pad(parts, ((0, 0), (0, 1)))


def _earlier(batch: HostArray, physical: int) -> int:
    return max(0, (batch.size - 1) // physical) * physical
