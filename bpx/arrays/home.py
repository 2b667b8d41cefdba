"""Choosing where arrays live: ``backend[:device]``, and the dtype that is stored.

An explicit argument goes before `use`, that before `set_default`, that before the
environment variables ``BPX_BACKEND`` and ``BPX_DTYPE``, and those before ``numpy`` and
``float32``. The choice is read when a network is made, never at import.
"""

import logging
import os
import re
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from bpx.arrays.backend import Backend
from bpx.arrays.registry import known, load
from bpx.errors import BackendError, InputError, nearest
from bpx_backends import AUTO, KNOWN

__all__ = ["DTYPES", "BackendInfo", "Home", "backends", "select", "set_default", "use"]

DTYPES = ("float32", "float64")
"""The dtypes that parameters are stored in."""

_log = logging.getLogger("bpx")


@dataclass(frozen=True)
class Home:
    """Where a network's arrays live: a backend, a device of it, and a dtype.

    ``str(home)`` is the spelling that chooses it again, such as ``torch:cuda:0``.

    Attributes
    ----------
    backend : Backend
        The backend's module.
    device : object
        The library's own device.
    device_name : str or None
        What was asked for; None for the library's default.
    dtype : {"float32", "float64"}
        What parameters are stored in.
    """

    backend: Backend
    device: Any
    device_name: str | None = field(compare=False)
    dtype: str

    def __str__(self) -> str:
        named = (self.backend.name, self.device_name)
        return ":".join(part for part in named if part)

    def __repr__(self) -> str:
        return f"<bpx.Home {self}, {self.dtype}>"

    def __hash__(self) -> int:
        return hash((self.backend.name, self.dtype))  # a device of CuPy has no hash

    def __deepcopy__(self, memo: Any) -> "Home":
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        return select, (str(self), self.dtype)  # a backend is a module: it has no pickle

    def active(self) -> AbstractContextManager[Any]:
        """A context in which operations on this home's arrays may run (CuPy needs one)."""
        return self.backend.active(self.device)

    def release(self) -> None:
        """Let go of what the engine kept for another chunk: training has ended."""
        if hasattr(self.backend, "release"):
            self.backend.release()

    def asarray(self, x: Any, dtype: str | None = None) -> Any:
        """A host array, copied to this home, in its dtype or the one named."""
        return self.backend.asarray(x, dtype or self.dtype, self.device)

    def stored_as(self, dtype: str) -> "Home":
        """The same backend and device, with another dtype."""
        _checked(None, dtype)
        _check_stored(self.backend, dtype)
        return replace(self, dtype=dtype)

    def owns(self, x: Any) -> bool:
        """Whether `x` is an array of this home's library, on its device."""
        return self.backend.is_array(x) and self.backend.device_of(x) in (self.device, None)


