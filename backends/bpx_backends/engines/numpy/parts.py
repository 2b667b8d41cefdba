"""The branches of a tree with their arrays, which are recognised when they come again."""

from collections.abc import Sequence
from itertools import count
from typing import Any, NamedTuple

import numpy as np

from bpx.program.contract import growing, leaves, named_leaves, rebuilt
from bpx_backends.engines.numpy.calls import address_of

__all__ = ["Form", "Part", "Parts", "arrays_of", "whole"]


class Part(NamedTuple):
    """A branch of a tree.

    Attributes
    ----------
    tree : tree of arrays, array or None
    arrays : sequence of ndarray
    begins : int64, shape (n,)
        Their addresses; nothing unless they are `adjacent`.
    form : Form
        The same object for all parts of the same form, shapes and dtypes.
    """

    tree: Any
    arrays: Sequence[np.ndarray]
    begins: np.ndarray
    form: "Form"


class Form:
    """What parts of the same form, shapes and dtypes have in common.

    Attributes
    ----------
    adjacent : bool
        Whether the elements of each array are adjacent, and in C's order.
    lasts : bool
        Whether nobody can change a tree of this form: no part of it is a list.
    """

    def __init__(self, tree: Any) -> None:
        self._grown = growing(rebuilt(tree, count()))  # without the arrays of this one
        self.adjacent = all(_is_adjacent(x) and x.nbytes for x in leaves(tree))
        self.lasts = _lasts(tree)

    def part(self, arrays: Sequence[np.ndarray], begins: np.ndarray) -> Part:
        """Return a part with these arrays, which begin at these addresses."""
        return Part(self._grown(iter(arrays)), arrays, begins, self)


class Parts:
    """The parts of trees that are given one after another.

    A branch is recognised if it is the very object that the last tree had at this place, or
    that it has been told.
    """

    def __init__(self) -> None:
        self._forms: dict[Any, Form] = {}
        self._given: Sequence[Part | None] = ()
        self._told: Sequence[Part | None] = ()

    def of(self, tree: Any) -> list[Part]:
        """Return the parts of a tree."""
        found = [self._part(i, branch) for i, branch in enumerate(_branches(tree))]
        told = set(map(id, self._told))
        # What it was told is held no longer than until it is told the next.
        self._given = [None if id(p) in told or not p.form.lasts else p for p in found]
        return found

    def remember(self, parts: Sequence[Part]) -> None:
        """Recognise these parts, in place of those that it was told before."""
        self._told = [part if part.form.lasts else None for part in parts]

    def _part(self, i: int, branch: Any) -> Part:
        for known in (self._told, self._given):
            if i < len(known) and (part := known[i]) is not None and part.tree is branch:
                return part
        arrays = list(leaves(branch))
        form = self._form(branch)
        begins = map(address_of, arrays) if form.adjacent else ()
        return Part(branch, arrays, np.fromiter(begins, np.int64), form)

    def _form(self, branch: Any) -> Form:
        kinds = ((name, x.shape, x.dtype, _is_adjacent(x)) for name, x in named_leaves(branch))
        key = type(branch), *kinds
        if key not in self._forms:
            self._forms[key] = Form(branch)
        return self._forms[key]


def arrays_of(parts: Sequence[Part]) -> list[np.ndarray]:
    """Return the arrays of several parts, in order."""
    return [x for part in parts for x in part.arrays]


def whole(tree: Any, parts: Sequence[Part]) -> Any:
    """Return a tree like another one, of other parts."""
    branches = [part.tree for part in parts]
    if not _is_plain(tree):
        return branches[0]
    return type(tree)(*branches) if hasattr(tree, "_fields") else tuple(branches)


def _branches(tree: Any) -> Sequence[Any]:
    return tree if _is_plain(tree) else (tree,)


def _is_plain(tree: Any) -> bool:
    return isinstance(tree, tuple) and not hasattr(tree, "grown")


def _is_adjacent(x: Any) -> bool:
    return isinstance(x, np.ndarray) and x.flags.c_contiguous


def _lasts(tree: Any) -> bool:
    if isinstance(tree, tuple):
        return all(map(_lasts, tree))
    return not isinstance(tree, list)
