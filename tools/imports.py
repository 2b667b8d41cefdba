"""The modules of the source tree and their imports of each other, read and not executed."""

import ast
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

__all__ = ["Import", "Module", "find_imports", "find_modules"]

FOLDERS = {  # each with the folder from which Python imports its modules
    "bpx": ".",
    "backends": "backends",
    "benchmarks": ".",
}

TABLE = "bpx_backends"
"""The table of the known backends: data that bpx reads, so a unit separate from the engines."""

Node = ast.Import | ast.ImportFrom


class Module(NamedTuple):
    """A file, the name it is imported by, and the unit it belongs to."""

    file: str
    name: str
    unit: str
    source: str


class Import(NamedTuple):
    """An import of one module by another: its line, and whether it is deferred."""

    importer: Module
    imported: Module
    line: int
    deferred: bool

    @property
    def names(self) -> tuple[str, str]:
        """The names of the two modules."""
        return self.importer.name, self.imported.name


def find_modules(root: Path) -> list[Module]:
    """The modules in ``bpx/``, ``backends/`` and ``benchmarks/`` below a folder."""
    return [
        _module(root, folder, path)
        for folder in FOLDERS
        for path in sorted((root / folder).rglob("*.py"))
    ]


def find_imports(modules: Sequence[Module]) -> list[Import]:
    """Every import of one of these modules by another.

    Raises
    ------
    SyntaxError
        If a file is not Python; the error names it.
    """
    known = {module.name: module for module in modules}
    return [each for module in modules for each in _of(module, known)]


def _module(root: Path, folder: str, path: Path) -> Module:
    parts = path.relative_to(root / FOLDERS[folder]).with_suffix("").parts
    name = ".".join(parts).removesuffix(".__init__")
    source = path.read_text(encoding="utf-8")
    return Module(path.relative_to(root).as_posix(), name, _unit(folder, name), source)


def _unit(folder: str, name: str) -> str:
    if name == TABLE:
        return TABLE
    return ".".join(name.split(".")[:2]) if folder == "bpx" else folder


def _of(module: Module, known: Mapping[str, Module]) -> Iterator[Import]:
    for node, deferred in _statements(ast.parse(module.source, module.file)):
        for name in _names(node, module):
            imported = _nearest(name, known)
            if imported and imported.name != module.name:
                yield Import(module, imported, node.lineno, deferred)


def _statements(node: ast.AST, deferred: bool = False) -> Iterator[tuple[Node, bool]]:
    """The import statements below a node, and whether each is deferred."""
    if isinstance(node, Node):
        yield node, deferred
    later = _later(node)
    for child in ast.iter_child_nodes(node):
        yield from _statements(child, deferred or child in later)


def _later(node: ast.AST) -> Sequence[ast.AST]:
    """The part of a statement that does not run when its file is imported."""
    if isinstance(node, ast.If):
        test = getattr(node.test, "attr", getattr(node.test, "id", None))
        return node.body if test == "TYPE_CHECKING" else ()
    return node.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) else ()


def _names(node: Node, module: Module) -> list[str]:
    """The full names that a statement imports: ``a.b`` for ``from a import b``."""
    names = [alias.name for alias in node.names]
    if isinstance(node, ast.Import):
        return names
    start = _package(module, node.level) if node.level else []
    return [".".join((*start, *filter(None, [node.module]), name)) for name in names]


def _package(module: Module, dots: int) -> list[str]:
    """The parts of the name that leading dots stand for."""
    parts = module.name.split(".")
    up = dots - module.file.endswith("__init__.py")
    return parts[: len(parts) - up]


def _nearest(name: str, known: Mapping[str, Module]) -> Module | None:
    """The module of that name, or the closest one that can hold such a name."""
    while name and name not in known:
        name = name.rpartition(".")[0]
    return known.get(name)
