"""Windows that several ranks read together: the mini-batches of one, each row read once."""

import threading

import numpy as np
import pytest

import bpx
from bpx.training.parallel.batches import Sharded
from bpx.training.parallel.failing import is_everywhere
from bpx.training.parallel.windows import SharedWindows
from bpx.training.windows import Windowed
from tests.ranks import on_ranks

RNG = np.random.default_rng(0)
X, LABELS, WEIGHTS = RNG.normal(size=(75, 6)), RNG.integers(0, 3, 75), RNG.random(75)
X[:, 0] = np.arange(75)  # from which a sample can be told


def batches(ranks=None, batch=10, more=None):
    """The mini-batches of a training on a stream in windows of 30, 30 and 15."""
    net = bpx.Network([6, 3], output="softmax", cost="cross_entropy", seed=1, backend="numpy")
    stream = bpx.data.stream(X, LABELS, sample_weight=WEIGHTS, block=4, window=30)
    settings = {"epochs": 2, "optimizer": bpx.SGD(0.1), "seed": 3, **(more or {})}
    made = bpx.train(net, stream, batch_size=batch, ranks=ranks or "off", **settings)
    return made._loop.batches


def rows_of(ranks, batch, epoch=2, skip=0, **more):
    """For each step: the samples of this rank, its weights, and the step's number."""
    found = []
    for stretch in batches(ranks, batch, more)(epoch, skip).stretches:
        shard = getattr(stretch.step, "shard", None)
        live = stretch.width if shard is None or shard.live is None else shard.live
        for i, row in enumerate(stretch.rows):
            x, y, s = (np.asarray(each)[row][:live] for each in stretch.data)
            samples = x[:, 0].astype(int)
            np.testing.assert_array_equal(y, LABELS[samples])
            np.testing.assert_array_equal(s, WEIGHTS[samples].astype("float32"))
            found.append((samples.tolist(), stretch.before + i))
    return found


@pytest.mark.parametrize("size", [2, 3, 4])
@pytest.mark.parametrize(
    ("batch", "more"),
    [(10, {}), (7, {}), (10, {"drop_last": True}), (10, {"shuffle": False}), (5, {})],
    ids=str,
)
def test_together_the_ranks_have_the_mini_batches_of_one(size, batch, more):
    expected = rows_of(None, batch, **more)
    found = on_ranks(size, lambda ranks: rows_of(ranks, batch, **more))
    for i, (samples, number) in enumerate(expected):
        assert [row for each in found for row in each[i][0]] == samples
        assert {each[i][1] for each in found} == {number}
    assert {len(each) for each in found} == {len(expected)}


@pytest.mark.parametrize("skip", [1, 2, 3])
def test_an_epoch_can_begin_at_a_later_window(skip):
    whole = on_ranks(3, lambda ranks: rows_of(ranks, 10))
    later = on_ranks(3, lambda ranks: rows_of(ranks, 10, skip=skip))
    for some, every in zip(later, whole, strict=True):
        assert some == every[3 * max(0, skip - 1) :]


def test_a_rank_gets_no_row_of_another():
    def run(ranks):
        list(batches(ranks)(1).stretches)
        return ranks.received

    each = [[shape[0] for shape in received[::3]] for received in on_ranks(4, run)]
    assert [sum(rows) for rows in zip(*each, strict=True)] == [30, 30, 15]
    assert each[0] == [9, 9, 5]  # of x, and as many of y and the weights: 3 of each 10


def test_a_rank_without_rows_has_one_to_fill_up():
    def run(ranks):
        stretch = next(batches(ranks, batch=6, more={"epochs": 1})(1).stretches)
        return stretch.data.x.shape[0], stretch.step.shard.live

    assert on_ranks(4, run) == [(10, 2), (10, 2), (10, 2), (1, 0)]


def test_ranks_that_cannot_exchange_read_all():
    class Plain:
        def __init__(self, inner):
            self.inner = inner

        def __getattr__(self, name):
            if name == "exchange":
                raise AttributeError(name)
            return getattr(self.inner, name)

    def run(ranks):
        plain = batches(Plain(ranks))
        return type(plain.whole), rows_of(Plain(ranks), 10)

    found = on_ranks(2, run)
    assert [kind for kind, _ in found] == [Windowed] * 2
    assert [rows for _, rows in found] == on_ranks(2, lambda ranks: rows_of(ranks, 10))


def test_they_are_shared_before_they_are_cut():
    def run(ranks):
        made = batches(ranks)
        assert isinstance(made, Sharded)
        assert isinstance(made.whole, SharedWindows)
        assert made.steps == batches(ranks).whole.whole.steps == 8
        return made(1).samples

    assert on_ranks(2, run) == [75, 75]


def test_an_error_in_reading_on_one_rank_is_that_of_all():
    class Breaking(np.ndarray):
        def __getitem__(self, rows):
            if rows.start >= 56:  # block 14, which rank 0 of 3 does not read
                raise OSError("the disk is broken")
            return np.asarray(self)[rows]

    def run(ranks):
        x = X.view(Breaking) if ranks.rank == 2 else X
        stream = bpx.data.stream(x, LABELS, block=4, window=30)
        net = bpx.Network([6, 3], output="softmax", cost="cross_entropy", seed=1)
        before = [w.copy() for w in net.weights]
        training = bpx.train(net, stream, epochs=1, batch_size=10, optimizer=bpx.SGD(0.1),
                             shuffle=False, ranks=ranks)  # fmt: skip
        with pytest.raises(OSError, match="the disk is broken") as caught:
            next(training)
        assert is_everywhere(caught.value)
        for w, was in zip(net.weights, before, strict=True):
            np.testing.assert_array_equal(w, was)
        return ranks.aborted, getattr(caught.value, "__notes__", None)

    note = ["raised on rank 2 of 3"]
    found = on_ranks(3, run)
    assert found[0] == found[1] == (False, note)
    assert found[2] == (False, None)
    names = [thread.name for thread in threading.enumerate()]
    assert not any(name.startswith("bpx-reads-ahead") for name in names)


def test_weights_that_are_all_0_are_refused_on_all():
    def run(ranks):
        stream = bpx.data.stream(X, LABELS, sample_weight=np.zeros(75), block=4, window=30)
        net = bpx.Network([6, 3], output="softmax", cost="cross_entropy", seed=1)
        settings = {"epochs": 1, "batch_size": 10, "optimizer": bpx.SGD(0.1), "ranks": ranks}
        with pytest.raises(bpx.InputError, match="is 0 for every sample") as caught:
            net.fit(stream, **settings)
        return is_everywhere(caught.value)

    assert on_ranks(2, run) == [True, True]
