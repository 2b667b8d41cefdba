"""Two arrays: whether they have the same bits, and how far they differ."""

from math import inf, isfinite

import numpy as np

__all__ = ["distance", "identical"]


def identical(old: np.ndarray, new: np.ndarray) -> bool:
    """Whether two arrays have the same dtype, shape and bits."""
    return _form(old) == _form(new) and old.tobytes() == new.tobytes()


def distance(old: np.ndarray, new: np.ndarray) -> float:
    """‖new − old‖ / ‖old‖; infinite if it is not a number, or if dtypes or shapes differ."""
    if _form(old) != _form(new):
        return inf
    before, after = (each.astype(np.float64) for each in (old, new))
    off, size = float(np.linalg.norm(after - before)), float(np.linalg.norm(before))
    found = off / size if size else (inf if off else 0.0)
    return found if isfinite(found) else inf


def _form(array: np.ndarray) -> tuple[np.dtype, tuple[int, ...]]:
    return array.dtype, array.shape
