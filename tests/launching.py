"""Programs of several processes, started as their users start them."""

import os
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

SECONDS = 120
ROOT = Path(__file__).parents[1]
HEAD = """
import os
import sys
import numpy as np
import bpx
rng = np.random.default_rng(0)
X, LABELS = rng.normal(size=(53, 6)), rng.integers(0, 3, 53)

def network(**settings):
    given = {"output": "softmax", "cost": "cross_entropy", "seed": 1, "dtype": "float64"}
    return bpx.Network([6, 8, 3], **{**given, **settings})

def trained(net, **settings):
    given = {"epochs": 3, "batch_size": 10, "optimizer": bpx.Adam(0.01), "seed": 3}
    return net.fit(X, LABELS, **{**given, **settings})

def difference(ranks, **settings):
    one, several = network(**settings), network(**settings)
    histories = trained(one, ranks="off"), trained(several, ranks=ranks)
    assert histories[0][-1].accuracy == histories[1][-1].accuracy
    pairs = zip(one.weights, several.weights)
    return max(float(abs(bpx.to_host(a) - bpx.to_host(b)).max()) for a, b in pairs)
"""
"""What the programs begin with."""

STREAM = """
def fitted(ranks):
    net, samples = network(), bpx.data.stream(X, LABELS, block=4, window=20)
    settings = {"epochs": 2, "batch_size": 10, "optimizer": bpx.Adam(0.01), "seed": 3}
    net.fit(samples, validation=samples, ranks=ranks, **settings)
    return net.weights

pairs = zip(fitted("off"), fitted("auto"))
assert max(float(abs(a - b).max()) for a, b in pairs) < 1e-12
print("streamed")
"""
"""Training on a stream that the ranks share."""

EXCHANGE = """
from importlib import import_module
ranks = import_module("bpx_backends.ranks." + sys.argv[1]).world("numpy")

def rows(sender, receiver, dtype, shape):
    return np.full(((sender + 1) * receiver, *shape), 10 * sender + receiver).astype(dtype)

for dtype in ("float32", "float64", "int32", "uint8", "bool"):
    for shape in ((), (3,), (2, 2)):
        each = [rows(ranks.rank, other, dtype, shape) for other in range(ranks.size)]
        found = ranks.exchange(np.concatenate(each), [len(some) for some in each])
        own = [rows(other, ranks.rank, dtype, shape) for other in range(ranks.size)]
        expected = np.concatenate(own)
        assert found.dtype == expected.dtype, found.dtype
        assert found.tobytes() == expected.tobytes() and found.shape == expected.shape
        found[...] = 0
print("exchanged")
"""
"""Rows of several kinds from each of the ranks to each; rank 0 gets none."""


def environment(**more):
    """That of this process without its choices; what is imported is this tree's."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("BPX_", "PMI_", "OMPI_"))}
    paths = os.pathsep.join(map(str, (ROOT, ROOT / "backends")))
    return {**kept, "PYTHONPATH": paths, "BPX_NUMBA": "off", "OMP_NUM_THREADS": "1", **more}


def needs_mpi():
    """Skip the test where there is no MPI."""
    if find_spec("mpi4py") is None:
        pytest.skip("mpi4py is not installed")
    beside = Path(sys.executable).with_name("mpiexec")
    found = str(beside) if beside.exists() else shutil.which("mpiexec")
    if found is None:
        pytest.skip("there is no mpiexec")
    return found


def under_mpi(size, text, *words, code=0, **variables):
    """Run a program on so many ranks of MPI; return what it printed."""
    return _ran([needs_mpi(), "-n", str(size)], text, words, code, variables)


def under_torchrun(size, text, *words, code=0, **variables):
    """Run a program on so many ranks of torchrun; return what it printed."""
    pytest.importorskip("torch", reason="torch is not installed")
    run = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
    return _ran([*run, f"--nproc-per-node={size}"], text, words, code, variables)


def alone(text, *words, code=0, **variables):
    """Run a program in one process."""
    return _ran([], text, words, code, variables)


def _ran(launcher, text, words, code, variables):
    path = Path("program.py")
    path.write_text(HEAD + text)
    is_torchrun = "torch.distributed.run" in launcher
    python = [] if is_torchrun else [sys.executable]
    made = subprocess.run(
        [*launcher, *python, str(path), *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=SECONDS,
        env=environment(**variables),
    )
    if code is None:
        assert made.returncode != 0, made.stdout
    else:
        assert made.returncode == code, made.stdout
    return made.stdout
