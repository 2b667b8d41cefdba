"""What started this process beside others: an MPI launcher, Slurm, or torchrun."""

import os
from collections.abc import Mapping
from typing import NamedTuple

__all__ = ["Launched", "launched"]

_LAUNCHERS = (
    ("torchrun", "torch", "RANK", "WORLD_SIZE", "TORCHELASTIC_RUN_ID"),
    ("MPICH's mpiexec", "mpi", "PMI_RANK", "PMI_SIZE", None),
    ("Open MPI's mpiexec", "mpi", "OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE", None),
    ("Slurm's srun", "mpi", "SLURM_PROCID", "SLURM_STEP_NUM_TASKS", None),
)
"""Their names, the ranks that they mean, and the variables that they set."""


class Launched(NamedTuple):
    """What a launcher has told this process.

    Attributes
    ----------
    by : str
        The launcher, for a reader.
    ranks : {"mpi", "torch"}
        What reaches the other processes.
    rank, size : int
    """

    by: str
    ranks: str
    rank: int
    size: int


def launched(environment: Mapping[str, str] = os.environ) -> Launched | None:
    """Return what started this process as one of several, or None if it is alone."""
    for by, ranks, rank, size, needs in _LAUNCHERS:
        told = environment.get(rank, ""), environment.get(size, "")
        if all(each.isdecimal() for each in told) and (needs is None or needs in environment):
            found = Launched(by, ranks, *map(int, told))
            return found if found.size > 1 else None
    return None
