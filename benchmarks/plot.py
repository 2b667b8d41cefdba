"""The picture: the time of a step, for every peer in every case, on a logarithmic scale."""

from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from math import ceil
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.peers import PRODUCTS
from benchmarks.rounds import Times

__all__ = ["draw", "told", "write"]

COLUMNS = 3
OURS, THEIRS, FLOOR = "#0b6bcb", "#6f7780", "#b8bec5"


def write(training: Mapping[str, Any], title: str, folder: Path) -> None:
    """Write ``training.svg`` and ``training.png``, if matplotlib is installed."""
    if find_spec("matplotlib"):
        from matplotlib import rc_context

        cases = {part["short"]: part["microseconds"] for part in training.values()}
        figure = draw(cases, title)
        with rc_context({"svg.fonttype": "none", "svg.hashsalt": "bpx"}):
            figure.savefig(folder / "training.svg", metadata={"Date": None})
        figure.savefig(folder / "training.png", dpi=120)


def draw(cases: Mapping[str, Times], title: str) -> Any:
    """One panel for each case, with the same peers in the same places."""
    from matplotlib.figure import Figure

    peers = list(dict.fromkeys(name for times in cases.values() for name in times))
    rows, columns = ceil(len(cases) / COLUMNS), min(len(cases), COLUMNS)
    size = (1.8 + 3.2 * columns, 0.8 + rows * (0.7 + 0.21 * len(peers)))
    figure = Figure(figsize=size, layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False, sharey=True).flat
    for panel, (case, times) in zip(axes, cases.items(), strict=False):
        _panel(panel, case, times, peers)
    for empty in figure.axes[len(cases) :]:
        empty.set_visible(False)
    figure.suptitle(title, fontsize=10)
    return figure


def _panel(axes: Any, case: str, times: Times, peers: Sequence[str]) -> None:
    for place, peer in enumerate(peers):
        if peer in times:
            _dot(axes, place, peer, times[peer])
    if PRODUCTS in times:
        axes.axvline(median(times[PRODUCTS]), color=FLOOR, linewidth=1.0, zorder=0)
    axes.set(xscale="log", yticks=range(len(peers)), yticklabels=peers)
    axes.set_title(case, fontsize=9, loc="left")
    axes.set_ylim(len(peers) - 0.5, -0.5)
    _quiet(axes)


def _dot(axes: Any, place: int, peer: str, values: Sequence[float]) -> None:
    color = OURS if peer.startswith("bpx ") else THEIRS
    middle = median(values)
    axes.hlines(place, min(values), max(values), color=color, linewidth=1.5)
    axes.plot(middle, place, "o", color=color, markersize=5)
    axes.annotate(
        told(middle),
        (max(values), place),
        xytext=(6, 0),
        textcoords="offset points",
        va="center",
        fontsize=7,
        color=color,
    )


def _quiet(axes: Any) -> None:
    """Make room for the numbers on the right, and remove lines that carry no information."""
    from matplotlib.ticker import LogLocator, MaxNLocator

    low, high = axes.get_xlim()
    axes.set_xlim(low, high * (high / low) ** 0.3)
    axes.grid(axis="x", color="#e6e8ea", linewidth=0.6)
    axes.set_axisbelow(True)
    axes.tick_params(labelsize=8, length=0)
    axes.tick_params(axis="x", labelsize=7)
    few = high / low < 4.0  # so short a scale shows hardly a power of ten
    axes.xaxis.set_major_locator(MaxNLocator(4) if few else LogLocator(subs=(1.0, 2.0, 5.0)))
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.xaxis.set_major_formatter(lambda value, _: told(value))
    axes.xaxis.set_minor_formatter("")


def told(microseconds: float) -> str:
    """A time in the unit that suits it."""
    for unit, size in (("s", 1e6), ("ms", 1e3)):
        if microseconds >= size:
            return f"{microseconds / size:.3g} {unit}"
    return f"{microseconds:.3g} µs"
