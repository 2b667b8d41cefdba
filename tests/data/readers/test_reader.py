"""A reader: what it may be made of, and what it may give."""

import numpy as np
import pytest

from bpx.data import Reader, Split
from bpx.errors import FileFormatError, InputError


def test_a_pair_is_brought_to_one_form():
    split = Reader(lambda path: (np.ones((2, 3, 2)), np.array([0.5, 1.0]))).split("a.toy")
    assert split.x.shape == (2, 6)
    assert split.x.dtype == split.y.dtype == np.float32


def test_a_split_is_taken_as_it_is():
    made = Split(np.ones((2, 3), np.float32), None)
    assert Reader(lambda path, target: made, ("target",)).split("a.toy", target="y") is made


def test_arrays_that_are_no_samples_are_named_by_the_file():
    with pytest.raises(FileFormatError, match=r"a\.toy: y has shape \(3,\)"):
        Reader(lambda path: (np.ones((2, 3)), np.zeros(3))).split("a.toy")


def test_what_is_no_pair():
    with pytest.raises(InputError, match=r"'\.toy' returned ndarray; expected a pair"):
        Reader(lambda path: np.ones((2, 3))).split("a.toy")


def test_an_option_that_nobody_gives():
    with pytest.raises(InputError, match=r"the option 'sheet'; bpx.data.read takes 'inputs'"):
        Reader(lambda path: None, ("sheet",))
