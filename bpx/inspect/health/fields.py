"""The fields of a `Health`, which a table and a diagnosis read."""

from typing import NamedTuple

__all__ = ["HealthFields"]


class HealthFields(NamedTuple):
    """A `Health` without its display; `Health` documents the fields."""

    sizes: tuple[int, ...]
    activations: tuple[str, ...]
    samples: int
    errors: tuple[float, ...]
    speeds: tuple[float, ...]
    saturated: tuple[float | None, ...]
    two_sided: tuple[bool, ...]
    dead: tuple[tuple[int, ...], ...]
    quiet: tuple[tuple[int, ...], ...]
    recall: tuple[float | None, ...] | None
    passed: tuple[float | None, ...] | None
    updates: tuple[float, ...] | None = None
