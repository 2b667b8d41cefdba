"""Steps replayed on PyTorch: whose memory it is, and graphs."""

import gc
from collections import Counter
from contextlib import contextmanager
from types import SimpleNamespace

import pytest

import bpx
from bpx.program.contract import leaves
from bpx.training.step import Data
from tests.backends import Target, problem

torch = pytest.importorskip("torch")

from bpx_backends.engines.torch import replay as torch_replay  # noqa: E402
from tests.engines.torch.jobs import Job, agree  # noqa: E402

# Whose memory it is


@pytest.mark.parametrize("optimizer", [bpx.SGD(0.3), bpx.Adam(0.05)], ids=repr)
def test_what_was_given_back_is_never_written_again(optimizer):
    job = Job((6, 300, 4), optimizer)
    first = job.scan(0, 5)
    kept = [leaf.clone() for leaf in leaves(first)]
    places = {leaf.untyped_storage().data_ptr() for leaf in leaves(first)}
    assert len(places) == len(kept)
    for state in (job.state, first):
        job.scan(5, 20, state)
    assert all(torch.equal(a, b) for a, b in zip(kept, leaves(first), strict=True))


def tensors():
    return sum(issubclass(type(each), torch.Tensor) for each in gc.get_objects())


def test_the_memory_of_a_call_is_let_go_without_the_garbage_collector():
    job = Job((6, 300, 4), bpx.Adam(0.05))
    job.scan(0, 2)
    gc.collect()
    gc.disable()
    try:
        before = tensors()
        job.scan(0, 5)
        after = tensors()
    finally:
        gc.enable()
    assert after == before


def test_parameters_that_autograd_follows_are_left_alone():
    job = Job(optimizer=bpx.Adam(0.05))
    for leaf in leaves(job.state.parameters):
        leaf.requires_grad_()
    after = job.scan(0, 20)
    assert not any(leaf.requires_grad for leaf in leaves(after))
    assert torch.is_grad_enabled()
    with torch.no_grad():
        agree(after, job.eager(0, 20))


def test_arrays_need_not_be_contiguous():
    job = Job()
    expected = job.eager(0, 20)
    w = tuple(each.mT.contiguous().mT for each in job.state.parameters.w)
    wide = job.data.x.repeat_interleave(2, dim=1)[:, ::2]
    job.state = job.state._replace(parameters=bpx.Parameters.dense(w, job.state.parameters.b))
    job.data = Data(wide, job.data.y)
    assert not w[0].is_contiguous()
    assert not wide.is_contiguous()
    agree(job.scan(0, 20), expected)


# Graphs


class Aside:
    """Stands for a stream, or for a context."""

    def __init__(self, *_: object) -> None: ...

    def wait_stream(self, other): ...

    def synchronize(self): ...

    def __enter__(self):
        return self

    def __exit__(self, *_): ...


class Captured:
    """Stands for torch.cuda while calls run on the host: it notes what was done when."""

    def __init__(self):
        self.capturing, self.done = False, []
        self.CUDAGraph = lambda: SimpleNamespace(replay=lambda: self.done.append("replay"))
        self.Stream = self.device = self.stream = Aside

    def current_stream(self):
        return Aside()

    @contextmanager
    def graph(self, graph, *, stream, capture_error_mode):
        self.capturing = True
        yield
        self.capturing = False

    def step(self):
        self.done.append("captured" if self.capturing else "run")


@pytest.mark.parametrize("times", [1, 15, 16, 100])
def test_a_graph_is_captured_once_and_replayed_for_the_rest(monkeypatch, times):
    cuda = Captured()
    monkeypatch.setattr(torch_replay.torch, "cuda", cuda)
    torch_replay._replayed([cuda.step], times, torch.device("cuda:0"))
    found = Counter(cuda.done)
    assert found["run"] + found["replay"] == times
    assert found["captured"] == (times >= 16)
    assert found["run"] == (3 if found["captured"] else times)


@pytest.mark.gpu
@pytest.mark.parametrize("optimizer", [bpx.SGD(0.3), bpx.Adam(0.05)], ids=repr)
def test_a_graph_comes_to_the_same_as_the_calls(optimizer):
    if reason := problem(Target.TORCH_CUDA.spec):
        pytest.skip(reason)
    job = Job((6, 5, 4), optimizer, spec="torch:cuda")
    by_graph = job.scan(0, 20)
    by_calls = job.scan(10, 20, job.scan(0, 10))  # too few to be captured
    agree(by_graph, by_calls, 0.0)
    agree(by_graph, job.eager(0, 20), 1e-9)


@pytest.mark.gpu
@pytest.mark.filterwarnings("ignore:Synchronization debug mode")  # it is a prototype
def test_nothing_is_read_on_the_host_between_the_steps():
    if reason := problem(Target.TORCH_CUDA.spec):
        pytest.skip(reason)
    job = Job((6, 5, 4), bpx.SGD(0.3), spec="torch:cuda")
    job.scan(0, 20)
    torch.cuda.set_sync_debug_mode("error")
    try:
        job.scan(0, 10)
    finally:
        torch.cuda.set_sync_debug_mode("default")
