"""Observers, which look at the state of training after each epoch."""

from collections.abc import Sequence
from typing import Any, Protocol

from bpx.errors import InputError
from bpx.training.step import Data, State

__all__ = ["Observer", "check_observers", "observed"]


class Observer(Protocol):
    """Looks at a training after each epoch: ``observer(state, data, epoch) -> value``.

    `bpx.train` and `Network.fit` take a list of `observers` and call each when the network has
    the epoch's weights. The record of the epoch has the value as ``epoch.observed[name]``,
    unless it is None. If an observer raises, training ends with that exception, and the network
    keeps these weights.

    An observer gets the `state` of training, with the network's `parameters` and `feedback`
    arrays and the `optimizer`'s state; the `data`, with all training samples, x of shape
    (n, k_0), y of shape (n,) or (n, k_L), and their weights s of shape (n,), or None; and the
    number of the `epoch`, from 1. The arrays are at the network's home; x has the parameters'
    dtype or, if it was given so, bool, int8 or uint8. An observer may keep the arrays but must
    not modify them.

    An observer with a state of its own, which must survive if a run with a `checkpoint` folder
    is killed, has two more methods: ``saved() -> value``, called for each checkpoint, returns
    numbers, texts, arrays, and lists or mappings of them; ``restore(value)`` gets that value
    when the run is continued, before its next epoch.

    Attributes
    ----------
    name : str
        The name of its value in the record, and of its columns in `CSVLog`. bpx itself uses
        ``"health"``, ``"privacy"``, ``"validation"``, ``"eta"`` and the first columns' names.

    Examples
    --------
    >>> class LargestWeight:
    ...     name = "largest"
    ...
    ...     def __call__(self, state, data, epoch):
    ...         return max(float(abs(w).max()) for w in state.parameters.w)
    >>> net = bpx.Network([2, 3, 2], seed=0)
    >>> settings = {"epochs": 2, "batch_size": 1, "optimizer": bpx.SGD(1.0)}
    >>> x, y = [[0.0, 1.0], [1.0, 0.0]], [0, 1]
    >>> history = net.fit(x, y, observers=[LargestWeight()], **settings)
    >>> history[1].observed["largest"] == max(float(abs(w).max()) for w in net.weights)
    True
    """

    @property
    def name(self) -> str:
        """The name of its value in the record."""

    def __call__(self, state: State, data: Data, epoch: int, /) -> Any:
        """Return the value for the epoch's record, or None."""


def check_observers(observers: Any, taken: Sequence[str] = ()) -> tuple[Observer, ...]:
    """Return the observers, after checking that their names differ and are not taken.

    Raises
    ------
    InputError
        If it is not a list of observers, or a name is taken or occurs twice.
    """
    if not isinstance(observers, tuple | list):
        raise InputError(
            f"observers={observers!r} was given; expected a list of observers: see bpx.Observer"
        )
    found = tuple(map(_checked, observers))
    names = [each.name for each in found]
    for name in names:
        if name in taken:
            raise InputError(
                f"an observer is named {name!r}, a name that bpx itself uses; rename it"
            )
        if names.count(name) > 1:
            raise InputError(f"{names.count(name)} observers are named {name!r}; rename them")
    return found


def observed(
    observers: Sequence[Observer], state: State, data: Data, epoch: int
) -> dict[str, Any]:
    """Return the observers' values for the record, by name."""
    found = ((each.name, each(state, data, epoch)) for each in observers)
    return {name: value for name, value in found if value is not None}


def _checked(observer: Any) -> Observer:
    named = isinstance(getattr(observer, "name", None), str)
    if isinstance(observer, type) or not named or not callable(observer):
        raise InputError(
            f"observers has {observer!r}; expected a callable with a name, called as "
            "observer(state, data, epoch): see bpx.Observer"
        )
    found: Observer = observer
    return found
