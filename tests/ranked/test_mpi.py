"""Ranks of MPI, as mpiexec starts them."""

import pytest

from bpx.errors import BackendError
from tests.launching import EXCHANGE, STREAM, needs_mpi, under_mpi

EQUAL = """
from mpi4py import MPI
from bpx.training.parallel import divided
for divided.LEAST in (2**16, 20):
    for settings in ({}, {"dropout": 0.3}, {"norm": "batch"}):
        off = difference("auto", **settings)
        assert off < 1e-12, off
if MPI.COMM_WORLD.rank == 0:
    print("equal on", MPI.COMM_WORLD.size)
"""


@pytest.mark.parametrize("size", [2, 3])
def test_ranks_train_as_one(size):
    assert f"equal on {size}" in under_mpi(size, EQUAL)


def test_they_share_a_stream():
    assert "streamed" in under_mpi(2, STREAM)


def test_they_exchange_rows():
    assert "exchanged" in under_mpi(3, EXCHANGE, "mpi")


@pytest.mark.parametrize("size", [2, 3])
def test_rows_of_arrays_in_any_order_are_summed(size):
    text = """
from bpx_backends.ranks.mpi import world
ranks = world("numpy")
whole = np.arange(35.0).reshape(7, 5)
begin, end = 7 * ranks.rank // ranks.size, 7 * (ranks.rank + 1) // ranks.size
for order in "CF":
    x = np.asarray(whole * (ranks.rank + 1), order=order)
    own = np.empty((end - begin, 5))
    if ranks.size == 2:
        ranks.swap_rows(x, own)
        own = own + x[begin:end]
    else:
        ranks.reduce_scatter(x, own)
    assert (own == whole[begin:end] * sum(range(1, ranks.size + 1))).all()
    filled = np.empty_like(whole)
    ranks.all_gather(np.asarray(whole[begin:end], order=order), filled)
    assert (filled == whole).all()
sys.stdout.write("summed\\n")
"""
    assert under_mpi(size, text).count("summed") == size


def test_they_do_so_in_native_calls():
    pytest.importorskip("numba", reason="numba is not installed")
    assert "equal on 2" in under_mpi(2, EQUAL, BPX_NUMBA="on")


def test_the_variable_chooses_them():
    text = """
net = network(seed=None)
history = trained(net, seed=None)
sys.stdout.write(f"weights {net.weights[0][0, 0]} {history.seed}\\n")
"""
    first, second = sorted(under_mpi(2, text, BPX_RANKS="mpi").split("\n")[:2])
    assert first == second
    assert first.startswith("weights")


def test_an_error_on_one_rank_ends_all_with_its_message():
    text = """
from mpi4py import MPI
trained(network(), ranks="mpi")
if MPI.COMM_WORLD.rank == 1:
    raise OSError("no space left here")
trained(network(), ranks="mpi")
print("never")
"""
    told = under_mpi(2, text, code=None)
    assert "OSError: no space left here" in told
    assert "rank 1 of 2 ended all of them" in told
    assert "never" not in told


def test_an_error_in_training_on_one_rank_does_so_too():
    text = """
from mpi4py import MPI
class Mine(bpx.Network):
    def publish(self, *arrays):
        if MPI.COMM_WORLD.rank == 1 and self.fails:
            raise MemoryError("nothing is left")
        super().publish(*arrays)
net = Mine([6, 8, 3], output="softmax", cost="cross_entropy", seed=1)
net.fails = False
for epoch in bpx.train(net, (X, LABELS), epochs=3, batch_size=10, optimizer=bpx.SGD(0.1),
                       ranks="mpi"):
    net.fails = True
"""
    told = under_mpi(2, text, code=None)
    assert "MemoryError: nothing is left" in told
    assert "rank 1 of 2 ended all of them" in told


def test_a_signal_to_one_rank_between_two_epochs_is_heeded_by_all():
    text = """
import signal, time
from mpi4py import MPI
from bpx.network.resuming import signals
signals.GRACE = 0.2
rank = MPI.COMM_WORLD.rank
training = bpx.train(network(), (X, LABELS), epochs=50, batch_size=10, optimizer=bpx.SGD(0.1),
                     seed=1, ranks="mpi", checkpoint="run")
try:
    for epoch in training:
        if epoch.number == 2 and rank == 1:
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(1.0)
except bpx.Preempted as ended:
    sys.stdout.write(f"rank {rank} ended after epoch {training.state.epochs}\\n")
"""
    told = under_mpi(2, text)
    assert "rank 0 ended after epoch 2" in told
    assert "rank 1 ended after epoch 2" in told


def test_an_error_on_all_ranks_is_told_once():
    text = """
trained(network(), ranks="mpi", batch_size=1)
"""
    told = under_mpi(2, text, code=1)
    assert told.count("InputError: batch_size=1 was given for 2 ranks") == 1


def test_a_rank_with_another_backend_is_told_on_all():
    pytest.importorskip("torch", reason="torch is not installed")
    text = """
from mpi4py import MPI
own = {"backend": "torch"} if MPI.COMM_WORLD.rank == 1 else {}
trained(network(**own), ranks="mpi")
"""
    told = under_mpi(2, text, code=1)
    assert told.count("rank 1 of 2 differs from rank 0 in backend: torch, not numpy") == 1


def test_arrays_that_no_rank_can_add_are_told_once():
    pytest.importorskip("jax", reason="JAX is not installed")
    told = under_mpi(2, 'trained(network(backend="jax:cpu"), ranks="mpi")', code=1)
    assert told.count("BackendError: the ranks 'mpi' were chosen for a network on jax") == 1


@pytest.mark.parametrize("home", ["jax:cpu:0", "torch:cuda:0", "strict"])
def test_arrays_elsewhere_are_refused(home):
    needs_mpi()
    from bpx_backends.ranks.mpi import world

    with pytest.raises(BackendError, match="'mpi' were chosen for a network on"):
        world(home)
