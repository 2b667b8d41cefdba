"""Checkpoints of training on a stream: what was cut off ends as if it had not been."""

from itertools import pairwise

import numpy as np
import pytest

import bpx
from bpx.training import chunks
from tests.backends import Target, flags
from tests.network.resuming.cases import SETTINGS, cut_off, same_records, same_state
from tests.network.test_windows import stream
from tests.training.small import network, samples


@pytest.fixture(autouse=True)
def _short(monkeypatch):
    monkeypatch.setattr(chunks, "CHUNK_SECONDS", 0.0)
    monkeypatch.setattr(chunks, "SUM_STEPS", 4)


def sliced(**given):
    """The samples in four windows of 12, 12, 12 and 4."""
    return stream(*samples(), **({"block": 5, "window": 12} | given))


def undisturbed(data, target=Target.NUMPY, **settings):
    settings = {**SETTINGS, "compile": target.value.compile, **settings}
    training = bpx.train(network(target, dropout=0.2), data, **settings)
    return training, training.finish()


def resumed_equals(expected, folder, data, **given):
    training, history = expected
    resumed = bpx.resume(folder, data, **given)
    same_records(resumed.finish(), history)
    same_state(resumed, training)


def test_a_run_that_is_cut_off_ends_with_the_same_bits(target, tmp_path):
    with flags(target):
        held = {"validation": stream(*samples(12))}
        expected = undisturbed(sliced(), target, **held)
        cut_off(25, tmp_path, target, data=sliced(), every="3 steps", **held)
        resumed_equals(expected, tmp_path, sliced(), **held)


@pytest.mark.parametrize("every", ["1 epoch", "0.0001 s"])
def test_checkpoints_after_epochs_and_after_some_time(every, tmp_path):
    expected = undisturbed(sliced())
    for moment in (0, 4, 13, 25):
        folder = tmp_path / str(moment)
        cut_off(moment, folder, data=sliced(), every=every)
        resumed_equals(expected, folder, sliced())


def test_at_each_step_of_an_epoch_and_of_a_window(tmp_path):
    expected = undisturbed(sliced())
    for moment in range(10, 17):
        folder = tmp_path / str(moment)
        cut_off(moment, folder, data=sliced(), every="1 step")
        resumed_equals(expected, folder, sliced())


@pytest.mark.parametrize(
    "settings",
    [
        {"shuffle": False},
        {"batch_size": 7, "drop_last": True},
        {"batch_size": 7},
        {"accumulate": 2},
        {"batch_size": 40},
    ],
    ids=str,
)
def test_mini_batches_of_every_kind(settings, tmp_path):
    whole = undisturbed(sliced(), **settings)
    moment = whole[0].state.steps - 2
    cut_off(moment, tmp_path, data=sliced(), every="1 step", **settings)
    resumed_equals(whole, tmp_path, sliced())


def test_the_weights_after_the_place_may_all_be_0(tmp_path):
    weights = np.repeat([1.0, 0.0], [8, 32])
    data, how = sliced(sample_weight=weights), {"shuffle": False}
    expected = undisturbed(data, **how)
    for moment in (9, 14):
        folder = tmp_path / str(moment)
        cut_off(moment, folder, data=data, every="1 step", **how)
        resumed_equals(expected, folder, data)


def test_windows_before_the_place_are_not_read(tmp_path):
    class Counting(np.ndarray):
        read = 0

        def __getitem__(self, rows):
            Counting.read += rows.stop - rows.start
            return np.asarray(self)[rows]

    x, y = samples()
    expected = undisturbed(stream(x.view(Counting), y, block=4, window=4))
    cut_off(27, tmp_path, data=stream(x.view(Counting), y, block=4, window=4), every="1 step")
    training = bpx.resume(tmp_path, stream(x.view(Counting), y, block=4, window=4))
    Counting.read = 0
    next(training)
    assert Counting.read == 20  # after seven of ten windows: the next, and two before it
    assert training.finish()[-1].cost == expected[1][-1].cost
    same_state(training, expected[0])


