"""The peers: they do the same work, and give the same answers."""

import os
import shutil
from types import SimpleNamespace

import numpy as np
import pytest

import bpx
from benchmarks import cuda
from benchmarks.cases import network, problem
from benchmarks.peers import PEERS, PRODUCTS, available, trainers
from tests.benchmarks.small import HERE, TINY

needs_compiler = pytest.mark.skipif(
    not (shutil.which("g++") or shutil.which("clang++")), reason="no C++ compiler"
)


def same_work(case, device, peers):
    """Three epochs of each: the same cost and accuracy."""
    found = {}
    for peer in peers:
        train = peer.trains(problem(case, device=device))
        found[peer.name] = [train() for _ in range(3)]
    ours, *others = found
    for name in others:
        for mine, theirs in zip(found[ours], found[name], strict=True):
            assert theirs.cost == pytest.approx(mine.cost, rel=2e-4), name
            assert theirs.accuracy == pytest.approx(mine.accuracy), name


@pytest.mark.parametrize("case", TINY.values(), ids=TINY)
def test_the_peers_do_the_same_work(case):
    equal = [peer for peer in trainers(HERE.values()) if peer.equal]
    same_work(case, "cpu", [peer for peer in equal if peer.name != "PyTorch compile"])


@needs_compiler
@pytest.mark.filterwarnings("ignore")  # of PyTorch's own
def test_what_pytorch_compiles_does_the_same_work(monkeypatch):
    if "PyTorch compile" not in HERE:
        pytest.skip("no torch")
    monkeypatch.setenv("TORCHINDUCTOR_COMPILE_THREADS", "1")
    same_work(TINY["M"], "cpu", [HERE["bpx numpy"], HERE["PyTorch compile"]])


@pytest.fixture
def no_capture(monkeypatch):
    """What would be captured on a GPU is warmed up, and called: without a GPU, the rest."""
    torch = pytest.importorskip("torch")
    from benchmarks.peers import _torch

    def capture(run):
        for _ in range(_torch.WARM_UPS):
            run()
        return SimpleNamespace(replay=run)

    monkeypatch.setattr(_torch, "_capture", capture)
    monkeypatch.setattr(torch.cuda, "synchronize", lambda: None)


@pytest.mark.parametrize("name", ["S", "M"])
def test_what_pytorch_captures_does_the_same_work(name, no_capture):
    graphs = next(peer for peer in PEERS if peer.name == "PyTorch CUDA graphs")
    same_work(TINY[name], "cpu", [HERE["bpx numpy"], graphs])


def test_the_products_of_a_gpu_are_those_of_a_step(no_capture):
    products = next(
        peer for peer in PEERS if (peer.name, peer.devices) == (PRODUCTS, ("cuda",))
    )
    assert products.trains(problem(TINY["M"]))() == (None, None)


@pytest.mark.gpu
@pytest.mark.parametrize("case", TINY.values(), ids=TINY)
def test_the_peers_do_the_same_work_on_a_gpu(case):
    if cuda.library() is None:
        pytest.skip("no CUDA device")
    peers = available("cuda")[0]
    same_work(case, "cuda", [peer for peer in trainers(peers) if peer.equal])
    for peer in peers:
        if peer.training and not peer.equal:
            peer.trains(problem(case, device="cuda"))()


@pytest.mark.parametrize("name", [name for name, peer in HERE.items() if not peer.equal])
def test_a_peer_that_is_not_equal_trains_all_the_same(name):
    train = HERE[name].trains(problem(TINY["S"]))
    assert train()._fields == ("cost", "accuracy")


def test_the_peers_give_the_same_answers():
    numbers = problem(TINY["M"])
    expected = network(TINY["M"], 0, "numpy").predict(numbers.x[:3])
    for name, peer in HERE.items():
        if peer.answering and peer.equal:
            found = np.asarray(peer.answers(numbers, 3)())
            assert found == pytest.approx(expected, rel=1e-5), name
    if "scikit-learn" in HERE:  # of weights of its own
        assert HERE["scikit-learn"].answers(numbers, 3)().shape == (3, 4)


def test_numba_is_a_choice_of_each_peer(monkeypatch):
    seen = []
    monkeypatch.setenv("BPX_NUMBA", "as before")
    monkeypatch.setattr(
        bpx, "train", lambda *_, **__: (seen.append(os.environ["BPX_NUMBA"]) for _ in [0])
    )
    for name in ("bpx numpy", "bpx numpy+numba"):
        peer = next(peer for peer in PEERS if peer.name == name)
        with pytest.raises(AttributeError):  # no epoch comes of it
            peer.trains(problem(TINY["S"]))()
    assert seen == ["off", "on"]
    assert os.environ["BPX_NUMBA"] == "as before"


def test_peers_are_left_out_with_a_reason(monkeypatch):
    monkeypatch.setattr("benchmarks.peers.find_spec", lambda name: name != "sklearn")
    peers, left_out = available("cpu")
    assert left_out["scikit-learn"] == "sklearn is not installed"
    assert left_out["bpx cupy"] == "not on the CPU"
    assert not left_out.keys() & {peer.name for peer in peers}


def test_no_peer_has_anothers_name():
    for device in ("cpu", "cuda"):
        names = [peer.name for peer in PEERS if device in peer.devices]
        assert len(set(names)) == len(names)
