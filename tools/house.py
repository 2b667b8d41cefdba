"""The architecture in figures, read from the imports of the source.

::

    python -m tools.house [--check] [--json] [--root FOLDER]

unit
    A module or a folder at the top of ``bpx/``: ``bpx/network.py`` is `bpx.network`, all of
    ``bpx/inspect/`` is `bpx.inspect`, and ``bpx/__init__.py`` alone is `bpx`. The folders
    ``backends/`` and ``benchmarks/`` are one unit each. The table of the known backends,
    ``bpx_backends/__init__.py``, is a separate unit, `bpx_backends`: it is data that bpx reads.
import
    A pair of units, or of modules, in which the first imports the second, however often.
circle
    A set of units, or of modules, in which imports lead from each one to all the others.
layers
    The longest chain of imports below a unit, counted in units: a unit that imports nothing of
    bpx is in layer 1. The units of a circle share a layer.
deferred import
    An import inside a function or under ``TYPE_CHECKING``. It counts like any other. It hides
    a circle if, moved to the top of its file, it would close one between modules.

``from bpx import x`` is an import of the module ``bpx.x`` if there is one, and of ``bpx`` if
there is not. Importing a module also runs the ``__init__`` of each package around it; this is
not counted, and neither is ``importlib.import_module``.
"""

import argparse
import json
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path

from tools.imports import Import, Module, find_imports, find_modules

__all__ = [
    "Deferred",
    "Figures",
    "Level",
    "LongFile",
    "circles",
    "faults",
    "layers",
    "main",
    "measure",
    "text",
]

LINES = 300  # the most lines that a file in bpx/ or backends/ may have

Graph = Mapping[str, set[str]]


@dataclass(frozen=True)
class Level:
    """The tree seen as units, or as modules.

    Attributes
    ----------
    in_bpx, total : int
        How many there are in ``bpx/`` alone, and with ``backends/`` and ``benchmarks/``.
    imports : int
    circles : list of list of str
    layers : list of list of str
        The top layer first.
    """

    in_bpx: int
    total: int
    imports: int
    circles: list[list[str]]
    layers: list[list[str]]


@dataclass(frozen=True)
class Deferred:
    """A deferred import of a module of the tree."""

    file: str
    line: int
    imported: str
    hides_a_circle: bool


@dataclass(frozen=True)
class LongFile:
    """A file that is too long."""

    file: str
    lines: int


@dataclass(frozen=True)
class Figures:
    """All figures of a tree."""

    units: Level
    modules: Level
    deferred: list[Deferred]
    long_files: list[LongFile]


def measure(root: Path) -> Figures:
    """The figures of the source tree in a folder."""
    found = find_modules(root)
    imports = find_imports(found)
    modules = _level(found, imports, lambda module: module.name)
    return Figures(
        units=_level(found, imports, lambda module: module.unit),
        modules=modules,
        deferred=_deferred(imports, modules.circles),
        long_files=_long_files(found),
    )


def circles(graph: Graph) -> list[list[str]]:
    """The largest sets of nodes in which each reaches all the others, sorted."""
    below = {node: _below(graph, node) for node in graph}
    found = {
        tuple(sorted(other for other in below[node] if node in below[other]))
        for node in graph
        if node in below[node]
    }
    return [list(circle) for circle in sorted(found)]


def layers(graph: Graph) -> list[list[str]]:
    """The nodes of each layer, the top layer first."""
    below = {node: _below(graph, node) for node in graph}

    @cache
    def layer(node: str) -> int:
        lower = (other for other in below[node] if node not in below[other])
        return 1 + max(map(layer, lower), default=0)

    top = max(map(layer, graph), default=0)
    return [sorted(node for node in graph if layer(node) == n) for n in range(top, 0, -1)]


def faults(figures: Figures) -> list[str]:
    """The faults that ``--check`` reports, one line each."""
    return [
        *(f"circle between units: {_circle(each)}" for each in figures.units.circles),
        *(f"circle between modules: {_circle(each)}" for each in figures.modules.circles),
        *(
            f"{each.file}:{each.line}: the deferred import of {each.imported} hides a circle"
            for each in figures.deferred
            if each.hides_a_circle
        ),
        *(f"{f.file}: {f.lines} lines; at most {LINES} allowed" for f in figures.long_files),
    ]


