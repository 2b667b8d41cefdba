"""Write TOML: strings, numbers, lists of these, and tables of them. `tomllib` reads it.

The library `tomli_w` belongs to the extra ``cli``, and a run with a folder needs only bpx. It
also refuses None, which this omits. A test compares the two.
"""

import json
from collections.abc import Iterator, Mapping
from numbers import Integral, Real
from typing import Any

import numpy as np

__all__ = ["dumps"]


def dumps(tree: Mapping[str, Any]) -> str:
    """Return a mapping as TOML; an entry of None is omitted."""
    return "\n".join(_lines(tree, ())) + "\n"


def _lines(tree: Mapping[str, Any], place: tuple[str, ...]) -> Iterator[str]:
    given = {name: value for name, value in tree.items() if value is not None}
    tables = {name: value for name, value in given.items() if isinstance(value, Mapping)}
    if place:
        yield f"\n[{'.'.join(map(_key, place))}]"
    for name, value in given.items():
        if name not in tables:
            yield f"{_key(name)} = {_value(value)}"
    for name, table in tables.items():
        yield from _lines(table, (*place, name))


def _key(name: str) -> str:
    bare = name.replace("-", "").replace("_", "")
    return name if bare.isascii() and bare.isalnum() else _text(name)


def _value(value: Any) -> str:
    if isinstance(value, bool | np.bool_):
        return "true" if value else "false"
    if isinstance(value, Integral):
        return repr(int(value))
    if isinstance(value, Real):  # those of NumPy, too, whose repr has their type
        return repr(float(value))
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_value, value))}]"
    return _text(str(value))


def _text(text: str) -> str:
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
