"""What ranks must have in common, and what they then share."""

import re

import numpy as np
import pytest

import bpx
from bpx.errors import InputError
from bpx.optim import mapped
from bpx.training.parallel.failing import is_everywhere
from tests.ranks import on_ranks, told_to_all

RNG = np.random.default_rng(0)
X, LABELS = RNG.normal(size=(30, 4)), RNG.integers(0, 3, 30)
SETTINGS = {"epochs": 2, "batch_size": 10, "optimizer": bpx.Adam(0.01)}


def network(**more):
    given = {"output": "softmax", "cost": "cross_entropy", "backend": "numpy", **more}
    return bpx.Network(given.pop("sizes", [4, 5, 3]), **given)


def differing(change):
    """What every rank is told if rank 1 of 3 differs."""

    def run(ranks):
        own = {"net": {"seed": 1}, "x": X, "y": LABELS, **SETTINGS}
        if ranks.rank == 1:
            own |= change
        net, x, y = network(**own.pop("net")), own.pop("x"), own.pop("y")
        before = [w.copy() for w in net.weights]
        try:
            net.fit(x, y, ranks=ranks, **own)
        finally:
            for w, was in zip(net.weights, before, strict=True):
                assert w.tobytes() == was.tobytes()

    return told_to_all(3, run)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            {"net": {"sizes": [4, 6, 3]}},
            "rank 1 of 3 differs from rank 0 in layers",
        ),
        ({"net": {"seed": 1, "dtype": "float64"}}, "in dtype: float64, not float32"),
        ({"batch_size": 15}, "in batch_size: 15, not 10"),
        ({"optimizer": bpx.Adam(0.1)}, r"in optimizer: Adam\(eta=0.1"),
        ({"epochs": 3}, "in epochs: 3, not 2"),
        (
            {"x": X[:20], "y": LABELS[:20]},
            r"in the shape and the dtype of x: \(\(20, 4\), 'float32'\), not \(\(30, 4\)",
        ),
        ({"x": X + 1.0}, "in the values of x; start all ranks with the same program"),
        ({"y": 2 - LABELS}, "in the values of y"),
        ({"sample_weight": np.ones(30)}, "in sample_weight"),
    ],
)
def test_a_rank_that_differs_is_named_on_all(change, said):
    assert re.search(said, differing(change))


def test_an_argument_that_cannot_be_used_is_told_on_all():
    wrong = X.copy()
    wrong[3, 1] = np.nan

    def run(ranks):
        net = network(seed=ranks.rank)
        before = [w.copy() for w in net.weights]
        x = wrong if ranks.rank == 1 else X
        with pytest.raises(InputError, match="first in row 3") as caught:
            net.fit(x, LABELS, ranks=ranks, **SETTINGS)
        for w, was in zip(net.weights, before, strict=True):
            assert w.tobytes() == was.tobytes()
        return getattr(caught.value, "__notes__", None)

    assert on_ranks(2, run) == [["raised on rank 1 of 2"], None]


def test_a_sample_for_each_rank():
    def run(ranks):
        with pytest.raises(InputError, match="batch_size=2 was given for 3 ranks"):
            network(seed=1).fit(X, LABELS, ranks=ranks, **{**SETTINGS, "batch_size": 2})
        return network(seed=1).fit(X, LABELS, ranks=ranks, **{**SETTINGS, "batch_size": 3})

    assert [len(each) for each in on_ranks(3, run)] == [2, 2, 2]


@pytest.mark.parametrize("streams", [False, True])
@pytest.mark.parametrize(("n", "batch", "refused"), [(25, 10, 5), (20, 5, 5), (20, 10, None)])
def test_a_chunk_with_a_single_sample_is_refused_before_the_first_step(
    streams, n, batch, refused
):
    def run(ranks):
        net = network(seed=1, norm="batch")
        before = [w.copy() for w in net.weights]
        x, y = X[:n], LABELS[:n]
        data = (bpx.data.stream(x, y),) if streams else (x, y)
        own = {**SETTINGS, "batch_size": batch, "accumulate": 2, "ranks": ranks}
        if refused is None:
            net.fit(*data, **own)
            return
        with pytest.raises(
            InputError, match=f"a mini-batch of {refused} would have 1"
        ) as caught:
            net.fit(*data, **own)
        assert is_everywhere(caught.value)
        for w, was in zip(net.weights, before, strict=True):
            assert w.tobytes() == was.tobytes()

    on_ranks(2, run)