def text(figures: Figures) -> str:
    """The figures as a text to read."""
    long_files = (f"{each.lines}  {each.file}" for each in figures.long_files)
    parts = [
        _table(figures.units, figures.modules),
        _section("circles between units", map(_circle, figures.units.circles)),
        _section("circles between modules", map(_circle, figures.modules.circles)),
        _section("deferred imports", map(_line, figures.deferred)),
        _section(f"files over {LINES} lines", long_files),
        _section("layers of units, top first", _numbered(figures.units.layers)),
    ]
    return "\n\n".join(parts)


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; returns the exit status."""
    options = _options(arguments)
    figures = measure(options.root)
    print(json.dumps(asdict(figures), indent=2) if options.json else text(figures))
    found = faults(figures) if options.check else []
    for fault in found:
        print(fault, file=sys.stderr)
    return 1 if found else 0


def _level(
    modules: Iterable[Module], imports: Iterable[Import], node: Callable[[Module], str]
) -> Level:
    graph: dict[str, set[str]] = {node(module): set() for module in modules}
    for each in imports:
        graph[node(each.importer)] |= {node(each.imported)} - {node(each.importer)}
    return Level(
        in_bpx=sum(name.split(".")[0] == "bpx" for name in graph),
        total=len(graph),
        imports=sum(map(len, graph.values())),
        circles=circles(graph),
        layers=layers(graph),
    )


def _below(graph: Graph, start: str) -> set[str]:
    """All that a node reaches by imports; itself too if it is in a circle."""
    found: set[str] = set()
    ahead = [start]
    while ahead:
        new = graph[ahead.pop()] - found
        found |= new
        ahead.extend(new)
    return found


def _deferred(imports: Sequence[Import], circles: Iterable[list[str]]) -> list[Deferred]:
    closing = {(a, b) for circle in circles for a in circle for b in circle}
    hiding = closing - {each.names for each in imports if not each.deferred}
    found = (
        Deferred(each.importer.file, each.line, each.imported.name, each.names in hiding)
        for each in imports
        if each.deferred
    )
    return list(dict.fromkeys(found))


def _long_files(modules: Iterable[Module]) -> list[LongFile]:
    """The files that are too long, the longest first."""
    files = (
        LongFile(module.file, len(module.source.encode().splitlines()))
        for module in modules
        if module.unit != "benchmarks"
    )
    return sorted((f for f in files if f.lines > LINES), key=lambda f: (-f.lines, f.file))


def _table(units: Level, modules: Level) -> str:
    rows = [
        ("", "units", "modules"),
        ("in bpx/", units.in_bpx, modules.in_bpx),
        ("with backends/, benchmarks/", units.total, modules.total),
        ("layers", len(units.layers), len(modules.layers)),
        ("imports", units.imports, modules.imports),
        ("circles", len(units.circles), len(modules.circles)),
    ]
    return "\n".join(f"{name:27}{a:>8}{b:>9}" for name, a, b in rows)


def _section(title: str, lines: Iterable[str]) -> str:
    return "\n".join((title, *(f"  {line}" for line in list(lines) or ["none"])))


def _circle(names: Iterable[str]) -> str:
    return " ↔ ".join(names)


def _line(each: Deferred) -> str:
    hides = " (hides a circle)" if each.hides_a_circle else ""
    return f"{each.file}:{each.line}  {each.imported}{hides}"


def _numbered(layers: Sequence[Sequence[str]]) -> list[str]:
    return [f"{len(layers) - i:2}  {', '.join(names)}" for i, names in enumerate(layers)]


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser("tools.house", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--check", action="store_true", help="exit 1 if anything is wrong")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    parser.add_argument("--root", type=Path, default=Path(), help="the repository; here")
    options = parser.parse_args(arguments)
    if not (options.root / "bpx").is_dir():
        parser.error(f"{options.root} has no folder bpx/; run in the repository or give --root")
    return options


if __name__ == "__main__":
    sys.exit(main())
