"""What can carry the messages of ranks on this machine, in words for a reader."""

import subprocess
import sys
from importlib.metadata import version

from bpx.errors import BackendError

__all__ = ["described"]

_LIBRARY = """
import mpi4py
mpi4py.rc.initialize = False
from mpi4py import MPI
print(MPI.Get_library_version().strip().partition("\\n")[0].strip("\\0 "))
"""
"""A program of its own: to load MPI into this process would begin or spoil it."""
SECONDS = 20.0


def described(package: str) -> str:
    """Return the version of an installed package, and what it sends messages by.

    Parameters
    ----------
    package : {"mpi4py", "torch", "jax"}

    Raises
    ------
    BackendError
        If it cannot be used; the message says why.
    """
    try:
        return f"{package} {version(package)}, {_BY[package]()}"
    except (ImportError, OSError, RuntimeError, subprocess.SubprocessError) as error:
        raise BackendError(f"{package} cannot be used: {error}") from error


def _mpi() -> str:
    ran = subprocess.run(
        [sys.executable, "-c", _LIBRARY], capture_output=True, text=True, timeout=SECONDS
    )
    if ran.returncode:
        last = ran.stderr.strip().splitlines() or ["it ended without a message"]
        raise RuntimeError(f"{last[-1]}; an MPI library comes with: pip install mpich")
    return " ".join(ran.stdout.split())


def _torch() -> str:
    from torch import cuda, distributed

    if not distributed.is_available():
        raise RuntimeError("it was built without torch.distributed")
    names = ["gloo"] * distributed.is_gloo_available()
    if distributed.is_nccl_available() and cuda.is_available():
        names.append("NCCL " + ".".join(map(str, cuda.nccl.version())))
    return " and ".join(names)


def _jax() -> str:
    import jax

    count = jax.local_device_count()
    return f"{count} device{'s' * (count != 1)} of this process, {jax.default_backend()}"


_BY = {"mpi4py": _mpi, "torch": _torch, "jax": _jax}
