"""What the suites of the benchmarks share: nothing asserts on time."""

import sys

import numpy as np
import pytest

from benchmarks import book, first_step, inference, memory, rounds
from benchmarks.cases import CASES
from bpx.data import Dataset, Split
from tests.benchmarks.small import TINY


@pytest.fixture(autouse=True)
def _settings_are_put_back(monkeypatch):
    monkeypatch.setenv("CUPY_TF32", "0")
    monkeypatch.setenv("XLA_PYTHON_CLIENT_PREALLOCATE", "false")
    monkeypatch.setattr(rounds, "PAUSE", 0.0)
    yield
    if "jax" in sys.modules:
        sys.modules["jax"].config.update("jax_default_matmul_precision", None)


@pytest.fixture
def tiny(monkeypatch):
    """Every case and every number of samples is a small one."""
    for name, case in TINY.items():
        monkeypatch.setitem(CASES, name, case)
    monkeypatch.setattr(inference, "BATCHES", (1, 4))
    monkeypatch.setattr(memory, "MNIST", 32)
    monkeypatch.setattr(first_step, "STARTS", 1)


@pytest.fixture
def stand_in(monkeypatch):
    """A data set that stands in for MNIST, of 40 samples."""
    rng = np.random.default_rng(0)
    y = np.arange(40, dtype=np.int32) % 10
    x = (np.eye(10)[y] + 0.1 * rng.random((40, 10))).astype(np.float32)
    split = Split(x, y)
    data = Dataset("mnist", split, split, split)
    monkeypatch.setattr(book, "_mnist", lambda folder: data)
    return data
