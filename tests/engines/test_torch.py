"""PyTorch as a backend: tensors of its own memory, without autograd."""

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
