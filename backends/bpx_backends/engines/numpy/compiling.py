"""Modules of numba's functions, made from their text.

The cache folder holds the text, and numba keeps the machine code beside it, so that only the
first process compiles it. numba reads no folder that it cannot write to, so the files of such a
one are copied to a temporary folder first.
"""

import hashlib
import importlib.util
import linecache
import os
import shutil
import sys
from contextlib import suppress
from functools import cache
from logging import getLogger
from pathlib import Path
from tempfile import TemporaryDirectory
from types import ModuleType
from typing import Any

from bpx._files import cache_folder, write_atomically
from bpx.errors import InputError
from bpx_backends.engines.shared.interrupts import uninterrupted

__all__ = ["loaded"]

_log = getLogger("bpx")
_without_cache: set[Path] = set()
_damaged: set[Path] = set()
"""The folders of which each warning was given."""


def loaded(text: str) -> Any:
    """Return the module with that text, compiled by this or an earlier process."""
    with uninterrupted():
        return _loaded(text)


def _loaded(text: str) -> Any:
    name = f"bpx_{hashlib.sha256(text.encode()).hexdigest()[:24]}"
    path = cache_folder() / "kernels" / f"{name}.py"
    try:
        path = _kept(path, text)
    except (OSError, InputError) as why:
        _warn_of_no_cache(path.parent, why)
        return _executed(name, text)
    try:
        return _imported(name, path)
    except Exception as why:  # numba reads its own files without checking them
        if path.parent not in _damaged:
            _damaged.add(path.parent)
            _log.warning("kernels are compiled again, since %s is damaged: %s", path, why)
        for each in (path.parent / "__pycache__").glob(f"{name}.*"):
            with suppress(OSError):
                each.unlink()
        return _executed(name, text)


def _kept(path: Path, text: str) -> Path:
    """Return the file with that text, in the cache folder or, if it is only read, in a copy."""
    path.parent.mkdir(parents=True, exist_ok=True)
    writable = os.access(path.parent, os.W_OK)
    if path.exists() and path.read_text(encoding="utf-8") == text:
        return path if writable else _copied(path)
    if not writable:
        raise PermissionError(f"{path.parent} cannot be written")
    with write_atomically(path) as file:
        file.write(text.encode())
    return path


def _copied(path: Path) -> Path:
    """Copy a file, and numba's files for it, to this process's temporary folder."""
    folder = Path(_temporary().name)
    (folder / "__pycache__").mkdir(exist_ok=True)
    for each in (path, *path.parent.glob(f"__pycache__/{path.stem}.*")):
        shutil.copy2(each, folder / each.relative_to(path.parent))  # numba compares the times
    return folder / path.name


@cache
def _temporary() -> TemporaryDirectory[str]:
    return TemporaryDirectory(prefix="bpx-kernels-")


def _warn_of_no_cache(folder: Path, why: Exception) -> None:
    """Warn, once per process, that every later process compiles the kernels again."""
    if folder not in _without_cache:
        _without_cache.add(folder)
        _log.warning(
            "the kernels that numba compiles cannot be kept in %s, so every process compiles "
            "them again, which takes seconds (%s): set BPX_CACHE to a folder that you can "
            "write to, or BPX_NUMBA=off",
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


def _executed(name: str, text: str) -> ModuleType:
    text = text.replace("cache=True", "cache=False")
    module = ModuleType(name)
    file = f"<{name}>"
    linecache.cache[file] = len(text), None, text.splitlines(keepends=True), file
    exec(compile(text, file, "exec"), module.__dict__)
    return module
