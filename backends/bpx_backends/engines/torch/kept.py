"""What an engine keeps between calls, of which one call at a time uses each."""

from collections import OrderedDict
from threading import Lock
from typing import Any, Generic, TypeVar

__all__ = ["Kept"]

T = TypeVar("T")


class Kept(Generic[T]):
    """Things by their keys. One in use is taken out, so no one else can use it, and put back.

    Parameters
    ----------
    most : int
        The number of things; beyond it, the least recently used one goes, and its memory.
    """

    def __init__(self, most: int) -> None:
        self._most, self._lock = most, Lock()
        self.kept: OrderedDict[Any, T] = OrderedDict()

    def taken(self, key: Any) -> T | None:
        """Take out what has this key, or return None."""
        with self._lock:
            return self.kept.pop(key, None)

    def put(self, key: Any, thing: T) -> None:
        """Put it back, or in."""
        with self._lock:
            self.kept[key] = thing
            while len(self.kept) > self._most:
                self.kept.popitem(last=False)

    def clear(self) -> None:
        """Let go of everything."""
        with self._lock:
            self.kept.clear()
