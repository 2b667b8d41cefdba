"""Arrays of two sides: the same in each bit, or how far apart, and how far they may be."""

import json
from collections.abc import Iterator, Mapping
from math import inf
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from benchmarks.against.bits import distance, identical

__all__ = ["ALLOWED", "Compared", "Side", "compare", "read"]

ALLOWED = {"float32": 1e-6, "float64": 1e-13}
"""The largest ‖new − old‖ / ‖old‖ where the order of a sum may change."""


class Side(NamedTuple):
    """What ``children/weights.py`` wrote on one side.

    Attributes
    ----------
    about : dict
        Of each training, ``exact`` and ``failed``.
    arrays : dict
        Of each training, its arrays by name.
    """

    about: dict[str, dict[str, Any]]
    arrays: dict[str, dict[str, np.ndarray]]


class Compared(NamedTuple):
    """One training on one engine.

    Attributes
    ----------
    engine, name : str
    exact : bool
        Whether the same bits are asked for.
    same : bool
        Whether all arrays have the same bits.
    distance : float or None
        The largest of its arrays'; None if they could not be compared.
    why : str
        Why not.
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
        """What is varied."""
        return self.name.partition(":")[0]

    @property
    def dtype(self) -> str:
        """Of the network."""
        return _dtype(self.name)


def read(path: Path) -> Side:
    """The file of a side."""
    side = Side({}, {})
    with np.load(path) as file:
        for key in file.files:
            name, _, array = key.rpartition(" | ")
            side.arrays.setdefault(name, {})[array] = file[key]
    side.about.update(json.loads(str(side.arrays.pop("")["about"])))
    return side


def compare(engine: str, old: Side, new: Side) -> Iterator[Compared]:
    """Every training of both sides.

    What the old side has not, or cannot do, asks nothing of the new one.
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
    """Why two sides cannot be compared, and whether that is nothing to complain of."""
    if before is None:
        return "only new", True
    if after is None:
        return "only old", False
    if after["failed"]:
        return f"fails: {after['failed']}", after["failed"] == before["failed"]
    return (f"failed before: {before['failed']}", True) if before["failed"] else ("", True)


def _dtype(name: str) -> str:
    return name.split(" | ")[1]
