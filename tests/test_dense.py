"""Masked and sparse arrays are refused by their kind; dense ones pass."""

import numpy as np
import pytest

import bpx
from bpx._dense import refuse_masked_or_sparse


class Sparse:
    """As SciPy's."""

    nnz, toarray = 3, None


class SparseTensor:
    """As PyTorch's."""

    is_sparse = True


@pytest.mark.parametrize(
    ("x", "said"),
    [
        (np.ma.masked_array([1.0], [True]), r"x is a masked array.*x\.filled"),
        (np.ones((1, 1)).view(np.matrix), "x is a numpy.matrix"),
        (Sparse(), "x is sparse; expected a dense array"),
        (SparseTensor(), "x is sparse; expected a dense array"),
    ],
)
def test_what_is_not_all_there_is_refused(x, said):
    with pytest.raises(bpx.InputError, match=said):
        refuse_masked_or_sparse(x, "x")


class Frame:
    """Its columns are called as attributes of other kinds."""

    def __getattr__(self, name):
        if name in ("A1", "filled", "mask"):
            return [1.0]
        raise AttributeError(name)


@pytest.mark.parametrize("x", [np.zeros(3), [1.0], None, Frame()])
def test_anything_else_passes(x):
    refuse_masked_or_sparse(x, "x")
