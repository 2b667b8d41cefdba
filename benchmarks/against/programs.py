"""The programs of a step on both sides: the same text, or no more to compute and to move."""

import json
from collections.abc import Mapping, Sequence
from difflib import unified_diff
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.against.engines import ENGINES
from benchmarks.against.process import run
from benchmarks.against.trees import SIDES
from benchmarks.report import table

__all__ = ["TITLE", "Listed", "broken", "measure", "numbers", "show"]

TITLE = "Programs"
HEAD = ("program", "text", "operations", "flops", "bytes", "met")
COUNTED = ("operations", "flops", "bytes")


class Listed(NamedTuple):
    """One program.

    Attributes
    ----------
    name : str
    old, new : dict
        ``text``, ``counts``, and a number for each of `COUNTED`.
    """

    name: str
    old: dict[str, Any]
    new: dict[str, Any]

    @property
    def more(self) -> list[str]:
        """The counts that have increased."""
        return [what for what in COUNTED if self.new[what] > self.old[what]]

    @property
    def diff(self) -> str:
        """The lines that differ; empty if none do."""
        old, new = (side["text"].splitlines() for side in (self.old, self.new))
        return "\n".join(unified_diff(old, new, *SIDES, lineterm=""))


def measure(trees: Mapping[str, Path]) -> list[Listed]:
    """All programs."""
    old, new = (_programs(trees[side]) for side in SIDES)
    return [Listed(name, old[name], new[name]) for name in old]


def _programs(root: Path) -> dict[str, dict[str, Any]]:
    found = json.loads(run("programs", root, variables=ENGINES["numpy"].variables))
    return {name: each | _total(each["counts"]) for name, each in found.items()}


def _total(counts: Mapping[str, int]) -> dict[str, int]:
    return {"operations": sum(counts.values())}


def broken(found: Sequence[Listed]) -> list[str]:
    """The programs that have more work to do."""
    return [f"{each.name}: more {', '.join(each.more)}" for each in found if each.more]


def show(found: Sequence[Listed]) -> str:
    """The table, and the lines that differ."""
    diffs = [f"\n{each.name}:\n\n```diff\n{each.diff}\n```" for each in found if each.diff]
    return "\n".join([table(HEAD, map(_line, found)), *diffs])


def _line(each: Listed) -> tuple[str, ...]:
    counted = [_change(each.old[what], each.new[what]) for what in COUNTED]
    text = "differs" if each.diff else "identical"
    return each.name, text, *counted, "no" if each.more else "yes"


def _change(old: int, new: int) -> str:
    return f"{new:,}" if old == new else f"{old:,} → {new:,}"


def numbers(found: Sequence[Listed]) -> list[dict[str, Any]]:
    """The programs for JSON."""
    return [each._asdict() for each in found]
