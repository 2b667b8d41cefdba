"""A warning about mutable objects, because a compiled step freezes their attributes.

Equal steps are compiled once. An object equals itself even after its attributes change, so a
compiled step keeps using the attributes from its first run. Values, such as frozen
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
"""CPython's Py_TPFLAGS_HEAPTYPE, which the types of a library's functions often lack."""


def tell_frozen(step: TrainingStep) -> None:
    """Log each mutable object that a part or an update is bound to.

    Parameters
    ----------
    step : TrainingStep
        The step to be compiled.
    """
    for place, owner in dict(_bound(step, "")).items():
        _log.warning(
            "%s is bound to an object of %s, and a compiled step keeps the attributes of its "
            "first use; make it a frozen dataclass, or train with compile=False",
            place,
            type(owner).__name__,
        )


def _bound(value: Any, place: str) -> Iterator[tuple[str, Any]]:
    """Yield each mutable object with the place of the function that is bound to it."""
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
    """Whether `value` is an instance, with attributes, of a class written in Python."""
    if isroutine(value) or hasattr(value, "__wrapped__"):  # a function, or a wrapper
        return False
    return bool(type(value).__flags__ & _WRITTEN_IN_PYTHON and getattr(value, "__dict__", {}))


def _is_frozen(value: Any) -> bool:
    return bool(type(value).__dataclass_params__.frozen)
