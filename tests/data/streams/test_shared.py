"""What each of several ranks reads of a stream: together, all of it once."""

import threading
from dataclasses import replace

import numpy as np
import pytest

import bpx
from bpx.data.streams.source import Block, Part


def arrays(n=100):
    return np.arange(2.0 * n).reshape(n, 2), np.arange(n)


def order(n):
    return np.random.default_rng(1).permutation(n)


def read(stream, rank, size, rows=24, start=0):
    """What a rank reads of each window: the y, and nothing where it reads nothing."""
    reading = stream.shared(rows, rank, size).epoch(
        order, "float64", lambda part: part.y.tolist(), start
    )
    found = [reading.next(number) or [] for number in range(start, reading.windows)]
    owners = [reading.owners(number) for number in range(start, reading.windows)]
    reading.close()
    return found, owners


@pytest.mark.parametrize("size", [1, 2, 3, 5])
@pytest.mark.parametrize("start", [0, 1, 3])
def test_the_windows_are_those_of_one_rank(size, start):
    stream = bpx.data.stream(*arrays(), block=7)
    whole = list(stream.windows(order, 24, "float64", lambda part: part.y.tolist()))
    found = [read(stream, rank, size, start=start) for rank in range(size)]
    for number, expected in enumerate(whole[start:]):
        windows = [each[0][number] for each in found]
        owners = found[0][1][number]
        taken = [0] * size
        together = []
        for owner in owners:
            together.append(windows[owner][taken[owner]])
            taken[owner] += 1
        assert together == expected
        assert taken == [len(each) for each in windows]


def test_a_rank_without_blocks_reads_nothing():
    stream = bpx.data.stream(*arrays(10), block=64)
    assert read(stream, 0, 2, rows=8)[0] == [list(range(8)), [8, 9]]
    assert read(stream, 1, 2, rows=8)[0] == [[], []]


def test_chunks_do_not_tell_how_many_they_are():
    assert bpx.data.stream([arrays()]).shared(8, 0, 2) is None


def test_an_error_names_the_rank_that_reads():
    def refuse(part):
        raise bpx.InputError("x is wrong")

    stream = bpx.data.stream(*arrays(), block=7)
    reading = stream.shared(24, 1, 2).epoch(range, "float64", refuse)
    with pytest.raises(
        bpx.InputError, match="x is wrong; rows are counted in what rank 1 reads"
    ):
        reading.next(0)


@pytest.mark.parametrize("left", [3, 0])
@pytest.mark.parametrize("rank", [0, 1])
def test_samples_that_have_become_fewer_are_noticed(rank, left):
    x, y = arrays(20)

    class Source:
        label, rows = "files", 20

        def late(self):
            pass

        def blocks(self, size):
            return [self._block(0, 5, 5), self._block(5, 10, 5), self._block(10, 10 + left, 5),
                    self._block(15, 15 + left, 5)]  # fmt: skip

        def _block(self, start, stop, said):
            return Block(lambda: iter([Part(x[start:stop], y[start:stop])]), lambda: said)

    stream = replace(bpx.data.stream(x, y), source=Source())
    reading = stream.shared(10, rank, 2).epoch(range, "float64", lambda part: part)
    assert reading.next(0).y.tolist() == [5 * rank + i for i in range(5)]
    with pytest.raises(bpx.InputError, match="has fewer samples than it said; it changed"):
        reading.next(1)


def test_closing_ends_the_thread():
    reading = bpx.data.stream(*arrays(), block=7).shared(24, 0, 2)
    made = reading.epoch(range, "float64", lambda part: part)
    made.next(0)
    made.close()
    names = [thread.name for thread in threading.enumerate()]
    assert not any(name.startswith("bpx-reads-ahead") for name in names)
