"""The tables of `benchmarks.inspect`."""

from collections.abc import Iterator, Mapping
from statistics import median
from typing import Any

from benchmarks import machine
from benchmarks.quantities import ENGINES, QUANTITIES
from benchmarks.report import band, heading, number, table
from benchmarks.rounds import ratios

__all__ = ["cost", "show", "title"]


def title(results: Mapping[str, Any]) -> str:
    """The heading of the report."""
    facts = results["environment"]
    return heading(f"Looking inside, on {facts['processor']}", facts)


def cost(found: Mapping[str, Any], teller: str) -> list[float]:
    """The ratio of a teller's time to its library's plain pass, round by round."""
    times = {"plain": found["plain"][teller], "telling": found["telling"][teller]}
    return ratios(times, "telling", "plain")


def show(results: Mapping[str, Any]) -> str:
    """The targets of bpx, every teller's time, and the tellers that were skipped."""
    quantities = results["quantities"]
    told = {name for each in quantities.values() for name in each["plain"]}
    engines = [name for name in ENGINES if name in told]
    parts = [_how(results), _costs(quantities, engines), _times(quantities, engines)]
    left_out = "\n".join(f"- {each}" for each in _left_out(results))
    return "\n\n".join([*parts, *(["Left out:", left_out] if left_out else [])])


def _how(results: Mapping[str, Any]) -> str:
    settings, quantities = results["settings"], results["quantities"]
    loads = ", ".join(dict.fromkeys(each["load"] for each in quantities.values()))
    return (
        f"{results['case']}, float32; {settings['rounds']} rounds, each measurement at least "
        f"{settings['window']:g} s by the {settings['clock']} clock; load {loads}. "
        f"{machine.told(results['threads'])}. BLAS: {results['blas']}."
    )


def _costs(quantities: Mapping[str, Any], engines: list[str]) -> str:
    """The plain pass with each quantity, over the plain pass alone."""
    rows = [
        (
            QUANTITIES[key].title,
            _told(QUANTITIES[key].most),
            *(_cost(found, engine, QUANTITIES[key].most) for engine in engines),
        )
        for key, found in quantities.items()
    ]
    head = ("with the gradient, ÷ the gradient alone", "at most", *engines)
    return table(head, rows)


def _cost(found: Mapping[str, Any], engine: str, most: float | None) -> str:
    if engine not in found["plain"]:
        return ""
    told = cost(found, engine)
    missed = most is not None and median(told) > most
    return band(told, 2) + (" *" if missed else "")


def _times(quantities: Mapping[str, Any], engines: list[str]) -> str:
    """Each teller's time, relative to its own plain pass and to that of bpx's engines."""
    head = ("", "", "µs", "÷ its plain pass", *(f"÷ {engine}" for engine in engines))
    return table(head, (row for each in quantities.items() for row in _told_by(*each, engines)))


def _told_by(
    key: str, found: Mapping[str, Any], engines: list[str]
) -> Iterator[tuple[str, ...]]:
    """One quantity's rows, the fastest first."""
    times = found["telling"]
    for name in sorted(times, key=lambda name: median(times[name])):
        own = median(cost(found, name))
        others = (_over(times, name, engine) for engine in engines)
        yield QUANTITIES[key].title, name, number(median(times[name])), f"{own:.2f}", *others


def _over(times: Mapping[str, Any], name: str, engine: str) -> str:
    if engine not in times or name == engine:
        return ""
    return f"{median(ratios(times, name, engine)):.2f}"


def _left_out(results: Mapping[str, Any]) -> Iterator[str]:
    yield from (f"{name}: {why}" for name, why in results["left out"].items())
    for key, found in results["quantities"].items():
        for name, why in found["failed"].items():
            yield f"{QUANTITIES[key].title}, {name}: {why}"


def _told(most: float | None) -> str:
    return "" if most is None else f"{most:.2f}"
