"""The command line of ``python -m benchmarks.against``."""

import argparse
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

from benchmarks.against import programs, speed, trees, weights
from benchmarks.against.engines import ENGINES, available
from benchmarks.against.process import ChildError
from benchmarks.machine import environment
from benchmarks.report import heading, write

__all__ = ["PARTS", "main", "some"]

PARTS: dict[str, ModuleType] = {"weights": weights, "programs": programs, "speed": speed}
"""Each has `measure`, ``show(found)``, ``broken(found)`` and ``numbers(found)``."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Compare, print and write; 1 if something fails, else 0."""
    parser = _parser()
    options = parser.parse_args(arguments)
    _check(options, parser)
    try:
        with trees.worktree(options.commit) as old:
            return _compare({"old": old, "new": trees.HERE}, options)
    except (trees.TreeError, ChildError) as error:
        parser.error(str(error))


def _compare(roots: Mapping[str, Path], options: argparse.Namespace) -> int:
    facts = {"old": trees.commit(options.commit)[:12]} | environment()
    results: dict[str, Any] = {"environment": facts}
    print(heading(f"The present code against {options.commit}", facts), flush=True)
    complaints = 0
    for name in (name for name in PARTS if name in options.only):
        found = list(_measured(name, roots, options))
        complaints += _print(PARTS[name], found)
        results[name] = PARTS[name].numbers(found)
        write(options.out, results)
    return 1 if complaints else 0


def _print(part: ModuleType, found: list[Any]) -> int:
    """Print the failures, then the table; return the number of failures."""
    complaints = part.broken(found)
    print(f"### {part.TITLE}\n")
    print(
        "\n".join(f"- {each}" for each in complaints) or "Everything is as required.",
        end="\n\n",
    )
    print(part.show(found), end="\n\n", flush=True)
    return len(complaints)


def _measured(
    name: str, roots: Mapping[str, Path], options: argparse.Namespace
) -> Iterator[Any]:
    if name == "programs":
        yield from programs.measure(roots)
        return
    for engine in options.backends:
        if name == "weights":
            yield from weights.measure(engine, roots, options.rows)
        else:
            yield from speed.measure(engine, roots, options.pairs)
    if name == "speed":
        yield speed.imports(roots, options.pairs)


def _parser() -> argparse.ArgumentParser:
    about = "compare the present code with an earlier commit"
    parser = argparse.ArgumentParser("benchmarks.against", description=about)
    parser.add_argument("commit", help="the commit to compare with, such as main")
    for name, known, default in (
        ("only", list(PARTS), list(PARTS)),
        ("backends", list(ENGINES), available()),
    ):
        told = f"from {', '.join(known)}; by default all that can run"
        parser.add_argument(
            f"--{name}", type=some(known), default=default, metavar="NAME,NAME", help=told
        )
    parser.add_argument(
        "--rows",
        default="*",
        metavar="PATTERN",
        help="rows of weights, such as 'feedback*'; all by default",
    )
    parser.add_argument(
        "--pairs",
        type=int,
        default=15,
        help="number of pairs of speed measurements; 15 by default",
    )
    parser.add_argument("--out", type=Path, metavar="FILE", help="write JSON here")
    return parser


def some(known: Sequence[str]) -> Callable[[str], list[str]]:
    """A parser of names that are separated by commas."""

    def names(text: str) -> list[str]:
        unknown = [name for name in text.split(",") if name not in known]
        if unknown:
            told = f"no {', '.join(unknown)}; known: {', '.join(known)}"
            raise argparse.ArgumentTypeError(told)
        return text.split(",")

    return names


def _check(options: argparse.Namespace, parser: argparse.ArgumentParser) -> None:
    missing = [name for name in options.backends if name not in available()]
    if missing:
        parser.error(f"--backends {', '.join(missing)}: not installed")
    if options.pairs < 1:
        parser.error("--pairs is the number of pairs: at least 1")
    if options.out is not None and not options.out.resolve().parent.is_dir():
        parser.error(f"--out {options.out}: there is no such folder")
