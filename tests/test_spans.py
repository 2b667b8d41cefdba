"""Which rows are hashed: all of a few, and even blocks of many."""

import pytest

from bpx._spans import spans


@pytest.mark.parametrize("n", [0, 1, 7, 8])
def test_all_rows_of_a_few_a_block_at_a_time(n):
    found = list(spans(n, 4, whole=32, block=8))
    assert [row for a, b in found for row in range(a, b)] == list(range(n))
    assert all(b - a <= 2 for a, b in found)


def test_even_blocks_of_many_the_first_and_the_last_among_them():
    assert list(spans(100, 4, whole=32, block=8, blocks=5)) == [
        (0, 2), (24, 26), (49, 51), (73, 75), (98, 100)
    ]  # fmt: skip


def test_a_row_longer_than_a_block():
    assert list(spans(9, 100, whole=32, block=8, blocks=2)) == [(0, 1), (8, 9)]
    assert list(spans(2, 0)) == [(0, 2)]
