"""`bpx.data.stream`: what it takes, the sizes of windows, and the order of an epoch."""

import numpy as np
import pytest

import bpx
from bpx.data.streams import npy


def arrays(n=100, k0=3):
    rng = np.random.default_rng(0)
    return rng.random((n, k0), dtype="float32"), np.arange(n)


def ys(stream, order=range):
    windows = stream.windows(order, 32, "float32", lambda part: part.y.tolist())
    return [y for window in windows for y in window]


def shuffled(seed):
    return np.random.default_rng(seed).permutation


def test_memory_maps_paths_and_arrays_are_the_same_samples(tmp_path):
    x, y = arrays()
    np.save(tmp_path / "x.npy", x)
    np.save(tmp_path / "y.npy", y)
    mapped = np.load(tmp_path / "x.npy", mmap_mode="r")
    for given in ((tmp_path / "x.npy", str(tmp_path / "y.npy")), (mapped, y), (x, list(y))):
        made = bpx.data.stream(*given, block=8)
        assert made.samples == 100
        assert ys(made) == list(range(100))
        assert ys(made, shuffled(1)) == ys(bpx.data.stream(x, y, block=8), shuffled(1))


def test_blocks_are_read_in_the_order_that_is_asked_for():
    made = bpx.data.stream(*arrays(), block=10)
    order = shuffled(1)(10)
    assert order.tolist() != list(range(10))
    assert ys(made, lambda n: order) == [10 * i + j for i in order for j in range(10)]


def test_a_window_holds_whole_mini_batches():
    x, y = arrays()
    assert bpx.data.stream(x, y).rows_of_window(32) == 128
    assert bpx.data.stream(x, y, window=40).rows_of_window(32) == 64
    assert bpx.data.stream(x, y, window=1).rows_of_window(32) == 32
    wide = np.broadcast_to(np.float32(0), (1_000_000, 1000))
    rows = bpx.data.stream(wide, np.broadcast_to(0, 1_000_000)).rows_of_window(100)
    assert rows % 100 == 0
    assert rows * 4008 == pytest.approx(2**26, rel=0.01)


def test_a_stream_prints_as_a_line():
    made = bpx.data.stream(*arrays())
    assert repr(made) == "<bpx.data.Stream of 100 samples from ndarray>"
    assert repr(bpx.data.stream([arrays()])) == "<bpx.data.Stream of samples from list>"


def test_a_function_returns_a_new_iterator_for_every_epoch():
    calls = []

    def read():
        calls.append(1)
        return iter([arrays()])

    made = bpx.data.stream(read)
    assert ys(made) == ys(made)
    assert len(calls) == 3  # the first time to see the width of its first chunk


def test_weights_in_a_column_and_in_an_array():
    table = {"a": [1.0, 2.0], "y": [0, 1], "s": [3.0, 4.0]}
    made = bpx.data.stream([table], target="y", sample_weight="s")
    (s,) = made.windows(range, 4, "float32", lambda part: part.s.tolist())
    assert s == [3.0, 4.0]
    x, y = arrays(2)
    made = bpx.data.stream(x, y, sample_weight=np.array([5.0, 6.0]))
    (s,) = made.windows(range, 4, "float32", lambda part: part.s.tolist())
    assert s == [5.0, 6.0]


@pytest.mark.parametrize(
    ("given", "named", "message"),
    [
        ((3,), {}, "x is int; expected a path"),
        ((iter([]),), {}, "runs only once"),
        ((list,), {"y": [0]}, "y was given with samples that have their own targets"),
        (([],), {"sample_weight": [1.0]}, "sample_weight is list; expected the name"),
        (([[0.0]], [0]), {}, "x is a list, which is read as chunks .* but y was given, too"),
        ((np.ones((2, 1)), [[0], [1, 2]]), {}, "y cannot become an array"),
        ((np.ones((2, 1)), [0, 1]), {"target": "z"}, "target='z' was given, but ndarray"),
        (([],), {"schema": 5}, "schema is int; expected a bpx.data.Schema"),
        (([],), {"window": 0}, "window=0 was given"),
        (([],), {"block": 1.5}, "block=1.5 was given"),
        (("missing.npy", "y.npy"), {}, "missing.npy does not exist"),
    ],
)
def test_what_cannot_be_a_stream_is_refused(given, named, message):
    with pytest.raises(bpx.InputError, match=message):
        bpx.data.stream(*given, **named)


