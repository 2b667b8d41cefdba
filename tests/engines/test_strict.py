"""array-api-strict as a backend: three devices, and nothing beyond the standard."""

import numpy as np
import pytest

xp = pytest.importorskip("array_api_strict")

from bpx.program.contract import eager  # noqa: E402
from bpx_backends import _strict  # noqa: E402


@pytest.mark.parametrize("name", _strict.devices())
def test_an_array_arrives_on_its_device_and_comes_back(name):
    x = np.arange(6.0).reshape(2, 3)
    arrived = _strict.asarray(x, "float32", _strict.device(name))
    assert _strict.is_array(arrived)
    assert _strict.device_of(arrived) == xp.Device(name)
    assert arrived.dtype == xp.float32
    x[...] = -1.0
    np.testing.assert_array_equal(_strict.to_host(arrived), np.arange(6.0).reshape(2, 3))


def test_the_default_device_is_its_cpu_and_others_are_refused():
    assert _strict.device(None) == xp.Device("CPU_DEVICE")
    with pytest.raises(ValueError, match="device9"):
        _strict.device("device9")


def test_numpys_arrays_are_not_its_own():
    assert not _strict.is_array(np.ones(2))


def test_its_engine_is_the_plain_loop():
    assert _strict.scan is eager
    assert _strict.engine() == "operation by operation"
