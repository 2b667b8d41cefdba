"""The array-api-strict backend: the standard and nothing more. For tests, not for speed."""

from contextlib import AbstractContextManager
from typing import Any

import array_api_strict as xp
import numpy as np

from bpx.program.contract import eager

name = "strict"
immutable = False
scan = eager

_CPU = xp.Device("CPU_DEVICE")


def version() -> str:
    return str(xp.__version__)


def devices() -> tuple[str, ...]:
    return ("CPU_DEVICE", "device1", "device2")


def device(name: str | None) -> Any:
    return xp.Device(name or "CPU_DEVICE")


def device_of(x: Any) -> Any:
    return x.device


def is_array(x: Any) -> bool:
    return isinstance(x, type(xp.empty(0)))


def check_dtype(dtype: str) -> None:
    """array-api-strict stores every dtype that bpx uses on the devices listed."""


def asarray(x: Any, dtype: str, device: Any) -> Any:
    return xp.asarray(np.array(x, dtype=dtype), device=device)


def to_host(x: Any) -> np.ndarray:
    return np.asarray(x.to_device(_CPU))


def engine() -> str:
    return "operation by operation"


def release() -> None:
    """Do nothing: nothing is kept."""


def active(device: Any) -> AbstractContextManager[Any]:
    return np.errstate(all="ignore")
