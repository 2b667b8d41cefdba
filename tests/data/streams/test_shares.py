"""The shares of several ranks: one reads each row, which gets where it is needed."""

from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from bpx.data.streams.shares import Shares, owners_of, planned

COUNTS = st.lists(st.integers(0, 9), min_size=1, max_size=12).filter(sum)


@given(COUNTS, st.integers(1, 5))
def test_the_ranks_read_as_much_to_within_a_block(counts, size):
    owners = owners_of(counts, size)
    assert len(owners) == len(counts)
    rows = [sum(n for n, owner in zip(counts, owners, strict=True) if owner == rank)
            for rank in range(size)]  # fmt: skip
    assert max(rows) - min(rows) <= max(counts)


def test_equal_blocks_go_round():
    assert owners_of([4] * 7, 3) == [0, 1, 2, 0, 1, 2, 0]
    assert owners_of([8, 2, 2, 2, 2, 8], 2) == [0, 1, 1, 1, 1, 0]


@given(COUNTS, st.integers(1, 9), st.integers(1, 5))
def test_each_row_of_each_window_has_the_owner_of_its_block(counts, rows, size):
    shares = Shares(tuple(counts), rows, size)
    expected = np.repeat(shares.owners, counts)
    windows = [shares.window(number) for number in range(shares.windows)]
    assert np.concatenate(windows).tolist() == expected.tolist()
    assert {len(window) for window in windows[:-1]} <= {rows}
    for rank in range(size):
        assert shares.lengths(rank) == [int((window == rank).sum()) for window in windows]
        assert shares.places(rank) == [i for i, o in enumerate(shares.owners) if o == rank]


@given(st.data(), st.integers(1, 12), st.integers(1, 4))
def test_the_rows_arrive_where_they_are_needed(data, n, size):
    ranks = st.integers(0, size - 1)
    owners = np.asarray(data.draw(st.lists(ranks, min_size=n, max_size=n)))
    some = st.lists(st.integers(0, n - 1), min_size=1, max_size=2 * n)
    needs = [np.asarray(data.draw(some)) for _ in range(size)]
    plans = [planned(owners, needs, rank) for rank in range(size)]
    sent = []
    for rank, plan in enumerate(plans):
        own = np.flatnonzero(owners == rank)  # the rows themselves, as this rank has read them
        ends = np.cumsum([0, *plan.counts])
        rows = own[plan.sent]
        sent.append([rows[a:b] for a, b in pairwise(ends)])
    for rank, plan in enumerate(plans):
        found = np.concatenate([each[rank] for each in sent])
        assert found[plan.places].tolist() == needs[rank].tolist()
