"""The engines that both sides run on, and the environment of their children."""

import os
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

from benchmarks.against.trees import paths

__all__ = ["ENGINES", "Engine", "available", "environment"]


class Engine(NamedTuple):
    """An engine: one way to compute.

    Attributes
    ----------
    backend : str
    package : str
        The package that it needs.
    modes : tuple of str
        The ways in which it trains the networks.
    variables : dict
        The environment variables that it needs.
    slow : bool
        Whether compilation takes so long that it trains only some of the rows in each mode.
    """

    backend: str
    package: str
    modes: tuple[str, ...]
    variables: dict[str, str]
    slow: bool = False


_BOTH = ("compiled", "eager")

ENGINES = {
    "numpy": Engine("numpy", "numpy", _BOTH, {"BPX_NUMBA": "off"}),
    "numba": Engine("numpy", "numba", _BOTH[:1], {"BPX_NUMBA": "on"}),
    "torch": Engine("torch", "torch", _BOTH, {}),
    "jax": Engine(
        "jax", "jax", _BOTH, {"JAX_ENABLE_X64": "1", "JAX_PLATFORMS": "cpu"}, slow=True
    ),
}
"""numba has no eager mode of its own: its eager mode is that of numpy."""

_LEFT_OUT = (
    *("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"),  # a machine's, not everybody's
    *("BPX_BACKEND", "BPX_DTYPE", "BPX_NUMBA", "PYTHONDONTWRITEBYTECODE"),
)
_THREADS = (
    *("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"),
)


def available() -> list[str]:
    """The engines whose libraries are installed."""
    return [name for name, engine in ENGINES.items() if find_spec(engine.package)]


def environment(root: Path, variables: Mapping[str, str]) -> dict[str, str]:
    """The environment of a child that imports a tree's bpx: one thread, default settings."""
    kept = {name: value for name, value in os.environ.items() if name not in _LEFT_OUT}
    threads = dict.fromkeys(_THREADS, "1")
    return kept | threads | {"PYTHONPATH": os.pathsep.join(paths(root))} | dict(variables)
