"""An empty folder for each test of the command line, and what it trains on."""

import os
import sys

import numpy as np
import pytest

BACKENDS = {"numpy": "numpy", "torch": "torch", "jax": "jax", "strict": "array_api_strict"}


@pytest.fixture(autouse=True)
def _apart(monkeypatch, tmp_path):
    """Every test in an empty folder, without the caller's choices."""
    for name in [name for name in os.environ if name.startswith("BPX_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


@pytest.fixture(params=BACKENDS)
def backend(request):
    pytest.importorskip(BACKENDS[request.param], reason=f"{request.param} is not installed")
    return request.param


@pytest.fixture
def digits():
    pytest.importorskip("sklearn", reason="the digits come with scikit-learn")
    return "digits"


@pytest.fixture
def blobs(tmp_path):
    """A table of three classes that are easy to tell apart."""
    rng = np.random.default_rng(0)
    y = rng.integers(0, 3, 90)
    x = np.eye(3)[y] + rng.normal(0, 0.1, (90, 3))
    table = np.c_[x, y]
    np.savetxt(tmp_path / "blobs.csv", table, "%.6g", ",", header="a,b,c,kind", comments="")
    np.savetxt(tmp_path / "inputs.csv", x, "%.9g", ",", header="a,b,c", comments="")
    np.savetxt(tmp_path / "bare.csv", x, "%.9g", ",")
    np.save(tmp_path / "inputs.npy", np.loadtxt(tmp_path / "bare.csv", delimiter=","))
    np.savez(tmp_path / "blobs.npz", x=x, y=y)
    return "blobs.csv"


@pytest.fixture
def trained(blobs):
    from tests.cli.invoked import ok  # whose import skips where the extra is missing

    ok("train", blobs, "--epochs", "3", "--seed", "5", "--out", "run")
    return "run"


PARTS = """
import bpx

def sigma(z):
    return z**3

mine = bpx.Elementwise("mine", sigma, lambda z, a: 3.0 * z * z)
wrong = bpx.Elementwise("wrong", sigma, lambda z, a: 3.03 * z * z)
cost = bpx.Cost("mine", bpx.costs.quadratic.value, bpx.costs.quadratic.grad_a)
number = 3

def right_network():
    return bpx.Network([3, 4, 2], hidden=mine, seed=0)

def wrong_network():
    return bpx.Network([3, 4, 2], hidden=wrong, seed=0)

def halved(w, delta, B):
    return 0.5 * (delta[0] @ w[0])

def broken():
    raise RuntimeError("not today")

class Holder:
    inside = mine
"""


@pytest.fixture
def _parts(_apart, monkeypatch, tmp_path):
    """A file with parts of one's own, in that folder."""
    monkeypatch.setattr(sys, "path", list(sys.path))
    (tmp_path / "parts_of_mine.py").write_text(PARTS)
    yield
    sys.modules.pop("parts_of_mine", None)
