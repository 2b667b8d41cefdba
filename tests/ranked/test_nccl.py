"""Ranks whose CuPy arrays NCCL adds: on stand-ins for both, and on GPUs."""

import json

import numpy as np
import pytest

from bpx.errors import BackendError
from tests.backends import Target, host, problem
from tests.engines.cuda import fakes
from tests.engines.cuda.emulation import compiler
from tests.engines.cuda.nccl import KINDS, Nccl
from tests.launching import needs_mpi, under_mpi
from tests.ranks import communicators, on_ranks


@pytest.fixture
def library():
    return Nccl()


@pytest.fixture
def made(monkeypatch, library):
    """The module, on stand-ins; what it leaves for the end of the process is noted."""
    found = fakes.anew(monkeypatch, "bpx_backends.ranks.nccl", library)
    monkeypatch.setattr(found.atexit, "register", lambda ends: library.calls.append(ends))
    return found


def alone(made):
    return made.Nccl(communicators(1)[0], fakes.Device(0))


@pytest.mark.parametrize(
    "dtype", ["float16", "float32", "float64", "bfloat16", "int32", "int64", "uint8"]
)
def test_an_array_is_added_in_its_place(made, library, dtype):
    if dtype == "bfloat16":
        dtype = pytest.importorskip("ml_dtypes").bfloat16
    x = fakes.zeros((3, 4), np.dtype(dtype))
    alone(made).all_reduce(x)
    kind = KINDS[f"NCCL_{x.dtype.name.upper()}"]
    assert library.calls[-1] == ("sum", x.data.ptr, 12, kind)


def test_the_ranks_meet_in_the_first_sum_and_part_at_the_end(made, library):
    ranks = alone(made)
    assert library.calls == []
    for _ in range(2):
        ranks.all_reduce(fakes.zeros((2,), "float32"))
    name, init, ends, *sums = library.calls
    assert (name, init) == ("get_unique_id", ("init", 1, 0))
    assert [each[0] for each in sums] == ["sum", "sum"]
    ends()
    assert library.calls[-1] == "destroy"


def test_it_is_on_the_stream_that_is_current(made):
    with fakes.Stream():
        alone(made).all_reduce(fakes.zeros((2,), "float32"))  # the stand-in compares them


def test_a_dtype_that_nccl_has_not(made, library):
    with pytest.raises(
        BackendError, match="NCCL cannot add arrays of int16; cast them to anoth"
    ):
        alone(made).all_reduce(fakes.zeros((2,), "int16"))
    assert library.calls == []


def test_its_messages_are_those_of_the_hosts(made):
    def run(hosts):
        hosts.exchange = lambda rows, counts: (hosts.rank, rows, counts)
        ranks = made.Nccl(hosts, fakes.Device(0))
        found = ranks.gather(ranks.rank * 10), ranks.broadcast(f"of {ranks.rank}"), ranks.size
        assert ranks.exchange("rows", [1, 3]) == (ranks.rank, "rows", [1, 3])
        ranks.gather(None)
        if ranks.rank == 0:
            ranks.abort()
        return *found, hosts.aborted

    assert on_ranks(2, run) == [([0, 10], "of 0", 2, True), ([0, 10], "of 0", 2, False)]


def test_all_ranks_are_told_of_one_without_nccl(made, library):
    def run(hosts):
        hosts.gather, gather = lambda own: gather(own and hosts.rank == 0), hosts.gather
        with pytest.raises(BackendError) as caught:
            made.world(hosts, "")
        return str(caught.value)

    for told in on_ranks(2, run):
        assert "rank 1 of 2 cannot load it" in told
        assert "pip install 'nvidia-nccl-cu13>=2.27.7,<3'" in told


def test_each_rank_has_a_device_of_its_own(made, monkeypatch):
    monkeypatch.setattr(fakes.Device, "count", 2)
    found = on_ranks(2, lambda hosts: made.world(hosts, str(hosts.rank)))
    assert [(each.rank, each.size, each.name) for each in found] == [
        (0, 2, "NCCL, started by MPI"),
        (1, 2, "NCCL, started by MPI"),
    ]


@pytest.mark.parametrize(
    ("size", "count", "advice"),
    [(2, 4, "name the backend without a number, as torch:cuda or cupy"),
     (3, 2, "where 3 ranks see 2 devices; .* start at most 2 there")],
)  # fmt: skip
def test_ranks_that_share_a_device_are_refused(made, monkeypatch, size, count, advice):
    monkeypatch.setattr(fakes.Device, "count", count)

    def run(hosts):
        with pytest.raises(BackendError, match=f"both use cupy:0 of .*{advice}"):
            made.world(hosts, str(hosts.rank % 2 if size == 3 else 0))

    on_ranks(size, run)


def test_mpi_chooses_it_for_cupy(made, monkeypatch):
    needs_mpi()
    import bpx_backends.ranks
    from bpx_backends.ranks import mpi

    monkeypatch.setattr(bpx_backends.ranks, "nccl", made, raising=False)
    ranks = mpi.world("cupy:3")
    assert (type(ranks).__name__, ranks.size, ranks._device.id) == ("Nccl", 1, 3)
    assert ranks.gather("one") == ["one"]


