"""Ranks that MPI starts, for CuPy's arrays: NCCL adds them, and MPI carries all else.

Neither mpi4py's wheel nor MPICH's reads the memory of a GPU.
"""

import atexit
from collections.abc import Sequence
from functools import cached_property
from typing import Any

import cupy
from cupy.cuda import nccl

from bpx.errors import BackendError
from bpx_backends import _cupy
from bpx_backends.ranks.devices import Place, check_own

__all__ = ["Nccl", "world"]

_INSTALL = (
    "pip install 'nvidia-nccl-cu13>=2.27.7,<3'; with CUDA 12: "
    "pip install 'nvidia-nccl-cu12>=2.25.1,<3'"
)


class Nccl:
    """The ranks of an MPI communicator, each with a GPU of its own.

    If a rank dies, the others wait for it in a sum, on their GPUs. MPI's launcher ends them, as
    `abort` does.

    Parameters
    ----------
    hosts : Mpi
        The ranks on their hosts.
    device : cupy.cuda.Device
        That of this rank.
    """

    name = "NCCL, started by MPI"

    def __init__(self, hosts: Any, device: Any) -> None:
        self._hosts, self._device = hosts, device
        self.rank, self.size = hosts.rank, hosts.size

    def all_reduce(self, x: Any) -> None:
        """Put the sum over the ranks of a contiguous array in its place, on CuPy's stream."""
        kind = getattr(nccl, f"NCCL_{x.dtype.name.upper()}", None)
        if kind is None:
            raise BackendError(f"NCCL cannot add arrays of {x.dtype}; cast them to another one")
        place, stream = x.data.ptr, cupy.cuda.get_current_stream().ptr
        self._ranks.allReduce(place, place, x.size, kind, nccl.NCCL_SUM, stream)

    def gather(self, value: Any) -> list[Any]:
        """Return the values of all ranks, by rank."""
        found: list[Any] = self._hosts.gather(value)
        return found

    def broadcast(self, value: Any) -> Any:
        """Return the value of rank 0."""
        return self._hosts.broadcast(value)

    def exchange(self, rows: Any, counts: Sequence[int]) -> Any:
        """Send each rank its rows, which are on the host, and return those from all ranks."""
        return self._hosts.exchange(rows, counts)

    def abort(self) -> None:
        """End the processes of all ranks."""
        self._hosts.abort()

    @cached_property
    def _ranks(self) -> Any:
        """NCCL's communicator, which the ranks make in their first sum.

        They wait for each other while they make it. In a sum, an error of one ends them all.
        """
        name = self.broadcast(nccl.get_unique_id() if self.rank == 0 else None)
        with self._device:
            made = nccl.NcclCommunicator(self.size, name, self.rank)
        atexit.register(made.destroy)  # before CuPy and MPI end
        return made


def world(hosts: Any, name: str) -> Nccl:
    """Return ranks that add CuPy's arrays.

    Parameters
    ----------
    hosts : Mpi
        The ranks on their hosts.
    name : str
        The device of this rank, such as ``"1"``; empty for the usual one.

    Raises
    ------
    BackendError
        On every rank, if NCCL is missing on one, or if two use the same GPU.
    """
    if False in (found := hosts.gather(nccl.available)):
        raise BackendError(
            "the ranks 'mpi' need NCCL to add CuPy's arrays, and rank "
            f"{found.index(False)} of {hosts.size} cannot load it; install it with: {_INSTALL}"
        )
    device = _cupy.device(name or None)
    check_own(hosts.gather(_place(device)))
    return Nccl(hosts, device)


def _place(device: Any) -> Place:
    count = cupy.cuda.runtime.getDeviceCount()
    return Place(f"cupy:{device.id}", device.pci_bus_id, count)
