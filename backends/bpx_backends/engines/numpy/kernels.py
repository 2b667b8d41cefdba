"""Kernels compiled by numba, which the NumPy engine runs if numba is installed.

The cache folder holds a kernel's source, and numba keeps its machine code beside it, so that
only the first process compiles it. numba's own threads are not used: two Python threads that
enter them at once abort the process. A kernel releases the GIL, and a large one is split into
parts for threads that live as long as the engine's call.
"""

import hashlib
import importlib.util
import linecache
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from functools import lru_cache
from logging import getLogger
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from bpx._files import cache_folder, write_atomically
from bpx.errors import InputError
from bpx.program.fusion import Kernel, can_fuse
from bpx.program.operation import Operation
from bpx.program.plan import Plan
from bpx_backends.engines.numpy.expressions import SUPPORTED
from bpx_backends.engines.numpy.replay import PART, Compiled, Fused, prepare
from bpx_backends.engines.numpy.source import source

__all__ = ["compiled", "fuses"]

_log = getLogger("bpx")

_without_cache: set[Path] = set()
FEW = 128
"""The number of elements up to which powers, one by one, are as fast as another call."""


def fuses(op: Operation) -> bool:
    """Whether an operation can be part of a kernel."""
    slow = op.name == "pow" and op.result.size > FEW
    return op.name in SUPPORTED and not slow and can_fuse(op)


def compiled(plan: Plan) -> Compiled:
    """Return a plan with its kernels compiled."""
    return prepare(plan, lambda kernel: _fused(plan, kernel))


def _fused(plan: Plan, kernel: Kernel) -> Fused:
    text, sizes, numbers, arguments, splits, flat = source(plan, kernel)
    touched = sum(v.nbytes for v in (*kernel.reads, *kernel.writes))
    fixed = np.array(sizes, np.uint64), np.array(numbers, np.float64)
    parts = max(1, touched // PART) if splits else 1
    return Fused(_function(text), fixed, arguments, parts, flat)


@lru_cache(maxsize=1024)
def _function(text: str) -> Callable[..., Any]:
    """Return the function of a source text, compiled by this or an earlier process."""
    name = f"bpx_{hashlib.sha256(text.encode()).hexdigest()[:24]}"
    path = cache_folder() / "kernels" / f"{name}.py"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            with write_atomically(path) as file:
                file.write(text.encode())
        if not os.access(path.parent, os.W_OK):
            raise PermissionError(f"{path.parent} cannot be written")
    except (OSError, InputError) as why:
        _warn_of_no_cache(path.parent, why)
        return _executed(name, text)
    try:
        return _imported(name, path).kernel
    except Exception as why:  # numba reads its own files without checking them
        _log.warning("a kernel is compiled again, since its cache cannot be loaded: %s", why)
        for each in (path.parent / "__pycache__").glob(f"{name}.*"):
            with suppress(OSError):
                each.unlink()
        return _executed(name, text)


def _warn_of_no_cache(folder: Path, why: Exception) -> None:
    """Warn, once per process, that every later process compiles the kernels again."""
    if folder not in _without_cache:
        _without_cache.add(folder)
        _log.warning(
            "the kernels that numba compiles cannot be kept in %s, so every process compiles "
            "them again, which takes seconds (%s): set BPX_CACHE to a folder that you can "
            "write to, or BPX_NUMBA=off for short trainings",
            folder,
            why,
        )


def _imported(name: str, path: Path) -> Any:
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # numba's cache looks for it there
    spec.loader.exec_module(module)
    return module


def _executed(name: str, text: str) -> Callable[..., Any]:
    text = text.replace("cache=True", "cache=False")
    module = ModuleType(name)
    file = f"<{name}>"
    linecache.cache[file] = len(text), None, text.splitlines(keepends=True), file
    exec(compile(text, file, "exec"), module.__dict__)
    return module.__dict__["kernel"]
