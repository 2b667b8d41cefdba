"""A training in a process of its own, with numba or without."""

import os
import subprocess
import sys
from importlib.util import find_spec

import pytest

needs_numba = pytest.mark.skipif(find_spec("numba") is None, reason="numba is not installed")

TRAIN = """
import bpx, numpy as np, sys
net = bpx.Network([3, 4, 2], seed=0, backend="numpy")
x, y = np.ones((8, 3)), np.arange(8) % 2
net.fit(x, y, epochs=1, batch_size=2, optimizer=bpx.SGD(1.0), seed=0)
print(float(net.weights[0].sum()), "numba" in sys.modules)
"""


FORK = """
import bpx, numpy as np, os

def trained():
    net = bpx.Network([3, 4, 2], seed=0, backend="numpy")
    x, y = np.ones((8, 3)), np.arange(8) % 2
    net.fit(x, y, epochs=3, batch_size=2, optimizer=bpx.Adam(), seed=0)
    return net.weights[0].tobytes().hex()

print(trained(), flush=True)
child = os.fork()
if child:
    assert os.waitpid(child, 0)[1] == 0
print(trained(), flush=True)
"""


def run(text=TRAIN, **environment):
    """In a process of its own, which ends well."""
    path = os.pathsep.join(sys.path)
    ran = subprocess.run(
        [sys.executable, "-c", text],
        env={**os.environ, "PYTHONPATH": path, **environment}, capture_output=True, text=True,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    return ran


def train(**environment):
    """In a process of its own: what it says."""
    value, used = run(**environment).stdout.split()
    return float(value), used == "True"
