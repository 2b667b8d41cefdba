"""Microseconds an inference: the outputs for a few samples, for many, and for 60,000.

The samples lie on the device, in the library's own arrays, and each call finishes before the
next begins: this is the time that a user waits for an answer. bpx is called through
`Network.predict`, which checks its input; scikit-learn is called as its users call it, too.
"""

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

from benchmarks.cases import problem
from benchmarks.clock import each
from benchmarks.machine import busy
from benchmarks.peers import Answer, Peer
from benchmarks.rounds import in_turn, of_each, to_each_engine
from benchmarks.settings import Settings
from benchmarks.training import times_table

__all__ = ["BATCHES", "TITLE", "measure", "show"]

TITLE = "Inference"
BATCHES = (1, 256, 60_000)


def measure(
    settings: Settings, results: Mapping[str, Any]
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every batch in turn."""
    case = settings.medium
    samples = case.lasting(max(*BATCHES, case.batch) + case.batch)
    numbers = problem(samples, device=settings.device)
    peers = [peer for peer in settings.peers if peer.answering]
    for batch in BATCHES:
        found = of_each(peers, partial(_warm, numbers=numbers, batch=batch))
        times = in_turn(found.of, settings.repeats, lambda run: 1e6 * _seconds(run, settings))
        yield (
            str(batch),
            {
                "about": f"{case.name}'s network, {batch:,} samples",
                "load": busy(),
                "microseconds": times,
                "ratios": to_each_engine(times),
                "failed": found.failed,
            },
        )


def _warm(peer: Peer, numbers: Any, batch: int) -> Answer:
    answer = peer.answers(numbers, batch)
    answer()
    return answer


def _seconds(answer: Answer, settings: Settings) -> float:
    return each(answer, settings.timer, settings.window)


def show(name: str, part: Mapping[str, Any]) -> str:
    """One batch's table."""
    table = times_table(part["microseconds"], "µs / call")
    return f"{part['about']}; load {part['load']}\n\n{table}"
