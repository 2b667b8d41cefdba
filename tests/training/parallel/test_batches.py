"""One rank's rows of each mini-batch."""

import numpy as np
import pytest

import bpx
from bpx.errors import InputError
from bpx.training.accumulated import Accumulated
from bpx.training.parallel.batches import Sharded, check_chunks, fewest_in_chunk
from bpx.training.parallel.steps import RankedStep
from tests.ranks import communicators


def whole(n=23, batch=10, **settings):
    net = bpx.Network([2, 3, 2], output="softmax", cost="cross_entropy", seed=0)
    x, y = np.zeros((n, 2)), np.zeros(n, int)
    settings = {"epochs": 2, "optimizer": bpx.SGD(0.1), "seed": 5, **settings}
    return bpx.train(net, (x, y), batch_size=batch, **settings)._loop.batches, net.home


def answering(size):
    """Ranks of which each asks alone, and the others have the same to say."""
    made = communicators(size)
    for each in made:
        each.gather = lambda value: [value] * size
    return made


@pytest.mark.parametrize("size", [1, 2, 3, 4])
def test_the_rows_of_all_ranks_are_those_of_the_mini_batches(size):
    batches, home = whole()
    expected = [s.rows.tolist() for s in batches(2).stretches]
    shares = [list(Sharded(batches, ranks, home)(2).stretches) for ranks in answering(size)]
    for number, (rows, m) in enumerate(zip(expected, (10, 3), strict=True)):
        for i, row in enumerate(rows):
            mine = []
            for share in shares:
                stretch = share[number]
                shard = stretch.step.shard
                assert stretch.width == -(-m // size) == stretch.rows.shape[1]
                assert stretch.sizes == (m,) * len(rows)
                assert shard.size == m
                live = stretch.width if shard.live is None else shard.live
                assert (shard.live is None) == (m % size == 0)
                mine += stretch.rows[i].tolist()[:live]
                assert set(stretch.rows[i].tolist()[live:]) <= {0}
            assert mine == row


def test_all_else_is_that_of_all_ranks():
    batches, home = whole()
    mine = Sharded(batches, answering(2)[1], home)
    assert mine.steps == batches.steps == 3
    assert mine.start() is None
    assert mine.finish() == {}
    assert mine(1).samples == 23


def test_they_are_cut_into_chunks_afterwards():
    batches, home = whole()
    mine = Accumulated(Sharded(batches, answering(2)[0], home), 2)
    first, _ = mine(1).stretches
    assert first.rows.shape == (2, 5)
    assert first.width == 3
    assert isinstance(first.step.plain, RankedStep)


def test_the_rows_are_in_one_piece():
    batches, home = whole()
    for stretch in Sharded(batches, answering(3)[1], home)(1).stretches:
        assert stretch.rows.flags.c_contiguous


@pytest.mark.parametrize(
    ("m", "size", "chunks", "fewest"),
    [(12, 2, 3, 4), (5, 2, 3, 1), (5, 4, 2, 2), (9, 8, 2, 4), (13, 4, 4, 3), (7, 1, 3, 1)],
)
def test_the_fewest_samples_in_a_chunk(m, size, chunks, fewest):
    batches, home = whole(n=m, batch=m)
    ranks = answering(size)
    shares = [next(Sharded(batches, each, home)(1).stretches) for each in ranks]
    length = -(-shares[0].width // chunks)
    lives = [s.width if s.step.shard.live is None else s.step.shard.live for s in shares]
    found = [
        sum(min(max(live - begin, 0), length) for live in lives)
        for begin in range(0, shares[0].width, length)
    ]
    assert fewest_in_chunk(m, size, chunks) == min(found) == fewest


def test_a_chunk_that_a_layer_cannot_train_on():
    spec = bpx.Network([2, 3, 2], norm="batch", seed=0).spec
    check_chunks(spec, 5, 4, 2)
    check_chunks(spec, 6, 2, 3)
    said = (
        "accumulate=3 was given for 2 ranks, and layer 2, 'batch_norm', needs at least 2 "
        "samples in each chunk of all ranks, but one of a mini-batch of 5 would have 1"
    )
    with pytest.raises(InputError, match=said):
        check_chunks(spec, 5, 2, 3)
