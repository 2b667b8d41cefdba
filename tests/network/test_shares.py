"""A stream that several ranks train on: the weights of one, and each row is read once."""

from collections import Counter

import numpy as np
import pytest

import bpx
from bpx.data.streams import arrow
from bpx.errors import InputError
from tests.ranks import interrupt, on_ranks

RNG = np.random.default_rng(0)
X, LABELS, WEIGHTS = RNG.normal(size=(106, 6)), RNG.integers(0, 3, 106), RNG.random(106)
SIZES = {"block": 8, "window": 45}
"""Windows of 50, 50 and 6 for mini-batches of 10, which begin and end within blocks."""


def network(**more):
    given = {
        "output": "softmax",
        "cost": "cross_entropy",
        "seed": 1,
        "dtype": "float64",
        **more,
    }
    return bpx.Network([6, 8, 3], **{"backend": "numpy", **given})


def trained(stream, ranks=None, net=None, **more):
    settings = {"epochs": 3, "batch_size": 10, "optimizer": bpx.Adam(0.01), "seed": 3, **more}
    net = net or network(dropout=0.2, norm="batch")
    history = net.fit(stream, ranks=ranks or "off", **settings)
    return net.weights, [
        epoch._replace(seconds=0.0, samples_per_second=0.0) for epoch in history
    ]


def same(found, expected, atol=1e-12):
    for w, e in zip(found[0], expected[0], strict=True):
        np.testing.assert_allclose(np.asarray(w), np.asarray(e), rtol=0, atol=atol)
    for epoch, other in zip(found[1], expected[1], strict=True):
        assert epoch.cost == pytest.approx(other.cost, abs=atol)
        assert epoch.accuracy == pytest.approx(other.accuracy, abs=1e-12)


def check(stream, **more):
    """That any number of ranks trains as one does; `stream` makes each its own."""
    expected = trained(stream(), **more)
    for size in (2, 3, 4):
        for found in on_ranks(size, lambda ranks: trained(stream(), ranks, **more)):
            same(found, expected)


@pytest.mark.parametrize(
    "more",
    [{}, {"batch_size": 8}, {"batch_size": 7, "drop_last": True}, {"shuffle": False},
     {"batch_size": 106}],
    ids=str,
)  # fmt: skip
def test_files_of_numpy(tmp_path, more):
    for name, each in (("x", X), ("y", LABELS), ("s", WEIGHTS)):
        np.save(tmp_path / f"{name}.npy", each)
    paths = [tmp_path / f"{name}.npy" for name in ("x", "y", "s")]
    check(lambda: bpx.data.stream(*paths[:2], sample_weight=paths[2], **SIZES), **more)


def test_numbers_bytes_and_chunks_of_mini_batches(tmp_path):
    pixels, heights = RNG.integers(0, 255, (106, 6)).astype("uint8"), RNG.random((106, 3))

    def run(ranks):
        net = network(output="sigmoid", cost="quadratic")
        return trained(
            bpx.data.stream(pixels, heights, **SIZES), ranks, net, accumulate=2, epochs=2
        )

    expected = run(None)
    for found in on_ranks(3, run):
        for w, e in zip(found[0], expected[0], strict=True):
            np.testing.assert_allclose(w, e, rtol=0, atol=1e-12)


def test_arrays_of_zarr(tmp_path):
    zarr = pytest.importorskip("zarr", reason="zarr is not installed")
    for name, each in (("x", X), ("y", LABELS)):
        made = zarr.create_array(tmp_path / name, shape=each.shape, dtype=each.dtype,
                                 chunks=(8, *each.shape[1:]))  # fmt: skip
        made[...] = each
    opened = {name: zarr.open_array(tmp_path / name, mode="r") for name in ("x", "y")}
    check(lambda: bpx.data.stream(opened["x"], opened["y"], **SIZES))


def test_arrays_of_dask():
    da = pytest.importorskip("dask.array", reason="dask is not installed")
    x, y = (da.from_array(each, chunks=(8, *each.shape[1:])) for each in (X, LABELS))
    check(lambda: bpx.data.stream(x, y, **SIZES), epochs=2)


