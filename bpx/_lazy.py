"""Hooks that import parts of a package on first use (PEP 562).

Parts that training does not need then cost ``import bpx`` nothing. For type checkers, an
import under ``TYPE_CHECKING`` beside the hooks provides the same names.
"""

import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any

__all__ = ["Hooks", "names_of", "submodules"]

Hooks = tuple[Callable[[str], Any], Callable[[], list[str]]]
"""A package's ``__getattr__`` and ``__dir__``."""


def submodules(package: str, names: Sequence[str]) -> Hooks:
    """Return the hooks of a package that imports these submodules on first use."""

    def find(name: str) -> Any:
        return import_module(f"{package}.{name}") if name in names else None

    return _hooks(package, find, lambda: names)


def names_of(package: str, module: str) -> Hooks:
    """Return the hooks of a package that takes its public names from one of its modules."""

    def find(name: str) -> Any:
        # Tools look up names with underscores in every module: this must import nothing.
        if name.startswith("_") and name != "__all__":
            return None
        public = vars(import_module(module))
        # The import may have loaded a submodule of that name, which is then in the package.
        return public.get(name, vars(sys.modules[package]).get(name))

    return _hooks(package, find, lambda: import_module(module).__all__)


def _hooks(
    package: str, find: Callable[[str], Any], names: Callable[[], Sequence[str]]
) -> Hooks:
    """Return the hooks for `find`, which returns None for an unknown name; cache results."""

    def get(name: str) -> Any:
        found = find(name)
        if found is None:
            text = f"module {package!r} has no attribute {name!r}"
            raise AttributeError(text, name=name, obj=sys.modules[package])
        setattr(sys.modules[package], name, found)
        return found

    def listed() -> list[str]:
        return sorted({*vars(sys.modules[package]), *names()})

    return get, listed
