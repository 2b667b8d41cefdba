"""Hashes of frozen dataclasses that are computed once, since engines look up by them."""

from dataclasses import fields
from typing import Any

__all__ = ["kept_hash", "without_hash"]


def kept_hash(self: Any) -> int:
    """The ``__hash__`` of a frozen dataclass: that of its fields, kept."""
    found: int | None = self.__dict__.get("_hash")
    if found is None:
        found = hash(tuple(getattr(self, each.name) for each in fields(self)))
        object.__setattr__(self, "_hash", found)
    return found


def without_hash(self: Any) -> dict[str, Any]:
    """Its ``__getstate__``: only the fields, since a hash holds in one process alone."""
    return {each.name: getattr(self, each.name) for each in fields(self)}
