"""`Home`: the place of a network's arrays, ``backend[:device]``, and their dtype."""

import logging
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple, Self

from bpx.arrays.backend import Backend
from bpx.arrays.choice import Dtype, checked, chosen, split
from bpx.arrays.registry import by_name, known
from bpx.errors import BackendError
from bpx.program.contract import Scan
from bpx_backends import AUTO

__all__ = ["BackendInfo", "Home", "backends", "select"]

_log = logging.getLogger("bpx")

_REFUSALS = (RuntimeError, ValueError, AssertionError, OSError)
"""The errors of libraries for a missing device: PyTorch without CUDA asserts."""


@dataclass(frozen=True)
class Home:
    """The place of a network's arrays: a backend, one of its devices, and a dtype.

    ``str(home)`` is the name that selects it, such as ``torch:cuda:0``.

    Attributes
    ----------
    backend : Backend
        The backend's module.
    device : object
        The library's device object.
    device_name : str or None
        The requested name; None for the library's default.
    dtype : {"float32", "float64"}
        The dtype of parameters.
    """

    backend: Backend
    device: Any
    device_name: str | None = field(compare=False)
    dtype: Dtype

    def __str__(self) -> str:
        named = (self.backend.name, self.device_name)
        return ":".join(part for part in named if part)

    def __repr__(self) -> str:
        return f"<bpx.Home {self}, {self.dtype}>"

    def __hash__(self) -> int:
        return hash((self.backend.name, self.dtype))  # CuPy's devices are not hashable

    def __deepcopy__(self, memo: Any) -> Self:
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        return select, (str(self), self.dtype)  # a backend is a module, which pickle rejects

    def active(self) -> AbstractContextManager[Any]:
        """Return a context in which this home's arrays can be used (CuPy needs one)."""
        return self.backend.active(self.device)

    def release(self) -> None:
        """Release what the engine kept for further chunks, after training ends."""
        if hasattr(self.backend, "release"):
            self.backend.release()

    def scan(self) -> Scan:
        """Return the engine for one training, which may keep what its calls have in common."""
        make = getattr(self.backend, "session", None)
        scan: Scan = make() if make else self.backend.scan
        return scan

    def asarray(self, x: Any, dtype: str | None = None) -> Any:
        """Copy a host array to this home, in its dtype or in `dtype`."""
        return self.backend.asarray(x, dtype or self.dtype, self.device)

    def stored_as(self, dtype: Dtype) -> Self:
        """Return the home with the same backend and device, and another dtype."""
        checked(None, dtype)
        _check_stored(self.backend, dtype)
        return replace(self, dtype=dtype)

    def owns(self, x: Any) -> bool:
        """Whether `x` is an array of this home's library on its device."""
        return self.backend.is_array(x) and self.backend.device_of(x) in (self.device, None)


class BackendInfo(NamedTuple):
    """The state of one backend on this machine.

    Attributes
    ----------
    name : str
        The name for `BPX_BACKEND`.
    version : str or None
        The library's version; None if it cannot be imported.
    devices : tuple of str
        The usable devices.
    problem : str or None
        Why it cannot be used, and what to do; None if it can.
    engine : str or None
        How it runs training steps; None if it cannot.
    """

    name: str
    version: str | None
    devices: tuple[str, ...]
    problem: str | None
    engine: str | None = None


def select(backend: str | None = None, dtype: str | None = None) -> Home:
    """Select the home that the arguments, `use`, `set_default` and the environment choose.

    Parameters
    ----------
    backend : str, optional
        ``backend[:device]``; a bare name means the library's default device; ``"auto"``
        means the first that works of cupy, torch on CUDA, JAX on a GPU, and numpy.
    dtype : {"float32", "float64"}, optional
        The dtype of parameters.

    Raises
    ------
    BackendError
        If the name is unknown, the library is missing, or the device cannot be used.
    InputError
        If the dtype is not one of the two.
    """
    name, stored = chosen(backend, dtype)
    return _auto(stored) if name == "auto" else _home(name, stored)


def backends() -> tuple[BackendInfo, ...]:
    """List every known backend: its version, its devices and, if it cannot be used, why.

    This imports every installed array library.

    Returns
    -------
    tuple of BackendInfo
        The built-in backends first, then those of other packages.
    """
    return tuple(_info(name) for name in known())


def _home(spec: str, dtype: Dtype) -> Home:
    name, device_name = split(spec)
    backend = by_name(name)
    try:
        device = backend.device(device_name)
    except MemoryError:
        raise
    except Exception as error:
        raise BackendError(_no_device(backend, device_name, error)) from error
    _check_stored(backend, dtype)
    return Home(backend, device, device_name, dtype)


def _check_stored(backend: Backend, dtype: str) -> None:
    try:
        backend.check_dtype(dtype)
    except _REFUSALS as error:
        raise BackendError(str(error)) from error
    except MemoryError:
        raise
    except Exception as error:
        raise BackendError(_failed(backend, f"whether it stores {dtype}", error)) from error


def _no_device(backend: Backend, device_name: str | None, error: Exception) -> str:
    if not isinstance(error, _REFUSALS):
        return _failed(
            backend, f"for device {device_name!r}" if device_name else "for its devices", error
        )
    words = f"{type(error).__name__}: {error}".strip()
    which = f"device {device_name!r}" if device_name else "any device"
    try:
        usable = ", ".join(f"{backend.name}:{name}" for name in backend.devices())
    except Exception:
        usable = ""
    advice = f"usable here: {usable}" if usable else "choose another backend, or 'auto'"
    return f"the backend {backend.name!r} cannot use {which} ({words}); {advice}"


def _failed(backend: Backend, asked: str, error: Exception) -> str:
    """Describe an error that is a fault of the backend, not a missing device."""
    return (
        f"the backend {backend.name!r} failed when it was asked {asked}, with "
        f"{type(error).__name__}: {error}; this is a fault in the backend, not a problem of "
        "this machine"
    )


def _auto(dtype: Dtype) -> Home:
    for spec in AUTO:
        try:
            home = _home(spec, dtype)
            _compute(home)
        except Exception as error:
            _log.info("auto: not %s: %s: %s", spec, type(error).__name__, error)
        else:
            _log.info("auto: took %s", home)
            return home
    raise BackendError("auto found no device that computes; see `bpx info`")


def _compute(home: Home) -> None:
    """Compute on the device; a device that is listed but unusable raises here."""
    one = home.asarray([[1.0]])
    if float(home.backend.to_host(one @ one)[0, 0]) != 1.0:
        raise BackendError(f"{home} computed 1 x 1 wrongly")


def _info(name: str) -> BackendInfo:
    try:
        backend = by_name(name)
    except BackendError as error:
        return BackendInfo(name, None, (), str(error))
    try:
        devices = backend.devices()
        problem = None if devices else f"{name} is installed, but has no usable device"
        engine = backend.engine() if hasattr(backend, "engine") else None
    except BackendError as error:
        devices, problem, engine = (), str(error), None
    except Exception as error:
        devices, problem, engine = (), _no_device(backend, None, error), None
    return BackendInfo(name, backend.version(), devices, problem, engine)
