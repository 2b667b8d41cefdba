"""The CuPy backend, on an NVIDIA GPU."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import cache
from typing import Any

import array_api_compat.cupy
import cupy
import numpy as np

from bpx.program.contract import Step
from bpx_backends.engines.cuda import engine as cupy_engine
from bpx_backends.engines.cuda import machine as cupy_machine
from bpx_backends.engines.cuda.precision import PRECISIONS
from bpx_backends.ranks.devices import device_number, local_rank

name = "cupy"
immutable = False
xp = array_api_compat.cupy
precisions = PRECISIONS
engine = cupy_machine.engine

_engines: dict[str, cupy_engine.CupyEngine] = {
    each: cupy_engine.CupyEngine(each) for each in PRECISIONS
}


def scan(
    step: Step, state: Any, data: Any, rows: Any, start: int, stop: int, donate: bool = False
) -> Any:
    """Run a training step for many mini-batches: see `bpx.program.contract`."""
    precision = getattr(step, "precision", "float32")
    return _engines[precision].scan(step, state, data, rows, start, stop, donate)


def release() -> None:
    """Release the device memory of all plans."""
    for each in _engines.values():
        each.release()


def version() -> str:
    return str(cupy.__version__)


def devices() -> tuple[str, ...]:
    return tuple(str(i) for i in range(cupy.cuda.runtime.getDeviceCount()))


def device(name: str | None) -> Any:
    index = _usual() if name is None else int(name.removeprefix("cuda:"))
    with cupy.cuda.Device(index):  # raises the driver's own error if it is missing
        return cupy.cuda.Device(index)


def _usual() -> int:
    """The number of the device that a program has made the current one, or of this rank's."""
    own = device_number(cupy.cuda.runtime.getDeviceCount(), local_rank())
    return cupy.cuda.runtime.getDevice() or own or 0


def device_of(x: Any) -> Any:
    return x.device


def is_array(x: Any) -> bool:
    return isinstance(x, cupy.ndarray)


def check_dtype(dtype: str) -> None:
    """CuPy stores every dtype that bpx uses."""


def asarray(x: Any, dtype: str, device: Any) -> Any:
    with device:
        return cupy.asarray(np.asarray(x, dtype=dtype, order="C"))  # this copies


def pinned(device: Any, shape: tuple[int, ...], dtype: Any) -> np.ndarray:
    """Return a host array that the device copies from without a copy in between."""
    import cupyx

    with device:
        return cupyx.empty_pinned(shape, dtype)


@contextmanager
def aside(device: Any) -> Iterator[None]:
    """Return a context in which arrays move to the device beside the steps that are running.

    They are there when it ends, which waits for them and for nothing else.
    """
    with cupy.cuda.Device(device.id), _aside(device.id) as stream:
        try:
            yield
        finally:
            stream.synchronize()


@cache
def _aside(index: int) -> Any:
    """The one such stream of a device: freed memory is reused on its own stream alone."""
    return cupy.cuda.Stream(non_blocking=True)


def to_host(x: Any) -> np.ndarray:
    return cupy.asnumpy(x)


def active(device: Any) -> AbstractContextManager[Any]:
    return cupy.cuda.Device(device.id)
