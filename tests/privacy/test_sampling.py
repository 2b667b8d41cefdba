"""Poisson sampling, and its fixed shapes.

Everything here is seeded: what passes once passes always.
"""

from itertools import pairwise

import numpy as np
import pytest

from bpx.privacy.sampling import PADDING, earlier_parts, last_parts, poisson_batches, positions
from bpx.privacy.sources import random_bytes

N = 200_000


def seeded(epoch=1, purpose="noise"):
    return random_bytes(0, purpose, epoch)


def test_each_cell_comes_up_with_the_rate():
    found = positions(N, 0.03, seeded())
    assert (np.diff(found) > 0).all()
    assert (found[0] >= 0) & (found[-1] < N)
    assert abs(found.size - 0.03 * N) < 4 * (N * 0.03 * 0.97) ** 0.5
    gaps = np.diff(found) - 1
    for k in (0, 1, 10, 50):  # geometric: P(gap >= k) = 0.97^k
        expected = 0.97**k
        deviation = (expected * (1.0 - expected) / gaps.size) ** 0.5
        assert abs((gaps >= k).mean() - expected) <= 4 * deviation


@pytest.mark.parametrize("rate", [1.0, 0.999, 1e-6])
def test_extreme_rates(rate):
    found = positions(1000, rate, seeded())
    assert abs(found.size - 1000 * rate) < 10
    assert found.dtype == np.int64


def test_batches_have_the_sizes_of_a_binomial_and_every_sample_alike():
    n, rate, steps = 500, 0.1, 400
    drawn = poisson_batches(n, rate, steps, seeded())
    sizes = np.array([batch.size for batch in drawn])
    variance = n * rate * (1 - rate)
    assert len(drawn) == steps
    assert abs(sizes.mean() - n * rate) < 4 * (variance / steps) ** 0.5
    assert abs(sizes.var() / variance - 1.0) < 4 * (2 / steps) ** 0.5
    each = np.bincount(np.concatenate(drawn), minlength=n)
    assert abs(each.var() / (steps * rate * (1 - rate)) - 1.0) < 4 * (2 / n) ** 0.5
    assert all((np.diff(batch) > 0).all() for batch in drawn)  # nobody is in one twice
    together = sum(0 in one and 0 in other for one, other in pairwise(drawn))
    assert together < 15  # 4 are expected


def test_a_batch_of_any_size_is_wholly_in_its_physical_ones():
    batches = [np.arange(size, dtype=np.int32) + 10 for size in (0, 1, 4, 5, 8, 9)]
    last = last_parts(batches, 4, 8)
    assert last.shape == (8, 5)
    assert last.dtype == np.int32
    assert last[:, 4].tolist() == list(range(8))
    assert (last[6:, :4] == PADDING).all()
    for batch, row in zip(batches, last, strict=False):
        earlier = earlier_parts(batch, 4)
        there = np.concatenate([earlier[:, :4].reshape(-1), row[:4]])
        assert there[there != PADDING].tolist() == batch.tolist()
        assert (earlier != PADDING).all()
    assert [len(earlier_parts(batch, 4)) for batch in batches] == [0, 0, 0, 1, 1, 2]
