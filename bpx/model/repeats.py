"""Computations with the same parameters, which are bound to them once they recur.

An engine then needs neither the layers nor new memory for them, only the samples. This pays off
for few samples, which take less time than the calls of the functions.
"""

from collections import Counter
from collections.abc import Callable, Hashable
from typing import Any, Protocol

from bpx._typing import Array
from bpx.arrays.registry import backend_of, dtype_name

__all__ = ["AFTER", "Answer", "Repeats"]

AFTER = 8
"""The call, with the same parameters and as many samples, from which on they are bound."""
MOST = 16
"""The most kinds of calls that are kept for the same parameters."""


class Answer(Hashable, Protocol):
    """A pure function of parameters and samples, all of whose parts are bpx's own."""

    def __call__(self, parameters: Any, x: Any, /) -> Any:
        """Return the answers, one for each sample."""


class Repeats:
    """The calls with the same parameters: ``repeats(answer, parameters, x)``.

    Several threads may call it: each binding serves one call at a time.
    """

    def __init__(self) -> None:
        self._counts: Counter[Any] = Counter()
        self._free: dict[Any, Callable[[Array], Array]] = {}

    def __call__(self, answer: Answer, parameters: Any, x: Array) -> Array | None:
        """Return ``answer(parameters, x)``, in new memory; None unless it is bound."""
        key = answer, x.shape, dtype_name(x)
        bound = self._free.pop(key, None) or self._made(key, answer, parameters, x)
        if bound is None:
            return None
        found = bound(x)
        self._free[key] = bound
        return found

    def _made(
        self, key: Any, answer: Answer, parameters: Any, x: Array
    ) -> Callable[[Array], Array] | None:
        if len(self._counts) >= MOST and key not in self._counts:
            self._counts.clear()
            self._free.clear()
        self._counts[key] += 1
        if self._counts[key] < AFTER:
            return None
        bind = getattr(backend_of(x), "bound", None)
        found: Callable[[Array], Array] | None = bind and bind(answer, parameters, x)
        return found
