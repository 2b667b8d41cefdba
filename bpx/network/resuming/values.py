"""Values as JSON, and back, exactly: numbers, tuples, arrays, and the values of bpx.

A value of bpx (an optimizer, a schedule, `DPSGD`, a `Health`) is a named tuple or a frozen
dataclass; it is described by the name of its class and by its fields, and a rule of an
optimizer by the name of its function. Nothing else is ever looked up by a name in a file.
"""

from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from importlib import import_module
from inspect import isclass, isfunction
from math import isfinite
from numbers import Integral, Real
from types import MappingProxyType
from typing import Any, TypeAlias

from bpx.arrays.host import as_host, plain
from bpx.arrays.registry import backend_of, dtype_name
from bpx.arrays.transfer import to_host
from bpx.errors import FileFormatError, InputError

__all__ = ["UntoldError", "restored", "told"]

_CLASSES = ("bpx.optim.", "bpx.privacy.", "bpx.inspect.health.", "bpx.training.stopping.")
_FUNCTIONS = ("bpx.optim.",)
"""Where the classes and the functions may be that a file names."""

Keep: TypeAlias = Callable[[Any], str | None]
_NOTHING: Mapping[str, Any] = MappingProxyType({})


class UntoldError(TypeError):
    """A value that JSON cannot hold."""


def told(value: Any, keep: Keep | None = None) -> Any:
    """Return a value as JSON holds it.

    Parameters
    ----------
    value
    keep : callable, optional
        ``keep(array)`` puts an array of numbers elsewhere, and returns the name under which
        `restored` finds it; or it returns None, and JSON gets the array.

    Raises
    ------
    UntoldError
        If it contains something else than numbers, texts, arrays, tuples, lists, mappings, and
        values of bpx.
    """
    value = plain(value)
    if value is None or type(value) in (bool, int, str):
        return value
    if isinstance(value, Integral):
        return int(value)
    if isinstance(value, Real):
        number = float(value)
        return number if isfinite(number) else {"$float": repr(number)}
    if type(value) is list:
        return [told(each, keep) for each in value]
    if type(value) is tuple:
        return {"$tuple": [told(each, keep) for each in value]}
    if isinstance(value, Mapping):
        return _told_mapping(value, keep)
    if backend_of(value) is not None:
        if keep is not None and (name := keep(value)) is not None:
            return {"$kept": name}
        return {"$array": told(to_host(value).tolist()), "dtype": dtype_name(value)}
    return _told_value(value, keep)


def _told_mapping(value: Mapping[Any, Any], keep: Keep | None) -> Any:
    value = {plain(key): each for key, each in value.items()}
    if all(type(key) is str and not key.startswith("$") for key in value):
        return {key: told(each, keep) for key, each in value.items()}
    return {"$items": [[told(key), told(each, keep)] for key, each in value.items()]}


def _told_value(value: Any, keep: Keep | None) -> Any:
    name = f"{getattr(value, '__module__', '')}.{getattr(value, '__qualname__', '')}"
    if isfunction(value) and name.startswith(_FUNCTIONS) and _is_there(value):
        return {"$function": name}
    kind = type(value)
    name = f"{kind.__module__}.{kind.__qualname__}"
    if name.startswith(_CLASSES) and _is_there(kind) and _names(kind) is not None:
        given = {each: told(getattr(value, each), keep) for each in _names(kind) or ()}
        return {"$value": name, "fields": given}
    raise UntoldError(f"{value!r} is {name}, which JSON cannot hold")


def restored(value: Any, kept: Mapping[str, Any] = _NOTHING) -> Any:
    """Return the value that `told` described; `kept` has the arrays that it put elsewhere.

    Raises
    ------
    FileFormatError
        If this version of bpx does not have it.
    """
    if isinstance(value, list):
        return [restored(each, kept) for each in value]
    if not isinstance(value, dict):
        return value
    if "$float" in value:
        return float(value["$float"])
    if "$tuple" in value:
        return tuple(restored(each, kept) for each in value["$tuple"])
    if "$items" in value:
        return {restored(key): restored(each, kept) for key, each in value["$items"]}
    if "$kept" in value:
        return kept[value["$kept"]]
    if "$array" in value:
        return as_host(restored(value["$array"]), "an array").astype(value["dtype"])
    if "$function" in value:
        return _found(value["$function"], _FUNCTIONS, isfunction)
    if "$value" in value:
        kind = _found(value["$value"], _CLASSES, _is_value)
        return _made(kind, {k: restored(each, kept) for k, each in value["fields"].items()})
    return {key: restored(each, kept) for key, each in value.items()}


def _made(kind: Any, given: dict[str, Any]) -> Any:
    try:
        return kind(**given)
    except (TypeError, InputError) as error:
        raise FileFormatError(
            f"{kind.__name__} has other fields, or values, in this version: {error}"
        ) from error


def _found(name: str, places: tuple[str, ...], right: Any) -> Any:
    module, _, local = name.rpartition(".")
    try:
        found = getattr(import_module(module), local) if name.startswith(places) else None
    except (ImportError, AttributeError):
        found = None
    if not right(found) or found.__module__ != module:
        raise FileFormatError(f"this version of bpx has no {name}")
    return found


def _is_there(thing: Any) -> bool:
    """Whether a class or a function is found by its name."""
    there = import_module(thing.__module__)
    return getattr(there, thing.__qualname__, None) is thing


def _is_value(kind: Any) -> bool:
    return isclass(kind) and _names(kind) is not None


def _names(kind: Any) -> tuple[str, ...] | None:
    """The fields of a class of values; None if it is of another kind."""
    if is_dataclass(kind):
        return tuple(each.name for each in fields(kind) if each.init)
    found: tuple[str, ...] | None = getattr(kind, "_fields", None)
    return found
