"""Ranks that MPI starts, for NumPy's arrays and others in the host's memory, and for CuPy's.

Uses mpi4py, and the MPI library that it finds: MPICH, Open MPI, or a vendor's own.
"""

import sys
from typing import Any

import numpy as np
from mpi4py import MPI

from bpx.errors import BackendError

__all__ = ["Mpi", "world"]


class Mpi:
    """The ranks of an MPI communicator.

    Parameters
    ----------
    comm : mpi4py.MPI.Comm
        A communicator of bpx alone: its messages must not meet others.
    """

    name = "MPI"

    def __init__(self, comm: MPI.Comm) -> None:
        self._comm = comm
        self.rank, self.size = comm.Get_rank(), comm.Get_size()

    def all_reduce(self, x: Any) -> None:
        """Replace a contiguous array in the host's memory by its sum over the ranks."""
        self._comm.Allreduce(MPI.IN_PLACE, np.asarray(x), op=MPI.SUM)

    def gather(self, value: Any) -> list[Any]:
        """Return the values of all ranks, by rank."""
        found: list[Any] = self._comm.allgather(value)
        return found

    def broadcast(self, value: Any) -> Any:
        """Return the value of rank 0."""
        return self._comm.bcast(value)

    def abort(self) -> None:
        """End the processes of all ranks."""
        sys.stdout.flush()
        sys.stderr.flush()
        self._comm.Abort(1)


def world(home: str) -> Any:
    """Return all ranks that this process was started with, for arrays of a home.

    Raises
    ------
    BackendError
        If they cannot add arrays of that home; for CuPy, see `bpx_backends.ranks.nccl`.
    """
    library, _, device = home.partition(":")
    is_cuda = library == "torch" and "cuda" in device
    if library not in ("numpy", "torch", "cupy") or is_cuda:
        raise BackendError(
            f"the ranks 'mpi' were chosen for a network on {home}; they add arrays in the "
            "host's memory, and CuPy's: choose the backend numpy, torch:cpu or cupy, or, for "
            "PyTorch on CUDA, torchrun and the ranks 'torch'"
        )
    hosts = Mpi(MPI.COMM_WORLD.Dup())
    if library != "cupy":
        return hosts
    from bpx_backends.ranks import nccl  # which imports CuPy

    return nccl.world(hosts, device)
