"""The settings of a run as its ``run.toml`` has them, which people may have edited."""

from collections.abc import Mapping
from dataclasses import fields
from numbers import Integral, Real
from typing import Any, Literal, get_args, get_origin, get_type_hints

import bpx
from bpx.cli.settings import Settings

__all__ = ["WORDS", "restored"]

WORDS = {each.name: f"run.toml's {each.name}" for each in fields(Settings)}
"""What messages call a setting that nobody has typed."""


def restored(run: str, tree: Mapping[str, Any] | None) -> Settings:
    """Return the settings that a run's folder holds.

    Parameters
    ----------
    run : str
        The folder, for messages.
    tree : mapping or None
        Its ``run.toml``; None if there is none.

    Raises
    ------
    InputError
        If the run was not begun by ``bpx train``, or a value is of another type.
    """
    if tree is None or not isinstance(tree.get("data"), str):
        raise bpx.InputError(
            f"{run} holds no run of bpx train; expected the folder of one. A run that was "
            "begun in Python is continued there, with bpx.resume"
        )
    found: dict[str, Any] = {}
    for name, hint in get_type_hints(Settings).items():
        if name not in tree:
            continue
        value = tree[name]
        found[name] = tuple(value) if isinstance(value, list) else value
        if not _is_of(found[name], hint):
            raise bpx.InputError(
                f"run.toml of {run} has {name} = {value!r}, which is of another type than "
                "bpx train writes; restore what was there, or begin another run"
            )
    return Settings(**{**found, **_longer(tree, found.get("epochs", 0))})


def _longer(tree: Mapping[str, Any], epochs: int) -> dict[str, int]:
    """Return the epochs of a run that was made longer in Python, which changes no option."""
    training = tree.get("training")
    found = training.get("epochs") if isinstance(training, Mapping) else None
    return {"epochs": found} if isinstance(found, int) and found > epochs else {}


def _is_of(value: Any, hint: Any) -> bool:
    """Whether a value of TOML is of a type; the names of parts are any texts."""
    origin, args = get_origin(hint), get_args(hint)
    if origin is Literal:
        return isinstance(value, str)
    if origin is tuple:
        return isinstance(value, tuple) and all(_is_of(each, args[0]) for each in value)
    if args:
        return any(_is_of(value, each) for each in args)
    if isinstance(value, bool) or hint is bool:
        return isinstance(value, bool) and hint is bool
    kind = {int: Integral, float: Real}.get(hint, hint)
    return isinstance(value, kind)
