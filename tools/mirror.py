"""Find the tests of a module."""

from pathlib import Path

__all__ = ["mirror"]

_IN_BACKENDS = {"ranks": "ranked"}
"""The tests of a folder beside the engines."""


def mirror(module: Path) -> str:
    """The file that tests a module, relative to ``tests/``; `module` is given from the root."""
    parts = module.with_suffix("").parts
    *folders, name = parts[1:] if parts[0] == "bpx" else parts
    if folders[:2] == ["backends", "bpx_backends"]:
        room = folders[2] if len(folders) > 2 else "engines"
        folders = [_IN_BACKENDS.get(room, "engines"), *folders[3:]]
    return Path(*folders, f"test_{name.removeprefix('_')}.py").as_posix()
