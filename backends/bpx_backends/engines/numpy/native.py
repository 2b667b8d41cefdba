"""Compiled kernels and the driver, as Python calls them."""

import hashlib
from collections import Counter
from collections.abc import Sequence
from functools import cache
from logging import getLogger
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from bpx_backends.engines.numpy.blas import find
from bpx_backends.engines.numpy.calls import Call, address_of
from bpx_backends.engines.numpy.compiling import loaded
from bpx_backends.engines.numpy.table import Layout, Table, Unable, are_apart, table

__all__ = [
    "Driver",
    "NativeKernel",
    "Run",
    "compilations",
    "driver",
    "in_one_call",
    "layout",
    "one_by_one",
    "run",
    "steps",
]

_log = getLogger("bpx")
steps: Counter[str] = Counter()
"""How many steps of this process were driven, and how many were replayed one by one."""
_compiled: list[bool] = []
"""For each kernel of this process, whether it had to be compiled."""
_HERE = Path(__file__).parent


class NativeKernel:
    """A kernel's C function, which takes a block of int64 with its arguments.

    Parameters
    ----------
    text : str
        The text of a module, with the function ``kernel``.

    Attributes
    ----------
    address : int
    """

    def __init__(self, text: str) -> None:
        self._function = loaded(versioned(text)).kernel
        _compiled.append(not self._function.cache_hits)
        self.address = int(self._function.address)

    def block(self, part: int, parts: int, arrays: Sequence[np.ndarray]) -> np.ndarray:
        """Return the arguments of a call; the arrays must live as long as it is used."""
        return np.array([part, parts, *(address_of(each) for each in arrays)], np.int64)

    def __call__(self, part: int, parts: int, *arrays: np.ndarray) -> None:
        """Run one part of the kernel."""
        call, kept = in_one_call([Run(self, arrays)], part, parts)
        call.function(*call.arguments)
        del kept


def compilations() -> int:
    """Return how many kernels this process has compiled; others were in the cache folder."""
    return sum(_compiled)


class Run(NamedTuple):
    """A kernel's function, ``function(part, parts, *arrays)``, and its arguments."""

    function: Any
    arrays: Sequence[np.ndarray]


def one_by_one(runs: Sequence[Run], part: int, parts: int) -> None:
    """Run one part of several functions."""
    for function, arrays in runs:
        function(part, parts, *arrays)


def in_one_call(runs: Sequence[Run], part: int, parts: int) -> tuple[Call, Any]:
    """Return a call of one part of several native kernels, and what must live as long."""
    blocks = [each.function.block(part, parts, each.arrays) for each in runs]
    functions = [each.function.address for each in runs]
    called = np.array([functions, [address_of(each) for each in blocks]], np.int64).T.copy()
    return Call(driver().once, (address_of(called), len(runs))), (called, blocks, runs)


class Driver:
    """Runs the steps of one plan, and keeps its tables for arrays in other places."""

    def __init__(self) -> None:
        self._kept: dict[Any, Layout] = {}

    def __call__(self, given: Any, rows: np.ndarray, first: int, last: int) -> bool:
        """Run the steps from `first` to `last` without the GIL; return False if impossible.

        Parameters
        ----------
        given : Given
        rows : int32 or int64, shape (steps, batch)
        first, last : int
        """
        places, pattern = _places(given)
        kind = _kind(given, rows, places, pattern)
        kept = self._kept.get(kind)
        if kept is not None:
            made = kept.at(places)
        else:
            bound = given.bound()  # whose arrays must live until the end
            found = _table(bound, rows)
            if found is None:
                steps["replayed"] += last - first
                return False
            made = found
            if kind is not None and (kept := _layout(given, made, places)) is not None:
                self._kept[kind] = kept
        run(made, rows, first, last)
        return True


def layout(given: Any, rows: np.ndarray, places: Sequence[np.ndarray]) -> Layout | None:
    """Return the table of a plan for arrays in other places; None if there can be none.

    Parameters
    ----------
    given : Given
    rows : int32 or int64, shape (steps, batch)
    places : sequence of ndarray
        The arrays of a call, of which none overlaps another.
    """
    made = _table(given.bound(), rows)
    return None if made is None else _layout(given, made, places)


def _table(bound: Any, rows: np.ndarray) -> Table | None:
    try:
        if (blas := find()) is None:
            raise Unable("NumPy's BLAS has none of the known names")
        return table(bound, rows, blas)
    except Unable as why:
        _log.debug("steps run instruction by instruction: %s", why)
        return None


def _layout(given: Any, made: Table, places: Sequence[np.ndarray]) -> Layout | None:
    if made.asked:
        return None
    found = Layout(made, places)
    return found if found.is_whole(_lasting(given.compiled)) else None


def _kind(
    given: Any, rows: np.ndarray, places: Sequence[np.ndarray], pattern: tuple[int, ...]
) -> Any:
    """What distinguishes a table from the plan's others; None if none can be kept."""
    if not are_apart(places) or rows.ndim != 2 or not rows.flags.c_contiguous:
        return None
    return pattern, rows.dtype, given.workers.threads, find() is None


def _places(given: Any) -> tuple[list[np.ndarray], tuple[int, ...]]:
    """The arrays that lie elsewhere in another call, each once, and which of them are one."""
    scratch = [given.scratch] if given.scratch.nbytes else []
    all_of = [*scratch, *given.entered, *given.fresh, *given.inputs.values()]
    unique = {id(each): each for each in all_of}
    numbers = {each: i for i, each in enumerate(unique)}
    return [*unique.values()], tuple(numbers[id(each)] for each in all_of)


def _lasting(compiled: Any) -> list[np.ndarray]:
    """The arrays that stay where they are."""
    loops = (loop for fused in compiled.kernels.values() for loop in fused.loops)
    fixed = {id(each): each for loop in loops for each in loop.fixed}
    return [*compiled.constants.values(), *fixed.values()]


def run(made: Table, rows: np.ndarray, first: int, last: int) -> None:
    """Run the steps from `first` to `last` by a table whose arrays still live."""
    walk, where, stride = driver().kernel, address_of(rows), rows.strides[0]
    position, end = first * made.size, last * made.size
    while position < end:
        position = walk(made.rows, where, stride, position, last)
        if position < end:
            for function, arguments in made.asked[position % made.size]:
                function(*arguments)
            position += 1
    steps["driven"] += last - first


@cache
def driver() -> Any:
    """Return the module of the driver, compiled by this or an earlier process."""
    return loaded(versioned((_HERE / "driver.py").read_text(encoding="utf-8")))


def versioned(text: str) -> str:
    """Return the text with the version of what it imports, which numba's cache does not see."""
    return f"{text}\n# {_version()}\n"


@cache
def _version() -> str:
    texts = [(_HERE / name).read_bytes() for name in ("addresses.py", "bits.py", "kinds.py")]
    return hashlib.sha256(b"".join(texts)).hexdigest()[:16]
