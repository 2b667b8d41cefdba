"""Ranks of torch.distributed, as torchrun starts them."""

import pytest

from bpx.errors import BackendError
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
