"""Backends: finding one by name, recognising one by its arrays.

A library is recognised through what is already imported, never by importing it to look.
"""

import importlib
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Any, cast

from bpx.arrays.backend import Backend
from bpx.errors import BackendError, nearest

try:
    from bpx_backends import KNOWN, bare_folder, is_installed
except ModuleNotFoundError as error:  # a clone's root is on the path, and backends/ is not
    raise ModuleNotFoundError(
        f"{error}: bpx is imported from a clone in which it is not installed; "
        "in the clone, run: pip install .",
        name=error.name,
    ) from None

__all__ = [
    "backend_of",
    "by_name",
    "compiled",
    "describe",
    "dtype_name",
    "installed",
    "is_traced",
    "known",
    "namespace",
]

ENTRY_POINTS = "bpx.backends"
"""The entry-point group through which another package offers a backend."""


_loaded: dict[str, Backend] = {}
_namespaces: dict[type, Any] = {}


def known() -> tuple[str, ...]:
    """The names of all backends, built in and offered by other packages."""
    return (*KNOWN, *(name for name in _entry_points() if name not in KNOWN))


def installed() -> tuple[str, ...]:
    """The names of those whose library is there to be imported."""
    return tuple(n for n in known() if n not in KNOWN or is_installed(KNOWN[n].package))


def by_name(name: str) -> Backend:
    """The backend of that name, imported if it was not.

    Parameters
    ----------
    name : str
        One of `known`, without a device.

    Raises
    ------
    BackendError
        If the name is unknown, with the nearest known spelling; if the library is not
        installed, with the command that installs it; if its import fails, with its words.
    """
    if name not in _loaded:
        try:
            _loaded[name] = _import(name)
        except (BackendError, MemoryError):
            raise
        except Exception as error:  # a broken library may raise anything
            raise _cannot_import(name, error) from error
    return _loaded[name]


def backend_of(x: object) -> Backend | None:
    """The backend whose library made `x`; None if it is an array of none of them."""
    for name, entry in KNOWN.items():
        if name not in _loaded and sys.modules.get(entry.package) is not None:
            with suppress(BackendError):  # of a broken library that `x` is not of
                by_name(name)
    return next((b for b in _loaded.values() if b.is_array(x)), None)


def namespace(x: object) -> Any:
    """The standard's functions for arrays like `x`, looked up by type.

    Parameters
    ----------
    x : array of a known library, or of one with ``__array_namespace__``

    Returns
    -------
    module
        Such as ``numpy``, or array-api-compat's wrapping of a library.

    Raises
    ------
    BackendError
        If `x` is no such array.
    """
    try:
        return _namespaces[type(x)]
    except KeyError:
        return _namespaces.setdefault(type(x), _find_namespace(x))


def is_traced(x: object) -> bool:
    """Whether `x` is of a function that its library transforms, such as by ``jax.jit``.

    Then its values may not be there to be read on the host.
    """
    traced = getattr(backend_of(x), "is_traced", None)
    return bool(traced(x)) if traced else False


def compiled(function: Callable[..., Any], static: int, like: object) -> Callable[..., Any]:
    """A pure function as the library of `like` runs it best.

    Parameters
    ----------
    function : callable
        Of a module, so that there is one of it; of trees of arrays.
    static : int
        How many hashable values come before these.
    like : array

    Returns
    -------
    callable
        What the backend's own ``compiled(function, static)`` makes of it, which is asked at
        every call and so keeps what it made; the function itself where it has none.
    """
    make = getattr(backend_of(like), "compiled", None)
    return make(function, static) if make else function


def dtype_name(x: Any) -> str:
    """The name of an array's dtype in any library: ``"float32"``."""
    return getattr(x.dtype, "name", None) or str(x.dtype).rpartition(".")[2]


def describe(x: Any) -> str:
    """Where `x` lives, for messages: ``"torch float32 on cuda:0"``."""
    backend = backend_of(x)
    if backend is None:
        return f"a {type(x).__module__}.{type(x).__qualname__}"
    device = backend.device_of(x)
    return f"{backend.name} {dtype_name(x)}" + (f" on {device}" if device is not None else "")


def _find_namespace(x: Any) -> Any:
    backend = backend_of(x)
    if backend is not None:
        return backend.xp
    if hasattr(x, "__array_namespace__"):
        return x.__array_namespace__()
    raise BackendError(
        f"a {type(x).__module__}.{type(x).__qualname__} was given where an array was "
        f"expected; bpx knows the arrays of {', '.join(known())}: convert it with "
        "bpx.asarray(x, backend=...)"
    )


def _import(name: str) -> Backend:
    if name in KNOWN:
        if bare_folder(KNOWN[name].package):
            raise ModuleNotFoundError(KNOWN[name].package)
        importlib.import_module(KNOWN[name].package)
        return cast(Backend, importlib.import_module(f"bpx_backends._{name}"))
    entry_points = _entry_points()
    if name in entry_points:
        return cast(Backend, entry_points[name].load())
    raise BackendError(_unknown(name))


def _entry_points() -> dict[str, Any]:
    from importlib.metadata import entry_points

    return {entry.name: entry for entry in entry_points(group=ENTRY_POINTS)}


def _unknown(name: str) -> str:
    if name in ("cpu", "cuda", "gpu", "mps"):
        return (
            f"{name!r} is a device and no backend; write backend:device, such as torch:cuda, "
            "jax:gpu, cupy or torch:mps"
        )
    names = (*known(), "auto")
    return (
        f"there is no backend {name!r}{nearest(name, names)}; known: {', '.join(names)}; "
        f"installed here: {', '.join(installed())}"
    )


def _cannot_import(name: str, error: Exception) -> BackendError:
    if name in KNOWN and not is_installed(package := KNOWN[name].package):
        folder = bare_folder(package)
        found = f" (the folder {folder} is no library: it has no __init__.py)" if folder else ""
        return BackendError(
            f"the backend {name!r} needs {package}, which is not installed{found}; "
            f"install it with: {KNOWN[name].install}"
        )
    return BackendError(
        f"the backend {name!r} is installed but cannot be imported: {type(error).__name__}: "
        f"{error}"
    )
