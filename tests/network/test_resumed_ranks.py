"""A run on several ranks is continued by as many to the bit, and by any other number."""

import numpy as np
import pytest

import bpx
from bpx.errors import InputError
from bpx.network.resuming import keeping
from bpx.network.resuming.keeping import Keeping
from tests.ranks import interrupt, on_ranks

RNG = np.random.default_rng(0)
X, LABELS = RNG.normal(size=(53, 6)), RNG.integers(0, 3, 53)
HELD = RNG.normal(size=(20, 6)), RNG.integers(0, 3, 20)
EVERY = ["1 epoch", "2 steps"]


def network():
    return bpx.Network(
        [6, 8, 3],
        output="softmax",
        cost="cross_entropy",
        dropout=0.2,
        seed=1,
        dtype="float64",
        backend="numpy",
    )


def trained(ranks, folder, **more):
    net = network()
    settings = {
        "epochs": 4,
        "batch_size": 10,
        "optimizer": bpx.Adam(0.01),
        "seed": 3,
        "validation": HELD,
        "early_stopping": 3,
        "ranks": ranks or "off",
        **({} if folder is None else {"checkpoint": folder}),
        **more,
    }
    history = net.fit(X, LABELS, **settings)
    return net.weights, [
        epoch._replace(seconds=0.0, samples_per_second=0.0) for epoch in history
    ]


def interrupted(monkeypatch, folder, size, every, at):
    """Let a training on so many ranks end when each looks for signals for the at-th time."""
    interrupt(monkeypatch, at, size, lambda ranks: trained(ranks, folder, every=every))


def assert_close(found, expected, atol):
    for w, e in zip(found[0], expected[0], strict=True):
        np.testing.assert_allclose(w, e, rtol=0, atol=atol)
    for epoch, other in zip(found[1], expected[1], strict=True):
        assert epoch.cost == pytest.approx(other.cost, abs=atol)
        assert epoch.validation.cost == pytest.approx(other.validation.cost, abs=atol)
        assert epoch.accuracy == pytest.approx(other.accuracy, abs=1e-12)


@pytest.mark.parametrize("every", EVERY)
def test_the_folder_is_that_of_one_rank(tmp_path, every):
    folder = tmp_path / "run"
    several = on_ranks(3, lambda ranks: trained(ranks, folder, every=every))
    alone = trained(None, tmp_path / "alone", every=every)
    for found in several:
        assert_close(found, alone, 1e-12)
    written = sorted(each.name for each in folder.rglob("*"))
    assert written == sorted(each.name for each in (tmp_path / "alone").rglob("*"))
    loaded = bpx.load(folder / "model.safetensors")
    for w, e in zip(loaded.weights, several[0][0], strict=True):
        np.testing.assert_array_equal(w, e)


@pytest.mark.parametrize("every", EVERY)
@pytest.mark.parametrize("at", [3, 8])
def test_as_many_ranks_continue_to_the_same_bits(monkeypatch, tmp_path, every, at):
    undisturbed = on_ranks(3, lambda ranks: trained(ranks, tmp_path / "whole", every=every))
    with monkeypatch.context() as patched:
        interrupted(patched, tmp_path / "run", 3, every, at)
    again = on_ranks(3, lambda ranks: trained(ranks, tmp_path / "run", resume=True))
    for found, expected in zip(again, undisturbed, strict=True):
        for w, e in zip(found[0], expected[0], strict=True):
            assert w.tobytes() == e.tobytes()
        assert found[1] == expected[1]


@pytest.mark.parametrize("every", EVERY)
@pytest.mark.parametrize(("before", "after"), [(3, 2), (2, 4), (3, 1)])
def test_another_number_of_ranks_continues(monkeypatch, tmp_path, every, before, after):
    expected = trained(None, None)
    with monkeypatch.context() as patched:
        interrupted(patched, tmp_path / "run", before, every, 7)

    def resumed(ranks):
        return trained(ranks, tmp_path / "run", resume=True)

    again = [resumed(None)] if after == 1 else on_ranks(after, resumed)
    for found in again:
        assert_close(found, expected, 1e-12)


def test_bpx_resume_needs_the_samples_alone(tmp_path):
    folder = tmp_path / "run"
    on_ranks(2, lambda ranks: trained(ranks, folder, epochs=2))

    def run(ranks):
        training = bpx.resume(folder, (X, LABELS), validation=HELD, epochs=4, ranks=ranks)
        return training.network.weights, list(training), training.records

    expected = trained(None, None)
    for weights, new, records in on_ranks(2, run):
        assert [epoch.number for epoch in new] == [3, 4]
        assert [epoch.number for epoch in records] == [1, 2, 3, 4]
        assert len(weights) == len(expected[0])


def test_a_folder_that_cannot_be_used_is_told_on_all(tmp_path):
    (tmp_path / "run").write_text("a file")

    def run(ranks):
        with pytest.raises(InputError) as caught:
            trained(ranks, tmp_path / "run")
        return str(caught.value)

    first, second = on_ranks(2, run)
    assert first == second


def test_a_rank_that_does_not_see_the_folder_is_named(monkeypatch, tmp_path):
    on_ranks(2, lambda ranks: trained(ranks, tmp_path / "run", epochs=2))

    def run(ranks):
        folder = tmp_path / ("run" if ranks.rank == 0 else "elsewhere")
        with pytest.raises(InputError, match="on a file system that all ranks share") as caught:
            trained(ranks, folder, resume=True)
        return getattr(caught.value, "__notes__", None)

    assert on_ranks(2, run) == [["raised on rank 1 of 2"], None]
    trained(None, tmp_path / "run", resume=True)  # nobody has it locked


def test_a_run_that_a_callback_ended_stays_ended(tmp_path):
    def run(ranks, **more):
        asks = {"callbacks": [lambda epoch: epoch.number == 2], "early_stopping": None}
        return len(trained(ranks, tmp_path / "run", **asks, **more)[1])

    assert on_ranks(2, run) == [2, 2]
    assert on_ranks(2, lambda ranks: run(ranks, resume=True)) == [2, 2]


def test_the_clock_decides_once_whether_to_write(monkeypatch, tmp_path):
    """A checkpoint that is due only after the ranks have agreed has no sums of the others."""
    written, times = [], iter(range(10**6))
    write = Keeping._write

    def noted(self, place):
        if place is not None:
            written.append(place.state.metrics.cost.shape)
        return write(self, place)

    monkeypatch.setattr(Keeping, "_write", noted)
    monkeypatch.setattr(keeping, "perf_counter", lambda: float(next(times)))
    monkeypatch.setattr("bpx.training.chunks.CHUNK_SECONDS", 0.0)
    for every in ("2 s", "3 s", "5 s"):
        on_ranks(2, lambda ranks, every=every: trained(ranks, tmp_path / every, every=every))
    assert set(written) <= {(10,), (4,)}  # of both ranks, in whole mini-batches and in the last
    assert written


def test_samples_that_differ_leave_no_folder(tmp_path):
    def run(ranks):
        x = X + (ranks.rank == 1)
        with pytest.raises(InputError, match="rank 1 of 2 differs from rank 0 in the values"):
            network().fit(
                x, LABELS, epochs=1, batch_size=10, optimizer=bpx.Adam(0.01), seed=3,
                checkpoint=tmp_path / "runs" / "new", ranks=ranks,
            )  # fmt: skip

    on_ranks(2, run)
    assert list(tmp_path.iterdir()) == []
