"""What fails on one rank of a training fails on all of them: none waits for another in vain."""

import pickle
import traceback
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from bpx.arrays.ranks import Communicator
from bpx.errors import DivergenceError

__all__ = ["attempted", "everywhere", "gathered", "is_everywhere", "together"]

T = TypeVar("T")
E = TypeVar("E", bound=BaseException)

_EVERYWHERE = "_bpx_everywhere"


def together(ranks: Communicator, function: Callable[[], T]) -> T:
    """Call a function on every rank; if it fails on some, raise its error on all of them.

    Parameters
    ----------
    ranks : Communicator
    function : callable
        It sends nothing itself.

    Raises
    ------
    Exception
        What the function raised here or, if it raised nothing here, on the first rank where it
        failed, with that rank in front of the message.
    """
    found, wrong = attempted(function)
    _check(ranks, wrong, ranks.gather(wrong))
    made: T = found
    return made


def gathered(ranks: Communicator, function: Callable[[], T]) -> list[T]:
    """Call a function on every rank, and return on each what all of them give, by rank.

    If it fails on some, its error is raised on all: see `together`.
    """
    found, wrong = attempted(function)
    results, errors = zip(*ranks.gather((found, wrong)), strict=True)
    _check(ranks, wrong, errors)
    return list(results)


def _check(
    ranks: Communicator, wrong: Exception | None, errors: Sequence[Exception | None]
) -> None:
    """Raise this rank's error or else, if there is one, the first of another."""
    if wrong is not None:
        raise everywhere(wrong)
    for rank, error in enumerate(errors):
        if error is not None:
            error.add_note(f"raised on rank {rank} of {ranks.size}")
            raise everywhere(error)


def attempted(function: Callable[[], T]) -> tuple[Any, Exception | None]:
    """Return what a function gives, or else the error that it raises, in a form to send."""
    try:
        return function(), None
    except Exception as error:
        return None, _to_send(error)


def _to_send(error: Exception) -> Exception:
    """Return the error or, if pickle cannot rebuild it, one that tells all of it."""
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:
        text = "".join(traceback.format_exception(error))
        return RuntimeError(f"{type(error).__name__}: {error}\n\n{text}")
    return error


def everywhere(error: E) -> E:
    """Mark an error that every rank raises, so that none waits for another."""
    setattr(error, _EVERYWHERE, True)
    return error


def is_everywhere(error: BaseException) -> bool:
    """Whether every rank raises that error, as that of a cost which they all have."""
    return isinstance(error, DivergenceError) or getattr(error, _EVERYWHERE, False)
