"""Microseconds a training step.

Each peer trains whole epochs, so that the cost of an epoch besides its steps (drawing its
order, reading its cost) counts for all. The warm-up is one epoch, and a second one if the first
was short: it covers compilation, thread pools, and the length of bpx's chunks.
"""

from collections.abc import Iterator, Mapping
from functools import partial
from gc import collect
from statistics import median
from typing import Any

from benchmarks.cases import Case, Problem, problem
from benchmarks.clock import Clock, wall
from benchmarks.machine import busy
from benchmarks.peers import Peer, Train
from benchmarks.report import band, table
from benchmarks.rounds import Times, in_turn, of_each, to_each_engine
from benchmarks.settings import Settings

__all__ = ["TITLE", "measure", "microseconds", "show", "times_table"]

TITLE = "Training"
SHORT = 5.0  # seconds


def measure(
    settings: Settings, results: Mapping[str, Any]
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every case in turn, by its name."""
    for case in settings.cases:
        yield case.name, _of(case, settings)
        collect()


def _of(case: Case, settings: Settings) -> dict[str, Any]:
    numbers = problem(case, device=settings.device)
    peers = [peer for peer in settings.peers if peer.training]
    found = of_each(peers, lambda peer: _warm(peer, numbers))
    one = partial(microseconds, steps=case.steps, window=settings.window, clock=settings.timer)
    times = in_turn(found.of, settings.repeats, one)
    return {
        "about": str(case),
        "short": case.short,
        "load": busy(),
        "microseconds": times,
        "ratios": to_each_engine(times),
        "failed": found.failed,
    }


def _warm(peer: Peer, numbers: Problem) -> Train:
    train = peer.trains(numbers)
    if wall(train) < SHORT:
        train()
    return train


def microseconds(train: Train, steps: int, window: float, clock: Clock) -> float:
    """The time of a step, over as many whole epochs as fill the window."""
    epochs, seconds = 0, 0.0
    while not epochs or seconds < window:
        seconds += clock(train)
        epochs += 1
    return 1e6 * seconds / (epochs * steps)


def show(name: str, part: Mapping[str, Any]) -> str:
    """One case's table."""
    times = part["microseconds"]
    rounds = len(next(iter(times.values()), ()))
    about = f"{part['about']}; {rounds} rounds; load {part['load']}"
    return f"{about}\n\n{times_table(times, 'µs / step')}"


def times_table(times: Times, unit: str) -> str:
    """Each peer's time, and its ratio to each of bpx's engines."""
    shares = to_each_engine(times)
    rows = [
        (name, band(values), *(_cell(shares[engine].get(name)) for engine in shares))
        for name, values in sorted(times.items(), key=lambda item: median(item[1]))
    ]
    return table(("", f"{unit}: median [min, max]", *(f"÷ {each}" for each in shares)), rows)


def _cell(ratio: float | None) -> str:
    return "" if ratio is None else f"{ratio:.2f}"
