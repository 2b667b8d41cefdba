"""Find the tests of a module."""

from pathlib import Path

__all__ = ["mirror"]


def mirror(module: Path) -> str:
    """The file that tests a module, relative to ``tests/``; `module` is given from the root."""
    parts = module.with_suffix("").parts
    *folders, name = parts[1:] if parts[0] == "bpx" else parts
    if folders[:2] == ["backends", "bpx_backends"]:
        folders = ["engines", *folders[3:]]
    return Path(*folders, f"test_{name.removeprefix('_')}.py").as_posix()
