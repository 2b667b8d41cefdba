"""Parse JSON and TOML that a stranger may have written, in bounded memory.

Python's parsers call themselves for each level of nesting, as does much of the code that reads
their results. `tomllib` takes memory and time in proportion to the square of a dotted key's
length, and both parsers take many times the text's size for empty lists and tables.
"""

import json
import tomllib
from typing import Any

__all__ = ["MOST_LEVELS", "parsed_json", "parsed_toml"]

MOST_LEVELS = 100
"""The levels of nesting that are read; the files that bpx writes have about ten."""
_MOST_LISTS = 100_000
"""The lists and objects that JSON of any length may have, however dense they are."""
_MOST_BYTES, _MOST_DOTS = 2**20, 3_000
"""The length of TOML, and the dots in it; a run's settings have a few kilobytes."""


def parsed_json(text: str | bytes) -> Any:
    """Return the value of a JSON text.

    Raises
    ------
    ValueError
        If it is malformed, nested more than `MOST_LEVELS` deep, or consists of little else
        than more than 100,000 brackets.
    """
    text = text if isinstance(text, str) else text.decode()
    if text.count("[") + text.count("{") > max(_MOST_LISTS, len(text) // 8):
        raise ValueError(f"it has more than {_MOST_LISTS:,} lists and objects")
    try:
        return _checked(json.loads(text))
    except RecursionError:
        raise _too_deep() from None


def parsed_toml(text: str) -> dict[str, Any]:
    """Return the table of a TOML text.

    Raises
    ------
    ValueError
        If it is malformed, nested more than `MOST_LEVELS` deep, longer than 1 MiB, or has more
        than 3,000 dots.
    """
    if len(text) > _MOST_BYTES or text.count(".") > _MOST_DOTS:
        raise ValueError(f"it is longer than 1 MiB, or has more than {_MOST_DOTS:,} dots")
    try:
        found: dict[str, Any] = _checked(tomllib.loads(text))
    except RecursionError:
        raise _too_deep() from None
    return found


def _checked(tree: Any) -> Any:
    """Return the tree, if it is not too deep."""
    level = [tree]
    for _ in range(MOST_LEVELS):
        level = [each for inside in level for each in _inside(inside)]
        if not level:
            return tree
    raise _too_deep()


def _inside(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []


def _too_deep() -> ValueError:
    return ValueError(f"it is nested more than {MOST_LEVELS} levels deep")
