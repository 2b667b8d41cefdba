"""Arrays of two sides: the same bits, or how far they differ and how far they may."""

import json
from collections.abc import Iterator, Mapping
from math import inf
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from benchmarks.against.bits import distance, identical

__all__ = ["ALLOWED", "Compared", "Side", "compare", "read"]

ALLOWED = {"float32": 1e-6, "float64": 1e-13}
"""The largest ‖new − old‖ / ‖old‖ that is allowed if the order of a sum may change."""


class Side(NamedTuple):
    """The results that ``children/weights.py`` wrote on one side.

    Attributes
    ----------
    about : dict
        ``exact`` and ``failed`` for each training run.
    arrays : dict
        The arrays of each training run, by name.
    """

    about: dict[str, dict[str, Any]]
    arrays: dict[str, dict[str, np.ndarray]]


class Compared(NamedTuple):
    """One training run on one engine.

    Attributes
    ----------
    engine, name : str
    exact : bool
        Whether the same bits are required.
    same : bool
        Whether all arrays have the same bits.
    distance : float or None
        The largest of its arrays' distances; None if they could not be compared.
    why : str
        Why they could not be compared.
    met : bool
    """

    engine: str
    name: str
    exact: bool
    same: bool
    distance: float | None
    why: str
    met: bool

    @property
    def group(self) -> str:
        """The group of trainings: the part that they vary."""
        return self.name.partition(":")[0]

    @property
    def dtype(self) -> str:
        """The dtype of the network."""
        return _dtype(self.name)


def read(path: Path) -> Side:
    """The results in the file of a side."""
    side = Side({}, {})
    with np.load(path) as file:
        for key in file.files:
            name, _, array = key.rpartition(" | ")
            side.arrays.setdefault(name, {})[array] = file[key]
    side.about.update(json.loads(str(side.arrays.pop("")["about"])))
    return side


def compare(engine: str, old: Side, new: Side) -> Iterator[Compared]:
    """Compare every training run of both sides.

    If the old side lacks something, or cannot do it, nothing is required of the new side.
    """
    for name in dict.fromkeys([*old.about, *new.about]):
        before, after = (side.about.get(name) for side in (old, new))
        exact = (after or before or {})["exact"]
        why, met = _apart(before, after)
        if why:
            yield Compared(engine, name, exact, False, None, why, met)
        else:
            yield _compared(engine, name, exact, old.arrays[name], new.arrays[name])


def _compared(
    engine: str, name: str, exact: bool, old: Mapping[str, Any], new: Mapping[str, Any]
) -> Compared:
    alike = old.keys() == new.keys()
    same = alike and all(identical(old[key], new[key]) for key in old)
    off = max(distance(old[key], new[key]) for key in old) if alike else inf
    met = same or (not exact and off <= ALLOWED[_dtype(name)])
    return Compared(engine, name, exact, same, off, "", met)


def _apart(before: Any, after: Any) -> tuple[str, bool]:
    """Why two sides cannot be compared, and whether that is acceptable."""
    if before is None:
        return "only new", True
    if after is None:
        return "only old", False
    if after["failed"]:
        return f"fails: {after['failed']}", after["failed"] == before["failed"]
    return (f"failed before: {before['failed']}", True) if before["failed"] else ("", True)


def _dtype(name: str) -> str:
    return name.split(" | ")[1]
