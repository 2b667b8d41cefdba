"""Choose the ranks that train together: by an argument, or by ``BPX_RANKS``."""

import os
from collections.abc import Callable
from functools import cache
from importlib import import_module
from logging import getLogger
from typing import Any, Literal, TypeAlias, get_args

from bpx.arrays.home import Home
from bpx.arrays.ranks import Communicator
from bpx.errors import BackendError, InputError, advice, nearest
from bpx.program.contract import Scan
from bpx.training.parallel.agreement import LEADING
from bpx.training.parallel.alike import backend_of, check_same
from bpx.training.parallel.ending import attend
from bpx.training.parallel.failing import everywhere
from bpx_backends import is_installed
from bpx_backends.ranks.launched import launched

__all__ = ["NEEDS", "VARIABLE", "Ranks", "chosen", "devices", "hosts", "named"]

VARIABLE = "BPX_RANKS"
Ranks: TypeAlias = Literal["auto", "mpi", "torch", "devices", "off"]
"""What can be chosen by name."""

NEEDS = {
    "mpi": ("mpi4py", "pip install mpi4py mpich"),
    "torch": ("torch", "pip install torch"),
}
"""What each kind of ranks needs: a package, and the command that installs it."""
_HOST = "numpy"
_log = getLogger("bpx")


def named(given: str | None) -> str | None:
    """Return the choice of an argument or of the environment; None if nobody has chosen.

    Raises
    ------
    InputError
        If there is no such choice.
    """
    told, where = (os.environ.get(VARIABLE), VARIABLE) if given is None else (given, "ranks")
    if not told:
        return None
    if told not in get_args(Ranks):
        known = ", ".join(map(repr, get_args(Ranks)))
        close = nearest(str(told), get_args(Ranks))
        raise InputError(f"{where}={told!r} was given; expected one of {known}{close}")
    return str(told)


def hosts(given: Ranks | str | Communicator | None) -> Communicator | None:
    """Return the ranks that an argument or the environment chooses, for arrays of NumPy.

    Parameters
    ----------
    given : str or Communicator, optional
        See `chosen`.

    Returns
    -------
    Communicator, or None
        None for a training of this process alone.

    Raises
    ------
    InputError, BackendError
        If there is no such choice, or if what it needs is not installed.
    """
    if LEADING.get():  # a training in a callback, for which no other rank is there
        return None
    if given is not None and not isinstance(given, str):
        return given if given.size > 1 else None
    name = _kind(given)
    found = _ranks(name, _HOST) if name else None
    return found if found and found.size > 1 else None


def chosen(given: Ranks | str | Communicator | None, home: Home) -> Communicator | None:
    """Return the ranks that train together, as an argument or the environment chooses.

    Parameters
    ----------
    given : str or Communicator, optional
        ``"mpi"``, ``"torch"``, ``"off"``, or ``"auto"`` for whatever started this process; by
        default the choice of ``BPX_RANKS``. ``"devices"`` are no ranks: see `devices`.
    home : Home
        Where their arrays are.

    Returns
    -------
    Communicator, or None
        None for a training of this process alone.

    Raises
    ------
    InputError, BackendError
        If there is no such choice, if what it needs is not installed, or, on every rank, if
        their backends differ, or if they cannot add arrays of that home.
    """
    found = hosts(given)
    if found is None or not (given is None or isinstance(given, str)):
        return found
    check_same(found, backend_of(home))
    name = _kind(given)
    assert name is not None
    try:
        return _ranks(name, _place(home))
    except BackendError as error:
        raise everywhere(error) from error.__cause__


def _place(home: Home) -> str:
    """Return the home in words that are the same on all ranks with the same kind of device."""
    return home.backend.name if home.device_name in (None, "cpu") else str(home)


def _kind(given: str | None) -> str | None:
    """Return what reaches the other processes, "mpi" or "torch"; None if nothing does."""
    name, by = named(given), launched()
    if name is None and by is not None:
        _tell_alone()
    if name in (None, "off", "devices") or (name == "auto" and by is None):
        return None
    name = by.ranks if name == "auto" and by is not None else str(name)
    package, install = NEEDS[name]
    if not is_installed(package):
        raise BackendError(
            f"the ranks {name!r} need {package}, which is not installed; install it with: "
            f"{install}"
        )
    return name


def devices(given: Any, home: Home) -> Scan | None:
    """Return the engine on all devices of this process, if that is what is chosen.

    Raises
    ------
    BackendError
        If the home's library has no such engine, or a single device.
    """
    if (given is not None and not isinstance(given, str)) or named(given) != "devices":
        return None
    spread = getattr(home.backend, "spread", None)
    if spread is None:
        raise BackendError(
            f"ranks='devices' was given for a network on {home}; only JAX computes a step on "
            "several devices of one process: choose the backend jax, or 'mpi' or 'torch', with "
            "a process for each device"
        )
    found: Scan = spread(home.device)
    return found


@cache
def _ranks(name: str, home: str) -> Communicator:
    """Return the ranks for arrays of a home, which all processes ask for in the same order."""
    try:
        made: Callable[[str], Any] = import_module(f"bpx_backends.ranks.{name}").world
    except (ImportError, RuntimeError, OSError) as error:
        raise BackendError(_broken(name, error)) from error
    found: Communicator = made(home)
    attend(found)
    return found


def _broken(name: str, error: Exception) -> str:
    """Describe a package that is installed and cannot be imported."""
    package, _ = NEEDS[name]
    first = str(error).strip().partition("\n")[0]
    advice = "install an MPI library, with: pip install mpich" if name == "mpi" else "repair it"
    return f"the ranks {name!r} need {package}, which cannot be imported ({first}); {advice}"


@cache
def _tell_alone() -> None:
    by = launched()
    assert by is not None
    _log.warning(
        "%s started %d processes, and each trains a network of its own: %s",
        by.by,
        by.size,
        advice(
            "pass ranks='auto', or set BPX_RANKS=auto, to train one together; ranks='off', or "
            "BPX_RANKS=off, to have no such warning",
            "set BPX_RANKS=auto to train one together; BPX_RANKS=off to have no such warning",
        ),
    )
