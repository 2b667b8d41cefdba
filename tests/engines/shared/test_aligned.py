"""Copies of host arrays that begin in a cache line."""

import numpy as np
import pytest

from bpx_backends.engines.shared.aligned import aligned


@pytest.mark.parametrize("dtype", ["float32", "int32", "bool"])
@pytest.mark.parametrize("shape", [(6, 5), (), (0, 3), (1,)])
def test_a_copy_begins_in_a_cache_line(shape, dtype):
    given = np.arange(2.0 * np.prod(shape)).astype(">f8")[::-2].reshape(shape)
    for _ in range(5):
        made = aligned(given, dtype)
        assert made.size == 0 or made.ctypes.data % 64 == 0
        assert made.flags.c_contiguous
        assert made.dtype == dtype
        np.testing.assert_array_equal(made, given.astype(dtype))
        assert not np.shares_memory(made, given)
