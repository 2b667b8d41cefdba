"""Steps replayed on PyTorch: whose memory it is."""

import gc

import pytest

import bpx
from bpx.program.contract import leaves
from bpx.training.step import Data

torch = pytest.importorskip("torch")

from tests.engines.torch.jobs import Job, agree  # noqa: E402


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
