"""What a compiled step freezes: the attributes of objects that its functions are bound to.

A step is compiled once for all that is equal. An object is equal to itself whatever its
attributes become, so a step goes on with those of its first use. Values, such as frozen
dataclasses, are compiled anew when they differ.
"""

from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from functools import partial
from inspect import ismethod, isroutine
from logging import getLogger
from typing import Any

from bpx.training.step import TrainingStep

__all__ = ["tell_frozen"]

_log = getLogger("bpx")
_WRITTEN_IN_PYTHON = 1 << 9
"""CPython's Py_TPFLAGS_HEAPTYPE: a library's functions are often objects of other types."""


def tell_frozen(step: TrainingStep) -> None:
    """Log each object with attributes that can change, which a part or an update is bound to.

    Parameters
    ----------
    step : TrainingStep
        To be compiled.
    """
    for place, owner in dict(_bound(step, "")).items():
        _log.warning(
            "%s is bound to an object of %s, whose attributes a compiled step keeps as they "
            "are at its first use; make it a frozen dataclass, or train with compile=False",
            place,
            type(owner).__name__,
        )


def _bound(value: Any, place: str) -> Iterator[tuple[str, Any]]:
    """The objects that can change, each with the place of the function that is bound to it."""
    if isinstance(value, tuple):
        for each in value:
            yield from _bound(each, place)
    elif is_dataclass(value) and not isinstance(value, type) and _is_frozen(value):
        named = getattr(value, "name", None)
        for field in fields(value):
            own = f"{field.name} of {named!r}" if isinstance(named, str) else field.name
            of = own if isinstance(named, str) or not place else place
            yield from _bound(getattr(value, field.name), of)
    elif isinstance(value, partial):
        yield from _bound((value.func, *value.args, *value.keywords.values()), place)
    elif ismethod(value):
        yield from _bound(value.__self__, place)
    elif not isinstance(value, type) and _can_change(value):
        yield place, value


def _can_change(value: Any) -> bool:
    """Whether it is an object of a class written in Python with attributes of its own."""
    if isroutine(value) or hasattr(value, "__wrapped__"):  # a function, or around one
        return False
    return bool(type(value).__flags__ & _WRITTEN_IN_PYTHON and getattr(value, "__dict__", {}))


def _is_frozen(value: Any) -> bool:
    return bool(type(value).__dataclass_params__.frozen)
