"""The contract between a training step and the backend that runs it.

A step is a pure function of arrays, ``step(state, data, rows) -> state``: `state` is a
tree of tuples and arrays that keeps its shapes and dtypes, `data` holds the arrays that every
step reads, and `rows` the indices of one mini-batch, shape (batch,), int32. A backend's
``scan(step, state, data, rows, start, stop, donate)`` runs the step for the rows ``start`` to
``stop`` of an index matrix, shape (steps, batch), and returns the last state. For K networks
that draw their own mini-batches, these shapes are (K, batch) and (steps, K, batch).

`eager` is the specification. Engines that compile are tested against it.
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
    "after",
    "check_state",
    "eager",
    "form",
    "growing",
    "index",
    "keeping",
    "leaves",
    "named_leaves",
    "rebuilt",
]


Branches = list[tuple[str, Any]]
"""The branches of a node of a tree, each with its place: a field's name, or ``[i]``."""

Precision: TypeAlias = Literal["float32", "tf32", "float16", "bfloat16"]
"""The precisions of matrix products in bpx's engines; engines elsewhere may have others."""


class Step(Protocol):
    """One training step: pure, and hashable, so that equal steps are compiled only once."""

    def __call__(self, state: Any, data: Any, rows: Any, /) -> Any:
        """Return the state after training on the mini-batch that `rows` selects from `data`."""

    def __hash__(self) -> int: ...


class Scan(Protocol):
    """An engine: it runs `step` for the rows from `start` to `stop`.

    One for a single training may have a method ``after(steps)``: see `after`.
    """

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
        """Return the state after the last row: see `eager`."""


class Rule(Protocol):
    """A rule of a step's update that an engine may run with a kernel of its library.

    A step may have an `update` with ``rules``, which run one after another on the states
    ``state.optimizer.parts``. The step then applies
    ``update(updates, state, parameters) -> (updates, state)`` to its gradients; updates of
    None change nothing. If the step changes the parameters after the update as well, it has an
    attribute ``constrains``, which is True, and its rules must run with it. A rule may have a
    name, `known`:

    - ``"adam"``: Adam (Kingma and Ba 2015), with beta1, beta2, epsilon, t, m, v in its state;
    - ``"descent"``: u becomes −eta u, with eta in its state.
    """

    @property
    def known(self) -> str:
        """The rule's name."""


def after(steps: int, scan: Scan) -> Scan:
    """Return the scan for the rows that follow so many steps of a training.

    An engine may run the first steps of a training without compiling them, so that a short one
    need not wait. Which these are depends on their numbers and their sizes alone.
    """
    found: Scan = scan.after(steps) if hasattr(scan, "after") else scan
    return found


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
        The input of the first step, and the arrays that every step reads. Neither is modified,
        except a state that is donated.
    rows : array, shape (steps, batch), int32
        The mini-batches' indices into the data.
    start, stop : int
        The steps to run, ``0 <= start <= stop <= steps``.
    donate : bool, optional
        Whether the state may be overwritten: an engine returned it, and nobody needs it now.

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
    """The indices of the i-th mini-batch, shape (batch,), or (K, batch) for K networks."""
    return rows[i, ...]


def check_state(before: Any, after: Any) -> None:
    """Refuse a step that changes the form of its state: only an eager loop can run it."""
    if form(before) != form(after):
        raise MixedArraysError(
            f"one training step turned its state from {form(before)} into {form(after)}; a "
            "custom optimizer must return a state of the same form"
        )
    old, new = list(leaves(before)), list(leaves(after))
    if [_kind(each) for each in old] == [_kind(each) for each in new]:
        return
    pairs = zip(old, new, strict=False)
    changed = next((pair for pair in pairs if _kind(pair[0]) != _kind(pair[1])), None)
    assert changed is not None  # equal forms have equal numbers of leaves
    was, became = map(_kind, changed)
    raise MixedArraysError(
        f"one training step turned {was}, into {became}; a custom activation, cost or "
        "optimizer must keep shapes and dtypes (use Python numbers, not NumPy scalars, as "
        "constants)"
    )


def keeping(step: Step) -> Callable[[Any, Any, Any], Any]:
    """Return the same step with a `check_state` after each call."""

    def checked(state: Any, data: Any, rows: Any) -> Any:
        after = step(state, data, rows)
        check_state(state, after)
        return after

    return checked


def _kind(leaf: Any) -> str:
    if not hasattr(leaf, "shape") or not hasattr(leaf, "dtype"):
        return f"{leaf!r}, which is not an array"
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
    """Return the arrays of a tree of tuples and lists, in order; None is not an array."""
    return (leaf for _, leaf in named_leaves(tree))


def named_leaves(tree: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the arrays with their places in the tree, such as ``parameters.w[0]``.

    A named tuple may name and order its branches itself, with a method ``branches()`` that
    returns pairs of a name and a branch; ``grown(branches)`` then rebuilds it from others.
    """
    if isinstance(tree, tuple | list):
        for place, branch in _branches(tree):
            dot = "." if name and not place.startswith("[") else ""
            yield from named_leaves(branch, name + dot + place)
    elif tree is not None:
        yield name, tree


def rebuilt(tree: Any, arrays: Iterable[Any]) -> Any:
    """Return a tree of the same form with other arrays."""
    return growing(tree)(iter(arrays))


def growing(tree: Any) -> Callable[[Iterator[Any]], Any]:
    """Return a function of arrays, in order, that makes trees of the same form of them."""
    if not isinstance(tree, tuple | list):
        return _nothing if tree is None else next
    grown = [growing(branch) for _, branch in _branches(tree)]
    kind, own = type(tree), getattr(tree, "grown", None)
    if own is not None:
        return lambda source: own([branch(source) for branch in grown])
    if hasattr(tree, "_fields"):
        return lambda source: kind(*[branch(source) for branch in grown])
    return lambda source: kind([branch(source) for branch in grown])


def _nothing(source: Iterator[Any]) -> None:
    return None


def _branches(tree: Any) -> Branches:
    if hasattr(tree, "branches"):
        named: Branches = tree.branches()
        return named
    fields = getattr(tree, "_fields", None) or [f"[{i}]" for i in range(len(tree))]
    return list(zip(fields, tree, strict=True))
