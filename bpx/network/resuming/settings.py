"""The settings of a run, as its checkpoints hold them."""

from collections.abc import Mapping
from typing import Any

from bpx.errors import InputError, option
from bpx.network.resuming.values import UntoldError, told

__all__ = ["OWN", "check_same", "described", "shown"]

OWN = "$own"
"""The key of a setting that is described no further."""


def described(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return settings as JSON values; of your own rules and parts, only that there is one."""
    return {name: _told(value) for name, value in given.items()}


def shown(value: Any) -> str:
    """Return a setting for people."""
    return _shown(_told(value))


def check_same(run: str, saved: Mapping[str, Any], given: Mapping[str, Any]) -> None:
    """Refuse settings that differ from those of a run.

    Parameters
    ----------
    run : str
        The run's folder, for messages.
    saved : mapping of str to JSON values
    given : mapping of str
        The settings themselves, by the same names.

    Raises
    ------
    InputError
        The message names the first one that differs.
    """
    for name, value in given.items():
        before, now = saved.get(name), _told(value)
        if before != now:
            raise InputError(
                f"{option(name, value)} was given, but {run} was trained with {name} "
                f"{_shown(before)}; give the same, or begin another run in another folder"
            )


def _told(value: Any) -> Any:
    try:
        return told(value)
    except UntoldError:
        return {OWN: True}


def _shown(value: Any) -> str:
    """Return a described setting for a message."""
    if value == {OWN: True}:
        return "of your own"
    if isinstance(value, list):
        return f"[{', '.join(map(_shown, value))}]"
    if not isinstance(value, dict):
        return repr(value)
    if "$value" in value:
        fields = ", ".join(f"{k}={_shown(v)}" for k, v in value["fields"].items())
        return f"{value['$value'].rpartition('.')[2]}({fields})"
    if "$function" in value:
        return str(value["$function"].rpartition(".")[2])
    if "$tuple" in value:
        return f"({', '.join(map(_shown, value['$tuple']))})"
    if "$float" in value:
        return str(value["$float"])
    if "$array" in value:
        return _shown(value["$array"])
    pairs = value["$items"] if "$items" in value else value.items()
    return f"{{{', '.join(f'{_shown(key)}: {_shown(each)}' for key, each in pairs)}}}"
