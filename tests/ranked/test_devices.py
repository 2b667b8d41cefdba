"""The device of a rank: by its number on its host, and no other rank has the same."""

import pytest

from bpx.errors import BackendError
from bpx_backends.ranks.devices import Place, check_own, device_number, local_rank

TORCHRUN = {"RANK": "5", "WORLD_SIZE": "8", "TORCHELASTIC_RUN_ID": "none", "LOCAL_RANK": "1"}
SLURM = {"SLURM_PROCID": "5", "SLURM_STEP_NUM_TASKS": "8", "SLURM_LOCALID": "2"}
MPICH = {"PMI_RANK": "3", "PMI_SIZE": "4", "MPI_LOCALRANKID": "3"}
OPEN_MPI = {
    "OMPI_COMM_WORLD_RANK": "3",
    "OMPI_COMM_WORLD_SIZE": "4",
    "OMPI_COMM_WORLD_LOCAL_RANK": "0",
}


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        (TORCHRUN, 1),
        (SLURM, 2),
        (MPICH, 3),
        (OPEN_MPI, 0),
        ({**SLURM, **TORCHRUN}, 1),  # srun has started torchrun
        ({**SLURM, **MPICH}, 3),  # an allocation of Slurm, and mpiexec in it
        ({"SLURM_LOCALID": "0", "SLURM_PROCID": "0"}, None),  # sbatch, outside srun
        ({"LOCAL_RANK": "1"}, None),
        ({"PMI_RANK": "3", "PMI_SIZE": "4"}, None),
        ({}, None),
    ],
)
def test_the_number_on_a_host(environment, expected):
    assert local_rank(environment) == expected


@pytest.mark.parametrize(
    ("count", "local", "expected"),
    [(4, 3, 3), (1, 3, 0), (2, 3, 1), (4, None, None), (0, 1, None)],
)
def test_the_number_of_a_device(count, local, expected):
    assert device_number(count, local) == expected


def places(*names, count, host="a"):
    return [Place(name, f"GPU-{host}-{name}", count, host) for name in names]


@pytest.mark.parametrize(
    "own",
    [
        places("cuda:0", "cuda:1", count=2),
        [*places("cuda:0", count=1), *places("cuda:0", count=1, host="b")],
        [Place("cuda:0", "GPU-1", 1, "a"), Place("cuda:0", "GPU-2", 1, "a")],  # each sees one
    ],
)
def test_ranks_with_a_device_each(own):
    check_own(own)


def test_fewer_devices_than_ranks():
    shared = [
        *places("cuda:0", count=8),
        *places("cuda:0", "cuda:1", "cuda:0", count=2, host="b"),
    ]
    with pytest.raises(BackendError) as caught:
        check_own(shared)
    assert str(caught.value) == (
        "ranks 1 and 3 both use cuda:0 of b, where 3 ranks see 2 devices; expected a device "
        "for each rank: start at most 2 there, or give each rank a device of its own"
    )


def test_a_device_that_two_ranks_have_named():
    with pytest.raises(BackendError, match=r"2 ranks see 4 devices; .* as torch:cuda or cupy$"):
        check_own(places("cuda:0", "cuda:0", count=4))


def test_one_device():
    with pytest.raises(BackendError, match=r"2 ranks see 1 device; .* start at most 1 there"):
        check_own(places("cuda:0", "cuda:0", count=1))
