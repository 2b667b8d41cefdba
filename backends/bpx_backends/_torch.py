"""The PyTorch backend, on the CPU, on CUDA or on PyTorch's other devices."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import cache
from typing import Any

import array_api_compat.torch
import numpy as np
import torch

from bpx_backends.engines.shared import recycling
from bpx_backends.engines.shared.aligned import aligned
from bpx_backends.engines.torch import answers as torch_answers
from bpx_backends.engines.torch import copying as torch_copying
from bpx_backends.engines.torch import graphs as torch_graphs
from bpx_backends.engines.torch import updates as torch_updates
from bpx_backends.ranks.devices import device_number, local_rank

name = "torch"
immutable = False
halves = ("bfloat16", "float16")
xp = array_api_compat.torch
scan = torch_updates.scan
bound = torch_answers.bound


def release() -> None:
    """Release the graphs and the bound plans, and the memory kept for reuse."""
    torch_graphs.release()
    torch_copying.release()
    recycling.release()


def version() -> str:
    return str(torch.__version__)


def devices() -> tuple[str, ...]:
    cuda = (f"cuda:{i}" for i in range(torch.cuda.device_count()))
    return ("cpu", *cuda, *["mps:0"] * torch.backends.mps.is_available())


def device(name: str | None) -> torch.device:
    # An empty tensor has the device's full name ("cuda" becomes "cuda:0"), and making one
    # raises the driver's own error if the device is missing.
    own = device_number(torch.cuda.device_count(), local_rank()) if name == "cuda" else None
    return torch.empty(0, device=name if own is None else f"cuda:{own}").device


def device_of(x: torch.Tensor) -> torch.device:
    return x.device


def is_array(x: Any) -> bool:
    return isinstance(x, torch.Tensor)


def is_traced(x: Any) -> bool:
    # Inside torch.func no tensor has its own memory, not even a copy of a plain tensor.
    return torch._C._functorch.peek_interpreter_stack() is not None


def check_dtype(dtype: str) -> None:
    """PyTorch stores every dtype that bpx uses."""


def asarray(x: Any, dtype: str, device: torch.device) -> torch.Tensor:
    # A contiguous copy of our own: PyTorch warns about read-only memory, and rejects
    # negative strides and foreign byte orders.
    if device.type == "cpu":
        return torch.from_numpy(aligned(x, dtype)).to(device)
    host = np.asarray(x)
    copy = None if host.flags.writeable else True  # a move copies
    return torch.from_numpy(np.array(host, dtype=dtype, order="C", copy=copy)).to(device)


def pinned(device: torch.device, shape: tuple[int, ...], dtype: Any) -> np.ndarray:
    """Return a host array that CUDA copies from without a copy in between."""
    if device.type != "cuda":
        return np.empty(shape, dtype)
    kind = getattr(torch, np.dtype(dtype).name)
    return torch.empty(shape, dtype=kind, pin_memory=True).numpy()


def aside(device: torch.device) -> AbstractContextManager[Any]:
    """Return a context in which arrays move to CUDA beside the steps that are running.

    They are there when it ends, which waits for them and for nothing else.
    """
    return _on(_aside(device)) if device.type == "cuda" else nullcontext()


@cache
def _aside(device: torch.device) -> torch.cuda.Stream:
    """The one such stream of a device: freed memory is reused on its own stream alone."""
    return torch.cuda.Stream(device)


@contextmanager
def _on(stream: torch.cuda.Stream) -> Iterator[None]:
    with torch.cuda.stream(stream):
        try:
            yield
        finally:
            stream.synchronize()


def to_host(x: torch.Tensor) -> np.ndarray:
    x = x.detach().cpu()
    return x.float().numpy() if x.dtype is torch.bfloat16 else x.numpy()


def engine() -> str:
    return "recorded steps, replayed by PyTorch's functions; on CUDA as a graph"


def active(device: torch.device) -> AbstractContextManager[Any]:
    return torch.no_grad()  # bpx differentiates itself
