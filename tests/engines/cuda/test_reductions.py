"""Every reduction, along rows and columns of many shapes, against NumPy's."""

import numpy as np
import pytest

from tests.engines.cuda.functions import SHAPES, computing, reduced, reduced_floats
from tests.engines.cuda.steps import emulator


@pytest.mark.usefixtures("emulated")
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_every_reduction(shape):
    x = np.random.default_rng(0).normal(size=shape)
    run, expected = computing(reduced_floats, x)
    for backwards in (False, True):
        found = run.after(emulator(reverse=backwards)[0].scan)
        for one, other in zip(found, expected, strict=True):
            assert one.dtype == other.dtype
            np.testing.assert_allclose(one, other, rtol=1e-12, atol=1e-12)


@pytest.mark.usefixtures("emulated")
@pytest.mark.parametrize("shape", [(4, 6), (4, 100), (4, 1300)], ids=str)
def test_the_largest_is_the_first_one_or_nan(shape):
    x = np.random.default_rng(0).integers(0, 4, shape).astype("float32")  # many are equal
    x[1, [2, 5]] = np.nan
    x[2] = -np.inf
    x[3, 3] = np.inf
    for values in (x, x[[0, 0, 0, 0]].astype("int32")):
        run, expected = computing(reduced, values)
        for one, other in zip(run.after(emulator()[0].scan), expected, strict=True):
            np.testing.assert_array_equal(one, other)
