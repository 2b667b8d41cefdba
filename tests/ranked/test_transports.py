"""What can carry messages here, and what is said of a package that is broken."""

import sys

import pytest

from bpx.errors import BackendError
from bpx_backends.ranks import transports
from bpx_backends.ranks.transports import described
from tests.launching import needs_mpi


def test_the_library_of_mpi():
    needs_mpi()
    assert described("mpi4py").startswith("mpi4py ")
    assert "MPI" in described("mpi4py").partition(", ")[2]
    assert "\n" not in described("mpi4py")


def test_mpi4py_without_a_library(monkeypatch):
    pytest.importorskip("mpi4py", reason="mpi4py is not installed")
    monkeypatch.setattr(transports, "_LIBRARY", "raise RuntimeError('no libmpi')")
    with pytest.raises(BackendError, match=r"no libmpi; .* comes with: pip install mpich$"):
        described("mpi4py")
    monkeypatch.setattr(transports, "_LIBRARY", "import time\ntime.sleep(60)")
    monkeypatch.setattr(transports, "SECONDS", 0.01)
    with pytest.raises(BackendError, match=r"mpi4py cannot be used: .* timed out"):
        described("mpi4py")


def test_the_transports_of_torch(monkeypatch):
    torch = pytest.importorskip("torch", reason="torch is not installed")
    assert described("torch").startswith(f"torch {torch.__version__}, gloo")
    monkeypatch.setattr(torch.distributed, "is_nccl_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda.nccl, "version", lambda: (2, 28, 9))
    assert described("torch").endswith(", gloo and NCCL 2.28.9")
    monkeypatch.setattr(torch.distributed, "is_available", lambda: False)
    with pytest.raises(BackendError, match="built without"):
        described("torch")


def test_the_devices_of_jax():
    jax = pytest.importorskip("jax", reason="JAX is not installed")
    count = jax.local_device_count()
    assert described("jax").startswith(f"jax {jax.__version__}, {count} device")


def test_a_package_that_cannot_be_imported(monkeypatch):
    pytest.importorskip("torch", reason="torch is not installed")
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(BackendError, match="torch cannot be used: "):
        described("torch")