def test_targets_may_be_missing_until_they_are_needed(tmp_path):
    x, y = arrays()
    np.save(tmp_path / "x.npy", x)
    for given in ((x,), (tmp_path / "x.npy",), ([x],), ([(x, None)],)):
        made = bpx.data.stream(*given)
        (window,) = made.only_x.windows(range, 100, "float32", lambda part: (*part,))
        assert np.array_equal(window[0], x)
        assert window[1:] == (None, None)
        with pytest.raises(bpx.InputError, match="y is missing for"):
            made.rows_of_window(1)
    (window,) = bpx.data.stream(x, y, sample_weight=y).only_x.windows(
        range, 100, "float32", lambda part: (*part,)
    )
    assert window[1:] == (None, None)


@pytest.mark.parametrize("start", [0, 1, 2, 3])
def test_windows_can_begin_later_in_an_epoch(start):
    x, y = arrays()
    chunks = [(x[:30], y[:30]), (x[30:31], y[30:31]), (x[31:], y[31:])]
    for made, order in (
        (bpx.data.stream(x, y, block=7), lambda n: shuffled(1)(n)),
        (bpx.data.stream(chunks), range),
    ):
        found = made.windows(order, 32, "float32", lambda part: part.y.tolist(), start=start)
        assert [each for window in found for each in window] == ys(made, order)[32 * start :]


def test_the_first_samples_decide_the_dtypes_wherever_an_epoch_begins():
    small, large = (np.arange(4, dtype=dtype) for dtype in ("uint8", "int32"))
    chunks = [(np.zeros((4, 1)), y) for y in (large, small, small)]
    windows = bpx.data.stream(chunks).windows(
        range, 4, "float32", lambda part: part.y.dtype.name, start=1
    )
    assert list(windows) == ["int32", "int32"]


def test_a_stream_without_samples_is_refused():
    with pytest.raises(bpx.InputError, match="list has no samples"):
        bpx.data.stream([]).rows_of_window(1)


def test_chunks_without_samples_are_left_out_also_at_the_beginning():
    x, y = arrays()
    made = bpx.data.stream([([], []), (x[:0], y[:0]), (x, y), (x[:0], y[:0])])
    assert ys(made) == list(range(100))
    assert made.prints() == bpx.data.stream([(x, y)]).prints()


@pytest.mark.parametrize("bad", [(1, 2), ("ab", "cd"), ([[1.0], [1.0, 2.0]], [0, 1])])
def test_a_chunk_that_cannot_be_read_is_named(bad):
    made = bpx.data.stream([arrays(), bad])
    with pytest.raises(bpx.InputError, match=r"x .*; this is chunk 2 of list"):
        ys(made)


@pytest.mark.parametrize("place", [0, 1, 2])
def test_each_array_of_a_chunk_holds_real_numbers(place):
    chunk = [np.ones((2, 3)), np.ones(2), np.ones(2)]
    for dtype in ("complex64", "str"):
        bad = [*chunk[:place], chunk[place].astype(dtype), *chunk[place + 1 :]]
        with pytest.raises(bpx.InputError, match=r"expected real numbers.*; this is chunk 1"):
            bpx.data.stream([bad]).rows_of_window(1)
    masked = [*chunk[:place], np.ma.array(chunk[place], mask=True), *chunk[place + 1 :]]
    with pytest.raises(bpx.InputError, match="is a masked array; bpx would train"):
        bpx.data.stream(masked[0], masked[1], sample_weight=masked[2]).rows_of_window(1)


def test_inputs_to_predict_for_are_real_numbers_too():
    message = r"x (has|is a) .*; this is (part|chunk) 1 of"
    for bad in (np.ones((2, 3), complex), np.ma.array(np.ones((2, 3)), mask=True)):
        for given in (bad, [bad]):
            with pytest.raises(bpx.InputError, match=message):
                bpx.data.stream(given).only_x.rows_of_window(1)


def test_only_files_of_tables_have_rows_to_draw():
    with pytest.raises(bpx.InputError, match="no tables to draw rows from"):
        bpx.data.stream(*arrays()).sample(3)