class BackendInfo(NamedTuple):
    """One backend as this machine has it.

    Attributes
    ----------
    name : str
        What `BPX_BACKEND` calls it.
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


class _Choice(NamedTuple):
    backend: str | None = None
    dtype: str | None = None


_NOTHING = _Choice()

_in_context: ContextVar[_Choice] = ContextVar("bpx.use", default=_NOTHING)
_in_process = _NOTHING


@contextmanager
def use(backend: str | None = None, *, dtype: str | None = None) -> Iterator[None]:
    """Choose the backend for networks made inside a ``with`` block, in this thread or task.

    Parameters
    ----------
    backend : str, optional
        ``backend[:device]``, as in ``"cupy:1"``, or ``"auto"``.
    dtype : {"float32", "float64"}, optional
        What parameters are stored in.

    Raises
    ------
    BackendError, InputError
        If a name is unknown. A library that is missing is noticed when a network is made.

    Examples
    --------
    >>> with bpx.use("numpy", dtype="float64"):
    ...     net = bpx.Network([2, 3, 1])
    >>> net.weights[0].dtype
    dtype('float64')
    """
    outer = _in_context.get()
    choice = _checked(backend, dtype)
    token = _in_context.set(
        _Choice(*(new or old for new, old in zip(choice, outer, strict=True)))
    )
    try:
        yield
    finally:
        _in_context.reset(token)


def set_default(backend: str | None = None, *, dtype: str | None = None) -> None:
    """Choose the backend for the whole process: every thread, every notebook cell.

    Parameters
    ----------
    backend, dtype : str, optional
        As in `use`. What is left out, or None, goes back to the environment's choice.

    Raises
    ------
    BackendError, InputError
        If a name is unknown.
    """
    global _in_process
    _in_process = _checked(backend, dtype)


def select(backend: str | None = None, dtype: str | None = None) -> Home:
    """The home that the arguments, `use`, `set_default` and the environment choose.

    Parameters
    ----------
    backend : str, optional
        ``backend[:device]``; a bare name means the library's default device; ``"auto"``
        takes the first of cupy, torch on CUDA, JAX on a GPU and numpy that computes.
    dtype : {"float32", "float64"}, optional
        What parameters are stored in.

    Raises
    ------
    BackendError
        If the name is unknown, the library is missing, or the device cannot be used.
    InputError
        If the dtype is not one of the two.
    """
    made = (_checked(backend, dtype), _in_context.get(), _in_process)
    name = _first(*(choice.backend for choice in made)) or _from_environment("BPX_BACKEND")
    name, stored = name or "numpy", dtype or default_dtype()
    return _auto(stored) if name == "auto" else _home(name, stored)


def default_dtype() -> str:
    """The dtype that `use`, `set_default` and the environment choose for parameters."""
    made = _first(_in_context.get().dtype, _in_process.dtype)
    return made or _from_environment("BPX_DTYPE") or "float32"


def backends() -> tuple[BackendInfo, ...]:
    """Every known backend: its version, its devices, and why it cannot be used.

    The libraries that are installed are imported to ask them.

    Returns
    -------
    tuple of BackendInfo
        The built-in ones first, then those of other packages.
    """
    return tuple(_info(name) for name in known())


def _first(*choices: str | None) -> str | None:
    return next(filter(None, choices), None)


def _from_environment(variable: str) -> str | None:
    """What a variable says, its spelling checked; the error names the variable."""
    said = os.environ.get(variable)
    try:
        _checked(*((said, None) if variable == "BPX_BACKEND" else (None, said)))
    except (BackendError, InputError) as error:
        raise type(error)(f"in the environment variable {variable}: {error}") from error
    return said


def _checked(backend: str | None, dtype: str | None) -> _Choice:
    """The same two, their spelling checked before anything is imported."""
    if dtype and (not isinstance(dtype, str) or dtype not in DTYPES):
        raise InputError(
            f"dtype {dtype!r} was given; parameters are stored in {' or '.join(DTYPES)}"
            f"{nearest(str(dtype), DTYPES)}"
        )
    if backend:
        _split(backend)
    return _Choice(backend or None, dtype or None)


def _split(spec: str) -> tuple[str, str | None]:
    """``"torch:cuda:0"`` as ``("torch", "cuda:0")``: split at the first colon."""
    name, _, device = str(spec).partition(":")
    if not re.fullmatch(r"[a-z0-9_]+", name):
        raise BackendError(
            f"backend {spec!r} was given; expected backend[:device] in lower case, such as "
            f"numpy, cupy:1 or torch:cuda:0; known: {', '.join(known())}, auto"
        )
    if name == "auto" and device:
        raise BackendError(f"{spec!r} was given; auto finds the device itself: write 'auto'")
    if name not in KNOWN and name != "auto" and name not in known():
        load(name)  # raises, with the nearest spelling
    return name, device or None


def _home(spec: str, dtype: str) -> Home:
    name, device_name = _split(spec)
    backend = load(name)
    try:
        device = backend.device(device_name)
    except Exception as error:
        raise BackendError(_no_device(backend, device_name, error)) from error
    _check_stored(backend, dtype)
    return Home(backend, device, device_name, dtype)


def _check_stored(backend: Backend, dtype: str) -> None:
    try:
        backend.check_dtype(dtype)
    except Exception as error:
        raise BackendError(str(error)) from error


def _no_device(backend: Backend, device_name: str | None, error: Exception) -> str:
    words = f"{type(error).__name__}: {error}".strip()
    which = f"device {device_name!r}" if device_name else "any device"
    try:
        usable = ", ".join(f"{backend.name}:{name}" for name in backend.devices())
    except Exception:
        usable = ""
    advice = f"usable here: {usable}" if usable else "choose another backend, or 'auto'"
    return f"the backend {backend.name!r} cannot use {which} ({words}); {advice}"


def _auto(dtype: str) -> Home:
    for spec in AUTO:
        try:
            home = _home(spec, dtype)
            _compute(home)
        except Exception as error:
            _log.info("auto: not %s: %s", spec, error)
        else:
            _log.info("auto: took %s", home)
            return home
    raise BackendError("auto found no device that computes; see `bpx info`")


def _compute(home: Home) -> None:
    """Use the device: one that is only listed raises here."""
    one = home.asarray([[1.0]])
    if float(home.backend.to_host(one @ one)[0, 0]) != 1.0:
        raise BackendError(f"{home} computed 1 x 1 wrongly")


def _info(name: str) -> BackendInfo:
    try:
        backend = load(name)
    except BackendError as error:
        return BackendInfo(name, None, (), str(error))
    try:
        devices = backend.devices()
        problem = None if devices else f"{name} is installed, but has no usable device"
        engine = backend.engine() if hasattr(backend, "engine") else None
    except Exception as error:
        devices, problem, engine = (), _no_device(backend, None, error), None
    return BackendInfo(name, backend.version(), devices, problem, engine)
