"""Collect what a bug report needs: versions, devices, variables, threads."""

import os
import platform
import re
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np

import bpx
from bpx.cli import ranks
from bpx.cli.threads import notes, pools, warnings

__all__ = ["as_text", "collect"]

VARIABLES = (
    "BPX_BACKEND",
    "BPX_DTYPE",
    "BPX_NUMBA",
    "BPX_RANKS",
    "BPX_DATA",
    "BPX_CACHE",
    "BPX_MIRROR",
    "XDG_CACHE_HOME",
    "CUDA_VISIBLE_DEVICES",
    "JAX_PLATFORMS",
    "JAX_ENABLE_X64",
)
"""The environment variables that bpx reads, or that affect which devices backends find."""

THREADS = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
)

_PACKAGES = (
    "array-api-compat",
    "numba",
    "safetensors",
    "threadpoolctl",
    "click",
    "rich",
    "pooch",
    "scikit-learn",
)


def collect() -> dict[str, Any]:
    """Return everything that ``bpx info`` shows, in types that JSON can hold.

    This imports every installed array library, to ask it for its devices.
    """
    return {
        "versions": _versions(),
        "platform": platform.platform(),
        "cpus": os.cpu_count(),
        "blas": _blas(),
        "chosen": _chosen(),
        "backends": [info._asdict() for info in bpx.backends()],
        "ranks": ranks.collected(),
        "environment": _variables(VARIABLES),
        "threads": _variables(THREADS),
        "pools": pools(),
        "warnings": warnings(),
        "notes": notes(),
    }


def as_text(report: dict[str, Any]) -> str:
    """Format the report as plain text, to paste."""
    machine = {key: report[key] for key in ("platform", "cpus", "blas", "chosen")}
    machine |= {f"pool {i}": pool for i, pool in enumerate(report["pools"], 1)}
    machine |= {f"warning {i}": text for i, text in enumerate(report["warnings"], 1)}
    machine |= {f"note {i}": text for i, text in enumerate(report["notes"], 1)}
    environment = {**report["environment"], **report["threads"]}
    sections = {
        "versions": report["versions"],
        "machine": machine,
        "backends": {each["name"]: _backend(each) for each in report["backends"]},
        "ranks": report["ranks"],
        "environment": {name: _or(value, "not set") for name, value in environment.items()},
    }
    return "\n\n".join(_section(title, entries) for title, entries in sections.items())


def _section(title: str, entries: dict[str, Any]) -> str:
    width = max(map(len, entries))
    lines = (
        f"  {name:{width}}  {_or(value, 'not installed')}" for name, value in entries.items()
    )
    return "\n".join([title, *lines])


def _backend(info: dict[str, Any]) -> str:
    if info["problem"]:
        return str(info["problem"])
    place = f"{info['version']}, on {', '.join(info['devices'])}"
    return f"{place}: {info['engine']}" if info["engine"] else place


def _or(value: Any, otherwise: str) -> str:
    return otherwise if value is None else str(value)


def _versions() -> dict[str, str | None]:
    python = f"{platform.python_version()} ({platform.python_implementation()})"
    own = {"bpx": bpx.__version__, "python": python, "numpy": np.__version__}
    return {**own, **{name: _version(name) for name in _PACKAGES}}


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _blas() -> str:
    built: Any = np.show_config(mode="dicts")
    blas = built.get("Build Dependencies", {}).get("blas", {})
    return f"{blas.get('name', 'unknown')} {blas.get('version', '')}".strip()


def _chosen() -> str:
    try:
        home = bpx.Network([1, 1], seed=0).home
    except bpx.BpxError as error:
        return str(error)
    return f"{home}, {home.dtype}"


def _variables(names: tuple[str, ...]) -> dict[str, str | None]:
    return {name: _without_password(os.environ.get(name)) for name in names}


def _without_password(value: str | None) -> str | None:
    """Mask the user and the password in a URL, which do not belong in a bug report."""
    return None if value is None else re.sub(r"//[^/@\s]*@", "//***@", value)
