"""The NumPy backend, on the host."""

from contextlib import AbstractContextManager
from typing import Any

import numpy as xp

from bpx_backends.engines.numpy import answers as numpy_answers
from bpx_backends.engines.numpy import engine as numpy_engine
from bpx_backends.engines.shared import recycling

name = "numpy"
immutable = False
scan = numpy_engine.scan
session = numpy_engine.session
bound = numpy_answers.bound
engine = numpy_engine.engine
release = recycling.release


def version() -> str:
    return xp.__version__


def devices() -> tuple[str, ...]:
    return ("cpu",)


def device(name: str | None) -> str:
    if name not in (None, "cpu"):
        raise ValueError("NumPy computes only on the cpu")
    return "cpu"


def device_of(x: Any) -> str:
    return "cpu"


def is_array(x: Any) -> bool:
    return isinstance(x, xp.ndarray | xp.generic)


def check_dtype(dtype: str) -> None:
    """NumPy stores every dtype that bpx uses."""


def asarray(x: Any, dtype: str, device: str) -> xp.ndarray:
    return xp.array(x, dtype=dtype, order="C")


def to_host(x: Any) -> xp.ndarray:
    return xp.asarray(x)


def active(device: str) -> AbstractContextManager[Any]:
    # The cost reveals overflow, and an error reports it, so no warning is needed.
    return xp.errstate(all="ignore")
