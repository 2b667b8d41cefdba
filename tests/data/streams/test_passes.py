"""A pass over some blocks of a stream: windows of given sizes, from a given sample on."""

import numpy as np
import pytest

import bpx


def stream(**given):
    x = np.arange(60.0).reshape(30, 2)
    return bpx.data.stream(x, np.arange(30), block=4, **given)


@pytest.mark.parametrize(
    ("begin", "end"), [(0, 30), (0, 10), (7, 23), (12, 30), (29, 30), (5, 5)]
)
def test_a_span_has_its_samples_alone(begin, end):
    found = list(stream().span(begin, end, 6, "float64", lambda part: part.y.tolist()))
    assert [y for window in found for y in window] == list(range(begin, end))
    assert {len(window) for window in found[:-1]} <= {6}


def test_a_span_reads_its_blocks_alone():
    read = []

    class Counting(np.ndarray):
        def __getitem__(self, rows):
            read.append(rows.start)
            return np.asarray(self)[rows]

    x = np.arange(60.0).reshape(30, 2).view(Counting)
    made = bpx.data.stream(x, np.arange(30), block=4)
    assert made.samples == 30
    assert made.first.x.shape == (30, 2)
    list(made.span(0, 1, 6, "float64", lambda part: None))
    read.clear()
    assert len(list(made.span(9, 14, 6, "float64", lambda part: part.y.tolist()))) == 1
    assert read == [8, 12]


def test_an_error_names_the_window():
    def refuse(part):
        raise bpx.InputError("x is wrong")

    with pytest.raises(
        bpx.InputError, match="x is wrong; rows are counted in a window of ndarr"
    ):
        next(stream().span(0, 8, 4, "float64", refuse))
