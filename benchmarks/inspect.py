"""``python -m benchmarks.inspect``: the cost of looking inside, beside the peers.

::

    python -m benchmarks.inspect [--engines numpy,jax,torch] [--rounds N] [--out FILE]

For each quantity of `benchmarks.quantities`, the benchmark times the forward and the backward
pass together with the quantity, and divides by the plain pass of the same library, which it
times just before or just after. A peer that fails, or finds other numbers than bpx on NumPy,
is skipped with the reason. The others take turns, round by round, in an order that changes
(`benchmarks.rounds`). The tables show medians over the rounds, and medians of the ratios within
each round.

``--out`` names a file for the numbers, as JSON; the tables go next to it, as Markdown. On a
busy machine, ``taskset -c 0`` and ``--clock cpu`` exclude the time of other processes.
"""

import argparse
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from benchmarks import machine
from benchmarks.cases import CASES, Case
from benchmarks.clock import CLOCKS, each
from benchmarks.command import some
from benchmarks.inspect_tables import show, title
from benchmarks.quantities import (
    ENGINES,
    QUANTITIES,
    TELLERS,
    Subject,
    Teller,
    Work,
    subject,
    why_not,
)
from benchmarks.report import write
from benchmarks.rounds import Found, in_turn, of_each

__all__ = ["How", "check", "main", "measure", "pair"]

EXACT = 1e-4
"""How far two results may differ in float32, relative to the largest number."""
DRAWN = 0.5
"""The same for random quantities, relative to the sum of all numbers: a draw is not a mean."""
LARGEST = (1 << 25) - (1 << 16)
"""Bytes, nearly 32 MiB. The C library of Linux keeps as much freed memory as twice the largest
block of that size that was ever freed. It returns the rest to the system, and fresh pages take
as long as the arithmetic. So a result must not depend on what was freed before it.
"""
LIBRARIES = (
    *("numpy", "torch", "jax", "jaxlib"),
    *("opacus", "backpack-for-pytorch", "curvlinops-for-pytorch"),
)


class How(NamedTuple):
    """How the quantities are measured.

    Attributes
    ----------
    rounds : int
    window : float
        The minimum seconds of one measurement.
    clock : {"wall", "cpu"}
    """

    rounds: int = 9
    window: float = 0.1
    clock: str = "wall"

    def seconds(self, run: Callable[[], Any]) -> float:
        """The seconds of one call."""
        return each(run, CLOCKS[self.clock], self.window)