@pytest.mark.parametrize("fails_on", [{1}, {0, 1, 2}])
def test_a_stream_that_cannot_be_read_fails_on_all_ranks(fails_on):
    """And each has the weights after the last epoch that all could read."""

    class Source:
        shape, dtype, reads = X.shape, X.dtype, 0

        def __getitem__(self, rows):
            self.reads += 1
            if self.fails and self.reads > 12:
                raise OSError("the disk is gone")
            return X[rows]

    def run(ranks):
        source = Source()
        source.fails = ranks.rank in fails_on
        net, data = network(seed=1), bpx.data.stream(source, LABELS, block=5, window=10)
        training = bpx.train(net, data, seed=1, ranks=ranks, **{**SETTINGS, "epochs": 9})
        with pytest.raises(OSError, match="the disk is gone") as caught:
            training.finish()
        assert is_everywhere(caught.value)
        assert not ranks.aborted
        if not source.fails:
            assert caught.value.__notes__ == ["raised on rank 1 of 3"]
        return training.state.epochs, [w.tobytes() for w in net.weights]

    first, *others = on_ranks(3, run)
    assert others == [first, first]
    assert first[0] > 0


def test_weights_and_seed_are_those_of_the_first():
    def run(ranks):
        net = network(seed=ranks.rank)
        history = net.fit(X, LABELS, ranks=ranks, **SETTINGS)
        return [w.tobytes() for w in net.weights], history.seed

    first, *others = on_ranks(3, run)
    assert others == [first, first]
    alone = network(seed=0)
    alone.fit(X, LABELS, seed=first[1], ranks="off", **SETTINGS)
    for w, of_first in zip(alone.weights, first[0], strict=True):
        np.testing.assert_allclose(w.ravel(), np.frombuffer(of_first, "float32"), atol=1e-6)


def test_the_first_rank_alone_tells_and_is_asked():
    class Norm:
        name = "norm"

        def __call__(self, state, data, epoch):
            seen.append(epoch)
            return float(abs(state.parameters.w[0]).sum())

    seen, told, called = [], [], []

    def run(ranks):
        def stop(epoch):
            called.append(epoch.number)
            return epoch.number == 2

        return network(seed=1).fit(
            X,
            LABELS,
            ranks=ranks,
            observers=[Norm()],
            callbacks=[stop],
            progress=lambda each: told.append(ranks.rank),
            health=True,
            **{**SETTINGS, "epochs": 5},
        )

    histories = on_ranks(3, run)
    assert (seen, called, set(told)) == ([1, 2], [1, 2], {0})
    first, *others = histories
    assert first.stopped.reason == "callback"
    for each in others:
        assert [epoch.observed["norm"] for epoch in each] == [
            epoch.observed["norm"] for epoch in first
        ]
        assert each.stopped == first.stopped


def test_a_callback_that_fails_ends_the_training_of_all():
    def fail(epoch):
        raise OSError("the disk is full")

    def run(ranks):
        with pytest.raises(OSError, match="the disk is full"):
            network(seed=1).fit(X, LABELS, ranks=ranks, callbacks=[fail], **SETTINGS)
        return ranks.aborted

    assert on_ranks(2, run) == [False, False]


def test_divergence_is_found_at_the_same_step():
    def run(ranks):
        net = bpx.Network([4, 5, 1], output="identity", seed=1, backend="numpy")
        settings = {**SETTINGS, "optimizer": bpx.SGD(1e20), "seed": 1}
        with pytest.raises(bpx.DivergenceError) as caught:
            net.fit(X, X.sum(axis=1), ranks=ranks or "off", **settings)
        return caught.value.epoch, caught.value.step, caught.value.layer, str(caught.value)

    assert on_ranks(3, run) == [run(None)] * 3


def test_a_stream_of_mini_batches_and_windows(tmp_path):
    np.save(tmp_path / "x.npy", X.astype("float32"))
    np.save(tmp_path / "y.npy", LABELS)

    def run(ranks):
        streamed, windowed = network(seed=1, dtype="float64"), network(seed=1)
        batches = [(X[i : i + 7], LABELS[i : i + 7]) for i in range(0, 30, 7)]
        settings = {"epochs": 2, "optimizer": bpx.Adam(0.01), "ranks": ranks or "off"}
        list(bpx.train(streamed, batches=batches, seed=1, **settings))
        stream = bpx.data.stream(tmp_path / "x.npy", tmp_path / "y.npy", block=64, window=256)
        windowed.fit(stream, batch_size=7, seed=1, **settings)
        return [*streamed.weights, *windowed.weights]

    for found in on_ranks(3, run):
        for w, expected in zip(found, run(None), strict=True):
            np.testing.assert_allclose(w, expected, rtol=0, atol=1e-6)


def test_observers_of_the_first_rank_alone():
    class Number:
        name = "number"

        def __call__(self, state, data, epoch):
            return epoch

    def run(ranks):
        observers = [Number()] if ranks.rank == 0 else []
        return network(seed=1).fit(X, LABELS, ranks=ranks, observers=observers, **SETTINGS)

    for history in on_ranks(2, run):
        assert [epoch.observed["number"] for epoch in history] == [1, 2]


