"""CUDA, through PyTorch or CuPy, whichever sees a device: events, copies, memory.

The first event is recorded on an idle device, so that no library's stream can hide work from
it, and the second one after all work is done.
"""

from collections.abc import Callable
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from typing import Any

__all__ = ["copier", "facts", "free", "library", "seconds", "sees"]


def sees(name: str) -> bool:
    """Whether an installed library sees a CUDA device."""
    if name == "jax":
        return any(device.platform == "gpu" for device in import_module("jax").devices())
    return bool(import_module(name).cuda.is_available())


@cache
def library() -> str | None:
    """``"torch"`` or ``"cupy"``; None if neither sees a device."""
    return next((name for name in ("torch", "cupy") if find_spec(name) and sees(name)), None)


def seconds(run: Callable[[], Any]) -> float:
    """The time between an event before a call and one after it."""
    cuda = _cuda()
    start, stop = cuda.event(), cuda.event()
    cuda.synchronize()
    start.record()
    run()
    cuda.synchronize()
    stop.record()
    stop.synchronize()
    return cuda.milliseconds(start, stop) / 1e3


def copier(size: int) -> Callable[[], Any]:
    """A function that copies this many bytes from one place of the device to another."""
    return _cuda().copier(size)


def free() -> int:
    """The free bytes of the device, as its driver reports them."""
    return _cuda().free()


def facts() -> dict[str, str]:
    """The device's name, and the version of CUDA."""
    return _cuda().facts()


class _Torch:
    def __init__(self) -> None:
        import torch

        self.torch = torch
        self.synchronize = torch.cuda.synchronize

    def event(self) -> Any:
        return self.torch.cuda.Event(enable_timing=True)

    def milliseconds(self, start: Any, stop: Any) -> float:
        return start.elapsed_time(stop)

    def copier(self, size: int) -> Callable[[], Any]:
        source = self.torch.ones(size, dtype=self.torch.uint8, device="cuda")
        target = self.torch.empty_like(source)
        return lambda: target.copy_(source)

    def free(self) -> int:
        return self.torch.cuda.mem_get_info()[0]

    def facts(self) -> dict[str, str]:
        return {"gpu": self.torch.cuda.get_device_name(), "cuda": str(self.torch.version.cuda)}


class _Cupy:
    def __init__(self) -> None:
        import cupy

        self.cupy = cupy
        self.synchronize = cupy.cuda.Device().synchronize

    def event(self) -> Any:
        return self.cupy.cuda.Event()

    def milliseconds(self, start: Any, stop: Any) -> float:
        return self.cupy.cuda.get_elapsed_time(start, stop)

    def copier(self, size: int) -> Callable[[], Any]:
        source = self.cupy.ones(size, dtype=self.cupy.uint8)
        target = self.cupy.empty_like(source)
        return lambda: self.cupy.copyto(target, source)

    def free(self) -> int:
        return self.cupy.cuda.runtime.memGetInfo()[0]

    def facts(self) -> dict[str, str]:
        runtime = self.cupy.cuda.runtime
        name = runtime.getDeviceProperties(0)["name"].decode()
        return {"gpu": name, "cuda": str(runtime.runtimeGetVersion())}


@cache
def _cuda() -> Any:
    return _Torch() if library() == "torch" else _Cupy()
