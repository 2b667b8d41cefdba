"""Samples and targets, checked and brought to one form."""

import numpy as np
import pytest

from bpx.data import read_npz
from bpx.errors import FileFormatError


@pytest.mark.parametrize(
    ("y", "dtype"),
    [
        (np.array([0.0, 1.0]), np.float32),
        (np.array([True, False]), np.int32),
        (np.array([[1, 0], [0, 1]]), np.float32),
        (np.array([2**31 - 1, -(2**31)]), np.int32),
    ],
)
def test_the_dtype_of_targets_follows_that_of_the_file(tmp_path, y, dtype):
    np.savez(tmp_path / "a.npz", x=np.zeros((2, 3)), y=y)
    result = read_npz(tmp_path / "a.npz").y
    assert result.dtype == dtype
    assert result.tolist() == y.tolist()


@pytest.mark.parametrize("dtype", [bool, np.uint8, np.int64])
def test_whole_numbers_in_one_column_are_labels(tmp_path, dtype):
    np.savez(tmp_path / "a.npz", x=np.zeros((2, 3)), y=np.array([[1], [0]], dtype))
    result = read_npz(tmp_path / "a.npz").y
    assert (result.dtype, result.tolist()) == (np.int32, [1, 0])


def test_real_numbers_in_one_column_stay_a_column(tmp_path):
    np.savez(tmp_path / "a.npz", x=np.zeros((2, 3)), y=np.array([[1.0], [0.0]]))
    result = read_npz(tmp_path / "a.npz").y
    assert (result.dtype, result.tolist()) == (np.float32, [[1.0], [0.0]])


@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        (np.zeros((3, 2)), np.zeros(2), r"y has shape \(2,\), but x has 3 rows"),
        (np.zeros((2, 2)), np.zeros((2, 2, 2)), "y has shape"),
        (np.zeros((2, 2)), np.array(1), "y has shape"),
        (np.array(1.0), np.array([1]), "single number"),
        (np.array([[1, np.nan], [0, 0]]), np.zeros(2), r"x\[0, 1\] is nan.*1 such"),
        (np.array([[1, 2], [1e39, 1e40]]), np.zeros(2), r"x\[1, 0\] is 1e\+39.*2 such"),
        (np.zeros((2, 2)), np.array([0, np.inf]), r"y\[1\] is inf"),
        (np.zeros((2, 2)), np.array([0, 2**31]), "from 0 to 2147483648"),
        (np.zeros((2, 2)), np.array([0, 2**64 - 1], np.uint64), "18446744073709551615"),
        (np.zeros((2, 2), np.complex64), np.zeros(2), "complex64; expected real"),
    ],
)
def test_arrays_that_do_not_make_a_split_are_refused(tmp_path, x, y, message):
    np.savez(tmp_path / "a.npz", x=x, y=y)
    with pytest.raises(FileFormatError, match=message):
        read_npz(tmp_path / "a.npz")


def test_samples_without_rows_are_kept(tmp_path):
    np.savez(tmp_path / "a.npz", x=np.zeros((0, 3)), y=np.zeros(0, int))
    split = read_npz(tmp_path / "a.npz")
    assert split.x.shape == (0, 3)
    assert split.y.shape == (0,)