@pytest.mark.parametrize("change", [{"validation": (X[:8] + 1.0, LABELS[:8])}, {}])
def test_validation_samples_are_those_of_all(change):
    usual = {"validation": (X[:8], LABELS[:8])}

    def run(ranks):
        own = change if ranks.rank == 1 else usual
        with pytest.raises(
            InputError, match=r"rank 1 of 2 differs from rank 0 in .*validation"
        ):
            network(seed=1).fit(X, LABELS, ranks=ranks, **SETTINGS, **own)

    on_ranks(2, run)


def test_a_callback_may_train_another_network():
    lengths = []

    def run(ranks):
        def train_another(epoch):
            lengths.append(len(network(seed=2).fit(X, LABELS, ranks=ranks, **SETTINGS)))

        history = network(seed=1).fit(
            X, LABELS, ranks=ranks, callbacks=[train_another], **SETTINGS
        )
        return len(history)

    assert on_ranks(2, run) == [2, 2]
    assert lengths == [2, 2]


def test_an_optimizer_of_ones_own_that_keeps_the_gradient():
    """The planned step must read the old gradient before the sum is written over it."""

    def run(ranks):
        net = network(seed=1, dtype="float64")
        rule = bpx.optim.chain(KEPT, bpx.SGD(0.1))
        settings = {**SETTINGS, "optimizer": rule, "seed": 1, "epochs": 4}
        net.fit(X, LABELS, ranks=ranks or "off", **settings)
        return net.weights

    for found in on_ranks(2, run):
        for w, expected in zip(found, run(None), strict=True):
            np.testing.assert_allclose(w, expected, rtol=0, atol=1e-12)


def _zeros(parameters):
    return mapped(lambda w: bpx.namespace(w).zeros_like(w), parameters)


def _kept(updates, state, parameters):
    moved = mapped(lambda u, before: u + 0.5 * before, updates, state)
    return moved, mapped(lambda before, u: u, state, updates)


KEPT = bpx.optim.Transformation(_zeros, _kept)


def chunked(n, wrong=()):
    """A stream of chunks of 5 samples, of which only reading tells the number, or an error."""

    def chunks():
        for i in range(0, n, 5):
            if i in wrong:
                raise OSError("the disk is gone")
            yield X[i : min(i + 5, n)], LABELS[i : min(i + 5, n)]

    return bpx.data.stream(chunks, window=10)


@pytest.mark.parametrize("n", [20, 27])
def test_ranks_that_read_other_mini_batches_of_chunks_are_told(n):
    def run(ranks):
        data = chunked(30 if ranks.rank == 0 else n)
        with pytest.raises(InputError, match="in the mini-batches that it has read") as caught:
            network(seed=1).fit(data, seed=1, ranks=ranks, **SETTINGS)
        assert is_everywhere(caught.value)
        return str(caught.value).partition(";")[0]

    first, *others = on_ranks(3, run)
    assert others == [first, first]
    assert first.startswith("rank 1 of 3 differs from rank 0")


@pytest.mark.parametrize(
    ("held_out", "error", "said"),
    [
        (lambda rank: chunked(30 if rank == 0 else 20), InputError, "rank 1 of 2 differs"),
        (lambda rank: chunked(30, {20} if rank else ()), OSError, "the disk is gone"),
    ],
    ids=["others", "fails"],
)
def test_held_out_chunks_that_are_not_the_same_fail_on_all(held_out, error, said):
    def run(ranks):
        own = {**SETTINGS, "validation": held_out(ranks.rank), "ranks": ranks, "seed": 1}
        with pytest.raises(error, match=said) as caught:
            network(seed=1).fit(X, LABELS, **own)
        assert is_everywhere(caught.value)
        assert not ranks.aborted

    on_ranks(2, run)


def test_the_callers_own_mini_batches_are_accumulated():
    def run(ranks):
        net = network(seed=1, dtype="float64")
        batches = [(X[i : i + 10], LABELS[i : i + 10]) for i in range(0, 30, 10)]
        how = {"epochs": 2, "optimizer": bpx.SGD(0.1), "accumulate": 2, "seed": 1}
        bpx.train(net, batches=batches, **how, ranks=ranks or "off").finish()
        return net.weights

    alone = run(None)
    for weights in on_ranks(2, run):
        for w, expected in zip(weights, alone, strict=True):
            np.testing.assert_allclose(w, expected, rtol=0, atol=1e-12)


def test_a_checkpoint_on_one_rank_alone_is_refused(tmp_path):
    def run(ranks):
        own = {"checkpoint": tmp_path / "run"} if ranks.rank == 0 else {}
        with pytest.raises(InputError, match="in checkpoint: none, not a folder") as caught:
            network(seed=1).fit(X, LABELS, ranks=ranks, **SETTINGS, **own)
        assert is_everywhere(caught.value)

    on_ranks(2, run)
    assert not (tmp_path / "run").exists()
