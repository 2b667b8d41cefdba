"""The mini-batches of an epoch: which rows, in what stretches, and what is told of them."""

from functools import partial

import numpy as np
import pytest

import bpx
from bpx.training.batches import Shuffled, steps_of
from bpx.training.step import Data, TrainingStep


@pytest.fixture
def shuffled():
    net = bpx.Network([2, 3], seed=0)
    step = TrainingStep(net.spec, bpx.SGD(1.0).update, "argmax")
    data = Data(np.zeros((10, 2), "float32"), np.zeros(10, "int32"))
    return partial(Shuffled, net.home, step, data, seed=4, shuffle=True, drop_last=False)


def rows(batches, epoch):
    return [stretch.rows for stretch in batches(epoch).stretches]


def test_every_sample_comes_once_an_epoch(shuffled):
    batches = shuffled(batch_size=4)
    assert batches(1).samples == 10
    taken = np.concatenate([each.ravel() for each in rows(batches, 1)])
    assert taken.dtype == np.int32
    np.testing.assert_array_equal(np.sort(taken), np.arange(10))


def test_the_order_depends_on_the_seed_and_the_epoch(shuffled):
    first, again, second = (rows(shuffled(batch_size=5), epoch)[0] for epoch in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, second)
    assert not np.array_equal(first, rows(shuffled(batch_size=5, seed=5), 1)[0])
    (plain,) = rows(shuffled(batch_size=5, shuffle=False), 1)
    np.testing.assert_array_equal(plain, np.arange(10).reshape(2, 5))


def test_a_ragged_batch_is_a_stretch_of_its_own(shuffled):
    whole, ragged = shuffled(batch_size=4)(1).stretches
    assert (whole.sizes, whole.width, whole.before, whole.start, whole.stop) == (
        (4, 4), 4, 0, 0, 2,
    )  # fmt: skip
    assert (ragged.sizes, ragged.width, ragged.before, ragged.start, ragged.stop) == (
        (2,), 2, 2, 0, 1,
    )  # fmt: skip


def test_a_ragged_batch_is_left_out_on_request(shuffled):
    samples, stretches, _ = shuffled(batch_size=4, drop_last=True)(1)
    assert samples == 8
    assert [stretch.sizes for stretch in stretches] == [(4, 4)]


def test_they_keep_nothing_and_tell_nothing(shuffled):
    batches = shuffled(batch_size=4)
    assert batches.start() is None
    assert batches.finish() == {}


def test_a_smaller_last_batch_is_a_step_unless_it_is_dropped():
    assert [steps_of(n, 4, drop_last=False) for n in (1, 4, 10)] == [1, 1, 3]
    assert [steps_of(n, 4, drop_last=True) for n in (1, 4, 10)] == [0, 1, 2]
