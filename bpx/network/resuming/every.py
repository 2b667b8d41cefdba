"""How often a run writes a checkpoint: ``"10 min"``, ``"1 epoch"``, ``"500 steps"``."""

import re
from math import isfinite
from typing import Any, Literal, NamedTuple

from bpx.errors import InputError, option

__all__ = ["Every", "parse"]

_UNITS: dict[str, tuple[Literal["seconds", "epochs", "steps"], float]] = {
    **dict.fromkeys(("s", "sec", "second", "seconds"), ("seconds", 1.0)),
    **dict.fromkeys(("min", "minute", "minutes"), ("seconds", 60.0)),
    **dict.fromkeys(("h", "hour", "hours"), ("seconds", 3600.0)),
    **dict.fromkeys(("epoch", "epochs"), ("epochs", 1.0)),
    **dict.fromkeys(("step", "steps"), ("steps", 1.0)),
}


class Every(NamedTuple):
    """An interval between checkpoints: a number of seconds, epochs or steps."""

    unit: Literal["seconds", "epochs", "steps"]
    number: float


def parse(given: Any) -> Every:
    """Read an interval.

    Raises
    ------
    InputError
        If it is not a positive number with a unit; epochs and steps are whole.
    """
    text = given if isinstance(given, str) else ""
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([a-z]+)\s*", text.lower())
    if found and found[2] in _UNITS and float(found[1]) > 0.0:
        unit, factor = _UNITS[found[2]]
        number = float(found[1])
        if isfinite(number) and (unit == "seconds" or number == int(number)):
            return Every(unit, number * factor)
    raise InputError(
        f"{option('every', given)} was given; expected a number with a unit, such as "
        "'10 min', '30 s', '1 epoch' or '500 steps'"
    )