def test_a_stream_gets_a_networks_schema_unless_it_has_its_own():
    table = {"a": [1.0, 2.0], "y": ["p", "q"]}
    own, other = (bpx.data.Schema.fit(table, target="y", scaling=s) for s in ("none", "robust"))
    assert bpx.data.stream([table]).with_schema(own).encoder.schema is own
    assert bpx.data.stream([table], schema=other).with_schema(own).encoder.schema is other


def test_fingerprints_are_of_the_source_the_first_samples_and_the_order():
    x, y = arrays()
    made = bpx.data.stream(x, y, block=10, window=20)
    assert [*made.prints()] == ["x", "y"]
    assert made.prints(8)["the stream"] == {
        "number of samples in a block": 10,
        "number of samples in a window": 24,
    }
    chunks = [bpx.data.stream([(x[: 50 + i], y[: 50 + i])]).prints() for i in (0, 0, 1)]
    assert [*chunks[0]] == ["x of the first samples", "y of the first samples"]
    assert chunks[0] == chunks[1] != chunks[2]


def test_a_schema_is_in_the_fingerprint_of_the_first_samples():
    table = {"a": [1.0, 2.0, 4.0], "y": ["p", "q", "p"]}
    schemas = [bpx.data.Schema.fit(table, target="y", scaling=s) for s in ("none", "robust")]
    x, y = np.array([[1.0], [2.0]]), np.array(["p", "q"])
    for given in ((([table]),), (x, y)):
        found = [bpx.data.stream(*given, schema=schema).prints() for schema in schemas]
        name = "x of the first samples"
        assert found[0][name] != found[1][name]
        assert found[0]["y of the first samples"] == found[1]["y of the first samples"]


def test_whole_pages_of_a_file_fall_on_pages_of_the_windows(tmp_path, monkeypatch):
    """But for those after the last block, which is none of whole pages, in its window."""
    x = np.random.default_rng(0).random((5000, 20), dtype=np.float32)
    np.save(tmp_path / "x.npy", x)
    read, spy = [], npy.read_pages
    monkeypatch.setattr(npy, "read_pages", lambda *given: read.append(given) or spy(*given))
    monkeypatch.setattr(npy, "LARGE", 0)
    monkeypatch.setattr(npy.NpyRows, "late", lambda rows: None)
    made = bpx.data.stream(tmp_path / "x.npy", np.arange(5000), block=1024, window=1500)
    default = bpx.data.stream(tmp_path / "x.npy", np.arange(5000))
    blocks = default.prints(1)["the stream"]["number of samples in a block"]
    assert blocks % 256 == 0  # which are 5 pages

    def order(n):
        return [(7 * i + 2) % n for i in range(n)]

    found = made.windows(order, 1500, "float32", lambda part: (part.x.copy(), part.y.copy()))
    rows, y = (np.concatenate(each) for each in zip(*found, strict=True))
    assert np.array_equal(rows, x[y])
    assert np.array_equal(np.sort(y), np.arange(5000))
    assert sum(memory.size for _, _, memory in read) > 0.7 * x.nbytes


@pytest.mark.parametrize(
    ("stored", "used"), [("int16", "float32"), ("float32", "float64"), ("float64", "float64")]
)
@pytest.mark.parametrize("header", [0, 1, 2, 4])
def test_each_number_of_a_window_lies_at_a_multiple_of_its_size(
    tmp_path, monkeypatch, stored, used, header
):
    monkeypatch.setattr(npy, "LARGE", 0)
    path, x = tmp_path / "x.npy", np.arange(9000 * 3, dtype=stored).reshape(9000, 3)
    np.save(path, x)
    content = path.read_bytes()
    longer = int.from_bytes(content[8:10], "little") + header  # as other writers' may be
    rest = content[10 : 10 + longer - header - 1] + b" " * header + b"\n"
    path.write_bytes(content[:8] + longer.to_bytes(2, "little") + rest + x.tobytes())
    made = bpx.data.stream(path, np.arange(9000), block=1001, window=2500)
    found = made.windows(
        lambda n: [*range(1, n), 0], 2500, used, lambda part: (part.x.flags.aligned, *part)
    )
    for aligned, rows, y, _ in found:
        assert aligned
        assert np.array_equal(rows, x[y])
