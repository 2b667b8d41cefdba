"""Windows: whatever the parts, each sample once, in order, one window ahead in a thread."""

import threading
import time
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import bpx
from bpx.data.streams.source import Block, Part
from bpx.data.streams.windows import Buffer, Filled, ahead, parts_of


def part(begin, end, **changed):
    rows = np.arange(begin, end)
    given = {"x": np.stack([rows, rows], axis=-1) + 0.5, "y": rows, "s": None}
    return Part(**(given | changed))


def filled(parts, rows):
    """The y of all windows, as lists."""
    source, buffer = Filled(iter(parts), "the source"), Buffer(rows, "float32")
    found = []
    while (window := buffer.fill(source)) is not None:
        assert window.x.dtype == np.float32
        assert np.array_equal(window.x[:, 0], window.y + 0.5)
        found.append(window.y.tolist())
    return found


@given(st.lists(st.integers(0, 7), max_size=8), st.integers(1, 9))
def test_every_sample_comes_once_and_in_order(sizes, rows):
    ends = np.cumsum([0, *sizes])
    found = filled([part(a, b) for a, b in pairwise(ends)], rows)
    assert [each for window in found for each in window] == list(range(ends[-1]))
    assert {len(window) for window in found[:-1]} <= {rows}


def test_bytes_keep_their_dtype():
    source = Filled(iter([part(0, 3, x=np.ones((3, 2), np.uint8))]), "the source")
    assert Buffer(4, "float64").fill(source).x.dtype == np.uint8


def test_numbers_are_in_the_dtype_of_the_network_and_labels_in_their_own():
    for y, expected in ((np.ones(3), "float32"), (np.ones(3, "int8"), "int8"), (None, None)):
        found = Buffer(4, "float32").fill(Filled(iter([part(0, 3, y=y)]), "the source")).y
        assert (None if found is None else found.dtype.name) == expected


@pytest.mark.parametrize(
    ("second", "message"),
    [
        ({"s": np.ones(2)}, "has sample_weight, but the first"),
        ({"x": np.ones((2, 3))}, r"has x of shape \(2, 3\); expected \(2, 2\)"),
        ({"y": np.ones(3, int)}, r"has y of shape \(3,\)"),
        ({"y": np.ones(2)}, "has y of dtype float64, but the first one had int64"),
        ({"y": np.ones(2, "uint64")}, "has y of dtype uint64, .* had int64, which cannot hold"),
    ],
)
def test_a_part_of_another_kind_is_refused(second, message):
    with pytest.raises(bpx.InputError, match=message):
        filled([part(0, 2), part(2, 4, **second)], 8)


def test_numbers_after_bytes_are_refused():
    given = [part(0, 2, x=np.ones((2, 2), np.uint8)), part(2, 4)]
    with pytest.raises(bpx.InputError, match=r"x of dtype float64, .* had uint8, which cannot"):
        filled(given, 8)


def test_a_part_without_weights_after_one_with_them_is_refused():
    with pytest.raises(bpx.InputError, match="has no sample_weight, but"):
        filled([part(0, 2, s=np.ones(2)), part(2, 4)], 8)


def test_an_error_names_the_part_that_cannot_be_encoded():
    def refuse(raw):
        if raw == 11:
            raise bpx.InputError("wrong")
        return raw

    block = Block(lambda: iter([10, 11]), parts="chunk")
    other = Block(lambda: iter([0]))
    with pytest.raises(bpx.InputError, match=r"^wrong; this is chunk 2 of a list$"):
        list(parts_of([block], [0], refuse, label="a list"))
    with pytest.raises(bpx.InputError, match=r"^wrong; this is chunk 2 of block 2 of a list$"):
        list(parts_of([other, block], [0, 1], refuse, label="a list"))


def test_blocks_are_read_in_the_given_order():
    blocks = [Block(lambda i=i: iter([i, 10 + i])) for i in range(3)]
    assert list(parts_of(blocks, [2, 0, 1], lambda each: each)) == [2, 12, 0, 10, 1, 11]


@pytest.mark.parametrize("counted", [True, False])
def test_what_is_skipped_is_not_encoded_nor_read_if_its_rows_are_known(counted):
    read, encoded = [], []

    def rows(i):
        read.append(i)
        yield from (part(10 * i, 10 * i + 4), part(10 * i + 4, 10 * i + 10))

    def encode(each):
        encoded.append(int(each.y[0]))
        return each

    blocks = [Block(lambda i=i: rows(i), *([lambda: 10] if counted else [])) for i in range(3)]
    found = parts_of(blocks, [2, 0, 1], encode, 16)
    assert [each for given in found for each in given.y.tolist()] == [*range(6, 20)]
    assert read == ([0, 1] if counted else [2, 0, 1])
    assert encoded == [4, 10, 14]


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        ([2, 0, 1], "ask 0 read 2 ask 1 read 0 read 1"),
        (range(2), "ask 1 read 0 read 1"),
        ([], ""),
    ],
)
def test_each_block_is_asked_for_before_the_one_ahead_of_it_is_read(order, expected):
    told = []

    def block(i):
        def read():
            told.append(f"read {i}")
            yield part(i, i + 1)

        return Block(read, soon=lambda: told.append(f"ask {i}"))

    list(parts_of([block(i) for i in range(3)], order, lambda raw: raw))
    assert " ".join(told) == expected


def test_skipping_more_than_there_is_is_refused():
    table = {"a": [1.0, 2.0, 3.0]}
    for one in (part(0, 3), table, Part(table, [0, 0, 0])):
        blocks = [Block(lambda one=one: iter([one]))]
        with pytest.raises(
            bpx.InputError, match=r"the list has only 3 samples, but .* after 5"
        ):
            list(parts_of(blocks, [0], lambda each: each, 5, "the list"))


def test_one_call_runs_ahead_in_a_thread_with_the_other_buffer():
    asked, threads, begun = [], set(), threading.Semaphore(0)

    def make(buffer):
        threads.add(threading.current_thread())
        asked.append(buffer)
        begun.release()
        return len(asked) if len(asked) < 4 else None

    running = ahead(make, ["one", "other"])
    begun.acquire()
    assert next(running) == 1
    begun.acquire()
    assert asked == ["one", "other"]
    assert list(running) == [2, 3]
    assert asked == ["one", "other"] * 2
    assert threading.current_thread() not in threads
    assert len(threads) == 1
    assert list(running) == []


def test_who_had_to_wait_is_told_but_for_the_first():
    go, late = threading.Semaphore(1), []

    def make(buffer):
        go.acquire()
        return buffer

    def told():
        late.append(True)
        go.release()

    running = ahead(make, [1, 2], told)
    assert next(running) == 1  # it had to wait, as each epoch's first
    assert next(running) == 2
    assert late == [True]
    go.release()
    while not running.is_ready:
        time.sleep(0.001)
    assert next(running) == 1
    assert late == [True]
    go.release()
    running.close()


def test_an_error_in_the_thread_is_raised_where_its_window_is_due():
    def make(buffer):
        if buffer == "other":
            raise bpx.InputError("broken")
        return 1

    running = ahead(make, ["one", "other"])
    assert next(running) == 1
    with pytest.raises(bpx.InputError, match="broken"):
        next(running)
    assert list(running) == []


def test_closing_waits_for_the_thread():
    running = ahead(lambda buffer: 1, ["one", "other"])
    next(running)
    running.close()
    names = [thread.name for thread in threading.enumerate()]
    assert not any(name.startswith("bpx-reads-ahead") for name in names)
    assert list(running) == []
