"""PyTorch as a backend: tensors of its own memory, without autograd."""

from contextlib import contextmanager

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from bpx_backends import _torch  # noqa: E402

CPU = torch.device("cpu")


def test_devices_are_named_in_full():
    assert _torch.devices()[0] == "cpu"
    assert _torch.device(None) == _torch.device("cpu") == CPU
    with pytest.raises(RuntimeError):
        _torch.device("nonsense")


@pytest.mark.parametrize(("name", "used"), [("cuda", "cuda:1"), ("cuda:0", "cuda:0")])
def test_a_rank_takes_the_device_of_its_number_if_none_is_named(monkeypatch, name, used):
    asked, empty = [], torch.empty
    monkeypatch.setattr(_torch, "local_rank", lambda: 1)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch, "empty", lambda _, device: asked.append(device) or empty(0))
    _torch.device(name)
    assert asked == [used]


@pytest.mark.parametrize(
    "awkward",
    [
        lambda x: x[::-1],
        lambda x: x.astype(">f8"),
        lambda x: np.broadcast_to(x[:1], x.shape),
        lambda x: x.T,
    ],
    ids=["back to front", "big-endian", "read-only", "turned"],
)
def test_what_pytorch_cannot_share_is_copied(awkward):
    x = awkward(np.arange(6.0).reshape(2, 3))
    arrived = _torch.asarray(x, "float64", CPU)
    assert arrived.is_contiguous()
    np.testing.assert_array_equal(arrived.numpy(), x)


def test_an_array_arrives_in_memory_of_its_own():
    x = np.zeros(3, "float32")
    arrived = _torch.asarray(x, "float32", CPU)
    arrived[0] = 1.0
    assert x[0] == 0.0
    assert arrived.dtype is torch.float32


def test_what_comes_to_the_host_need_not_be_detached_or_of_a_dtype_of_numpys():
    followed = torch.ones(2, requires_grad=True)
    np.testing.assert_array_equal(_torch.to_host(followed), [1.0, 1.0])
    half = torch.tensor([1.5, -2.0], dtype=torch.bfloat16)
    np.testing.assert_array_equal(_torch.to_host(half), [1.5, -2.0])


def test_autograd_follows_nothing_inside():
    x = torch.ones(2, requires_grad=True)
    with _torch.active(CPU):
        assert not (2.0 * x).requires_grad
    assert (2.0 * x).requires_grad


def test_tensors_are_its_arrays_and_numpys_are_not():
    assert _torch.is_array(torch.ones(1))
    assert not _torch.is_array(np.ones(1))


def test_windows_move_to_cuda_on_one_stream_which_is_waited_for(monkeypatch):
    """CUDA is emulated: what is called, in which order; no test copies on a GPU."""
    cuda, log = torch.device("cuda", 0), []

    class Stream:
        def __init__(self, device):
            log.append(f"made for {device}")

        def synchronize(self):
            log.append("waited for")

    @contextmanager
    def current(stream):
        log.append("entered")
        yield
        log.append("left")

    monkeypatch.setattr(torch.cuda, "Stream", Stream)
    monkeypatch.setattr(torch.cuda, "stream", current)
    _torch._aside.cache_clear()
    with _torch.aside(cuda):
        log.append("copied")
    with pytest.raises(ValueError, match="bad window"), _torch.aside(cuda):
        raise ValueError("bad window")
    _torch._aside.cache_clear()
    assert log[:5] == ["made for cuda:0", "entered", "copied", "waited for", "left"]
    assert log[5:] == ["entered", "waited for"]  # on the same stream


def test_nothing_waits_on_the_cpu(monkeypatch):
    monkeypatch.delattr(torch.cuda, "Stream")
    with _torch.aside(CPU):
        assert _torch.asarray(np.ones(2), "float32", CPU).tolist() == [1.0, 1.0]
