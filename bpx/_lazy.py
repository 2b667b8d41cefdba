"""Parts of a package that are imported when they are first asked for, as PEP 562 has it.

What a training does not need costs an ``import bpx`` nothing. Type checkers are shown the same
names by an import under ``TYPE_CHECKING``, beside the hooks.
"""

import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any

__all__ = ["Hooks", "names_of", "submodules"]

Hooks = tuple[Callable[[str], Any], Callable[[], list[str]]]
"""A package's ``__getattr__`` and ``__dir__``."""


def submodules(package: str, names: Sequence[str]) -> Hooks:
    """The hooks of a package for submodules of these names."""

    def find(name: str) -> Any:
        return import_module(f"{package}.{name}") if name in names else None

    return _hooks(package, find, lambda: names)


def names_of(package: str, module: str) -> Hooks:
    """The hooks of a package whose public names are those of a module in it."""

    def find(name: str) -> Any:
        # Tools ask every module for names with underscores: no reason to import anything.
        if name.startswith("_") and name != "__all__":
            return None
        public = vars(import_module(module))
        # What that has imported may be a submodule, which is then in the package.
        return public.get(name, vars(sys.modules[package]).get(name))

    return _hooks(package, find, lambda: import_module(module).__all__)


def _hooks(
    package: str, find: Callable[[str], Any], names: Callable[[], Sequence[str]]
) -> Hooks:
    """`find` gives None if there is no such name; what it finds stays in the package."""

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
