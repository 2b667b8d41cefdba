"""The weights that both sides train: each row on each engine, compared array by array."""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.against.comparison import ALLOWED, Compared, Side, compare, read
from benchmarks.against.engines import ENGINES
from benchmarks.against.process import core, run
from benchmarks.against.trees import SIDES
from benchmarks.report import table

__all__ = ["TITLE", "broken", "measure", "numbers", "show"]

TITLE = "Weights"
HEAD = ("engine", "group", "trainings", "identical", *ALLOWED, "not compared", "met")


def measure(engine: str, trees: Mapping[str, Path], pattern: str = "*") -> list[Compared]:
    """All training runs of one engine, both sides at once, each on its own core."""
    with TemporaryDirectory() as folder, ThreadPoolExecutor(len(SIDES)) as pool:
        sides = [
            pool.submit(_trained, engine, trees[side], Path(folder, f"{side}.npz"), pattern, i)
            for i, side in enumerate(SIDES)
        ]
        old, new = (side.result() for side in sides)
    return list(compare(engine, old, new))


def _trained(engine: str, root: Path, out: Path, pattern: str, number: int) -> Side:
    backend, _, modes, variables, slow = ENGINES[engine]
    job = {"backend": backend, "modes": modes, "slow": slow, "rows": pattern, "out": str(out)}
    run("weights", root, job, variables, core(number))
    return read(out)


def broken(found: Sequence[Compared]) -> list[str]:
    """The failures; or one, if nothing could be compared."""
    if found and all(each.distance is None for each in found):
        return [f"{found[0].engine}: nothing could be compared: {found[0].why}"]
    return [_told(each) for each in found if not each.met]


def _told(each: Compared) -> str:
    asked = "the same bits" if each.exact else f"{ALLOWED[each.dtype]:g}"
    found = each.why or f"{each.distance:.2g} apart, required: {asked}"
    return f"{each.engine}, {each.name}: {found}"


def show(found: Sequence[Compared]) -> str:
    """The table: a line for each group of rows, with the largest distances in it."""
    groups: dict[tuple[str, str], list[Compared]] = {}
    for each in found:
        groups.setdefault((each.engine, each.group), []).append(each)
    reasons = dict.fromkeys(each.why for each in found if each.why)
    lines = [table(HEAD, [_line(*key, some) for key, some in groups.items()])]
    return "\n".join([*lines, *(f"\nnot compared: {why}" for why in reasons)])


def _line(engine: str, group: str, some: list[Compared]) -> tuple[Any, ...]:
    same, apart = sum(each.same for each in some), sum(bool(each.why) for each in some)
    largest = [_largest(some, dtype) for dtype in ALLOWED]
    met = "yes" if all(each.met for each in some) else "no"
    return engine, group, len(some), same, *largest, apart, met


def _largest(some: Sequence[Compared], dtype: str) -> str:
    off = [each.distance or 0.0 for each in some if each.dtype == dtype]
    return f"{max(off, default=0.0):.1g}"


def numbers(found: Sequence[Compared]) -> list[dict[str, Any]]:
    """The comparisons for JSON."""
    return [each._asdict() for each in found]
