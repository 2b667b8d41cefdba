"""What the last bits of a run depend on besides its settings and samples."""

import os
import platform
from importlib import import_module
from typing import Any

from bpx.arrays.home import Home
from bpx.arrays.registry import by_name

__all__ = ["machine", "versions"]

_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def machine(home: Home) -> dict[str, Any]:
    """Return the backend, its engine, the cores and threads, and the versions."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    chosen = {name: os.environ[name] for name in _THREADS if name in os.environ}
    return {
        "backend": str(home),
        "dtype": home.dtype,
        "engine": home.backend.engine(),
        "cores": cores,
        "threads": chosen,
        "versions": versions(home),
    }


def versions(home: Home) -> dict[str, str]:
    """Return the versions that a run depends on."""
    found = {
        "bpx": import_module("bpx").__version__,
        "python": platform.python_version(),
        "numpy": by_name("numpy").version(),
        home.backend.name: home.backend.version(),
    }
    if "numba" in home.backend.engine():
        found["numba"] = _installed("numba")
    return found


def _installed(name: str) -> str:
    from importlib.metadata import PackageNotFoundError, version  # it takes some milliseconds

    try:
        return version(name)
    except PackageNotFoundError:
        return "none"
