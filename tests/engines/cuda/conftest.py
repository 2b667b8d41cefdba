"""What the suites of the CUDA sources share: where they can run, and where not."""

import numpy as np
import pytest

from tests.backends import problem
from tests.engines.cuda.emulation import compiler, nvrtc


@pytest.fixture(autouse=True)
def _quiet():
    with np.errstate(all="ignore"):
        yield


@pytest.fixture
def emulated():
    if compiler() is None:
        pytest.skip("no C++20 compiler (g++ or clang++) to run kernels on the host")


@pytest.fixture
def _nvrtc():
    if nvrtc() is None:
        pytest.skip("nvidia-cuda-nvrtc is not installed")


@pytest.fixture
def gpu():
    """Skipped, with the reason, where CuPy does not compute."""
    if reason := problem("cupy"):
        pytest.skip(reason)
