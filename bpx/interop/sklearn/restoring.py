"""An estimator that refuses what it is given stays as it was."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

__all__ = ["restored"]


@contextmanager
def restored(estimator: Any) -> Iterator[None]:
    """Set the estimator's attributes back if the block raises."""
    before = dict(vars(estimator))
    try:
        yield
    except BaseException:
        vars(estimator).clear()
        vars(estimator).update(before)
        raise