@pytest.fixture
def table(tmp_path):
    """Two Parquet files in row groups of 9, with texts, and the schema of their columns."""
    pyarrow = pytest.importorskip("pyarrow", reason="pyarrow is not installed")
    from pyarrow import parquet

    cells = {f"x{i}": X[:, i] for i in range(5)}
    cells |= {"kind": [*"abc" * 35, "a"], "y": [f"class {label}" for label in LABELS]}
    for number, rows in enumerate((slice(0, 60), slice(60, 106))):
        part = pyarrow.table({name: column[rows] for name, column in cells.items()})
        parquet.write_table(part, tmp_path / f"{number}.parquet", row_group_size=9)
    return tmp_path, bpx.data.Schema.fit(cells, target="y")


def of_table(schema):
    return bpx.Network([schema.width, 8, 3], output="softmax", cost="cross_entropy", seed=1,
                       dtype="float64", schema=schema, backend="numpy")  # fmt: skip


def test_tables_of_parquet_each_row_group_read_once(table, monkeypatch):
    folder, schema = table
    read, of = Counter(), arrow.Files._read

    def counted(self, fragment, size):
        for part in of(self, fragment, size):
            read[fragment.path, fragment.row_groups[0].id] += len(part)
            yield part

    def run(ranks):
        stream, net = bpx.data.stream(folder, window=45), of_table(schema)
        training = bpx.train(net, stream, epochs=1, batch_size=10, optimizer=bpx.Adam(0.01),
                             seed=3, ranks=ranks or "off")  # fmt: skip
        if ranks is not None:
            ranks.gather(None)  # all have looked at their first samples
            monkeypatch.setattr(arrow.Files, "_read", counted)
            ranks.gather(None)
        return net.weights, training.finish()

    expected = run(None)
    for found in on_ranks(3, run):
        same(found, expected)
    assert sorted(read.values()) == [1, 6, *[9] * 11]
    assert sum(read.values()) == 106


class Counting:
    """Rows that count how many of them are read."""

    def __init__(self, rows):
        self.rows, self.read = rows, 0
        self.shape, self.dtype = rows.shape, rows.dtype

    def __getitem__(self, rows):
        found = self.rows[rows]
        self.read += len(found)
        return found


@pytest.mark.parametrize("size", [1, 2, 4])
def test_the_ranks_together_read_each_row_once(size):
    def run(ranks):
        x = Counting(X)
        stream = bpx.data.stream(x, LABELS, **SIZES)
        training = bpx.train(network(), stream, epochs=2, batch_size=10,
                             optimizer=bpx.SGD(0.1), ranks=ranks)  # fmt: skip
        x.read = 0
        training.finish()
        return x.read

    read = on_ranks(size, run)
    assert sum(read) == 2 * 106
    assert max(read) - min(read) <= 2 * 8


def test_validation_samples_on_a_disk(monkeypatch):
    monkeypatch.setattr("bpx.model.inputs.AT_ONCE", 16 * 17 * 16)

    def stream():
        return bpx.data.stream(X, LABELS, **SIZES)

    held = {"validation": bpx.data.stream(X[:70], LABELS[:70], block=16, window=32)}
    settings = {"early_stopping": 2, "metrics": ["f1_macro"], **held}
    expected = trained(stream(), net=network(), **settings)
    for found in on_ranks(3, lambda ranks: trained(stream(), ranks, network(), **settings)):
        same(found, expected)
        for epoch, other in zip(found[1], expected[1], strict=True):
            assert epoch.validation.cost == pytest.approx(other.validation.cost, abs=1e-12)


def test_chunks_are_read_by_all():
    def chunks():
        for i in range(0, 106, 9):
            yield X[i : i + 9], LABELS[i : i + 9]

    check(lambda: bpx.data.stream(chunks, window=45), epochs=2)


