"""The engine of the NumPy backend, with numba's kernels if numba is installed.

``BPX_NUMBA=off`` disables numba: then nothing is compiled. ``BPX_NUMBA=on`` requires it, even
for trainings so short that its import takes longer than it saves. The variable is read when
training starts.
"""

import os
from collections.abc import Callable
from functools import cache
from logging import getLogger
from typing import Any

from bpx.errors import BackendError
from bpx.program.accumulate import accumulated
from bpx.program.contract import Scan, Step, leaves
from bpx.program.preparation import preparing
from bpx_backends import is_installed
from bpx_backends.engines.numpy.blas import find
from bpx_backends.engines.numpy.replay import prepare, replay
from bpx_backends.engines.numpy.session import Session
from bpx_backends.engines.shared.planned import Planned

__all__ = ["engine", "scan", "scan_for", "session"]

VARIABLE = "BPX_NUMBA"
STARTING = 1.0
"""The seconds that numba's import takes, and loading kernels that are compiled."""

_log = getLogger("bpx")
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
    return _chosen()(step, state, data, rows, start, stop, donate)


def session() -> Scan:
    """Return a scan for one training, which keeps what its calls have in common."""
    return _kept(lambda _: _chosen())


def scan_for(steps: int) -> Scan:
    """Return the `session` for a training of so many steps, which may be too few for numba.

    The choice depends on nothing else than these steps and the state, so that the same training
    always has the same bits. ``BPX_NUMBA=on`` makes none.
    """

    def choose(state: Any) -> Planned[Any]:
        few = _wish() is None and steps * _gain(state) < STARTING
        return _with_ufuncs() if few else _chosen()

    return _kept(choose)


def _kept(choose: Callable[[Any], Planned[Any]]) -> Scan:
    """Return a scan that is chosen by its first state."""
    chosen: list[Scan] = []

    def run(step: Step, state: Any, *others: Any) -> Any:
        if not chosen:
            chosen.append(Session(choose(state)))
        return chosen[0](step, state, *others)

    return run


def _gain(state: Any) -> float:
    """Estimate the seconds by which numba shortens a step.

    For each array there are some calls of NumPy, and for each element some passes over memory.
    The numbers are measured, on networks of 3 to 17 layers, and good within a factor of 3.
    """
    arrays = [*leaves(state)]
    return 3e-6 * len(arrays) + 0.4e-9 * sum(each.size for each in arrays)


def engine() -> str:
    """Describe the engine for a bug report."""
    if not _wants_numba():
        why = f"is off ({VARIABLE})" if is_installed("numba") else "is not installed"
        return f"recorded steps, replayed by NumPy's functions; numba {why}"
    if _refused:
        return f"recorded steps, replayed by NumPy's functions; numba fails: {_refused[0]}"
    blas = find()
    if blas is None:
        return "recorded steps, replayed with kernels by numba; NumPy's BLAS was not found"
    return f"recorded steps, a chunk of them in one call, with kernels by numba and {blas.name}"


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


def _chosen() -> Planned[Any]:
    if not _wants_numba():
        return _with_ufuncs()
    with preparing():
        return _with_numba()


@cache
def _with_ufuncs() -> Planned[Any]:
    return Planned(prepare, replay)


@cache
def _with_numba() -> Planned[Any]:
    _refused.clear()
    try:
        import numba  # the kernels import it, too late for a fallback

        from bpx_backends.engines.numpy import native
        from bpx_backends.engines.numpy.kernels import compiled, fuses

        if numba.config.DISABLE_JIT:
            raise ImportError("NUMBA_DISABLE_JIT is set, and it compiles nothing")
        native.driver()  # which compiles the driver, or loads it
    except (ImportError, OSError) as why:  # such as a numba that does not support this NumPy
        _log.warning("numba cannot be imported, so NumPy's functions are used: %s", why)
        _refused.append(str(why))
        return _with_ufuncs()
    # Without a BLAS, NumPy has no product that adds to an array.
    return Planned(compiled, replay, fuses, rewritten=accumulated if find() else None)
