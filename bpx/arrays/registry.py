"""Backends: find one by its name, or recognise one by its arrays.

A library is recognised among the imported modules; it is never imported just to look.
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
except ModuleNotFoundError as error:  # the clone's root is on the path, but not backends/
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
    "having_halves",
    "installed",
    "is_traced",
    "known",
    "namespace",
]

ENTRY_POINTS = "bpx.backends"
"""The entry-point group through which another package offers a backend."""


_loaded: dict[str, Backend] = {}
_makers: dict[type, Backend] = {}
"""The backends of the types of arrays that were recognised."""
_namespaces: dict[type, Any] = {}
_names: dict[Any, str] = {}
"""The names of dtypes, which NumPy puts together anew each time."""


def known() -> tuple[str, ...]:
    """Return the names of all backends, built in and offered by other packages."""
    return (*KNOWN, *(name for name in _entry_points() if name not in KNOWN))


def installed() -> tuple[str, ...]:
    """Return the names of the backends whose library is installed."""
    return tuple(n for n in known() if n not in KNOWN or is_installed(KNOWN[n].package))


def having_halves() -> tuple[str, ...]:
    """Return the names of the built-in backends that can train in 16 bits."""
    return tuple(name for name, each in KNOWN.items() if each.halves)


def by_name(name: str) -> Backend:
    """Return the backend of that name, imported if necessary.

    Parameters
    ----------
    name : str
        One of `known`, without a device.

    Raises
    ------
    BackendError
        If the name is unknown, with the nearest known spelling; if the library is not
        installed, with the command that installs it; or if its import fails, with the reason.
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
    """Return the backend whose library made `x`; None if `x` is not an array of a known one."""
    found = _makers.get(type(x))
    if found is not None and _loaded.get(found.name) is found:
        return found
    found = _find_backend(x)
    if found is not None:
        _makers[type(x)] = found
    return found


def namespace(x: object) -> Any:
    """Return the namespace of standard functions for arrays like `x`, looked up by type.

    Parameters
    ----------
    x : array of a known library, or of one with ``__array_namespace__``

    Returns
    -------
    module
        For example ``numpy``, or array-api-compat's wrapper of a library.

    Raises
    ------
    BackendError
        If `x` is not such an array.
    """
    try:
        return _namespaces[type(x)]
    except KeyError:
        return _namespaces.setdefault(type(x), _find_namespace(x))


def is_traced(x: object) -> bool:
    """Whether `x` belongs to a function that its library transforms, as ``jax.jit`` does.

    Its values may then be unknown on the host.
    """
    traced = getattr(backend_of(x), "is_traced", None)
    return bool(traced(x)) if traced else False


def compiled(function: Callable[..., Any], static: int, like: object) -> Callable[..., Any]:
    """Prepare a pure function to run as fast as the library of `like` can.

    Parameters
    ----------
    function : callable
        A function of trees of arrays, at module level, so that it is always the same object.
    static : int
        The number of hashable arguments before the trees.
    like : array

    Returns
    -------
    callable
        The result of the backend's own ``compiled(function, static)``, which is called each
        time and so caches what it makes; or the function itself if the backend has none.
    """
    make = getattr(backend_of(like), "compiled", None)
    return make(function, static) if make else function


def dtype_name(x: Any) -> str:
    """Return the name of an array's dtype in any library, such as ``"float32"``."""
    dtype = x.dtype
    key = type(dtype), dtype  # dtypes of two libraries may refuse to be compared
    try:
        return _names[key]
    except KeyError:
        name = getattr(dtype, "name", None) or str(dtype).rpartition(".")[2]
        return _names.setdefault(key, name)


def describe(x: Any) -> str:
    """Describe an array in a message: ``"torch float32 on cuda:0"``."""
    backend = backend_of(x)
    if backend is None:
        return f"a {type(x).__module__}.{type(x).__qualname__}"
    device = backend.device_of(x)
    return f"{backend.name} {dtype_name(x)}" + (f" on {device}" if device is not None else "")


def _find_backend(x: object) -> Backend | None:
    for name, entry in KNOWN.items():
        if name not in _loaded and sys.modules.get(entry.package) is not None:
            with suppress(BackendError):  # from a broken library, which did not make `x`
                by_name(name)
    return next((b for b in _loaded.values() if b.is_array(x)), None)


def _find_namespace(x: Any) -> Any:
    backend = backend_of(x)
    if backend is not None:
        return backend.xp
    if hasattr(x, "__array_namespace__"):
        return x.__array_namespace__()
    raise BackendError(
        f"a {type(x).__module__}.{type(x).__qualname__} was given; expected an array. bpx "
        f"takes arrays of {', '.join(known())}: convert it with "
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
            f"{name!r} is a device, not a backend; write backend:device, such as torch:cuda, "
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
        found = f" (the folder {folder} has no __init__.py)" if folder else ""
        return BackendError(
            f"the backend {name!r} needs {package}, which is not installed{found}; "
            f"install it with: {KNOWN[name].install}"
        )
    return BackendError(
        f"the backend {name!r} is installed but cannot be imported: {type(error).__name__}: "
        f"{error}"
    )
