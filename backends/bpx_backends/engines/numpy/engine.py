"""The engine of the NumPy backend, with numba's kernels if numba is installed.

``BPX_NUMBA=off`` disables numba, and ``BPX_NUMBA=on`` requires it, from the first step on.
Otherwise a training begins without it, for about a twentieth of a second. The variable is read
when training starts.
"""

import os
from functools import cache
from logging import getLogger
from time import perf_counter
from typing import Any

from bpx.errors import BackendError
from bpx.program.accumulate import accumulated
from bpx.program.contract import Scan, Step
from bpx.program.preparation import preparing
from bpx_backends import is_installed
from bpx_backends.engines.numpy.beginning import Beginning
from bpx_backends.engines.numpy.blas import find
from bpx_backends.engines.numpy.division import divided
from bpx_backends.engines.numpy.replay import prepare, replay
from bpx_backends.engines.numpy.session import Session
from bpx_backends.engines.shared.interrupts import uninterrupted
from bpx_backends.engines.shared.planned import Planned

__all__ = ["engine", "scan", "session"]

VARIABLE = "BPX_NUMBA"

_log = getLogger("bpx")
_unrecorded: set[Step] = set()
"""The steps that cannot be recorded, whether with numba or without it."""
_refused: list[str] = []
"""Why numba, which is installed, cannot be used; empty if it can, or was not needed yet."""


def scan(
    step: Step,
    state: Any,
    data: Any,
    rows: Any,
    start: int,
    stop: int,
    donate: bool = False,
) -> Any:
    """Run a training step for many mini-batches: see `bpx.program.contract`."""
    engine = _chosen(wants_numba=_wants_numba())
    return engine(step, state, data, rows, start, stop, donate)


def session() -> Scan:
    """Return a scan for one training, which keeps what its calls have in common."""

    @cache
    def wanted() -> tuple[bool, bool]:  # the variable is read once
        return _wants_numba(), _wish() is None

    return Beginning(
        lambda: Session(_with_ufuncs()),
        lambda: Session(_chosen(wants_numba=wanted()[0])),
        lambda: all(wanted()),
    )


def engine() -> str:
    """Describe the engine for a bug report."""
    if not _wants_numba():
        missing = "is not installed: pip install numba threadpoolctl"
        why = f"is off ({VARIABLE})" if is_installed("numba") else missing
        return f"recorded steps, replayed by NumPy's functions; numba {why}"
    if _refused:
        return f"recorded steps, replayed by NumPy's functions; numba fails: {_refused[0]}"
    blas = find()
    short = "" if _wish() else "; short trainings by NumPy's functions"
    if blas is None:
        return (
            f"recorded steps, replayed with kernels by numba; NumPy's BLAS was not found{short}"
        )
    how = "recorded steps, a chunk of them in one call, with kernels by numba and"
    return f"{how} {blas.name}{short}"


def _wants_numba() -> bool:
    wish = _wish()
    if wish and not is_installed("numba"):
        raise BackendError(
            f"{VARIABLE} is {os.environ[VARIABLE]!r}, but numba is not installed; install it "
            "with: pip install numba threadpoolctl"
        )
    return wish is not False and is_installed("numba")


def _wish() -> bool | None:
    """What the user wants: None leaves it to bpx."""
    word = os.environ.get(VARIABLE, "").strip().lower()
    if word not in _WISHES:
        raise BackendError(
            f"the environment variable {VARIABLE} is {word!r}; expected on, off, or auto"
        )
    return _WISHES[word]


_WISHES = {
    **dict.fromkeys(("on", "1", "true", "yes"), True),
    **dict.fromkeys(("off", "0", "false", "no"), False),
    **dict.fromkeys(("", "auto"), None),
}


def _chosen(*, wants_numba: bool) -> Planned[Any]:
    if not wants_numba:
        return _with_ufuncs()
    with preparing():
        return _with_numba()


@cache
def _with_ufuncs() -> Planned[Any]:
    return Planned(prepare, replay, refused=_unrecorded)


@cache
def _with_numba() -> Planned[Any]:
    _refused.clear()
    try:
        _log.info("numba is imported, to compile steps; BPX_NUMBA=off does without it")
        began = perf_counter()
        with uninterrupted():
            import numba  # the kernels import it, too late for a fallback

            from bpx_backends.engines.numpy import native
            from bpx_backends.engines.numpy.kernels import compiled, fuses

        if numba.config.DISABLE_JIT:
            raise ImportError("NUMBA_DISABLE_JIT is set, and it compiles nothing")
        native.driver()  # which compiles the driver, or loads it
        _log.info(
            "numba and the loop over the steps were ready in %.2f s", perf_counter() - began
        )
    except (ImportError, OSError) as why:  # such as a numba that does not support this NumPy
        _log.warning("numba cannot be imported, so NumPy's functions are used: %s", why)
        _refused.append(str(why))
        return _with_ufuncs()
    # Without a BLAS, NumPy has no product that adds to an array.
    rewritten = accumulated if find() else None
    return Planned(compiled, replay, fuses, divided, rewritten=rewritten, refused=_unrecorded)
