"""The speed of training and of the import on both sides: two processes that take turns.

All run on one core, and the clock counts their own processor time. Each training run begins at
the same weights, and has as many epochs as last `WINDOW` seconds on the old side. Two processes
of the same code can differ by some percent for their whole life, because of where their memory
happens to lie. Therefore both are restarted after `PER_START` pairs.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from math import ceil
from pathlib import Path
from typing import Any

from benchmarks.against.engines import ENGINES
from benchmarks.against.pairs import Paired, Seconds, as_dict, in_pairs, line
from benchmarks.against.process import Worker, core, run
from benchmarks.against.trees import SIDES
from benchmarks.report import table

__all__ = ["ASKED", "TITLE", "broken", "imports", "measure", "numbers", "show"]

TITLE = "Speed"
HEAD = ("engine", "case", "old, ms", "new, ms", "new / old [95 %]", "at most", "met")
ASKED = {"S": 1.03, "M": 1.03, "deep": 1.05}
WINDOW = 0.3
PER_START = 3

Ask = Callable[[str, int], float]


def measure(engine: str, trees: Mapping[str, Path], pairs: int) -> Iterator[Paired]:
    """Each case on one engine."""
    for case in ASKED:
        yield _trained(engine, case, trees, pairs)


def _trained(engine: str, case: str, trees: Mapping[str, Path], pairs: int) -> Paired:
    seconds: Seconds = {side: [] for side in SIDES}
    epochs = 0
    for first in range(0, pairs, PER_START):
        with _started(engine, case, trees) as ask:
            epochs = epochs or _lasting(partial(ask, "old"))
            numbers = range(first, min(first + PER_START, pairs))
            found = in_pairs(lambda side, ask=ask, epochs=epochs: ask(side, epochs), numbers)
        seconds = {side: seconds[side] + found[side] for side in SIDES}
    return Paired(engine, case, *seconds.values(), ASKED[case])


@contextmanager
def _started(engine: str, case: str, trees: Mapping[str, Path]) -> Iterator[Ask]:
    """A process for each side: ``ask(side, epochs)`` trains there, and returns the seconds."""
    backend, variables = ENGINES[engine].backend, ENGINES[engine].variables
    job = {"backend": backend, "case": case}
    with ExitStack() as stack:
        workers = {
            side: stack.enter_context(Worker("speed", trees[side], job, variables, core()))
            for side in SIDES
        }
        yield lambda side, epochs: workers[side].ask(epochs)


def _lasting(seconds: Callable[[int], float]) -> int:
    """The number of epochs that fills the window."""
    epochs = 1
    while (took := seconds(epochs)) < WINDOW:
        epochs = max(2 * epochs, ceil(1.1 * epochs * WINDOW / took))
    return epochs


def imports(trees: Mapping[str, Path], pairs: int) -> Paired:
    """``import bpx`` in fresh processes; it has no target."""

    def seconds(side: str) -> float:
        return float(run("imports", trees[side], on=core()))

    in_pairs(seconds, [0])  # writes the bytecode, and fills the page cache
    return Paired("python", "import bpx", *in_pairs(seconds, range(pairs)).values(), None)


def broken(found: Sequence[Paired]) -> list[str]:
    """The pairs that may be slower than allowed."""
    return [
        f"{each.engine}, {each.case}: up to {each.interval[1]:.3f} times as long"
        for each in found
        if not each.met
    ]


def show(found: Sequence[Paired]) -> str:
    """The table."""
    return table(HEAD, map(line, found))


def numbers(found: Sequence[Paired]) -> list[Mapping[str, Any]]:
    """The measurements for JSON."""
    return [as_dict(each) for each in found]
