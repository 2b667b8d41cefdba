"""NumPy as a backend: the host's own arrays, copied when they arrive."""

import numpy as np
import pytest

from bpx_backends import _numpy
from bpx_backends.engines.shared import recycling


def test_it_computes_on_the_cpu_alone():
    assert _numpy.devices() == ("cpu",)
    assert _numpy.device(None) == _numpy.device("cpu") == _numpy.device_of(np.ones(1)) == "cpu"
    with pytest.raises(ValueError, match="only on the cpu"):
        _numpy.device("cuda:0")


def test_single_numbers_of_numpy_are_arrays_and_pythons_are_not():
    assert _numpy.is_array(np.float64(1.0))
    assert _numpy.is_array(np.ones(2))
    assert not _numpy.is_array(1.0)
    assert not _numpy.is_array([1.0])


def test_an_array_arrives_in_memory_of_its_own_row_by_row():
    x = np.asfortranarray(np.arange(6.0).reshape(2, 3))
    arrived = _numpy.asarray(x, "float64", "cpu")
    assert arrived.flags.c_contiguous
    assert not np.shares_memory(arrived, x)
    np.testing.assert_array_equal(arrived, x)
    assert _numpy.asarray(x, "int32", "cpu").dtype == np.int32


def test_the_host_is_where_it_is():
    x = np.ones(3)
    assert _numpy.to_host(x) is x


def test_what_overflows_warns_outside_alone():
    with _numpy.active("cpu"):
        assert np.isinf(np.float32(1e38) * np.float32(10.0))
    with pytest.warns(RuntimeWarning, match="overflow"):
        np.float32(1e38) * np.float32(10.0)


def test_release_keeps_no_memory():
    held = recycling.empty((recycling.LARGE,), "float64")
    del held
    _numpy.release()
    assert recycling._kept.blocks == []
