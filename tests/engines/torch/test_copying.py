"""Small plans stay bound: the same bits as when they are bound anew, and whose memory it is."""

from threading import Thread

import pytest

import bpx
from bpx.program.contract import leaves

torch = pytest.importorskip("torch", reason="PyTorch is not installed")

from bpx_backends import _torch  # noqa: E402
from bpx_backends.engines.torch import copying  # noqa: E402
from bpx_backends.engines.torch.kept import Kept  # noqa: E402
from tests.engines.torch.jobs import Job  # noqa: E402

OPTIMIZERS = [bpx.SGD(0.3), bpx.SGD(0.3, momentum=0.5), bpx.Adam(0.05)]


@pytest.fixture(autouse=True)
def kept(monkeypatch):
    """The bound plans, of which none is left from before."""
    found = Kept(copying.KEPT)
    monkeypatch.setattr(copying, "_kept", found)
    return found


@pytest.fixture
def anew(monkeypatch):
    """Call it, and plans are bound anew at each call."""
    return lambda: monkeypatch.setattr(copying, "LARGEST", -1)


def same(one, other):
    return all(torch.equal(a, b) for a, b in zip(leaves(one), leaves(other), strict=True))


@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=repr)
def test_a_kept_plan_gives_the_bits_of_one_bound_anew(optimizer, kept, anew):
    job = Job((6, 5, 4), optimizer)
    first = job.scan(0, 1)
    second = job.scan(1, 4, first)
    third = job.scan(0, 20, job.scan(4, 5, second), donate=True)
    assert len(kept.kept) == 1
    anew()
    assert same(job.scan(0, 1), first)
    assert same(job.scan(1, 4, first), second)
    assert same(job.scan(0, 20, job.scan(4, 5, second)), third)
    assert len(kept.kept) == 1


def test_what_was_given_back_is_never_written_again():
    job = Job((6, 5, 4), bpx.Adam(0.05))
    entered = [leaf.clone() for leaf in leaves(job.state)]
    first = job.scan(0, 5)
    given_back = [leaf.clone() for leaf in leaves(first)]
    job.scan(5, 20, first)
    job.scan(0, 5, first)
    assert all(torch.equal(a, b) for a, b in zip(leaves(first), given_back, strict=True))
    assert all(torch.equal(a, b) for a, b in zip(leaves(job.state), entered, strict=True))


def test_another_eta_and_rows_of_another_shape_have_plans_of_their_own(kept):
    for eta in (0.05, 0.1, 0.05):
        Job((6, 5, 4), bpx.Adam(eta)).scan(0, 3)
    assert len(kept.kept) == 2
    job = Job((6, 5, 4), bpx.Adam(0.05))
    job.rows = job.rows[:7]
    job.scan(0, 3)
    assert len(kept.kept) == 3


def test_a_large_plan_is_not_kept(kept):
    Job((6, 300, 400), bpx.SGD(0.3)).scan(0, 2)
    assert not kept.kept


def test_two_threads_never_share_one():
    job = Job((6, 5, 4), bpx.Adam(0.05))
    expected = job.scan(0, 20)
    right = []

    def run():
        right.extend(same(job.scan(0, 20), expected) for _ in range(20))

    threads = [Thread(target=run) for _ in range(3)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert right == [True] * 60


def test_the_memory_goes_at_release(kept):
    Job((6, 5, 4), bpx.SGD(0.3)).scan(0, 2)
    assert kept.kept
    _torch.release()
    assert not kept.kept
