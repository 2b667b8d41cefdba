"""Ranks that MPI starts, for NumPy's arrays and others in the host's memory, and for CuPy's.

Uses mpi4py, and the MPI library that it finds: MPICH, Open MPI, or a vendor's own.
"""

import sys
from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np
from mpi4py import MPI

from bpx.errors import BackendError
from bpx.program.operation import rows_of

__all__ = ["DividingMpi", "Mpi", "world"]


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

    def exchange(self, rows: Any, counts: Sequence[int]) -> Any:
        """Send each rank its rows, and return those from all ranks."""
        from_each = self._comm.alltoall(list(counts))
        found = np.empty((sum(from_each), *rows.shape[1:]), rows.dtype)
        # MPI counts rows, not bytes, of which there may be more than an int can hold.
        row = MPI.BYTE.Create_contiguous(prod(rows.shape[1:]) * rows.itemsize).Commit()
        try:
            self._comm.Alltoallv([rows, list(counts), row], [found, from_each, row])
        finally:
            row.Free()
        return found

    def abort(self) -> None:
        """End the processes of all ranks."""
        sys.stdout.flush()
        sys.stderr.flush()
        self._comm.Abort(1)


class DividingMpi(Mpi):
    """The same for NumPy's arrays, of which each rank can update its rows for all.

    PyTorch's are not divided: its own optimizers update all arrays at once.
    """

    def reduce_scatter(self, x: Any, own: Any) -> None:
        """Fill `own` with this rank's rows of the sum of x over the ranks."""
        x = np.ascontiguousarray(x)
        self._comm.Reduce_scatter(x, np.asarray(own), self._counts(x), op=MPI.SUM)

    def swap_rows(self, x: Any, others: Any) -> None:
        """Fill `others`, of two ranks, with this one's rows of the other's x."""
        x, other = np.asarray(x), 1 - self.rank
        begin, end = self._rows(x, other)
        sent = np.ascontiguousarray(x[begin:end])
        self._comm.Sendrecv(sent, other, recvbuf=np.asarray(others), source=other)

    def all_gather(self, own: Any, x: Any) -> None:
        """Fill x with the rows of all ranks."""
        x = np.asarray(x)
        begin, end = self._rows(x, self.rank)
        own, mine = np.asarray(own), x[begin:end]
        if own.ctypes.data != mine.ctypes.data:
            np.copyto(mine, own)
        if x.shape[0] % self.size == 0:
            self._comm.Allgather(MPI.IN_PLACE, x)
        else:
            self._comm.Allgatherv(MPI.IN_PLACE, [x, self._counts(x)])

    def _rows(self, x: np.ndarray, rank: int) -> tuple[int, int]:
        return rows_of(rank, self.size, x.shape[0])

    def _counts(self, x: np.ndarray) -> list[int]:
        """How many elements of an array each rank's rows have."""
        rows = (self._rows(x, rank) for rank in range(self.size))
        return [(end - begin) * x[0].size for begin, end in rows]


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
    kind = DividingMpi if library == "numpy" else Mpi
    hosts = kind(MPI.COMM_WORLD.Dup())
    if library != "cupy":
        return hosts
    from bpx_backends.ranks import nccl  # which imports CuPy

    return nccl.world(hosts, device)
