"""The state of training in a safetensors file: arrays by their paths, and a few numbers."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bpx._files import expanded
from bpx.errors import FileFormatError
from bpx.io import tensors
from bpx.io.parsing import parsed_json

__all__ = ["read", "save"]

_KEY = "bpx.training"
_FORMAT = 1


def save(path: str | Path, arrays: Mapping[str, Any], numbers: Mapping[str, int]) -> None:
    """Write named arrays and named numbers to `path` atomically."""
    tensors.write(path, arrays, {_KEY: json.dumps({"format": _FORMAT, **numbers})})


def read(path: str | Path) -> tuple[dict[str, Any], dict[str, int]]:
    """Read the arrays and the numbers that `save` wrote.

    Raises
    ------
    InputError
        If the file does not exist.
    FileFormatError
        If it is truncated, or `save` did not write it.
    """
    with tensors.opened(expanded(path), "save_state") as file:
        arrays = tensors.arrays(file)
        metadata = (file.metadata() or {}).get(_KEY)
    try:
        numbers = parsed_json(metadata or "{}")
        right = numbers.pop("format") == _FORMAT
        right &= all(type(each) is int and each >= 0 for each in numbers.values())
    except (AttributeError, KeyError, TypeError, ValueError):
        right = False
    if not right:
        raise FileFormatError(
            f"{path} holds no training state that this version of bpx can read; expected a "
            "file that save_state wrote"
        )
    return arrays, numbers
