"""Graphs on CUDA: captured once for a training, and whose memory it is."""

from threading import Thread

import pytest

import bpx
from bpx.program.contract import leaves
from bpx.training.parallel.steps import Shard, ranked
from bpx.training.step import Data
from tests.backends import Target, problem
from tests.ranks import communicators

torch = pytest.importorskip("torch")

from bpx_backends import _torch  # noqa: E402
from bpx_backends.engines.torch import graphs, updates  # noqa: E402
from bpx_backends.engines.torch.kept import Kept  # noqa: E402
from tests.engines.torch.cuda import installed  # noqa: E402
from tests.engines.torch.jobs import Job, agree  # noqa: E402

OPTIMIZERS = [bpx.SGD(0.3), bpx.Adam(0.05)]


@pytest.fixture
def cuda(monkeypatch):
    """Steps on the host run as on CUDA: by the graphs of a stand-in, of which none is left."""
    monkeypatch.setattr(graphs, "_captures", lambda rows: True)
    monkeypatch.setattr(graphs, "_graphs", Kept(graphs.KEPT))
    return installed(monkeypatch)


def copies(state):
    return [leaf.clone() for leaf in leaves(state)]


def same(state, before):
    return all(torch.equal(a, b) for a, b in zip(leaves(state), before, strict=True))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=repr)
def test_one_graph_lasts_for_all_chunks_and_epochs(cuda, optimizer, dtype):
    job = Job((6, 5, 4), optimizer, dtype=dtype)
    within = 1e-12 if dtype == "float64" else 2e-5
    entered = copies(job.state)
    state = job.scan(0, 16)
    state = job.scan(16, 20, state, donate=True)
    agree(state, job.eager(0, 20), within)
    assert (cuda.captures, cuda.replays) == (1, 20 - graphs.WARM_UPS)
    job.rows, first = torch.flip(job.rows, [0]), state
    kept = copies(first)
    second = job.scan(0, 20, first)
    job.state = first
    agree(second, job.eager(0, 20), within)
    assert cuda.captures == 1
    assert same(first, kept)
    assert not same(second, kept)
    assert [tuple(x.shape) for x in entered] == [tuple(x.shape) for x in leaves(second)]


@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=repr)
def test_what_entered_and_what_was_given_back_is_never_written(cuda, optimizer):
    job = Job((6, 5, 4), optimizer)
    entered = copies(job.state)
    first = job.scan(0, 17)
    kept = copies(first)
    for state in (job.state, first):
        job.scan(1, 20, state)
    assert same(job.state, entered)
    assert same(first, kept)
    own = next(iter(graphs._graphs.kept.values())).own
    places = {x.untyped_storage().data_ptr() for x in own}
    assert not places & {x.untyped_storage().data_ptr() for x in leaves(first)}


def test_a_donated_state_is_written_over(cuda):
    job = Job(optimizer=bpx.Adam(0.05))
    state = job.scan(0, 17)
    w = state.parameters.w[0]
    after = job.scan(17, 20, state, donate=True)
    assert after.parameters.w[0] is w
    agree(after, job.eager(0, 20))


def test_few_steps_are_not_captured(cuda):
    job = Job()
    agree(job.scan(0, graphs.WORTHWHILE - 1), job.eager(0, graphs.WORTHWHILE - 1))
    assert not cuda.captures
    assert not graphs._graphs.kept


def test_other_data_and_another_eta_are_another_graph(cuda):
    job = Job((6, 5, 4), bpx.Adam(0.05))
    job.scan(0, 20)
    job.data = Data(job.data.x.clone(), job.data.y)
    job.scan(0, 20)
    assert cuda.captures == 2
    chain = job.state.optimizer
    (*first, descent) = chain.parts
    slower = type(chain)((*first, descent._replace(eta=0.5 * descent.eta)))
    job.state = job.state._replace(optimizer=slower)
    agree(job.scan(0, 20), job.eager(0, 20))
    assert cuda.captures == 3


def test_the_memory_goes_at_release_and_the_longest_unused_before(cuda, monkeypatch):
    monkeypatch.setattr(graphs, "_graphs", Kept(2))
    for sizes in ((6, 3, 4), (6, 4, 4), (6, 5, 4)):
        Job(sizes).scan(0, 20)
    widths = [each.own[0].shape[0] for each in graphs._graphs.kept.values()]
    assert widths == [4, 5]
    _torch.release()
    assert not graphs._graphs.kept


def test_a_training_leaves_nothing(cuda, monkeypatch):
    monkeypatch.setattr(_torch, "scan", updates.scan)
    x, y = torch.rand(320, 6), torch.arange(320) % 4
    net = bpx.Network([6, 5, 4], seed=0, backend="torch:cpu")
    for _ in bpx.train(net, (x, y), epochs=3, batch_size=4, optimizer=bpx.Adam(), seed=1):
        kept = list(graphs._graphs.kept.values())
    assert cuda.captures == 1
    assert len(kept) == 1
    assert not graphs._graphs.kept


def test_a_graph_in_use_is_nobody_elses(cuda, monkeypatch):
    job, other = Job(), []
    ran = graphs.Graphed.run

    def run(self, *arguments):
        if not other:
            other.append(None)
            thread = Thread(target=lambda: other.append(job.scan(0, 20)))
            thread.start()
            thread.join()
        return ran(self, *arguments)

    monkeypatch.setattr(graphs.Graphed, "run", run)
    agree(job.scan(0, 20), job.eager(0, 20))
    agree(other[1], job.eager(0, 20))
    assert cuda.captures == 2


def test_no_graph_holds_a_sum_over_the_ranks(cuda):
    """A rank whose graphs are gone captures them again alone, and sums what the others do."""
    job, (alone,) = Job(dtype="float64"), communicators(1)
    expected = job.eager(0, 20)
    job.step = ranked(job.step, Shard(alone, 0, 7, None, "float64"))
    for captures in (2, 4):
        agree(job.scan(0, 20), expected)
        assert cuda.captures == captures  # what is before the sum, and what is after it
        assert cuda.replays == captures * (20 - graphs.WARM_UPS)
        _torch.release()
    assert len(alone.messages) == 2 * 20


@pytest.mark.gpu
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=repr)
def test_a_graph_comes_to_the_same_as_the_calls(optimizer, dtype):
    if reason := problem(Target.TORCH_CUDA.spec):
        pytest.skip(reason)
    job = Job((6, 5, 4), optimizer, dtype=dtype, spec="torch:cuda")
    by_calls = job.scan(10, 20, job.scan(0, 10))  # too few to be captured
    by_graph = job.scan(0, 20)
    agree(by_graph, by_calls, 0.0)
    agree(job.scan(10, 20, job.scan(0, 10)), by_graph, 0.0)  # by the graph that is there
    agree(by_graph, job.eager(0, 20), 1e-9 if dtype == "float64" else 1e-4)
    graphs.release()


@pytest.mark.gpu
@pytest.mark.filterwarnings("ignore:Synchronization debug mode")  # it is a prototype
def test_nothing_is_read_on_the_host_between_the_steps():
    if reason := problem(Target.TORCH_CUDA.spec):
        pytest.skip(reason)
    job = Job((6, 5, 4), bpx.SGD(0.3), spec="torch:cuda")
    job.scan(0, 10)
    torch.cuda.set_sync_debug_mode("error")
    try:
        job.scan(0, 10)
    finally:
        torch.cuda.set_sync_debug_mode("default")
