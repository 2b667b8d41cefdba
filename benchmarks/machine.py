"""The machine, its libraries, their threads, and its load."""

import os
import platform
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from benchmarks import kernels

__all__ = ["blas", "busy", "cores", "environment", "threads", "told"]

LIBRARIES = (
    "numpy",
    "numba",
    "torch",
    "jax",
    "jaxlib",
    "scikit-learn",
    "cupy",
    "nvmath-python",
)


def environment(*libraries: str) -> dict[str, Any]:
    """The date, the machine, and the versions of the given libraries that are installed.

    The BLAS is that of NumPy, as long as no other library has brought one.
    """
    from bpx import __version__

    unset = {"unset": kernels.told()} if kernels.UNSET else {}
    return {
        "date": f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        "processor": _processor(),
        "cores": cores(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "bpx": __version__,
        **{name: found for name in libraries or LIBRARIES if (found := _version(name))},
        "blas": blas(),
        **unset,
    }


def cores() -> int:
    """The cores that this process may use: the libraries' pools start with as many."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def busy() -> str:
    """The average number of threads that wanted a core during the last minute."""
    return f"{os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "unknown"


def threads() -> dict[str, int]:
    """The number of threads of each pool."""
    found = {"cores": cores()}
    if "torch" in sys.modules:
        found["torch"] = sys.modules["torch"].get_num_threads()
    if "numba" in sys.modules:
        found["numba"] = sys.modules["numba"].get_num_threads()
    if "jax" in sys.modules:
        found["jax"] = cores()  # JAX does not report them; its pool has as many
    pools = {(pool["internal_api"], pool["num_threads"]) for pool in _pools()}
    return found | dict(sorted(pools))


def told(pools: Mapping[str, int]) -> str:
    """The threads of each pool, and whether the pools agree."""
    listed = ", ".join(f"{pool} {number}" for pool, number in pools.items())
    unlike = len(set(pools.values())) > 1
    return f"threads: {listed}" + ("; not alike: compare with care" if unlike else "")


def blas() -> str:
    """The loaded BLAS libraries, each with the kernels that it has chosen and its threads."""
    names = ("internal_api", "version", "architecture")
    found = {
        " ".join(str(pool[name]) for name in names if pool.get(name)) + f" ({_counted(pool)})"
        for pool in _pools()
        if pool["user_api"] == "blas"
    }
    return ", ".join(sorted(found)) or "unknown: threadpoolctl is not installed"


def _counted(pool: Mapping[str, Any]) -> str:
    number = pool["num_threads"]
    return f"{number} thread" if number == 1 else f"{number} threads"


def _pools() -> list[dict[str, Any]]:
    try:
        from threadpoolctl import threadpool_info
    except ImportError:
        return []
    return threadpool_info()


def _processor() -> str:
    info = Path("/proc/cpuinfo")  # Linux alone; platform.processor() is empty there
    lines = info.read_text(encoding="utf-8").splitlines() if info.exists() else []
    models = (text.partition(":")[2].strip() for text in lines if text.startswith("model name"))
    return next(models, platform.processor() or "unknown")


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