STEPS = """
import json
from pathlib import Path
import pytest
from mpi4py import MPI
from bpx_backends.engines.cuda.engine import CupyEngine
from bpx_backends.ranks.mpi import Mpi
from tests.engines.cuda import fakes
from tests.engines.cuda.nccl import Nccl
from tests.engines.cuda.steps import agree, of_rank, on_fakes, parameters_of, training

hosts = Mpi(MPI.COMM_WORLD.Dup())
sums = Mpi(MPI.COMM_WORLD.Dup())
library = Nccl(sums.all_reduce)
fakes.Device.count = 2
with pytest.MonkeyPatch.context() as patch, fakes.installed(patch, fakes.CublasLt()) as machine:
    ranks = fakes.anew(patch, "bpx_backends.ranks.nccl", library)
    group = ranks.world(hosts, str(hosts.rank))
    run = training(batch=6, dtype="float64", steps=12)
    engine = CupyEngine(machines=machine.CupyMachines("float32"))
    ours = on_fakes(of_rank(run, group)).after(engine.scan, 1, 9, 12)
    agree(parameters_of(run, ours), parameters_of(run, run.eagerly()), 1e-12)
    (replay,) = engine._replays.values()
    graphs = len(replay.graphs)
    arena = replay.machine._arena
    places = {each[1] - arena.data.ptr for each in library.calls if each[0] == "sum"}
    found = [each if isinstance(each, str) else each[0] for each in library.calls]
    counts = {each[2:] for each in library.calls if each[0] == "sum"}
    told = {"calls": found, "graphs": graphs, "inside": all(0 < p < arena.size for p in places),
            "places": len(places), "counts": sorted(counts)}
    Path(f"rank{hosts.rank}.json").write_text(json.dumps(told))
"""


def test_steps_of_two_ranks_on_stand_ins_are_those_of_one(tmp_path):
    """The engine's calls of CUDA and of NCCL, in each process; MPI adds what NCCL would."""
    if compiler() is None:
        pytest.skip("no C++20 compiler (g++ or clang++) to run kernels on the host")
    under_mpi(2, STEPS)
    own = [json.loads((tmp_path / f"rank{rank}.json").read_text()) for rank in range(2)]
    sums = ["sum"] * 12  # one for each step, and none for the discarded one
    first, second = (each["calls"] for each in own)
    assert second == ["init", *sums]
    assert first == ["get_unique_id", *second]
    for told in own:
        assert told["graphs"] == 2  # before the sum, and after it
        assert told["inside"]
        assert told["places"] == 1
        ((count, kind),) = told["counts"]
        assert kind == KINDS["NCCL_FLOAT64"]
        assert 6 * 5 + 5 + 5 * 4 + 4 <= count < 6 * 5 + 5 + 5 * 4 + 4 + 3 * 8  # and the gaps


@pytest.fixture
def gpu():
    if reason := problem("cupy"):
        pytest.skip(reason)
    module = pytest.importorskip("bpx_backends.ranks.nccl")
    if not module.nccl.available:
        pytest.skip("CuPy cannot load NCCL")
    return module


@pytest.mark.gpu
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "int32"])
def test_gpu_a_world_of_one(gpu, dtype):
    import cupy

    ranks = gpu.world(communicators(1)[0], "")
    x = Target.CUPY.asarray(np.arange(6).reshape(2, 3), dtype)
    cupy.cuda.Device().synchronize()
    with cupy.cuda.Stream(non_blocking=True) as stream:
        ranks.all_reduce(x)
        stream.synchronize()
    np.testing.assert_array_equal(host(x), np.arange(6).reshape(2, 3))


@pytest.mark.gpu
def test_gpu_steps_of_one_rank(gpu):
    from bpx_backends.engines.cuda.engine import CupyEngine
    from tests.engines.cuda.steps import agree, of_rank, parameters_of, training
    from tests.engines.cuda.test_on_gpu import on_gpu

    run = training((6, 50, 4), batch=6, norm="batch", dtype="float64")
    ranks = gpu.world(communicators(1)[0], "")
    expected = parameters_of(run, run.eagerly())
    own = on_gpu(of_rank(run, ranks))
    ours = parameters_of(run, own.after(CupyEngine().scan, 1, 9, 20))
    agree(ours, expected, 1e-9)


ONE = """
from bpx_backends.ranks.mpi import world
ranks = world("cupy")
x = bpx.asarray(np.arange(5.0), "cupy")
ranks.all_reduce(x)
assert (bpx.to_host(x) == np.arange(5.0)).all()
print("one", ranks.size, ranks.name)
"""


@pytest.mark.gpu
@pytest.mark.usefixtures("gpu")
def test_gpu_one_rank_under_mpiexec():
    assert "one 1 NCCL, started by MPI" in under_mpi(1, ONE)


EQUAL = """
from mpi4py import MPI
for settings in ({}, {"dropout": 0.3}, {"norm": "batch"}):
    off = difference("mpi", backend="cupy", **settings)
    assert off < 1e-12, off
if MPI.COMM_WORLD.rank == 0:
    print("equal on", MPI.COMM_WORLD.size)
"""


@pytest.mark.gpu
@pytest.mark.usefixtures("gpu")
def test_gpu_as_many_ranks_as_devices_and_one_more():
    import cupy

    needs_mpi()
    count = cupy.cuda.runtime.getDeviceCount()
    if count > 1:
        assert f"equal on {count}" in under_mpi(count, EQUAL)
    told = under_mpi(count + 1, EQUAL, code=None)
    assert f"ranks 0 and {count} both use cupy:0 of " in told