def chunked():
    """Chunks whose ends are no ends of windows."""
    x, y = samples()
    ends = (0, 3, 17, 18, 40)

    def read():
        for a, b in pairwise(ends):
            yield x[a:b], y[a:b]

    return bpx.data.stream(read, window=12)


def test_chunks_are_read_again_up_to_the_place(tmp_path):
    settings = {"lmbda": 0.0}
    expected = undisturbed(chunked(), **settings)
    for moment in (5, 13, 24, 29):
        folder = tmp_path / str(moment)
        cut_off(moment, folder, data=chunked(), every="1 step", **settings)
        resumed_equals(expected, folder, chunked())


def test_the_penalty_is_a_setting_of_the_run(tmp_path):
    settings = {"lmbda": 0.0, "penalty": 0.01}
    expected = undisturbed(chunked(), **settings)
    cut_off(13, tmp_path, data=chunked(), every="1 step", **settings)
    with pytest.raises(bpx.InputError, match=r"penalty=0\.02 was given, but .* penalty 0\.01"):
        bpx.train(
            network(dropout=0.2), chunked(), **{**SETTINGS, "lmbda": 0.0, "penalty": 0.02},
            checkpoint=tmp_path, resume=True,
        )  # fmt: skip
    resumed_equals(expected, tmp_path, chunked())


def test_parquet_files_continue_wherever_they_lie(tmp_path):
    pyarrow = pytest.importorskip("pyarrow", reason="needs pyarrow")
    from pyarrow import parquet

    rng = np.random.default_rng(0)
    columns = {"a": rng.random(40), "b": rng.random(40), "kind": ["x", "y"] * 20}
    (tmp_path / "files").mkdir()
    for i in range(2):
        part = {name: cells[20 * i : 20 * i + 20] for name, cells in columns.items()}
        path = tmp_path / "files" / f"{i}.parquet"
        parquet.write_table(pyarrow.table(part), path, row_group_size=6)
    schema = bpx.data.Schema.fit(columns, target="kind")

    def rows(folder="files"):
        return bpx.data.stream(tmp_path / folder, window=8)

    def net():
        parts = {"output": "softmax", "cost": "cross_entropy"}
        return bpx.Network([2, 4, 2], **parts, seed=0, schema=schema)

    whole = bpx.train(net(), rows(), **SETTINGS)
    history = whole.finish()
    for moment in (3, 17, 24):
        folder = tmp_path / str(moment)
        cut_off(moment, folder, net=net(), data=rows(), every="1 step")
        (tmp_path / "files").rename(tmp_path / "moved")
        resumed = bpx.resume(folder, rows("moved"))
        same_records(resumed.finish(), history)
        same_state(resumed, whole)
        (tmp_path / "moved").rename(tmp_path / "files")
    plain = bpx.Network([2, 4, 2], output="softmax", cost="cross_entropy", seed=0)
    plain.fit(rows(), **SETTINGS, checkpoint=folder, resume=True)
    assert plain.schema == schema  # that of the run
    parquet.write_table(pyarrow.table(part), path, row_group_size=5)
    with pytest.raises(bpx.InputError, match="the data set has another size in bytes than in"):
        bpx.resume(folder, rows())


def test_fit_begins_and_continues_with_the_same_line(tmp_path):
    how = {**SETTINGS, "checkpoint": tmp_path / "run", "resume": True}
    nets = [network(dropout=0.2) for _ in range(3)]
    expected = nets[0].fit(sliced(), **SETTINGS)
    cut_off(13, tmp_path / "run", data=sliced(), every="5 steps")
    for net in nets[1:]:  # the second time, there is nothing left to do
        same_records(net.fit(sliced(), **how), expected)
        np.testing.assert_array_equal(net.weights[0], nets[0].weights[0])


