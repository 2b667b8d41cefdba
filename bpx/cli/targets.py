"""Find the target of ``bpx check``: a built-in part, a saved network or a Python value."""

import inspect
import os
import sys
from functools import reduce
from importlib import import_module
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

import bpx
from bpx._files import expanded
from bpx.activations import ACTIVATIONS
from bpx.cli.folder import find_network
from bpx.costs import COSTS
from bpx.costs.table import named
from bpx.errors import at_the_prompt, nearest
from bpx.feedback import FEEDBACKS

__all__ = ["BUILT_IN", "find"]

BUILT_IN: dict[str, tuple[Any, ...]] = {
    "activation": tuple(ACTIVATIONS),
    "cost": tuple(COSTS),
    "feedback": tuple(FEEDBACKS),
}
"""The names of the built-in parts, by kind."""


def find(target: str, backend: str | None) -> Any:
    """Return the part or the network that a command's argument names.

    Parameters
    ----------
    target : str
        The name of a built-in part, ``file.py:name``, ``package.module:name``, a run's
        folder or a saved network.
    backend : str or None
        The backend to move a network to; None leaves it where it is made.

    Raises
    ------
    InputError
        If the target does not exist, cannot be imported, or cannot be checked.
    """
    names = [name for kind in BUILT_IN.values() for name in kind]
    if target in names or named(target) is not None:
        return target
    place, colon, name = target.rpartition(":")
    if colon and place:
        value = _checkable(_attribute(_module(place), place, name), target)
        return value.to(backend) if isinstance(value, bpx.Network) and backend else value
    if Path(target).suffix == ".py":
        raise bpx.InputError(
            f"{target} was given; expected the name of a value in it too, such as "
            f"{target}:{Path(target).stem}"
        )
    if not (expanded(target).exists() or os.sep in target or Path(target).suffix):
        raise bpx.InputError(
            f"{target!r} is neither a built-in part nor a file{nearest(target, names)}; "
            "expected something like relu, mish.py:mish, package.module:name, or a run's folder"
        )
    return bpx.load(find_network(target)[0], backend=backend)


def _module(place: str) -> ModuleType:
    path = expanded(place)
    is_file = path.suffix == ".py" or os.sep in place
    if is_file and not path.is_file():
        raise bpx.MissingFileError(f"there is no file {place}; expected a Python file")
    folder = str(path.resolve().parent) if is_file else os.getcwd()
    if folder not in sys.path:
        sys.path.insert(0, folder)  # as Python does, so that the file's own imports work
    try:
        with at_the_prompt(None):  # the file is Python, so advice is in Python
            return _from_file(path) if is_file else import_module(place)
    except (Exception, SystemExit) as error:  # the user's code may raise anything
        raise bpx.InputError(
            f"{place} cannot be imported: {type(error).__name__}: {error}"
        ) from error


def _from_file(path: Path) -> ModuleType:
    spec = spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise ImportError("this is not a Python file; its name must end in .py")
    module = module_from_spec(spec)
    known = sys.modules.get(path.stem)
    sys.modules[path.stem] = module  # dataclasses look there while it runs
    try:
        spec.loader.exec_module(module)
    finally:
        if known is not None:
            sys.modules[path.stem] = known
    return module


def _attribute(module: ModuleType, place: str, name: str) -> Any:
    try:
        return reduce(getattr, name.split("."), module)
    except AttributeError:
        there = [each for each, value in vars(module).items() if _is_checkable(value)]
        known = f"; it has {', '.join(there)}" if there else ""
        raise bpx.InputError(f"{place} has no {name!r}{nearest(name, there)}{known}") from None


def _checkable(value: Any, target: str) -> Any:
    """Return the value, the result of a function without arguments, or a feedback rule."""
    if _is_checkable(value):
        return value
    if callable(value) and _needs_nothing(value):
        try:
            with at_the_prompt(None):
                value = value()
        except Exception as error:  # the user's function may raise anything
            raise bpx.InputError(
                f"{target}() raised {type(error).__name__}: {error}"
            ) from error
        if _is_checkable(value):
            return value
    elif callable(value):
        return bpx.feedback.get(value)
    raise bpx.InputError(
        f"{target} is {value!r}; expected an activation, a bpx.Cost, a feedback, a "
        "bpx.Network, or a function without arguments that returns one"
    )


def _is_checkable(value: Any) -> bool:
    if inspect.isclass(value) or inspect.ismodule(value):
        return False
    is_activation = hasattr(value, "sigma") and hasattr(value, "pullback")
    known = isinstance(value, bpx.Cost | bpx.feedback.Feedback | bpx.Network)
    return is_activation or known


def _needs_nothing(function: Any) -> bool:
    try:
        inspect.signature(function).bind()
    except (TypeError, ValueError):
        return False
    return True
