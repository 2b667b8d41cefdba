"""Ranks of torch.distributed, as torchrun starts them."""

import pytest

from bpx.errors import BackendError
from tests.backends import Target, problem
from tests.launching import EXCHANGE, STREAM, under_torchrun

EQUAL = """
backend = sys.argv[1]
for settings in ({}, {"dropout": 0.3}, {"norm": "batch"}):
    off = difference("auto", backend=backend, **settings)
    assert off < 1e-12, off
if os.environ["RANK"] == "0":
    print("equal")
"""


@pytest.mark.parametrize("backend", ["torch", "numpy"])
def test_ranks_train_as_one(backend):
    assert "equal" in under_torchrun(2, EQUAL, backend)


def test_they_share_a_stream():
    assert "streamed" in under_torchrun(2, STREAM)


def test_they_exchange_rows():
    assert "exchanged" in under_torchrun(3, EXCHANGE, "torch")


def test_an_error_on_one_rank_ends_all():
    text = """
trained(network(backend="torch"), ranks="torch")
if os.environ["RANK"] == "1":
    raise OSError("no space left here")
trained(network(backend="torch"), ranks="torch")
print("never")
"""
    told = under_torchrun(2, text, code=1)
    assert "OSError: no space left here" in told
    assert "rank 1 of 2 ended all of them" in told
    assert "never" not in told


def test_fewer_devices_of_cuda_than_ranks_are_told_once():
    text = """
import torch
from types import SimpleNamespace
from bpx_backends import _torch
torch.cuda.device_count = lambda: 1
torch.cuda.get_device_properties = lambda device: SimpleNamespace(uuid="GPU-1")
_torch.device = lambda name: torch.device("cuda:0")
from bpx_backends.ranks.torch import world
from bpx.training.parallel.choice import chosen
class Home:
    backend, device_name = _torch, "cuda"
    __str__ = lambda self: "torch:cuda"
chosen("auto", Home())
print("never")
"""
    told = under_torchrun(2, text, code=1)
    assert told.count("BackendError: ranks 0 and 1 both use cuda:0 of ") == 1
    assert "2 ranks see 1 device; expected a device for each rank" in told
    assert "never" not in told


@pytest.mark.gpu
def test_as_many_ranks_as_devices_and_one_more():
    if reason := problem(Target.TORCH_CUDA.spec):
        pytest.skip(reason)
    import torch

    count = torch.cuda.device_count()
    if count > 1:
        assert "equal" in under_torchrun(count, EQUAL, "torch:cuda")
    told = under_torchrun(count + 1, EQUAL, "torch:cuda", code=1)
    assert f"ranks 0 and {count} both use cuda:0 of " in told


def test_without_torchrun(monkeypatch):
    pytest.importorskip("torch", reason="torch is not installed")
    from bpx_backends.ranks.torch import world

    for name in ("RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(BackendError, match="start the program by torchrun"):
        world("torch")


def test_other_arrays_are_refused():
    pytest.importorskip("torch", reason="torch is not installed")
    from bpx_backends.ranks.torch import world

    with pytest.raises(BackendError, match="'torch' were chosen for a network on jax"):
        world("jax")
