"""Refuse targets that a cost does not accept."""

from collections.abc import Callable
from typing import Any

from bpx.costs import Cost
from bpx.errors import InputError, option
from bpx.model.reach import numbered

__all__ = ["refuse_outside"]


def refuse_outside(cost: Cost, y: Any, name: str) -> None:
    """Refuse host targets, shape (n,) or (n, k_L), that the cost does not accept.

    Raises
    ------
    InputError
        The message has the row, and what the cost expects.
    """
    check = _CHECKS.get(cost.targets)
    if check is not None:
        check(cost, y, name)


def _unit(cost: Cost, y: Any, name: str) -> None:
    outside = _rows((y < 0) | (y > 1))
    if outside.any():
        way = numbered(y, name)
        raise InputError(
            f"{name} is outside [0, 1] in row {int(outside.argmax())}, and runs from "
            f"{y.min():g} to {y.max():g}; {cost.name} expects probabilities"
            + (way and f": {way}")
        )


def _distribution(cost: Cost, y: Any, name: str) -> None:
    _unit(cost, y, name)
    off = abs(y.reshape(len(y), -1).sum(axis=1) - 1.0) > 1e-3
    if off.any():
        raise InputError(
            f"{name} does not sum to 1 in row {int(off.argmax())}; {cost.name} expects "
            "a distribution in each row"
        )


def _nonnegative(cost: Cost, y: Any, name: str) -> None:
    below = _rows(y < 0)
    if below.any():
        raise InputError(
            f"{name} is negative in row {int(below.argmax())}, and runs from {y.min():g} to "
            f"{y.max():g}; {cost.name} expects counts, or other numbers of at least 0: use "
            f"{option('cost', 'quadratic')} for any numbers"
        )


def _binary(cost: Cost, y: Any, name: str) -> None:
    other = _rows((y != 0) & (y != 1))
    if other.any():
        way = numbered(y, name)
        raise InputError(
            f"{name} is neither 0 nor 1 in row {int(other.argmax())}, and runs from "
            f"{y.min():g} to {y.max():g}; {cost.name} expects the classes 0 and 1"
            + (way and f": {way}")
        )


def _one_hot(cost: Cost, y: Any, name: str) -> None:
    rows = y.reshape(len(y), -1)
    wrong = (((rows != 0) & (rows != 1)).any(axis=1)) | (rows.sum(axis=1) != 1)
    if wrong.any():
        raise InputError(
            f"{name} is not a class in row {int(wrong.argmax())}; {cost.name} expects labels, "
            f"shape ({len(y)},), or rows with a single 1"
        )


def _rows(wrong: Any) -> Any:
    """Whether anything is wrong in each row."""
    return wrong.reshape(len(wrong), -1).any(axis=1)


_CHECKS: dict[str, Callable[[Cost, Any, str], None]] = {
    "unit": _unit,
    "distribution": _distribution,
    "nonnegative": _nonnegative,
    "binary": _binary,
    "one_hot": _one_hot,
}
"""A check for each of a cost's `targets`, except for "real", which may be any numbers."""