def main(arguments: Sequence[str] | None = None) -> None:
    """The command line."""
    options = _options(arguments)
    here = [teller for teller in TELLERS if why_not(teller) is None]
    unasked = set(ENGINES) - set(options.engines)
    tellers = [teller for teller in here if teller.name not in unasked]
    how = How(options.rounds, options.window, options.clock)
    results = _begun(CASES[options.case], how)
    print(title(results), flush=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # those of the peers
        for key, found in measure(CASES[options.case], tellers, options.only, how):
            print(f"{QUANTITIES[key].title}: {'; '.join(found['plain'])}", flush=True)
            results["quantities"][key] = found
            _keep(results, options.out)
    print(f"\n{show(results)}")


def _begun(case: Case, how: How) -> dict[str, Any]:
    return {
        "environment": machine.environment(*LIBRARIES),
        "case": case.short,
        "settings": how._asdict(),
        "left out": {teller.name: why for teller in TELLERS if (why := why_not(teller))},
        "quantities": {},
    }


def _keep(results: dict[str, Any], path: Path | None) -> None:
    results["threads"], results["blas"] = machine.threads(), machine.blas()
    write(path, results)
    if path is not None:
        text = f"{title(results)}\n{show(results)}\n"
        path.with_suffix(".md").write_text(text, encoding="utf-8")


def measure(
    case: Case, tellers: Sequence[Teller], keys: Sequence[str], how: How
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every quantity by its key: microseconds of the plain pass, and of the two together."""
    np.empty(LARGEST, np.uint8)
    about = subject(case)
    for key in keys:
        found = _works(key, about, [teller for teller in tellers if key in teller.keys])
        pairs = in_turn(found.of, how.rounds, partial(pair, count(), how))
        yield (
            key,
            {
                "load": machine.busy(),
                "plain": _microseconds(pairs, 0),
                "telling": _microseconds(pairs, 1),
                "failed": found.failed,
            },
        )


def _works(key: str, about: Subject, tellers: Sequence[Teller]) -> Found:
    """Each teller's work, after one run, which compiles it and is compared."""
    reference = TELLERS[0].work(key, about)
    expected = reference.read(reference.telling())

    def ready(teller: Teller) -> Work:
        work = teller.work(key, about)
        check(work.read(work.telling()), expected, drawn=QUANTITIES[key].drawn)
        work.plain()
        return work

    return of_each(tellers, ready)


def check(
    found: Sequence[np.ndarray], expected: Sequence[np.ndarray], *, drawn: bool = False
) -> None:
    """Refuse other numbers: those of each array or, for random quantities, their total.

    Raises
    ------
    ValueError
        Saying how far they differ.
    """
    if [each.shape for each in found] != [each.shape for each in expected]:
        shapes = [each.shape for each in found], [each.shape for each in expected]
        raise ValueError(f"arrays of shapes {shapes[0]}, expected {shapes[1]}")
    if drawn:
        found, expected = ([np.array([sum(map(np.sum, each))])] for each in (found, expected))
    pairs = zip(found, expected, strict=True)
    off = np.max([np.max(np.abs(a - b)) / np.max(np.abs(b)) for a, b in pairs], initial=0.0)
    if not off <= (DRAWN if drawn else EXACT):
        raise ValueError(f"other numbers than bpx's: off by {off:.1e}")


def pair(turns: Iterator[int], how: How, work: Work) -> tuple[float, float]:
    """Seconds of the plain pass, and with the quantity; they take turns at being first."""
    if next(turns) % 2:
        telling = how.seconds(work.telling)
        return how.seconds(work.plain), telling
    plain = how.seconds(work.plain)
    return plain, how.seconds(work.telling)


def _microseconds(pairs: Mapping[str, Any], which: int) -> dict[str, list[float]]:
    return {name: [1e6 * pair[which] for pair in each] for name, each in pairs.items()}


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser("benchmarks.inspect", description=__doc__.split("\n")[0])
    engines = [name.removeprefix("bpx ") for name in ENGINES]
    for name, known, text in (
        ("engines", engines, "engines of bpx"),
        ("only", list(QUANTITIES), "quantities"),
    ):
        parser.add_argument(
            f"--{name}",
            type=some(known),
            default=known,
            metavar="NAME,NAME",
            help=f"{text}, from {', '.join(known)}; all by default",
        )
    cases = [name for name, case in CASES.items() if not case.is_binary]
    parser.add_argument("--case", choices=cases, default="M", help="the case; M by default")
    parser.add_argument("--rounds", type=int, default=9, help="number of rounds; 9 by default")
    parser.add_argument(
        "--window",
        type=float,
        default=0.1,
        help="minimum seconds of a measurement; 0.1 by default",
    )
    parser.add_argument(
        "--clock", choices=("wall", "cpu"), default="wall", help="wall by default"
    )
    parser.add_argument("--out", type=Path, metavar="FILE", help="write JSON and Markdown here")
    options = parser.parse_args(arguments)
    if options.rounds < 1:
        parser.error("--rounds: at least 1")
    if options.window < 0:
        parser.error("--window is in seconds: at least 0")
    if options.out is not None and not options.out.parent.is_dir():
        parser.error(f"--out: there is no folder {options.out.parent}")
    if options.clock == "cpu" and machine.cores() > 1:
        parser.error("--clock cpu adds up the time of all threads: pin to one core (taskset)")
    options.engines = [f"bpx {name}" for name in options.engines]
    return options


if __name__ == "__main__":
    main()
