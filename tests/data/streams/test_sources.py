"""Arrays that can be sliced, and chunks in an order."""

import numpy as np
import pytest

import bpx
from bpx.data.streams.source import Part
from bpx.data.streams.sources import Chunks, Sliced


def rows(blocks):
    return [np.asarray(part.y).tolist() for block in blocks for part in block()]


def test_blocks_of_arrays_have_the_given_size():
    source = Sliced(np.zeros((7, 2)), np.arange(7), None, "arrays")
    assert source.rows == 7
    assert rows(source.blocks(3)) == [[0, 1, 2], [3, 4, 5], [6]]
    assert rows(source.blocks(None)) == [[*range(7)]]


def test_weights_are_sliced_with_the_samples():
    source = Sliced(np.zeros((4, 2)), np.arange(4), np.arange(4.0), "arrays")
    assert [next(block()).s.tolist() for block in source.blocks(2)] == [[0, 1], [2, 3]]


class Far:
    """Rows that can be asked for, and are never read here."""

    def __init__(self, asked, rows=slice(0, 4)):
        self.asked, self.rows = asked, rows
        self.shape, self.dtype = (4, 2), np.dtype("float32")

    def __getitem__(self, rows):
        return Far(self.asked, rows)

    def soon(self):
        self.asked.append(self.rows)

    def late(self):
        self.asked.append("late")


class Near(Far):
    """Rows that are read when they are sliced, as those of h5py."""

    soon = property()

    def __getitem__(self, rows):
        raise AssertionError("it was read")


def test_what_can_be_asked_for_is_and_nothing_else_is_read():
    asked = []
    for block in Sliced(Far(asked), np.arange(4), Near([]), "arrays").blocks(3):
        block.soon()
    assert asked == [slice(0, 3), slice(3, 4)]
    Sliced(Far(asked), np.arange(4), Near([]), "arrays").late()
    assert asked[2:] == ["late"]


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"y": np.arange(3)}, r"x has 4 rows, but y has shape \(3,\)"),
        ({"s": np.arange(3)}, "but sample_weight has shape"),
        ({"x": [1, 2]}, "x is list; expected the path of an .npy file"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(changed, message):
    given = {"x": np.zeros((4, 2)), "y": np.arange(4), "s": None} | changed
    with pytest.raises(bpx.InputError, match=message):
        Sliced(**given, label="arrays")


def test_chunks_begin_anew_and_are_one_block():
    given = [(np.zeros((2, 1)), np.arange(2)), (np.zeros((1, 1)), np.array([5]))]
    source = Chunks(lambda: given, "a list")
    (block,) = source.blocks(99)
    assert rows([block]) == rows([block]) == [[0, 1], [5]]
    assert source.rows is None


def test_a_chunk_may_be_a_table_or_have_weights():
    table, triple = {"a": [1.0]}, ([[1.0]], [0], [2.0])
    found = list(Chunks(lambda: [table, triple], "a list").blocks(None)[0]())
    assert found == [table, Part(*triple)]


def test_blocks_tell_their_rows_where_they_are_known():
    source = Sliced(np.zeros((7, 2)), None, None, "arrays")
    assert [block.count() for block in source.blocks(3)] == [3, 3, 1]
    assert Chunks(list, "a list").blocks(3)[0].count() is None


def test_a_chunk_may_be_an_array_of_inputs():
    ((x, y, s),) = Chunks(lambda: [np.ones((2, 3))], "a list").blocks(None)[0]()
    assert (x.shape, y, s) == ((2, 3), None, None)


def test_a_chunk_of_another_kind_is_refused():
    with pytest.raises(bpx.InputError, match="chunk 2 of a list is int; expected a pair"):
        list(Chunks(lambda: [([[1.0]], [0]), 3], "a list").blocks(None)[0]())


def test_a_function_that_returns_no_chunks_is_refused():
    with pytest.raises(bpx.InputError, match="read returned int; expected a new iterator"):
        list(Chunks(lambda: 5, "read").blocks(None)[0]())


def test_arrays_have_fingerprints_and_chunks_have_none():
    x, y = np.zeros((4, 2)), np.arange(4)
    assert [*Sliced(x, y, None, "arrays").prints()] == ["x", "y"]
    found = Sliced(x, y, y, "arrays").prints()
    assert found["the weights of the samples"] == found["y"]
    assert Chunks(list, "a list").prints() == {}


def test_an_iterator_that_has_run_is_not_one_that_begins():
    once = iter([(np.zeros((1, 1)), [0])] * 3)
    block = Chunks(lambda: once, "read").blocks(None)[0]
    next(block())
    with pytest.raises(bpx.InputError, match="read returned the same list_iterator twice"):
        next(block())
    anew = Chunks(lambda: iter([(np.zeros((1, 1)), [0])]), "read").blocks(None)[0]
    assert len(list(anew())) == len(list(anew())) == 1
