"""`Replacing`: the base of layers that replace some columns and pass the others unchanged.

The columns that pass come first in the output, in their order; what replaces the others
follows. Its delta has the same two parts.
"""

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any, ClassVar

from bpx.arrays.registry import namespace

__all__ = ["Replacing", "beside"]


class Replacing:
    """The base of such a layer.

    Attributes
    ----------
    n_in : int
        The width of the input.
    columns : tuple of int
        The columns that it replaces, in increasing order.
    """

    n_in: int
    columns: Sequence[int]

    couples_samples: ClassVar[bool] = False
    draws: ClassVar[bool] = False

    @property
    def passed(self) -> tuple[int, ...]:
        """The columns that pass unchanged, which come first in the output."""
        those = set(self.columns)
        return tuple(each for each in range(self.n_in) if each not in those)

    def picked(self, x: Any) -> Any:
        """Return the columns of an input that the layer replaces."""
        return _picked(x, self.columns)

    def with_passed(self, x: Any, *parts: Any) -> Any:
        """Put the columns of x that pass before the parts; None stands for an x of zeros."""
        xp, first, columns = namespace(parts[0]), parts[0], self.passed
        if not columns:
            return beside(*parts)
        shape = *first.shape[:-1], len(columns)
        if x is None:
            device = getattr(first, "device", None)
            return beside(xp.zeros(shape, dtype=first.dtype, device=device), *parts)
        passed = _picked(x, columns)
        if tuple(passed.shape) != shape:  # several networks share an x
            passed = xp.broadcast_to(passed, shape)
        return beside(passed, *parts)

    def parted(self, g: Any) -> tuple[list[Any], Any]:
        """Part an output, or a delta: what passed, as a list of one or none, and the rest."""
        first = len(self.passed)
        return [g[..., :first]] if first else [], g[..., first:]

    def restored(self, passed: Any, replaced: Any) -> Any:
        """Put both parts back in the order of the input's columns."""
        counts, parts, those = {True: 0, False: 0}, [], set(self.columns)
        for here, run in groupby(range(self.n_in), those.__contains__):
            first, size = counts[here], len(list(run))
            source = replaced if here else passed[0]
            parts.append(source[..., first : first + size])
            counts[here] += size
        return beside(*parts)


def beside(*parts: Any) -> Any:
    """Put arrays side by side, along axis -1."""
    return parts[0] if len(parts) == 1 else namespace(parts[0]).concat(parts, axis=-1)


def _picked(x: Any, columns: Sequence[int]) -> Any:
    return beside(*(x[..., first:last] for first, last in _runs(columns)))


def _runs(columns: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Yield the begin and the end of each run of neighbouring columns."""
    for _, run in groupby(enumerate(columns), lambda pair: pair[1] - pair[0]):
        those = [column for _, column in run]
        yield those[0], those[-1] + 1
