"""Ranks that torch.distributed joins, as torchrun starts them: by gloo, or by NCCL on CUDA."""

import atexit
import os
import sys
from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np
import torch
from torch import distributed
from torch.distributed.rendezvous import rendezvous

from bpx.errors import BackendError
from bpx_backends import _torch
from bpx_backends.ranks.devices import Place, check_own

__all__ = ["Torch", "world"]


class Torch:
    """The ranks of torch.distributed.

    Parameters
    ----------
    arrays : ProcessGroup
        That for arrays.
    objects : ProcessGroup
        That for what the hosts exchange.
    """

    def __init__(self, arrays: Any, objects: Any) -> None:
        self._arrays, self._objects = arrays, objects
        self.name = f"torch.distributed, {distributed.get_backend(arrays)}"
        self.rank, self.size = distributed.get_rank(arrays), distributed.get_world_size(arrays)

    def all_reduce(self, x: Any) -> None:
        """Replace a contiguous tensor, or NumPy array, by its sum over the ranks."""
        tensor = x if isinstance(x, torch.Tensor) else torch.from_numpy(x)
        distributed.all_reduce(tensor, group=self._arrays)

    def gather(self, value: Any) -> list[Any]:
        """Return the values of all ranks, by rank."""
        found = [None] * self.size
        distributed.all_gather_object(found, value, group=self._objects)
        return found

    def broadcast(self, value: Any) -> Any:
        """Return the value of rank 0."""
        held = [value if self.rank == 0 else None]
        distributed.broadcast_object_list(held, src=0, group=self._objects)
        return held[0]

    def exchange(self, rows: Any, counts: Sequence[int]) -> Any:
        """Send each rank its rows, and return those from all ranks."""
        to_each = torch.tensor(list(counts), dtype=torch.int64)
        from_each = torch.empty_like(to_each)
        distributed.all_to_all_single(from_each, to_each, group=self._objects)
        found = np.empty((int(from_each.sum()), *rows.shape[1:]), rows.dtype)
        split = from_each.tolist(), to_each.tolist(), self._objects
        distributed.all_to_all_single(_bytes(found), _bytes(rows), *split)
        return found

    def abort(self) -> None:
        """End this process at once: torchrun then ends the others."""
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(1)


def _bytes(rows: Any) -> torch.Tensor:
    """Return the bytes of each row, in the same memory: gloo lacks some dtypes."""
    each = prod(rows.shape[1:]) * rows.itemsize
    return torch.from_numpy(rows.reshape(-1).view(np.uint8).reshape(len(rows), each))


def world(home: str) -> Torch:
    """Return all ranks that torchrun started, for arrays of a home.

    Raises
    ------
    BackendError
        If they cannot add arrays of that home, if torchrun did not start this process, or, on
        every rank, if two of them use the same device of CUDA.
    """
    library, _, name = home.partition(":")
    if library not in ("torch", "numpy"):
        raise BackendError(
            f"the ranks 'torch' were chosen for a network on {home}; they add arrays of torch "
            "and numpy: choose 'mpi', or another backend"
        )
    if not distributed.is_initialized():
        _initialize()
    objects = distributed.new_group(backend="gloo")
    hosts = Torch(objects, objects)
    device = _torch.device(name or None) if library == "torch" else None
    if device is None or device.type != "cuda":
        return hosts
    check_own(hosts.gather(_place(device)))
    return Torch(distributed.new_group(backend="nccl"), objects)


def _place(device: torch.device) -> Place:
    properties = torch.cuda.get_device_properties(device)
    return Place(str(device), str(properties.uuid), torch.cuda.device_count())


_NEEDED = ("RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")


def _initialize() -> None:
    """Join the processes, by the address that torchrun has set.

    Each restart has names of its own in the store: otherwise a process may find the addresses
    of one that has ended (pytorch#135712).
    """
    if missing := [name for name in _NEEDED if name not in os.environ]:
        raise BackendError(
            f"the ranks 'torch' need the variables that torchrun sets, and {missing[0]} is not "
            "set; start the program by torchrun, or choose ranks='auto'"
        )
    store, rank, size = next(rendezvous("env://"))
    attempt = os.environ.get("TORCHELASTIC_RESTART_COUNT", "0")
    own = distributed.PrefixStore(f"attempt {attempt}", store)
    distributed.init_process_group("gloo", store=own, rank=rank, world_size=size)
    atexit.register(_leave)


def _leave() -> None:
    """End the threads of the processes' connections before Python ends."""
    if distributed.is_initialized():
        distributed.destroy_process_group()
