"""The commands that the documentation and the messages print, collected from the sources."""

import ast
import io
import re
import shlex
import tokenize
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
DISTRIBUTION = "backpropx"
EXAMPLES = {"mlx"}
"""Packages that CONTRIBUTING.md takes as an example of one that bpx does not know."""

PROGRAMS = ("pip", "make", "bpx", "python")
_PREFIX = r"(?:[A-Z_]+=\S+ +|taskset -c \S+ +)*"
_COMMAND = re.compile(rf"^{_PREFIX}(?:\S*/)?(?:{'|'.join(PROGRAMS)})3? ")
_INSTALL = re.compile(r"pip\s+install\b")
_END = re.compile(r"[`\"\n]|(?<=[^\s.])[.,;:)](?=\s|$)")
_EXTRA = re.compile(r"['\"]\.\[[^\]'\"$]*\]['\"]")
_FENCE = re.compile(r"^```(\S*)[^\n]*\n(.*?)^```$", re.M | re.S)
_SPAN = re.compile(r"(?<!`)`([^`]+)`(?!`)")


class Printed(NamedTuple):
    """A command, and the file that prints it."""

    file: str
    command: str


class UnreadableError(Exception):
    """A printed command that cannot be typed as it is printed."""


def sources(root: Path = ROOT) -> list[Path]:
    """The files that are read."""
    pages = [root / "README.md", root / "CONTRIBUTING.md", root / "Makefile"]
    pages += (root / "docs").rglob("*.md")
    code = [*(root / "bpx").rglob("*.py"), *(root / "backends" / "bpx_backends").rglob("*.py")]
    built = root / "docs" / "_build"
    return sorted(path for path in (*pages, *code) if built not in path.parents)


def printed(root: Path = ROOT) -> list[Printed]:
    """Every command, in each file once."""
    found = []
    for path in sources(root):
        commands = dict.fromkeys(read(path.name, path.read_text(encoding="utf-8")))
        name = path.relative_to(root).as_posix()
        found += [Printed(name, command) for command in commands]
    return found


def read(name: str, text: str) -> Iterator[str]:
    """The commands in a file's text, by the kind of file that its name says."""
    if name.endswith(".md"):
        yield from _in_markdown(text)
    elif name.endswith(".py"):
        for string in (*_strings(text), *_comments(text)):
            yield from _in_prose(string)
    else:
        yield from _in_makefile(text)


def _in_markdown(text: str) -> Iterator[str]:
    for language, code in _FENCE.findall(text):
        if language == "sh":
            yield from _lines(code)
        else:
            yield from _in_prose(code)
    for span in _SPAN.findall(_FENCE.sub("", text)):
        yield from _in_span(" ".join(span.split()))


def _in_span(span: str) -> Iterator[str]:
    if _COMMAND.match(span):
        yield span
    else:
        yield from (f"pip install {extra}" for extra in _EXTRA.findall(span))


def _lines(code: str) -> Iterator[str]:
    """The commands of a shell's lines, without their comments."""
    for line in code.splitlines():
        words = re.sub(r"\s+# .*", "", line).strip()
        if _COMMAND.match(words):
            yield words
        yield from (f"pip install {e}" for e in _EXTRA.findall(line) if e not in words)


def _in_makefile(text: str) -> Iterator[str]:
    for line in text.splitlines():
        if line.startswith("# make "):
            yield re.split(r"\s{2,}|\s\(", line.removeprefix("# "))[0]
    yield from (f"pip install {extra}" for extra in _EXTRA.findall(text))


def _in_prose(text: str) -> Iterator[str]:
    """What a message, a docstring or a comment prints, where its sentence does not go on."""
    for match in _INSTALL.finditer(text):
        end = _END.search(text, match.end())
        command = text[match.start() : end.start() if end else len(text)]
        yield " ".join(command.split())
    for span in re.findall(r"`+([^`\n]+)`+", text):
        if _COMMAND.match(span) and not _INSTALL.search(span):
            yield span
    for block in re.findall(r"^Examples:\n((?:  .*\n)+)", text, re.M):
        yield from _lines(block)


def _strings(source: str) -> Iterator[str]:
    """The strings of a module: pieces put together, and what is filled in as ``{}``."""
    nodes = list(ast.walk(ast.parse(source)))
    joined = [node for node in nodes if isinstance(node, ast.JoinedStr)]
    pieces = {id(part) for node in joined for part in node.values}
    for node in joined:
        yield "".join(_text(part) or "{}" for part in node.values)
    yield from (text for node in nodes if id(node) not in pieces and (text := _text(node)))


def _text(node: ast.AST) -> str | None:
    is_string = isinstance(node, ast.Constant) and isinstance(node.value, str)
    return node.value if is_string else None


def _comments(source: str) -> Iterator[str]:
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    return (token.string for token in tokens if token.type == tokenize.COMMENT)


# What is in a command.


class Install(NamedTuple):
    """What a ``pip install`` names."""

    arguments: list[str]
    extras: set[str]
    packages: set[str]


def words(command: str) -> list[str]:
    """A command's words as a shell reads them, from its program on."""
    try:
        found = shlex.split(command)
    except ValueError as error:
        raise UnreadableError(f"{command!r}: {error}") from error
    if unusual := re.findall(r"[…{}]|\.\.\.", command):
        raise UnreadableError(f"{command!r} has {unusual[0]!r}, which nobody can type")
    while found and ("=" in found[0] or found[0] == "taskset"):
        del found[: 3 if found[0] == "taskset" else 1]
    return found


def install(command: str) -> Install | None:
    """What a command installs; None if it installs nothing."""
    parts = words(command)
    if parts[:2] != ["pip", "install"] and parts[1:4] != ["-m", "pip", "install"]:
        return None
    arguments = parts[parts.index("install") + 1 :]
    if not arguments:
        raise UnreadableError(f"{command!r} names nothing to install")
    extras: set[str] = set()
    packages: set[str] = set()
    rest = iter(arguments)
    for word in rest:
        if word in ("-c", "-r"):
            _file(next(rest, ""), command)
        elif word not in ("-e", "--upgrade"):
            _requirement(word, command, extras, packages)
    return Install(arguments, extras, packages)


def _file(name: str, command: str) -> None:
    if not (ROOT / name).is_file():
        raise UnreadableError(f"{command!r} names the file {name!r}, which is not there")


def _requirement(word: str, command: str, extras: set[str], packages: set[str]) -> None:
    local = re.fullmatch(r"\.(?:\[([\w,-]+)\])?", word)
    if local:
        extras |= set(filter(None, (local[1] or "").split(",")))
        return
    try:
        packages.add(canonicalize_name(Requirement(word).name))
    except InvalidRequirement as error:
        raise UnreadableError(f"{command!r}: {word!r} is no requirement: {error}") from error


# What the project declares.


def declared() -> tuple[set[str], set[str]]:
    """The extras of pyproject.toml, and all packages that it names."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    named = [*project["dependencies"], *(each for extra in extras.values() for each in extra)]
    packages = {canonicalize_name(Requirement(each).name) for each in named}
    return set(extras), packages - {DISTRIBUTION}
