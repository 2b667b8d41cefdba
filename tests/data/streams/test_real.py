"""Which arrays a part of a stream may hold."""

import numpy as np
import pytest

import bpx
from bpx.data.streams.npy import open_npy
from bpx.data.streams.real import as_real, on_host

MASKED = np.ma.masked_array([[1.0, 2.0]], [[False, True]])


@pytest.mark.parametrize("dtype", ["bool", "uint8", "int64", "float16", "float64"])
def test_real_numbers_pass_as_they_are(dtype):
    x = np.ones((2, 3), dtype)
    assert as_real(x, "x") is x
    assert as_real([[1.0], [2.0]], "x").tolist() == [[1.0], [2.0]]


def test_rows_of_a_file_stay_unread(tmp_path):
    np.save(tmp_path / "x.npy", np.ones((2, 3)))
    rows = open_npy(tmp_path / "x.npy")
    assert as_real(rows, "x") is rows
    np.save(tmp_path / "x.npy", np.ones((2, 3), complex))
    with pytest.raises(bpx.InputError, match="x has dtype complex128"):
        as_real(open_npy(tmp_path / "x.npy"), "x")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (np.ones(2, complex), "y has dtype complex128; expected real numbers"),
        (np.array(["1", "2"]), "y has dtype <U1; expected real numbers"),
        ([1, None], "y has dtype object; expected real numbers"),
        (MASKED, "y is a masked array; bpx would train on the masked values"),
        ([[1.0], [1.0, 2.0]], "y cannot become an array .* expected one row for each sample"),
        (3, "y is int, which has no rows; expected an array"),
        ("ab", "y is str, which has no rows"),
    ],
)
def test_anything_else_is_refused(given, message):
    with pytest.raises(bpx.InputError, match=message):
        as_real(given, "y")


def test_sparse_arrays_are_refused():
    sparse = pytest.importorskip("scipy.sparse", reason="SciPy is not installed")
    with pytest.raises(bpx.InputError, match=r"x is sparse; expected a dense array"):
        as_real(sparse.csr_array(np.eye(2)), "x")


def test_what_a_schema_encodes_may_be_texts():
    assert on_host([["a"], ["b"]], "x").dtype.kind == "U"
    with pytest.raises(bpx.InputError, match="x is a masked array"):
        on_host(MASKED, "x")
