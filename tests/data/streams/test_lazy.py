"""Arrays of dask: computed block by block, whole chunks together; all else is refused."""

import numpy as np
import pytest

import bpx
from bpx.data.streams.lazy import check_lazy, chunk_rows, computed, is_lazy
from bpx.data.streams.prints import of_rows

dask = pytest.importorskip("dask", reason="dask is not installed")
da = pytest.importorskip("dask.array", reason="dask has no arrays without numpy")

RNG = np.random.default_rng(0)
X = RNG.random((100, 3), dtype="float32")
LABELS = X.argmax(axis=1)


def counted(x, chunks):
    """An array of dask, and the list of the rows that each of its chunks had when computed."""
    seen = []

    def pass_on(chunk):
        seen.append(len(chunk))
        return chunk + 0.0

    lazy = da.from_array(x, chunks=(chunks, 3))
    return lazy.map_blocks(pass_on, dtype=x.dtype, meta=np.empty((0, 0), x.dtype)), seen


def trained(*given):
    net = bpx.Network([3, 5, 3], output="softmax", cost="cross_entropy", seed=0)
    samples = bpx.data.stream(*given, window=40)
    training = bpx.train(net, samples, epochs=2, batch_size=10, optimizer=bpx.SGD(0.1), seed=0)
    return net, training


def test_a_network_is_trained_as_on_the_arrays(monkeypatch):
    monkeypatch.setattr("bpx.data.streams.sizes.BLOCK_BYTES", 20 * 20)
    lazy, seen = counted(X, 20)
    net, training = trained(lazy, da.from_array(LABELS, chunks=20))
    seen.clear()
    training.finish()
    assert seen == [20] * 10  # each chunk once in each of two epochs
    other, training = trained(X, LABELS)
    training.finish()
    for w, expected in zip(net.weights, other.weights, strict=True):
        np.testing.assert_array_equal(w, expected)


def test_evaluation_and_predictions():
    net = bpx.Network([3, 5, 3], output="softmax", cost="cross_entropy", seed=0)
    lazy = da.from_array(X, chunks=(30, 3))
    samples = bpx.data.stream(lazy, da.from_array(LABELS, chunks=30))
    assert repr(samples) == "<bpx.data.Stream of 100 samples from a dask array>"
    assert net.evaluate(samples) == net.evaluate(X, LABELS)
    np.testing.assert_array_equal(net.predict(bpx.data.stream(lazy)), net.predict(X))


def test_steps_that_x_and_y_share_are_computed_once():
    table, seen = counted(X, 25)
    samples = bpx.data.stream(table[:, :2], (table[:, 2] > 0.5).astype(int), block=25)
    for _ in range(2):  # the first time, also for its shapes and dtypes
        seen.clear()
        windows = samples.windows(range, 50, "float32", lambda part: part.x.shape)
        assert list(windows) == [(50, 2), (50, 2)]
    assert seen == [25] * 4


def test_it_mixes_with_other_arrays():
    lazy = da.from_array(X, chunks=(30, 3))
    found = computed([lazy[:2], X[:2], None])
    assert [type(each) for each in found] == [np.ndarray, np.ndarray, type(None)]
    assert computed([X, None])[0] is X
    assert is_lazy(lazy)
    assert not is_lazy(X)


def test_the_length_must_be_known():
    lazy = da.from_array(X, chunks=(30, 3))
    some = lazy[lazy[:, 0] > 0.5]
    with pytest.raises(
        bpx.InputError, match=r"not known; call x.compute_chunk_sizes\(\) first"
    ):
        bpx.data.stream(some, LABELS)
    with pytest.raises(bpx.InputError, match="y is an array of dask whose number of rows"):
        bpx.data.stream(X, some[:, 0])
    made = bpx.data.stream(some.compute_chunk_sizes())
    assert made.samples == int((X[:, 0] > 0.5).sum())


class Frame:
    """What a DataFrame or a Series of dask is known by."""

    columns = ("a", "b")
    to_dask_array = None

    def __dask_graph__(self):
        raise AssertionError("nothing is computed")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        (
            "x",
            r"x is a Frame of dask; .* x.to_parquet\(folder\), and pass the folder with targ",
        ),
        ("y", r"expected an array: pass the array y.to_dask_array\(lengths=True\)"),
    ],
)
def test_frames_are_refused(name, said):
    given = {"x": (Frame(), None), "y": (X, Frame())}[name]
    with pytest.raises(bpx.InputError, match=said):
        bpx.data.stream(*given)


def test_other_collections_are_refused():
    with pytest.raises(bpx.InputError, match="expected an array: make one by dask"):
        bpx.data.stream(dask.delayed(X), LABELS)
    check_lazy(X, "x")


class Stored:
    def __init__(self, chunks):
        self.chunks = chunks


@pytest.mark.parametrize(
    ("chunks", "rows"),
    [
        ((8, 3), 8),  # of HDF5 and Zarr
        (((8, 8, 5), (3,)), 8),  # of dask
        (((8,),), 8),
        (((8, 5, 8), (3,)), None),
        (((8, 9), (3,)), None),
        (((), (3,)), None),
        (((0,), (3,)), None),
        (None, None),  # of HDF5, in one piece
        ((), None),
    ],
)
def test_chunks_of_one_length(chunks, rows):
    assert chunk_rows(Stored(chunks)) == rows


def test_an_array_without_chunks():
    assert chunk_rows(X) is None


def test_the_fingerprint_computes_each_chunk_once():
    lazy, seen = counted(X, 20)
    seen.clear()
    assert of_rows(lazy) == of_rows(X)
    assert seen == [20] * 5