def run_of(folder, ranks, **more):
    stream = bpx.data.stream(X, LABELS, **SIZES)
    return trained(stream, ranks, network(dropout=0.2), checkpoint=folder, **more)


def interrupted(monkeypatch, folder, size, at):
    """Let a training end when each rank looks for signals for the at-th time."""
    interrupt(monkeypatch, at, size, lambda ranks: run_of(folder, ranks, every="1 step"))


@pytest.mark.parametrize("at", [9, 14])
def test_as_many_ranks_continue_within_a_window_to_the_same_bits(monkeypatch, tmp_path, at):
    undisturbed = on_ranks(3, lambda ranks: run_of(tmp_path / "whole", ranks, every="1 step"))
    interrupted(monkeypatch, tmp_path / "run", 3, at)
    again = on_ranks(3, lambda ranks: run_of(tmp_path / "run", ranks, resume=True))
    for found, expected in zip(again, undisturbed, strict=True):
        for w, e in zip(found[0], expected[0], strict=True):
            assert w.tobytes() == e.tobytes()
        assert found[1] == expected[1]


@pytest.mark.parametrize(("before", "after"), [(2, 4), (3, 1)])
def test_another_number_of_ranks_continues_within_a_window(
    monkeypatch, tmp_path, before, after
):
    expected = run_of(tmp_path / "whole", None)
    interrupted(monkeypatch, tmp_path / "run", before, 9)

    def resumed(ranks):
        return run_of(tmp_path / "run", ranks, resume=True)

    for found in [resumed(None)] if after == 1 else on_ranks(after, resumed):
        same(found, expected)


def test_ranks_with_other_blocks_or_windows_are_refused():
    def run(ranks, change):
        own = {**SIZES, **(change if ranks.rank == 1 else {})}
        with pytest.raises(InputError) as caught:
            trained(bpx.data.stream(X, LABELS, **own), ranks)
        return str(caught.value)

    for told in on_ranks(2, lambda ranks: run(ranks, {"window": 60})):
        assert "rank 1 of 2 differs from rank 0 in the" in told
    for told in on_ranks(2, lambda ranks: run(ranks, {"block": 9})):
        assert "rank 1 of 2 differs from rank 0 in the samples of its blocks: (9, 9" in told


def test_a_file_that_one_rank_cannot_read_is_told_on_all_before_the_first_step():
    class Broken(Counting):
        def __getitem__(self, rows):
            if rows.start >= 64:
                raise OSError("lost the drive")
            return super().__getitem__(rows)

    def run(ranks):
        held = Broken(X) if ranks.rank == 1 else Counting(X)
        with pytest.raises(OSError, match="lost the drive"):
            trained(bpx.data.stream(X, LABELS, **SIZES), ranks,
                    validation=bpx.data.stream(held, LABELS, block=8, window=16))  # fmt: skip
        return ranks.aborted

    assert on_ranks(2, run) == [False, False]


def test_a_bad_value_late_in_the_samples_is_told_on_all():
    bad = X.copy()
    bad[101, 2] = np.nan

    def run(ranks):
        net = network()
        before = [w.copy() for w in net.weights]
        with pytest.raises(
            InputError, match=r"what rank \d reads of a window of nda"
        ) as caught:
            net.fit(bpx.data.stream(bad, LABELS, **SIZES), epochs=1, batch_size=10,
                    optimizer=bpx.SGD(0.1), shuffle=False, ranks=ranks)  # fmt: skip
        for w, was in zip(net.weights, before, strict=True):
            assert w.tobytes() == was.tobytes()
        return ranks.aborted, str(caught.value)

    first, *others = on_ranks(3, run)
    assert others == [first, first]
    assert first[0] is False


def test_arrays_of_torch():
    pytest.importorskip("torch", reason="torch is not installed")

    def run(ranks):
        net = network(backend="torch")
        return trained(bpx.data.stream(X, LABELS, **SIZES), ranks, net)

    expected = run(None)
    for found in on_ranks(2, run):
        same(found, expected)
