"""PyTorch, on the CPU, on CUDA or on what else it knows."""

from contextlib import AbstractContextManager, nullcontext
from typing import Any

import array_api_compat.torch as xp
import numpy as np
import torch

from bpx.engine import eager

__all__ = [
    "active",
    "asarray",
    "check_dtype",
    "device",
    "device_of",
    "devices",
    "is_array",
    "name",
    "scan",
    "to_host",
    "version",
    "xp",
]

name = "torch"


def version() -> str:
    return str(torch.__version__)


def devices() -> tuple[str, ...]:
    return ("cpu", *(f"cuda:{i}" for i in range(torch.cuda.device_count())))


def device(name: str | None) -> torch.device:
    # An empty tensor has its device in full ("cuda" becomes "cuda:0"), and making it
    # raises the driver's own words where there is none.
    return torch.empty(0, device=name).device


def device_of(x: torch.Tensor) -> torch.device:
    return x.device


def is_array(x: Any) -> bool:
    return isinstance(x, torch.Tensor)


def check_dtype(dtype: str) -> None:
    """PyTorch stores every dtype that bpx uses."""


def asarray(x: Any, dtype: str, device: torch.device) -> torch.Tensor:
    # A contiguous copy of our own: PyTorch warns of read-only memory, and refuses
    # negative strides and foreign byte orders.
    host = torch.from_numpy(np.array(x, dtype=dtype, order="C"))
    return host.to(device)


def to_host(x: torch.Tensor) -> np.ndarray:
    x = x.detach().cpu()
    return x.float().numpy() if x.dtype is torch.bfloat16 else x.numpy()


def active(device: torch.device) -> AbstractContextManager[None]:
    return nullcontext()


def scan(step: Any, state: Any, data: Any, rows: Any, start: int, stop: int) -> Any:
    """Run the steps one by one, without recording for autograd what bpx differentiates."""
    with torch.no_grad():
        return eager(step, state, data, rows, start, stop)
