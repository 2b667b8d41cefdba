"""What started a process beside others."""

import pytest

from bpx_backends.ranks.launched import launched

TORCHRUN = {"RANK": "1", "WORLD_SIZE": "4", "TORCHELASTIC_RUN_ID": "none"}


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, None),
        ({"PMI_RANK": "1", "PMI_SIZE": "2"}, ("MPICH's mpiexec", "mpi", 1, 2)),
        ({"PMI_RANK": "0", "PMI_SIZE": "1"}, None),
        (
            {"OMPI_COMM_WORLD_RANK": "3", "OMPI_COMM_WORLD_SIZE": "8"},
            ("Open MPI's mpiexec", "mpi", 3, 8),
        ),
        ({"SLURM_PROCID": "5", "SLURM_STEP_NUM_TASKS": "16"}, ("Slurm's srun", "mpi", 5, 16)),
        ({"SLURM_PROCID": "0", "SLURM_NTASKS": "16"}, None),  # sbatch, outside srun
        (TORCHRUN, ("torchrun", "torch", 1, 4)),
        ({"RANK": "1", "WORLD_SIZE": "4"}, None),  # set by nobody known
        ({"PMI_RANK": "one", "PMI_SIZE": "2"}, None),
        ({"PMI_RANK": "0", "PMI_SIZE": "1", **TORCHRUN}, ("torchrun", "torch", 1, 4)),
    ],
)
def test_what_the_variables_say(environment, expected):
    assert launched(environment) == expected