def test_early_stopping_continues(tmp_path):
    held = {"validation": stream(*samples(12), block=5, window=6)}
    settings = {"epochs": 40, "early_stopping": 3, **held}
    whole, history = undisturbed(sliced(), **settings)
    assert whole.stopped.reason == "early_stopping"
    cut_off(10 * len(history) - 5, tmp_path, data=sliced(), every="1 step", **settings)
    resumed = bpx.resume(tmp_path, sliced(), **held)
    same_records(resumed.finish(), history)
    assert resumed.stopped == whole.stopped
    np.testing.assert_array_equal(resumed.network.weights[0], whole.network.weights[0])


def times(folder):
    files = (path for path in folder.rglob("*") if path.name != ".lock" and path.is_file())
    return {path: path.stat().st_mtime_ns for path in files}


def changed(at):
    x, y = samples()
    x[at, 0] += 1e-6
    return stream(x, y, block=5, window=12)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (
            lambda: sliced(window=16),
            "samples in a window than .*: 16, not 12; expected",
        ),
        (lambda: sliced(block=4), "number of samples in a block than in .*: 4, not 5"),
        (lambda: changed(39), "x has other values than in"),
        (
            lambda: stream(*samples(41), block=5, window=12),
            r"x has another shape.*\(41, 5\)",
        ),
        (
            lambda: sliced(sample_weight=np.ones(40)),
            "the weights of the samples was given",
        ),
        (samples, r"trained on a bpx.data.Stream; expected the same samples, not arrays"),
        (lambda: bpx.data.stream([samples()], block=5, window=12), "with x, which was not giv"),
    ],
)
def test_another_stream_is_refused_before_anything_changes(given, said, tmp_path):
    how = {**SETTINGS, "lmbda": 0.0}
    cut_off(13, tmp_path, data=sliced(), every="5 steps", lmbda=0.0)
    before = times(tmp_path)
    net = network(dropout=0.2)
    weights, data = net.weights, given()
    with pytest.raises(bpx.InputError, match=said):
        net.fit(*(data if isinstance(data, tuple) else (data,)), **how, checkpoint=tmp_path,
                resume=True)  # fmt: skip
    assert all(a is b for a, b in zip(weights, net.weights, strict=True))
    assert times(tmp_path) == before


def test_another_validation_stream_and_a_stream_for_arrays_are_refused(tmp_path):
    held = {"validation": stream(*samples(12))}
    cut_off(13, tmp_path / "a", data=sliced(), every="5 steps", **held)
    with pytest.raises(bpx.InputError, match="trained with validation x, which was not given"):
        bpx.resume(tmp_path / "a", sliced())
    with pytest.raises(bpx.InputError, match="validation x has another shape"):
        bpx.resume(tmp_path / "a", sliced(), validation=stream(*samples(13)))
    cut_off(13, tmp_path / "b", every="5 steps")
    with pytest.raises(bpx.InputError, match=r"on arrays or a table; .* not a bpx.data.S"):
        bpx.resume(tmp_path / "b", sliced())


@pytest.mark.parametrize(
    ("left", "said"),
    [
        (3, "has only 23 samples, but training is continued after 24"),
        (8, "epoch 2 ends before its step 8, where"),
    ],
)
def test_chunks_that_have_become_fewer_are_noticed(left, said, tmp_path):
    x, y = samples()
    chunks = [(x[a:b], y[a:b]) for a, b in ((0, 20), (20, 40), (20, 20 + left))]
    data, fewer = (bpx.data.stream([chunks[0], chunks[i]], window=4) for i in (1, 2))
    cut_off(18, tmp_path, data=data, every="1 step", lmbda=0.0)
    with pytest.raises(bpx.InputError, match=said):
        bpx.resume(tmp_path, fewer).finish()


def test_a_function_that_cannot_begin_anew_is_refused():
    once = iter([samples()])
    with pytest.raises(bpx.InputError, match="returned the same list_iterator twice"):
        network().fit(bpx.data.stream(lambda: once), epochs=2, batch_size=4,
                      optimizer=bpx.SGD(1.0))  # fmt: skip
