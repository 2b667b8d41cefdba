"""The contract between a training step and the backend that runs it.

A step is a pure function of arrays, ``step(state, data, rows) -> state``: `state` is a
tree of tuples and arrays that keeps its shapes and dtypes, `data` the arrays that every
step reads, `rows` the indices of one mini-batch, shape (batch,), int32. A backend's
``scan(step, state, data, rows, start, stop, donate)`` runs it for the rows ``start`` to
``stop`` of an index matrix, shape (steps, batch), and gives back the last state. Of K
networks at once that draw mini-batches of their own, these are (K, batch) and
(steps, K, batch).

`eager` is the specification. An engine that compiles is tested against it.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Literal, Protocol, TypeAlias

from bpx.errors import MixedArraysError

__all__ = [
    "Branches",
    "Precision",
    "Rule",
    "Scan",
    "Step",
    "check_state",
    "eager",
    "form",
    "index",
    "keeping",
    "leaves",
    "named_leaves",
    "rebuilt",
]


Branches = list[tuple[str, Any]]
"""What a node of a tree has, each with its place: a field's name, or ``[i]``."""

Precision: TypeAlias = Literal["float32", "tf32", "float16", "bfloat16"]
"""What bpx's own engines compute matrix products in; another package's may have others."""


class Step(Protocol):
    """One training step: pure, and hashable, so that an equal one is not compiled again."""

    def __call__(self, state: Any, data: Any, rows: Any, /) -> Any:
        """The state after training on the mini-batch that `rows` picks from `data`."""

    def __hash__(self) -> int: ...


class Scan(Protocol):
    """An engine: it runs `step` for the rows from `start` to `stop`."""

    def __call__(
        self,
        step: Step,
        state: Any,
        data: Any,
        rows: Any,
        start: int,
        stop: int,
        donate: bool = False,
        /,
    ) -> Any:
        """The state after the last of them: see `eager`."""


class Rule(Protocol):
    """What an engine may know of a step's update, to run it by a kernel of its library.

    A step may have an `update` with ``rules``, run one after another, whose states are
    ``state.optimizer.parts``; ``update(updates, state, parameters) -> (updates, state)`` is
    then what the step does with its gradients, and updates of None move nothing. A rule may
    have a name, `known`:

    - ``"adam"``: Adam's (Kingma and Ba 2015), of a state with beta1, beta2, epsilon, t, m, v;
    - ``"descent"``: u becomes −eta u, of a state with eta.
    """

    @property
    def known(self) -> str:
        """The rule's name."""


def eager(
    step: Step,
    state: Any,
    data: Any,
    rows: Any,
    start: int,
    stop: int,
    donate: bool = False,
) -> Any:
    """Run the steps one by one, as plain calls.

    Parameters
    ----------
    step : Step
        ``step(state, data, rows) -> state``.
    state, data : trees of arrays
        What enters the first step, and what every step reads. The data are not written, nor
        is the state, unless it is donated.
    rows : array, shape (steps, batch), int32
        The mini-batches' indices into the data.
    start, stop : int
        The steps to run, ``0 <= start <= stop <= steps``.
    donate : bool, optional
        Whether the state may be written over: an engine gave it, and nobody needs it any more.

    Returns
    -------
    tree of arrays
        The state after the last step, of the same shapes and dtypes.

    Raises
    ------
    MixedArraysError
        If the first step changes a shape or a dtype of the state.
    """
    entered = state
    for i in range(start, stop):
        state = step(state, data, index(rows, i))
        if i == start:
            check_state(entered, state)
    return state


def index(rows: Any, i: int) -> Any:
    """The i-th mini-batch's indices, shape (batch,), or (K, batch) of K networks."""
    return rows[i, ...]


def check_state(before: Any, after: Any) -> None:
    """Refuse a step that drifts: an eager loop hides what a compiled one cannot run."""
    if form(before) != form(after):
        raise MixedArraysError(
            f"one training step turned its state from {form(before)} into {form(after)}; a "
            "custom optimizer must give back a state of the same form"
        )
    old, new = list(leaves(before)), list(leaves(after))
    if [_kind(each) for each in old] == [_kind(each) for each in new]:
        return
    pairs = zip(old, new, strict=False)
    changed = next((pair for pair in pairs if _kind(pair[0]) != _kind(pair[1])), None)
    assert changed is not None  # of one form: there are as many
    was, became = map(_kind, changed)
    raise MixedArraysError(
        f"one training step turned {was}, into {became}; a custom activation, cost or "
        "optimizer must keep shapes and dtypes (use Python numbers, not NumPy scalars, as "
        "constants)"
    )


def keeping(step: Step) -> Callable[[Any, Any, Any], Any]:
    """The same step; it raises `MixedArraysError` where `check_state` does."""

    def checked(state: Any, data: Any, rows: Any) -> Any:
        after = step(state, data, rows)
        check_state(state, after)
        return after

    return checked


def _kind(leaf: Any) -> str:
    if not hasattr(leaf, "shape") or not hasattr(leaf, "dtype"):
        return f"{leaf!r}, which is no array"
    return f"an array of shape {tuple(leaf.shape)}, {leaf.dtype}"


def form(tree: Any) -> str:
    """The form of a tree, without its arrays: ``Parameters(w[0]=., b[0]=.)``."""
    if not isinstance(tree, tuple | list):
        return "None" if tree is None else "."
    named = hasattr(tree, "_fields")
    parts = (
        f"{place}={form(branch)}" if named else form(branch)
        for place, branch in _branches(tree)
    )
    return f"{type(tree).__name__ if named else ''}({', '.join(parts)})"


def leaves(tree: Any) -> Iterator[Any]:
    """The arrays of a tree of tuples and lists, in order; None is no array."""
    return (leaf for _, leaf in named_leaves(tree))


def named_leaves(tree: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    """The arrays with their places in the tree, such as ``parameters.w[0]``.

    A named tuple may name and order its branches itself, by a method ``branches()`` that
    gives pairs of a name and a branch; ``grown(branches)`` then makes it of others.
    """
    if isinstance(tree, tuple | list):
        for place, branch in _branches(tree):
            dot = "." if name and not place.startswith("[") else ""
            yield from named_leaves(branch, name + dot + place)
    elif tree is not None:
        yield name, tree


def rebuilt(tree: Any, arrays: Iterable[Any]) -> Any:
    """A tree of the same form, with other arrays."""
    source = iter(arrays)
    return _rebuilt(tree, source)


def _branches(tree: Any) -> Branches:
    if hasattr(tree, "branches"):
        named: Branches = tree.branches()
        return named
    fields = getattr(tree, "_fields", None) or [f"[{i}]" for i in range(len(tree))]
    return list(zip(fields, tree, strict=True))


def _rebuilt(tree: Any, source: Iterator[Any]) -> Any:
    if not isinstance(tree, tuple | list):
        return None if tree is None else next(source)
    branches = [_rebuilt(branch, source) for _, branch in _branches(tree)]
    if hasattr(tree, "grown"):
        return tree.grown(branches)
    return type(tree)(*branches) if hasattr(tree, "_fields") else type(tree)(branches)
